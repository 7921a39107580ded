"""What is measured: triggers as a policy writes them, fired by the product's own code at every sample of a watch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from pydantic import TypeAdapter

from bench.detection.episodes import CHANGED_AT, ERRORS, Episode
from shared.decision.assess import Seen, reading_of
from shared.decision.conditions import kind_of
from shared.model.conditions.judged import Judged
from shared.model.policy_conditions.entry import EntryBase
from shared.model.policy_rules import rule_of
from shared.model.policy_signals import PushedSignal
from shared.model.policy_triggers import TriggerEntry
from shared.model.quantity import Dimension, Unit, say_duration
from shared.model.signal import Sample
from shared.model.trigger import RollbackTrigger, Tier, TriggerState

_ENTRY: TypeAdapter[EntryBase] = TypeAdapter(TriggerEntry)
_UNITS = {
    Dimension.LATENCY: Unit.MILLISECONDS,
    Dimension.SHARE: Unit.SHARE,
    Dimension.NUMBER: Unit.NUMBER,
}
_TAKES_A_BASELINE = ("judge", "slower", "anomaly", "more_errors")
type Written = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Detector:
    """Some triggers of which any alarms.

    Attributes:
        written: As in a policy. `EVERY` stands for the rhythm of the samples, `3 EVERY` for three of them.
        own_baseline: The triggers use their own default; else all that was recorded before the change.
        changed: Of a judgement, other numbers than the product's own.
    """

    name: str
    written: Sequence[Written]
    own_baseline: bool = False
    changed: Mapping[str, Any] = field(default_factory=dict)


SIGNALS = [ERRORS, "typical", "p90", "p95", "p99"]
DEFAULT = Detector("default_judgement", [{"judge": SIGNALS}])
# What becomes of it with other numbers: what matters of latencies, and of failures; and without asking what matters.
OTHERWISE = (
    replace(DEFAULT, name="default_judgement_by_10_percent", changed={"by": 0.1}),
    replace(DEFAULT, name="default_judgement_by_30_percent", changed={"by": 0.3}),
    replace(DEFAULT, name="default_judgement_by_half_a_point", changed={"points": 0.005}),
    replace(DEFAULT, name="default_judgement_whatever_matters", changed={"by": 1e-6, "points": 1e-6}),
)
DETECTORS = (
    Detector("default_judgement_short_baseline", [{"judge": SIGNALS}], own_baseline=True),
    Detector("judge_error_rate_and_p95", [{"judge": [ERRORS, "p95"]}]),
    Detector("slower_typical", [{"slower": "typical"}]),
    Detector("slower_p95", [{"slower": "p95"}]),
    Detector("more_errors_than_before", [{"more_errors": ERRORS}]),
    Detector("more_errors_than_1_percent", [{"more_errors": ERRORS, "than": "1%"}]),
    Detector("anomaly_2_sigmas_p95", [{"anomaly": "p95", "sigmas": 2, "worse": "up"}]),
    Detector("anomaly_3_sigmas_p95_twice", [{"anomaly": "p95", "sigmas": 3, "worse": "up", "for": "EVERY"}]),
    Detector("trend_p95_rises_by_half", [{"trend": "p95", "rises": "50%", "over": "3 EVERY"}]),
    Detector("two_of_three_over_1_percent", [{"when": f"{ERRORS} > 1%", "periods": "2 of 3", "each": "EVERY"}]),
    Detector("document_rules", [{"when": f"{ERRORS} > 5%"}, {"when": "p95 > 10s"}]),
)


@dataclass(frozen=True, slots=True)
class Alarm:
    """When a watch alarmed first, and what it said."""

    after: timedelta
    sentence: str


def alarm_of(detector: Detector, episode: Episode) -> Alarm | None:
    """Return the first alarm after the change, if there is one."""
    rules = [_rule(written, episode, detector) for written in detector.written]
    alarms = [alarm for rule in rules if (alarm := first_alarm(rule, _series(episode), episode.ended))]
    return min(alarms, key=lambda alarm: alarm.after, default=None)


def first_alarm(
    rule: RollbackTrigger, series: Mapping[str, Sequence[Sample]], asked: Sequence[datetime]
) -> Alarm | None:
    """Ask a trigger at each of some moments; its line is judged once, as it knows nothing of what comes later."""
    inputs = {name: series[name] for name in rule.condition.inputs}
    marks = kind_of(rule.condition).marks(
        rule.condition, inputs, Seen(now=asked[-1], change_started=CHANGED_AT).view(rule)
    )
    for now in asked:
        view = Seen(now=now, change_started=CHANGED_AT).view(rule)
        known = {name: [s for s in samples if s.at <= now] for name, samples in inputs.items()}
        reading = reading_of(rule, [mark for mark in marks if mark.at <= now], known, view)
        fresh = reading.since is not None and reading.since > CHANGED_AT
        if reading.state is TriggerState.FIRING and fresh:
            return Alarm(now - CHANGED_AT, reading.sentence)
    return None


def _series(episode: Episode) -> Mapping[str, Sequence[Sample]]:
    return {line.name: line.samples for line in episode.lines}


def _rule(written: Written, episode: Episode, detector: Detector) -> RollbackTrigger:
    every = say_duration(episode.pace.every)
    filled = {key: _filled(value, episode.pace.every) for key, value in written.items()}
    if not detector.own_baseline and any(kind in written for kind in _TAKES_A_BASELINE):
        filled["baseline"] = say_duration(episode.baseline)
    entry = _ENTRY.validate_python({"name": "measured", **filled})
    signals = {
        line.name: PushedSignal(pushed=line.name, unit=_UNITS[line.dimension], every=every) for line in episode.lines
    }
    rule = rule_of(Tier.CRITICAL, entry, signals)
    if not isinstance(rule.condition, Judged):
        return rule
    return replace(rule, condition=replace(rule.condition, **detector.changed))


def comparison(every: timedelta, looks: int) -> tuple[RollbackTrigger, list[datetime]]:
    """Return a trigger that compares two builds, and the moments at which it is asked."""
    entry = _ENTRY.validate_python({"name": "measured", "worse": "canary", "than": "stable", "within": "7d"})
    signals = {
        side: PushedSignal(pushed=side, unit=Unit.MILLISECONDS, every=say_duration(every))
        for side in ("canary", "stable")
    }
    return rule_of(Tier.CRITICAL, entry, signals), [CHANGED_AT + look * every for look in range(1, looks + 1)]


def _filled(value: Any, every: timedelta) -> Any:
    if not isinstance(value, str) or "EVERY" not in value:
        return value
    times = int(value.removesuffix("EVERY") or 1)
    return say_duration(times * every)
