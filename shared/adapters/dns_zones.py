"""Record sets of public Azure DNS zones.

A record set is replaced as a whole and with its ETag, so that another's change is never lost: who was overtaken reads
again. A name that holds a CNAME holds nothing else (RFC 1034, 3.6.2), and between the delete of one kind and the making
of another the name would not exist, which resolvers remember: such a change is left to people.
https://learn.microsoft.com/azure/dns/dns-zones-records
"""

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from shared.adapters.azure_clients import NO_WAITING, ArmAccess, ArmClients
from shared.adapters.azure_errors import translated
from shared.adapters.dns_names import plain
from shared.adapters.evidence import picture
from shared.adapters.writes import Writes
from shared.errors import OutcomeUnknown, PermanentError, TransientError
from shared.model.policy import Policy
from shared.model.policy_roads import DnsRoad, Records
from shared.ports import Aim, Fence, RoadPicture

if TYPE_CHECKING:
    from azure.mgmt.dns import DnsManagementClient
    from azure.mgmt.dns.models import RecordSet

_APEX = "@"
_OVERTAKEN = 412
# What steers IPv6 beside a record set of addresses of IPv4.
_BESIDE = "AAAA"
# The kinds whose record sets keep one of a kind from being made.
_RIVALS = {"CNAME": ("A", "AAAA", "CAA", "MX", "PTR", "SRV", "TXT"), "A": ("CNAME",)}


def dns_client() -> "type[DnsManagementClient]":
    """Import the SDK of Azure DNS."""
    from azure.mgmt.dns import DnsManagementClient

    return DnsManagementClient


@dataclass(frozen=True, slots=True)
class _Standing:
    """A name of the zone: what is wanted of it, its record set of that kind, and the kinds that are in its way."""

    name: str
    kind: str
    values: frozenset[str]
    ttl_s: int
    found: "RecordSet | None"
    rivals: tuple[str, ...] = ()
    beside: bool = False

    @property
    def is_as_wanted(self) -> bool:
        found = self.found
        if found is None or found.ttl != self.ttl_s or _is_alias(found):
            return False
        return _values(found) == self.values

    def limitation(self, zone: str) -> str | None:
        """Return why the record set cannot be made; `None` means that it can."""
        if self.name == _APEX and self.kind == "CNAME":
            return f"the zone {zone} itself cannot be a CNAME: Azure DNS takes addresses there"
        if self.rivals:
            kinds = " and ".join(self.rivals)
            return f"{self.name} in zone {zone} holds {kinds} records: delete them before it can be {self.kind}"
        if self.beside:
            return f"{self.name} in zone {zone} holds {_BESIDE} records, too, which keep clients of IPv6 where they are"
        return None


class DnsZoneRouting:
    """Fulfils `ports.Routing[DnsRoad]`."""

    def __init__(self, arm: ArmAccess) -> None:
        self._clients = ArmClients(arm, dns_client)

    def look(self, policy: Policy, road: DnsRoad, aim: Aim) -> RoadPicture:
        standings = self._read(road)
        return picture(
            established=all(each.is_as_wanted for each in standings),
            why_not=_limitation(road, standings),
            shown={each.name: _shown(each) for each in standings},
        )

    def establish(self, policy: Policy, road: DnsRoad, aim: Aim, fence: Fence) -> None:
        """Read no more than what the ETags are for: the fence does not wait for long, and all else is a look's.

        What a look did not see in the way, Azure refuses, as it does when the zone is gone.
        """
        standings = self._wanted(road)
        if limitation := _limitation(road, standings):
            raise PermanentError(limitation)
        writes = Writes(fence)
        for standing in standings:
            if not standing.is_as_wanted:
                writes.carry_out(f"{standing.kind} record set {standing.name}", partial(self._write, road, standing))

    def _read(self, road: DnsRoad) -> list[_Standing]:
        standings = [self._with_neighbours(road, each) for each in self._wanted(road)]
        if any(each.found is None for each in standings):
            self._read_zone(road)
        return standings

    def _wanted(self, road: DnsRoad) -> list[_Standing]:
        """Return every name with its record set of the kind that is wanted, and nothing of the other kinds."""
        return [self._standing(road, name, wanted) for name, wanted in road.records.items()]

    def _read_zone(self, road: DnsRoad) -> None:
        """Tell a record set that is not there from a zone that is not: Azure answers 404 to both."""
        group, zone = _names(road)
        with translated(f"reading DNS zone {zone}"):
            self._clients.of(road.dns).zones.get(group, zone, **NO_WAITING)

    def _standing(self, road: DnsRoad, name: str, wanted: Records) -> _Standing:
        kind = "CNAME" if wanted.cname else "A"
        found = self._record_set(road, kind, name)
        return _Standing(name, kind, frozenset(map(plain, wanted.values)), int(road.ttl.total_seconds()), found)

    def _with_neighbours(self, road: DnsRoad, standing: _Standing) -> _Standing:
        kind, name = standing.kind, standing.name
        rivals = () if standing.found else tuple(each for each in _RIVALS[kind] if self._record_set(road, each, name))
        beside = kind == "A" and self._record_set(road, _BESIDE, name) is not None
        return replace(standing, rivals=rivals, beside=beside)

    def _record_set(self, road: DnsRoad, kind: str, name: str) -> "RecordSet | None":
        from azure.core.exceptions import ResourceNotFoundError

        group, zone = _names(road)
        what = f"reading {kind} record set {name} of DNS zone {zone}"
        with translated(what):
            try:
                found = self._clients.of(road.dns).record_sets.get(group, zone, name, kind, **NO_WAITING)
            except ResourceNotFoundError:
                return None
            if not found.etag:
                raise OutcomeUnknown(f"{what}: the answer names no record set")
            return found

    def _write(self, road: DnsRoad, standing: _Standing) -> None:
        from azure.core.exceptions import HttpResponseError

        group, zone = _names(road)
        what = f"setting {standing.kind} record set {standing.name} of DNS zone {zone}"
        with translated(what):
            try:
                self._clients.of(road.dns).record_sets.create_or_update(
                    group,
                    zone,
                    standing.name,
                    standing.kind,
                    _record_set(standing),
                    if_match=standing.found.etag if standing.found else None,
                    if_none_match=None if standing.found else "*",
                    **NO_WAITING,
                )
            except HttpResponseError as error:
                if error.status_code != _OVERTAKEN:
                    raise
                raise TransientError(f"{what}: somebody else wrote it meanwhile") from None


def _limitation(road: DnsRoad, standings: list[_Standing]) -> str | None:
    return next((why_not for each in standings if (why_not := each.limitation(road.zone))), None)


def _record_set(standing: _Standing) -> "RecordSet":
    """Return the whole record set as it is wanted; notes that people attached to it stay."""
    from azure.mgmt.dns.models import ARecord, CnameRecord, RecordSet

    metadata = standing.found.metadata if standing.found else None
    values = sorted(standing.values)
    if standing.kind == "CNAME":
        return RecordSet(ttl=standing.ttl_s, metadata=metadata, cname_record=CnameRecord(cname=values[0]))
    addresses = [ARecord(ipv4_address=address) for address in values]
    return RecordSet(ttl=standing.ttl_s, metadata=metadata, a_records=addresses)


def _values(found: "RecordSet") -> frozenset[str]:
    cname = [found.cname_record.cname] if found.cname_record else []
    addresses = [record.ipv4_address for record in found.a_records or ()]
    return frozenset(plain(value or "") for value in (*cname, *addresses))


def _is_alias(found: "RecordSet") -> bool:
    """Tell a record set that follows an Azure resource instead of holding values."""
    return found.target_resource is not None and bool(found.target_resource.id)


def _shown(standing: _Standing) -> dict[str, Any]:
    found = standing.found
    if found is None:
        return {"kind": standing.kind, "values": [], "rivals": list(standing.rivals)}
    return {"kind": standing.kind, "values": sorted(_values(found)), "ttl": found.ttl, "alias": _is_alias(found)}


def _names(road: DnsRoad) -> tuple[str, str]:
    """Return the resource group and the name in the zone's ARM id."""
    parts = road.dns.split("/")
    return parts[4], parts[8]
