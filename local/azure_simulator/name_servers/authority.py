"""The name servers of the zones and profiles, and of everything outside: one hop of a name's way at a time.

A name that Traffic Manager answers leads to one endpoint, chosen anew for every question. A profile that is switched
off does not exist; one without an enabled endpoint has no data.
https://learn.microsoft.com/azure/traffic-manager/traffic-manager-how-it-works
"""

import time
from dataclasses import dataclass
from ipaddress import IPv4Address

from local.azure_simulator.dns_zones.config import APEX
from local.azure_simulator.dns_zones.record_sets import Zone
from local.azure_simulator.name_servers.publications import Publication
from local.azure_simulator.simulation import Simulation
from local.azure_simulator.traffic_manager.config import DOMAIN, Switch
from local.azure_simulator.traffic_manager.profiles import Profile, pick


@dataclass(frozen=True, slots=True)
class Hop:
    """What a name leads to: another name, addresses, or neither; `exists` False is NXDOMAIN."""

    ttl_s: int
    cname: str = ""
    addresses: tuple[str, ...] = ()
    exists: bool = True
    is_ours: bool = True


class Authority:
    """Knows of a change `dns_propagation_s`, and `dns_stagger_s` times its number, after it."""

    def __init__(self, simulation: Simulation, number: int) -> None:
        self._simulation = simulation
        self._number = number
        self._config = simulation.config.name_servers

    def hop(self, name: str) -> Hop:
        timings = self._simulation.timings
        at_s = time.time() - timings.dns_propagation_s - self._number * timings.dns_stagger_s
        known = self._simulation.publications.as_of(at_s)
        if name == DOMAIN or name.endswith(f".{DOMAIN}"):
            return self._of_profile(known, known.profiles.get(name), at_s)
        zone = max((zone for zone in known.zones.values() if _is_in(name, zone)), key=_length, default=None)
        return self._in_zone(zone, name) if zone else self._outside(name)

    def _of_profile(self, known: Publication, profile: Profile | None, at_s: float) -> Hop:
        if profile is None or profile.status is Switch.DISABLED:
            return Hop(self._config.negative_ttl_s, exists=False)
        shares = profile.shares(at_s, self._simulation.timings.first_probe_s)
        if not shares:
            return Hop(self._config.negative_ttl_s)
        target = pick(shares, self._simulation.random)
        if nested := known.profiles.get(target.casefold()):
            return self._of_profile(known, nested, at_s)
        return Hop(profile.ttl_s, addresses=(target,)) if _is_address(target) else Hop(profile.ttl_s, cname=target)

    def _in_zone(self, zone: Zone, name: str) -> Hop:
        relative = name.removesuffix(zone.name.casefold()).rstrip(".") or APEX
        for candidate in (relative, *_wildcards(relative)):
            if found := zone.named(candidate):
                leading = next((each for each in found if each.cname or each.addresses), found[0])
                return Hop(leading.ttl_s, leading.cname, leading.addresses)
        return Hop(self._config.negative_ttl_s, exists=relative == APEX)

    def _outside(self, name: str) -> Hop:
        address = self._config.hosts.get(name, self._config.elsewhere)
        return Hop(self._config.outside_ttl_s, addresses=(str(address),), is_ours=False)


def _wildcards(relative: str) -> list[str]:
    """Return the wildcards that stand for a name without record sets of its own (RFC 4592), the closest first."""
    labels = relative.split(".")
    return [".".join(("*", *labels[place:])) for place in range(1, len(labels) + 1)] if relative != APEX else []


def _is_in(name: str, zone: Zone) -> bool:
    return name == zone.name.casefold() or name.endswith(f".{zone.name.casefold()}")


def _length(zone: Zone) -> int:
    return len(zone.name)


def _is_address(target: str) -> bool:
    try:
        IPv4Address(target)
    except ValueError:
        return False
    return True
