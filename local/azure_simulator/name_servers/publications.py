"""What was true of all zones and profiles, and since when: a name server tells what was true some time ago."""

import copy
import time
from collections import deque
from dataclasses import dataclass

from local.azure_simulator.dns_zones.record_sets import Zone
from local.azure_simulator.traffic_manager.profiles import Profile

_KEPT = 1000


@dataclass(frozen=True, slots=True)
class Publication:
    """Profiles are by their DNS name, zones by theirs, both in lower case."""

    since_s: float
    zones: dict[str, Zone]
    profiles: dict[str, Profile]


class Publications:
    """Memory is bounded: what is older than the oldest one kept is told as that one."""

    def __init__(self, zones: dict[str, Zone], profiles: dict[str, Profile]) -> None:
        self._zones = zones
        self._profiles = profiles
        self._made: deque[Publication] = deque([self._now(0.0)], maxlen=_KEPT)

    def publish(self) -> None:
        """Keep what is true from now on. Call it after every change."""
        self._made.append(self._now(time.time()))

    def rewrite(self) -> None:
        """Have every name server know at once what is true now, as if it had always been so."""
        self._made.clear()
        self._made.append(self._now(0.0))

    def as_of(self, at_s: float) -> Publication:
        return next((each for each in reversed(self._made) if each.since_s <= at_s), self._made[0])

    def _now(self, since_s: float) -> Publication:
        profiles = {profile.fqdn: copy.deepcopy(profile) for profile in self._profiles.values()}
        return Publication(since_s, copy.deepcopy(self._zones), profiles)
