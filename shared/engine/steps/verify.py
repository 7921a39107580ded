"""Seen from outside: what people are served, before and after the effect (law 9: done means seen from outside)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from shared.engine.steps.step import Done, Look, Stop, Wait
from shared.model.policy import Policy, Verification
from shared.model.quantity import say_span
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
        seen = _look(self.prober, policy, fresh_clients=wanted.fresh_clients)
        sightings = [sighting for sighting in seen if not _too_young(sighting, run, now)]
        asked = sorted({sighting.client.value for sighting in sightings})
        seeing = [client for client in asked if all(_good(s, run) for s in sightings if s.client.value == client)]
        looks = record.evidence.get("good_looks", 0) + 1 if seeing == asked else 0
        evidence = {"good_looks": looks, "seeing_known_good": seeing, "clients": _by_client(seen)}
        if looks >= wanted.looks:
            older = "" if Client.KEPT_ALIVE in asked else "; no connection from before the change was open here"
            note = f"{', '.join(seeing)} clients see {run.known_good} in {looks} looks in a row{older}"
            return Done(note=note, evidence=evidence)
        if now - (record.started_at or now) >= wanted.give_up_after:
            return _given_up(run, seeing, asked, evidence, wanted)
        note = f"{len(seeing)} of {len(asked)} kinds of client see {run.known_good}; good looks in a row: {looks}"
        return Wait(until=now + wanted.look_every, note=note, evidence=evidence)


def _too_young(sighting: Sighting, run: Rollback, now: datetime) -> bool:
    """A kept-alive connection that was opened after the effect proves no more than a fresh one."""
    acted_at = max((step.acted_at for step in run.steps if step.acted_at), default=run.created_at)
    return sighting.client is Client.KEPT_ALIVE and sighting.connection_age_s < (now - acted_at) / timedelta(seconds=1)


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


def _given_up(
    run: Rollback, seeing: Sequence[str], asked: Sequence[str], evidence: Mapping[str, Any], wanted: Verification
) -> Stop:
    waited = say_span(wanted.give_up_after)
    if not seeing:
        note = f"after {waited} no kind of client sees {run.known_good}"
        return Stop(status=RunStatus.FAILED, note=note, evidence=evidence)
    missing = [client for client in asked if client not in seeing]
    others = f"{', '.join(missing)} clients do not" if missing else f"but not in {wanted.looks} looks in a row"
    note = f"after {waited} {', '.join(seeing)} clients see {run.known_good}, {others}"
    return Stop(status=RunStatus.PARTIAL, note=note, evidence=evidence)
