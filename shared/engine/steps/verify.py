"""Seen from outside: what people are served, before and after the effect (law 9: done means seen from outside)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from shared.engine.steps.step import Done, Look, Stop, Wait
from shared.model.policy import Policy, Verification
from shared.model.rollback import Rollback, RunStatus, StepRecord
from shared.ports import Client, Prober, Sighting


@dataclass(frozen=True, slots=True)
class LookBefore:
    """Records what is served before anything is done, and opens the connection that is looked through afterwards."""

    prober: Prober

    def observe(self, policy: Policy, run: Rollback, record: StepRecord, now: datetime) -> Look:
        sightings = _look(self.prober, policy, fresh_clients=1)
        builds = sorted({sighting.build or "no build named" for sighting in sightings if sighting.answered})
        note = f"outside sees {', '.join(builds)}" if builds else "nothing answers outside"
        return Done(note=note, evidence={"clients": _by_client(sightings)})


@dataclass(frozen=True, slots=True)
class VerifyOutside:
    """Desired state: every kind of client is served the known-good build, in several looks in a row."""

    prober: Prober

    def observe(self, policy: Policy, run: Rollback, record: StepRecord, now: datetime) -> Look:
        wanted = policy.levels.traffic.verify
        sightings = _look(self.prober, policy, fresh_clients=wanted.fresh_clients)
        seeing = sorted({s.client.value for s in sightings} - {s.client.value for s in sightings if not _good(s, run)})
        all_good = len(seeing) == len(Client)
        looks = record.evidence.get("good_looks", 0) + 1 if all_good else 0
        evidence = {"good_looks": looks, "seeing_known_good": seeing, "clients": _by_client(sightings)}
        if looks >= wanted.looks:
            note = f"{', '.join(seeing)} clients see {run.known_good} in {looks} looks in a row"
            return Done(note=note, evidence=evidence)
        if now - (record.started_at or now) >= wanted.give_up_after:
            return _given_up(run, seeing, evidence, wanted)
        note = f"{len(seeing)} of {len(Client)} kinds of client see {run.known_good}; good looks in a row: {looks}"
        return Wait(until=now + wanted.look_every, note=note, evidence=evidence)


def _look(prober: Prober, policy: Policy, *, fresh_clients: int) -> list[Sighting]:
    wanted = policy.levels.traffic.verify
    counts = {Client.KEPT_ALIVE: 1, Client.PINNED: 1, Client.FRESH: fresh_clients}
    return [
        sighting
        for client, count in counts.items()
        for sighting in prober.look(policy.site, wanted.path, client, count, timeout=wanted.timeout)
    ]


def _good(sighting: Sighting, run: Rollback) -> bool:
    return sighting.served and sighting.build == run.known_good


def _by_client(sightings: Sequence[Sighting]) -> Mapping[str, Any]:
    return {
        client.value: [
            {
                "status": sighting.status,
                "build": sighting.build,
                "latency_ms": round(sighting.latency_ms, 1),
                "connection_age_s": round(sighting.connection_age_s, 1),
                "note": sighting.note,
            }
            for sighting in sightings
            if sighting.client is client
        ]
        for client in Client
    }


def _given_up(run: Rollback, seeing: Sequence[str], evidence: Mapping[str, Any], wanted: Verification) -> Stop:
    seconds = wanted.give_up_after / timedelta(seconds=1)
    if not seeing:
        note = f"after {seconds:.0f} s no kind of client sees {run.known_good}"
        return Stop(status=RunStatus.FAILED, note=note, evidence=evidence)
    missing = ", ".join(client.value for client in Client if client.value not in seeing)
    note = f"after {seconds:.0f} s {', '.join(seeing)} clients see {run.known_good}, {missing} clients do not"
    return Stop(status=RunStatus.PARTIAL, note=note, evidence=evidence)
