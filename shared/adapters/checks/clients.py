"""What one kind of client is served: every request of a look must be answered by the known-good build.

A cache tells what was served before: as for samples (`probe_source.py`), its answers say nothing.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from shared.adapters.evidence import cut, result
from shared.clock import Clock, utc_now
from shared.model.policy import Policy
from shared.model.policy_verify import Client, ClientCheck
from shared.ports import PRODUCTION, CheckResult, Expected, Prober, Sighting

_LONGEST_BUILD = 80


@dataclass(frozen=True, slots=True)
class ClientChecker:
    """Fulfils `ports.Checker[ClientCheck]`."""

    prober: Prober
    clock: Clock = utc_now

    def check(self, policy: Policy, check: ClientCheck, expected: Expected) -> CheckResult:
        sightings = self.prober.look(
            policy, check.path, check.client, check.requests, timeout=check.timeout, at=check.at, slot=check.slot
        )
        # Only a connection that is older than the change shows what those see who were there before it.
        young_s = (self.clock() - expected.since) / timedelta(seconds=1)
        timely = [s for s in sightings if s.client is not Client.KEPT_ALIVE or s.connection_age_s >= young_s]
        passed, note = _judged(sightings, timely, check, expected.known_good)
        bad = [s for s in timely if s.status is not None and not s.cached and not _good(s, expected.known_good)]
        return result(
            passed=passed,
            note=note,
            evidence={"requests": [_shown(s) for s in sightings]},
            unanswered=passed is False and not bad,
        )


def _judged(
    sightings: Sequence[Sighting], timely: Sequence[Sighting], check: ClientCheck, known_good: str
) -> tuple[bool | None, str]:
    who = _WHO[check.client].format(slot="production" if check.slot == PRODUCTION else check.slot)
    if not any(sighting.answered for sighting in sightings):
        return False, f"{who} reached nothing: {sightings[0].note}"
    if not timely:
        return None, "no connection from before the change was open here"
    counted = [sighting for sighting in timely if not sighting.cached]
    if not counted:
        return None, f"{who} were answered by a cache alone, which says nothing"
    if all(_good(sighting, known_good) for sighting in counted):
        return True, f"{who} see {known_good}"
    seen = Counter(map(_said, counted))
    return False, f"{who} see {', '.join(f'{what} ({times})' for what, times in seen.items())}; expected {known_good}"


def _good(sighting: Sighting, known_good: str) -> bool:
    return sighting.served and sighting.build == known_good


_WHO = {
    Client.FRESH: "fresh clients",
    Client.PINNED: "clients pinned to {slot}",
    Client.KEPT_ALIVE: "kept-alive clients",
}


def _said(sighting: Sighting) -> str:
    if sighting.status is None:
        return sighting.note
    build = cut(sighting.build, _LONGEST_BUILD) or "no build that is named"
    return build if sighting.served else f"{sighting.status} of {build}"


def _shown(sighting: Sighting) -> Mapping[str, Any]:
    return {
        "status": sighting.status,
        "build": cut(sighting.build, _LONGEST_BUILD),
        "latency_ms": round(sighting.latency_ms, 1),
        "connection_age_s": round(sighting.connection_age_s, 1),
        "cached": sighting.cached,
        "note": sighting.note,
    }
