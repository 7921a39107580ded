"""What comes in from outside: samples, alerts, changes and builds that are known to be good.

Everything that is accepted is a row before it is answered. Nothing here decides: the watch does, at its next cycle.
"""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256

from shared.clock import Clock
from shared.engine.commit import commit_and_ring
from shared.engine.records import ALERT, CHANGE, INBOX, KNOWN_GOOD, QUARANTINE, Arrived, announce, decode, encode
from shared.errors import ControllerError, InvalidInput, LostRace, Refused
from shared.model.alert import Alert
from shared.model.change import Change, ChangeStatus, KnownGood
from shared.model.event import Event, EventKind
from shared.model.policy import UNCLAIMED, Policy, policy_of
from shared.model.policy_signals import AlertSignal, PushedSignal
from shared.model.quarantine import Quarantine
from shared.model.signal import Outcome, Sample
from shared.ports import Doorbell, Insert, Ledger, Put, Replace, Write

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

    def samples(self, workload: str, pushed: Mapping[str, tuple[Sample, ...]]) -> str:
        """Take in samples by the name they are pushed under, values in the unit of their signal.

        Raises:
            NotFound: no such workload.
            InvalidInput: a name that no signal has, a value off its scale, or a time in the future.
            TransientError: not stored; send again.
        """
        policy = self._policy(workload)
        converted = {name: self._converted(policy, name, samples) for name, samples in pushed.items()}
        body = encode(Arrived(converted))
        key = f"{INBOX}{sha256(body.encode()).hexdigest()[:32]}"
        self.ledger.commit(workload, [Put(key, body)])
        count = sum(len(samples) for samples in pushed.values())
        return f"{count} samples of {workload} taken in"

    def _converted(self, policy: Policy, name: str, samples: Iterable[Sample]) -> tuple[Sample, ...]:
        signal = next((s for s in policy.signals.values() if isinstance(s, PushedSignal) and s.pushed == name), None)
        if signal is None:
            known = (
                ", ".join(sorted(s.pushed for s in policy.signals.values() if isinstance(s, PushedSignal))) or "none"
            )
            raise InvalidInput(
                f"{policy.workload} has no pushed signal {name!r}; expected one of: {known}", where="signal"
            )
        return tuple(self._checked(signal, name, sample) for sample in samples)

    def _checked(self, signal: PushedSignal, name: str, sample: Sample) -> Sample:
        if sample.at < self.clock() - _OLDEST:
            what = f"{sample.at.isoformat()} of {name} is too long ago; expected a time of the last 7 days"
            raise InvalidInput(what, where="at")
        if sample.at > self.clock() + _CLOCK_SKEW:
            raise InvalidInput(
                f"{sample.at.isoformat()} of {name} lies in the future; expected the time measured", where="at"
            )
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
            sentence=f"alert {alert.rule} {alert.condition}: {alert.essence}",
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
        """Record the build to go back to.

        Args:
            override: A build in quarantine that is known to be good after all.

        Raises:
            NotFound: no such workload.
            Refused: the build is in quarantine, and nobody says by name that it is good after all.
            TransientError: not stored.
        """
        policy = self._policy(workload)
        recorded = KnownGood(build=build, recorded_at=self.clock(), recorded_by=recorded_by)
        writes = [
            Put(KNOWN_GOOD, encode(recorded)),
            *self._lifting(policy, build, override, recorded_by),
            *self._completing(workload, build),
        ]
        commit_and_ring(self.ledger, self.doorbell, workload, writes)
        return recorded

    def _completing(self, workload: str, build: str) -> list[Write]:
        """A change whose build is known to be good has come to its end."""
        row = self.ledger.read(workload, CHANGE)
        change = decode(Change, row.body) if row else None
        if row is None or change is None or not change.in_progress or change.build != build:
            return []
        completed = replace(change, status=ChangeStatus.COMPLETED, sentence=f"build {build} is known to be good")
        return [Replace(CHANGE, encode(completed), row.version)]

    def change(
        self, workload: str, kind: str, build: str, known_good: str | None = None, override: str | None = None
    ) -> Change:
        """Record that a change begins, and with it the build to go back to if one is given.

        Args:
            override: A build in quarantine to which somebody goes forward on purpose.

        Raises:
            NotFound: no such workload.
            Refused: the new build is the known-good one, or it is in quarantine.
            TransientError: not stored.
        """
        policy = self._policy(workload)
        now = self.clock()
        if known_good == build:
            raise Refused(f"build {build} cannot be the change and the known good at once")
        change = Change(id=f"{workload}.change.{now:%Y%m%dT%H%M%S%f}", kind=kind, build=build, started_at=now)
        event = Event(
            workload=workload,
            kind=EventKind.CHANGE_STARTED,
            at=now,
            sentence=f"{kind} of build {build} started" + (f"; known good is {known_good}" if known_good else ""),
            about=change.id,
        )
        writes: list[Write] = [
            Put(CHANGE, encode(change)),
            *announce(event, policy.notify),
            *self._lifting(policy, build, override, change.id),
        ]
        if known_good:
            self._refuse_quarantined(workload, known_good)
            writes.append(Put(KNOWN_GOOD, encode(KnownGood(build=known_good, recorded_at=now, recorded_by=change.id))))
        commit_and_ring(self.ledger, self.doorbell, workload, writes)
        return change

    def _refuse_quarantined(self, workload: str, known_good: str) -> None:
        """Said now, not when a rollback is due: after one, the build before is often the one that was taken back."""
        row = self.ledger.read(workload, QUARANTINE)
        why = decode(Quarantine, row.body).builds.get(known_good) if row else None
        if why is not None:
            raise Refused(f"build {known_good} cannot be the known good: it is {why}; name the build that is good")

    def _lifting(self, policy: Policy, build: str, override: str | None, by: str) -> list[Write]:
        """Return the writes that lift a build's quarantine, if it is in one and named."""
        row = self.ledger.read(policy.workload, QUARANTINE)
        quarantine = decode(Quarantine, row.body) if row else Quarantine()
        why = quarantine.builds.get(build)
        if row is None or why is None:
            return []
        if override != build:
            raise Refused(f"build {build} is {why}; to go on with it all the same, name it in `override`")
        sentence = f"the quarantine of build {build} was lifted by {by}; it was {why}"
        event = Event(
            workload=policy.workload, kind=EventKind.QUARANTINE_LIFTED, at=self.clock(), sentence=sentence, about=build
        )
        return [Replace(QUARANTINE, encode(quarantine.without(build)), row.version), *announce(event, policy.notify)]

    def _policy(self, workload: str) -> Policy:
        return policy_of(self.policies(), workload)


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
    watched = {s.alert.casefold() for s in policy.signals.values() if isinstance(s, AlertSignal)}
    return not names_sites and alert.rule.casefold() in watched
