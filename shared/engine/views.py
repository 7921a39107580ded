"""What people and programs may read: workloads, rollbacks and the app's own health, as JSON-ready values."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from shared.clock import Clock
from shared.decision.delays import learned_delay
from shared.engine.fleet import paused
from shared.engine.records import EVENT, UNDELIVERED, WOULD, Snapshot, decode, load_run, snapshot
from shared.errors import ControllerError, NotFound
from shared.model.event import Event
from shared.model.policy import Policy, policy_of
from shared.model.policy_signal_base import SignalBase
from shared.model.quantity import say_span
from shared.model.run import StepRecord, WouldHave, workload_of
from shared.model.trigger import TriggerReading, Verdict
from shared.model.watch import NEVER
from shared.ports import Ledger

Json = dict[str, Any]
_MOST_EVENTS = 100
_MOST_NOTES = 20
_MOST_SEARCHED = 1000  # the most that one request to the storage answers
_SLOW = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Views:
    """Reads records and shows them."""

    ledger: Ledger
    policies: Callable[[], Mapping[str, Policy]]
    clock: Clock

    def workloads(self) -> Json:
        """Every workload with its verdict and last sentence, and the pause that holds for all of them."""
        return {
            "paused": paused(self.ledger),
            "workloads": [_short(name, snapshot(self.ledger, name)) for name in self.policies()],
        }

    def workload(self, name: str) -> Json:
        """One workload: verdict, triggers with their clocks, change, known good, last sentence, recent history.

        Raises:
            NotFound: no such workload.
        """
        policy = policy_of(self.policies(), name)
        found = snapshot(self.ledger, name)
        return _short(name, found) | {
            "description": policy.description,
            "action": found.watch.action,
            "limitation": found.watch.limitation,
            "production_build": found.watch.production_build,
            "known_good": found.known_good,
            "change": found.change,
            "last_rollback": found.last if found.last and found.last.id else None,
            "quarantine": found.quarantine.builds,
            "would_have": self._would_have(name),
            "triggers": [_trigger(reading, policy) for reading in found.watch.readings],
            "signals": {signal: _newest(found, signal) for signal in policy.signals},
            "delays": {name: _delay(found, name, signal) for name, signal in policy.signals.items()},
            "deliveries_pending": len(found.outbox),
            "deliveries_given_up": len(self.ledger.scan(name, UNDELIVERED)),
            "events": self._events(name, _MOST_EVENTS),
        }

    def rollback(self, rollback_id: str) -> Json:
        """One rollback: its steps, timings and evidence.

        Raises:
            NotFound: no such rollback.
        """
        workload = workload_of(rollback_id)
        # Also without a policy: one that was refused must not hide what is under way.
        loaded = load_run(self.ledger, workload, rollback_id) if workload else None
        if workload is None or loaded is None:
            raise NotFound(f"there is no rollback {rollback_id[:80]!r} here")
        run = loaded[0]
        events = self._events(workload, _MOST_SEARCHED)
        return {
            "id": run.id,
            "kind": run.kind,
            "workload": run.workload,
            "level": run.level,
            "strategy": run.strategy,
            "promoted": run.promoted,
            "rehearses": run.rehearses,
            "status": run.status,
            "cause": run.cause,
            "trigger": run.trigger,
            "requested_by": run.requested_by,
            "known_good": run.known_good,
            "created_at": run.created_at,
            "ended_at": run.ended_at,
            "took_s": _seconds(run.created_at, run.ended_at),
            "outcome": run.outcome,
            "steps": [_step(step) for step in run.steps],
            "events": [event for event in reversed(events) if event.about == run.id],
        }

    def _would_have(self, workload: str) -> list[WouldHave]:
        """What observe-only mode left undone, newest first."""
        return [decode(WouldHave, row.body) for row in self.ledger.scan(workload, WOULD, limit=_MOST_NOTES)]

    def _events(self, workload: str, limit: int) -> list[Event]:
        """The newest events of a workload, newest first."""
        return [decode(Event, row.body) for row in self.ledger.scan(workload, EVENT, limit=limit)]

    def health(self, problems: Sequence[str], stale_after: timedelta) -> tuple[bool, Json]:
        """Whether the app can do its work: storage answers, the watch runs, every workload sees something.

        Args:
            problems: What is wrong already before anything is read, such as refused policies.
            stale_after: The watch is late when no cycle ended for this long.
        """
        now = self.clock()
        found: dict[str, Snapshot] = {}
        unread: list[str] = []
        for name in self.policies():
            try:
                found[name] = snapshot(self.ledger, name)
            except ControllerError as error:
                unread.append(f"{name}: {error}")
        checks = [
            _check("policies", list(problems), f"policies in use: {len(self.policies())}"),
            _check("storage", unread, "answers"),
            _check("watch", _late(found, now, stale_after), "every workload was watched lately"),
            _check("sources", _unseen(found), "no workload is blind"),
            _check("fleet", self._paused(), "automatic rollbacks may start"),
            _check("deliveries", _untold(found, now), "people were told of everything"),
        ]
        fit = all(check["ok"] for check in checks)
        return fit, {"status": "fit" if fit else "not fit", "at": now, "checks": checks}

    def _paused(self) -> list[str]:
        try:
            pause = paused(self.ledger)
        except ControllerError as error:
            return [f"nobody knows whether it is paused: {error}"]
        return [f"no automatic rollback starts: {pause}"] if pause else []


def _short(name: str, found: Snapshot) -> Json:
    watch = found.watch
    return {
        "name": name,
        "verdict": watch.verdict,
        "sentence": watch.sentence,
        "since": watch.since,
        "cycled_at": watch.cycled_at,
        "active_rollback": found.active_id,
    }


def _check(name: str, problems: list[str], fine: str) -> Json:
    return {"name": name, "ok": not problems, "says": "; ".join(problems) or fine}


def _late(found: Mapping[str, Snapshot], now: datetime, stale_after: timedelta) -> list[str]:
    """Workloads whose sources were not asked lately; evaluating alone does not count."""
    return [
        f"{name}: never watched yet" if one.watch.watched_at == NEVER else f"{name}: last watched {say_span(age)} ago"
        for name, one in found.items()
        if (age := now - one.watch.watched_at) > stale_after
    ]


def _unseen(found: Mapping[str, Snapshot]) -> list[str]:
    return [f"{name}: {one.watch.sentence}" for name, one in found.items() if one.watch.verdict is Verdict.BLIND]


def _untold(found: Mapping[str, Snapshot], now: datetime) -> list[str]:
    oldest = {name: min((out.event.at for out in one.outbox.values()), default=now) for name, one in found.items()}
    return [
        f"{name}: people have not been told since {at:%H:%M:%S} UTC" for name, at in oldest.items() if now - at > _SLOW
    ]


def _trigger(reading: TriggerReading, policy: Policy) -> Json:
    rule = next((rule for rule in policy.rules if rule.name == reading.name), None)
    return {
        "name": reading.name,
        "tier": reading.tier,
        "state": reading.state,
        "verdict": reading.verdict,
        "sentence": reading.sentence,
        "since": reading.since,
        "held_s": reading.held.total_seconds(),
        "hold_for_s": rule.hold_for.total_seconds() if rule else None,
        "value": reading.value,
        "threshold": reading.limit,
        "count": reading.count,
    }


def _delay(found: Snapshot, name: str, signal: SignalBase) -> Json:
    """How far a source lags: what the policy says, and what was learned from what arrived."""
    arrivals = found.watch.arrivals.get(name)
    return {
        "declared_s": signal.delay.total_seconds(),
        "learned_s": learned_delay(arrivals).total_seconds(),
        "arrivals": len(arrivals.late_s) if arrivals else 0,
    }


def _newest(found: Snapshot, signal: str) -> Json | None:
    series = found.watch.series.get(signal, ())
    if not series:
        return None
    sample = series[-1]
    return {
        "at": sample.at,
        "outcome": sample.outcome,
        "value": sample.value,
        "count": sample.count,
        "note": sample.note,
    }


def _step(step: StepRecord) -> Json:
    return {
        "name": step.name,
        "component": step.component,
        "road": step.road,
        "phase": step.phase,
        "note": step.note,
        "acts": step.acts,
        "started_at": step.started_at,
        "intended_at": step.intended_at,
        "acted_at": step.acted_at,
        "ended_at": step.ended_at,
        "took_s": _seconds(step.started_at, step.ended_at),
        "before": step.before,
        "evidence": step.evidence,
    }


def _seconds(begun: datetime | None, ended: datetime | None) -> float | None:
    return round((ended - begun).total_seconds(), 3) if begun and ended else None
