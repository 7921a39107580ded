"""What a cycle has to go on: what the sources answered and what arrived, as samples by signal."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.decision.cycle import News
from shared.engine.records import Arrived
from shared.model.alert import Alert, AlertCondition
from shared.model.policy import Policy
from shared.model.policy_outside_signals import EventSignal
from shared.model.policy_signals import AlertSignal, PushedSignal
from shared.model.signal import Sample, measured
from shared.ports import Collected


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What the sources answered for one workload, and when they were asked; `None` when nobody asked."""

    collected: Sequence[Collected] = ()
    asked_at: datetime | None = None


def news_of(policy: Policy, answers: Answers, arrived: Iterable[Arrived]) -> News:
    """Return the samples by signal, and which signals were asked."""
    samples: dict[str, list[Sample]] = defaultdict(list)
    for one in answers.collected:
        samples[one.name] += one.samples
    for item in arrived:
        for name, signal in policy.signals.items():
            if isinstance(signal, PushedSignal):
                samples[name] += item.samples.get(signal.pushed, ())
            elif isinstance(signal, EventSignal):
                samples[name] += (event.sample for event in item.events if event.is_for(signal))
            elif isinstance(signal, AlertSignal) and item.alert is not None:
                samples[name] += _alert_samples(signal, item.alert)
    build_seen = next((one.build_seen for one in answers.collected if one.build_seen), "")
    return News(
        samples={name: tuple(found) for name, found in samples.items()},
        asked=tuple(sorted({one.name for one in answers.collected})),
        asked_at=answers.asked_at,
        build_seen=build_seen,
    )


def _alert_samples(signal: AlertSignal, alert: Alert) -> Iterable[Sample]:
    if alert.rule.casefold() != signal.alert.casefold():
        return
    fired = alert.condition is AlertCondition.FIRED
    at = alert.fired_at if fired else alert.resolved_at or alert.fired_at
    yield measured(at, 1.0 if fired else 0.0, sample_id=alert.identity)
