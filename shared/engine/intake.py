"""What comes in from outside: samples, events, alerts, changes and builds that are known to be good.

Everything that is accepted is a row before it is answered. Nothing here decides: the watch does, at its next cycle.
"""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256

from shared.clock import Clock
from shared.engine.change_control import ChangeControl
from shared.engine.commit import commit_and_ring
from shared.engine.records import ALERT, INBOX, Arrived, announce, encode
from shared.errors import ControllerError, InvalidInput, LostRace
from shared.model.alert import Alert
from shared.model.change import Change, KnownGood
from shared.model.command import Start
from shared.model.event import Event, EventKind
from shared.model.policy import UNCLAIMED, Policy, policy_of
from shared.model.policy_outside_signals import EventSignal
from shared.model.policy_signals import AlertSignal, PushedSignal
from shared.model.pushed_event import PushedEvent
from shared.model.signal import Outcome, Sample
from shared.ports import Doorbell, Insert, Ledger, Put, Write

log = logging.getLogger(__name__)

_CLOCK_SKEW = timedelta(minutes=5)
_OLDEST = timedelta(days=7)  # nothing older is kept


@dataclass(frozen=True, slots=True)
class Intake:
    """Takes in what others send."""

    ledger: Ledger
    doorbell: Doorbell
    policies: Callable[[], Mapping[str, Policy]]
    clock: Clock

    def samples(
        self, workload: str, pushed: Mapping[str, tuple[Sample, ...]], events: Sequence[PushedEvent] = ()
    ) -> str:
        """Take in samples by the name they are pushed under, values in the unit of their signal, and events.

        Raises:
            NotFound: no such workload.
            InvalidInput: a name that no signal has, a value off its scale, or a time in the future.
            TransientError: not stored; send again.
        """
        policy = self._policy(workload)
        converted = {name: self._converted(policy, name, samples) for name, samples in pushed.items()}
        for event in events:
            _demand_known(policy, event.name)
            self._demand_timely(event.name, event.at)
        body = encode(Arrived(converted, events=tuple(events)))
        key = f"{INBOX}{sha256(body.encode()).hexdigest()[:32]}"
        self.ledger.commit(workload, [Put(key, body)])
        count = sum(len(samples) for samples in pushed.values())
        counted = [f"{count} samples"] if count or not events else []
        counted += [f"{len(events)} events"] if events else []
        return f"{' and '.join(counted)} of {workload} taken in"

    def _converted(self, policy: Policy, name: str, samples: Iterable[Sample]) -> tuple[Sample, ...]:
        signal = next((s for s in policy.signals.values() if isinstance(s, PushedSignal) and s.pushed == name), None)
        if signal is None:
            known = sorted(s.pushed for s in policy.signals.values() if isinstance(s, PushedSignal))
            raise _unheard(policy, "pushed signal", name, known, where="signal")
        return tuple(self._checked(signal, name, sample) for sample in samples)

    def _demand_timely(self, name: str, at: datetime) -> None:
        if at < self.clock() - _OLDEST:
            what = f"{at.isoformat()} of {name} is too long ago; expected a time of the last 7 days"
            raise InvalidInput(what, where="at")
        if at > self.clock() + _CLOCK_SKEW:
            raise InvalidInput(f"{at.isoformat()} of {name} lies in the future; expected the time measured", where="at")

    def _checked(self, signal: PushedSignal, name: str, sample: Sample) -> Sample:
        self._demand_timely(name, sample.at)
        if sample.outcome is not Outcome.MEASURED or sample.value is None:
            return sample
        if signal.scale and not signal.scale[0] <= sample.value <= signal.scale[1]:
            low, high = signal.scale
            raise InvalidInput(
                f"{sample.value:g} of {name} is off its scale; expected {low:g} to {high:g}", where="value"
            )
        value = signal.measures.canonical(sample.value)
        return replace(sample, value=value)

    def alert(self, alert: Alert) -> str:
        """Take in an alert: a row for every workload that it concerns, once, and a ring for each.

        Returns:
            One sentence. An alert that concerns no workload is kept and named, and never executed.

        Raises:
            TransientError: not stored; Azure Monitor delivers again.
        """
        alert = _believable(alert, self.clock())
        concerned = [policy for policy in self.policies().values() if _concerns(policy, alert)]
        if not concerned:
            self.ledger.commit(UNCLAIMED, [Put(f"{ALERT}{alert.identity}", encode(alert))])
            return f"alert {alert.rule} concerns no workload here; it is kept and nothing is done"
        return "; ".join(self._alert_for(policy, alert) for policy in concerned)

    def _alert_for(self, policy: Policy, alert: Alert) -> str:
        event = Event(
            workload=policy.workload,
            kind=EventKind.ALERT,
            at=self.clock(),
            sentence=f"alert {alert.rule} {alert.condition}: {alert.essence}{_unknown(policy, alert)}",
            about=alert.rule,
            since=alert.fired_at,
        )
        writes: list[Write] = [
            Insert(f"{ALERT}{alert.identity}", encode(alert)),
            Put(f"{INBOX}{alert.identity[:32]}", encode(Arrived({}, alert))),
            *announce(event, policy.notify),
        ]
        try:
            commit_and_ring(self.ledger, self.doorbell, policy.workload, writes)
        except LostRace:
            return f"{policy.workload}: alert {alert.rule} was here before"
        self._ring_watch(policy.workload)
        return f"{policy.workload}: alert {alert.rule} {alert.condition} taken in"

    def _ring_watch(self, workload: str) -> None:
        try:
            self.doorbell.watch(workload)
        except ControllerError as error:
            log.warning("%s is watched at its next tick instead: %s", workload, error)

    def known_good(self, workload: str, build: str, recorded_by: str, override: str | None = None) -> KnownGood:
        """Record the build to go back to; see `ChangeControl.known_good`."""
        return self._changes.known_good(workload, build, recorded_by, override)

    def change(
        self,
        workload: str,
        kind: str,
        build: str,
        known_good: str | None = None,
        override: str | None = None,
        *,
        by: str = "a pipeline",
    ) -> Change:
        """Record that a change begins, and with it the build to go back to if one is given.

        Args:
            override: A build in quarantine to which somebody goes forward on purpose.
            by: Who says so.

        Raises:
            NotFound: no such workload.
            Refused: the new build is the known-good one, or one of both is in quarantine.
            TransientError: not stored.
        """
        start = Start.model_validate({"kind": kind, "build": build, "known_good": known_good, "override": override})
        return self._changes.obey(workload, start, by).change

    @property
    def _changes(self) -> ChangeControl:
        return ChangeControl(self.ledger, self.doorbell, self.policies, self.clock)

    def _policy(self, workload: str) -> Policy:
        return policy_of(self.policies(), workload)


def _demand_known(policy: Policy, event: str) -> None:
    known = sorted({signal.event for signal in policy.signals.values() if isinstance(signal, EventSignal)})
    if event not in known:
        raise _unheard(policy, "signal of the event", event, known, where="event")


def _unheard(policy: Policy, what: str, name: str, known: Sequence[str], *, where: str) -> InvalidInput:
    expected = ", ".join(known) or "none"
    return InvalidInput(f"{policy.workload} has no {what} {name!r}; expected one of: {expected}", where=where)


def _believable(alert: Alert, now: datetime) -> Alert:
    """An alert from the future would stay the newest word for as long; it counts from now."""
    latest = now + _CLOCK_SKEW
    if alert.resolved_at is not None and alert.resolved_at > latest:
        alert = replace(alert, resolved_at=now)
    if alert.fired_at <= latest:
        return alert
    return replace(alert, fired_at=now, occurrence=alert.occurrence or alert.fired_at.isoformat())


def _concerns(policy: Policy, alert: Alert) -> bool:
    """An alert concerns a workload by its target, or by its rule's name when it names no site at all."""
    site = policy.site.resource.casefold()
    if any(target == site or target.startswith(f"{site}/") for target in alert.targets):
        return True
    names_sites = any("/microsoft.web/sites/" in target for target in alert.targets)
    return not names_sites and _is_watched(policy, alert)


def _is_watched(policy: Policy, alert: Alert) -> bool:
    watched = {s.alert.casefold() for s in policy.signals.values() if isinstance(s, AlertSignal)}
    return alert.rule.casefold() in watched


def _unknown(policy: Policy, alert: Alert) -> str:
    """An alert on the site by a rule that no signal names is recorded, and nothing follows from it: that is said."""
    return "" if _is_watched(policy, alert) else "; no signal names this rule, so that nothing follows"
