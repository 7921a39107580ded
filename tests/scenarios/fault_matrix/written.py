"""Every kind of trigger and every kind of derived signal as it is written, in a good and a bad world.

What such a trigger is fed are samples of sources, one for each signal and step; `streams.py` has what goes wrong
with them. Values are in the product's own units.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from random import Random

from shared.model.conditions.periods import Periods
from shared.model.conditions.pooled import Often, Pooled
from shared.model.policy import Policy
from shared.model.policy_derived_base import DerivedSignal
from shared.model.policy_text import read_policy
from shared.model.signal import Sample, measured, no_data
from shared.model.trigger import NoData, RollbackTrigger, Tier
from tests.scenarios.fault_matrix.streams import SAME

_MINUTE, _HOUR = timedelta(minutes=1), timedelta(hours=1)
_NOISE = 0.03
_COUNT = 200
RULE = "watched"
_POLICY = """\
workload: pure
site: {{resource: "/subscriptions/s1/resourceGroups/shop/providers/Microsoft.Web/sites/pure", region: westeurope,
        url: "https://pure.example", good_slot: last-good}}
signals:
{signals}
triggers:
  {tier}:
    - {{name: watched, {trigger}}}
guards: {{blind_page_after: 60s}}
"""


@dataclass(frozen=True, slots=True)
class Level:
    """How a signal stands: around `good`, or around `bad`, which changes by `slope` a minute; `None` is silence."""

    good: float
    bad: float | None
    slope: float = 0.0
    bad_count: int = _COUNT

    def at(self, moment: datetime, bad_for: timedelta | None) -> Sample:
        """Return the sample of a moment, always the same one; `bad_for` is how long it has been bad, if it is."""
        noise = 1 + _NOISE * Random(moment.timestamp()).uniform(-1, 1)
        if bad_for is None:
            return measured(moment, self.good * noise, _COUNT)
        if self.bad is None:
            return no_data(moment, "there was nothing")
        return measured(moment, (self.bad + self.slope * (bad_for / _MINUTE)) * noise, self.bad_count)


_SHARE = Level(0.01, 0.4)
_LATENCY = Level(200.0, 900.0)
_NUMBER = Level(10.0, 90.0)
_SIGNALS = {
    "errors": "metric: Http5xx, per: Requests",
    "other_errors": "metric: Http4xx, per: Requests",
    "p95": "metric: HttpResponseTime, unit: ms",
    "other_p95": "metric: HttpResponseTime, unit: ms",
    "load": "metric: CpuTime",
    "plan": "metric: Planned",
}
_PUSHED = {
    "errors": "pushed: errors, unit: share",
    "other_errors": "pushed: other_errors, unit: share",
    "p95": "pushed: p95, unit: ms",
    "other_p95": "pushed: other_p95, unit: ms",
    "load": "pushed: load",
    "plan": "pushed: plan",
}


@dataclass(frozen=True)
class Written:
    """A trigger as it would be written, and the worlds it is played in.

    Attributes:
        levels: Of each source; those that `bad_ones` does not name stay good in the bad world.
        made: Signals that are made of the sources, as they would be written.
        history: What is known before the play begins.
        alone: One of its sources that is out leaves it nothing to say; else what the others say may be enough.
        word: The streams that are what it looks for.
        pushed: Its sources send by themselves.
    """

    name: str
    trigger: str
    levels: Mapping[str, Level]
    bad_ones: tuple[str, ...] = ()
    made: Mapping[str, str] = field(default_factory=dict)
    every: timedelta = _MINUTE
    history: timedelta = 3 * _HOUR
    alone: bool = True
    word: frozenset[str] = frozenset()
    pushed: bool = False

    def policy(self, tier: Tier) -> Policy:
        """Return the policy that has it in a tier."""
        every = f"every: {self.every.total_seconds():.0f}s" + ("" if self.pushed else ", delay: 0s")
        kinds = _PUSHED if self.pushed else _SIGNALS
        signals = {name: f"{kinds[name]}, {every}" for name in self.levels} | dict(self.made)
        lines = "\n".join(f"  {name}: {{{written}}}" for name, written in signals.items())
        text = _POLICY.format(signals=lines, tier=tier.value, trigger=self.trigger)
        return read_policy(text, file="pure.yaml", settings={})

    @cached_property
    def rule(self) -> RollbackTrigger:
        (rule,) = self.policy(Tier.CRITICAL).rules
        return rule

    @property
    def holds(self) -> bool:
        """Its last word stands through silence."""
        return self.rule.no_data is NoData.HOLD

    @cached_property
    def patience(self) -> timedelta:
        """After a silence of this length it is known to see nothing.

        The last word of one signal of several stands for its own patience, and what was last said of all of them for
        that of the trigger; so it is with the parts of what is made of others. A period is judged at its end.
        """
        signals, condition = self.policy(Tier.CRITICAL).signals, self.rule.condition
        parts = {part for signal in signals.values() if isinstance(signal, DerivedSignal) for part in signal.parts}
        several = condition.inputs if len(condition.inputs) > 1 else ()
        of_parts = max((signals[name].patience for name in parts), default=timedelta(0))
        standing = of_parts + max((signals[name].patience for name in several), default=timedelta(0))
        period = condition.each if isinstance(condition, Periods) else timedelta(0)
        return self.rule.delay + self.rule.stale_after + standing + period + self.every

    def is_word(self, stream: str) -> bool:
        """Tell whether a stream is what it looks for, or what it is told to take for a word.

        What happens only now and then and is counted: where nothing comes, nothing happened (`no_data: hold`).
        """
        condition = self.rule.condition
        seldom = isinstance(condition, Pooled | Often) and condition.sparse and stream not in SAME
        return stream in self.word or seldom

    def is_bad(self, signal: str) -> bool:
        """Tell whether a source is bad in the bad world."""
        return not self.bad_ones or signal in self.bad_ones


_NO_ANSWERS = frozenset({"no data", "nothing was counted", "negative counts"})
_E, _P, _L = {"errors": _SHARE}, {"p95": _LATENCY}, {"load": _NUMBER}
_GONE = {"load": Level(90.0, None)}
_PAIR = {"errors": _SHARE, "p95": _LATENCY}
_TRIO = {"errors": _SHARE, "p95": _LATENCY, "load": _NUMBER}
_SCORED = "errors: {weight: 2, good: 1%, bad: 30%}, p95: {weight: 1, good: 300ms, bad: 800ms}"
_WHEN = "when: errors > 5%, for: 4m, at_least: 20 requests"
# What silence means cannot be said of these: it is what they look for.
_ASKED = (
    Written("when", _WHEN, _E),
    Written("when, over", f"{_WHEN}, over: 5m", _E),
    Written("when, clears", "when: p95 > 500ms, clears: 400ms, for: 2m", _P),
    Written("when, number below", "when: load < 50, for: 2m", {"load": Level(90.0, 10.0)}),
    Written("periods", "when: errors > 5%, periods: 2 of 3, each: 5m", _E),
    Written("pool, sum", "when: load > 200, pool: sum, over: 5m", _L),
    Written("pool, sum below", "when: load < 200, pool: sum, over: 5m", {"load": Level(90.0, 10.0)}),
    Written(
        "pool, count",
        "when: load < 50, pool: count, over: 5m",
        {"load": Level(9.0, 9.0, bad_count=2)},
        word=frozenset({"thin"}),
    ),
    Written("pool, max", "when: load > 50, pool: max, over: 5m", _L),
    Written("pool, min", "when: load < 50, pool: min, over: 5m", {"load": Level(90.0, 10.0)}),
    Written("pool, average", "when: errors > 5%, pool: average, over: 5m, at_least: 100", _E),
    Written("often", "when: errors > 5%, often: more than 2 times, over: 5m", _E),
    Written("trips", "trips: errors > 20%, over: 3m, at_least: 50", _E),
    Written("silent, asked", "silent: load, for: 4m", _GONE, word=_NO_ANSWERS | {"errors beside", "every other one"}),
    Written("issues, one of two", "issues: [errors > 5%, p95 > 500ms], count: 1, for: 2m", _PAIR),
    Written("issues, one bad", "issues: [errors > 5%, p95 > 500ms], count: 1", _PAIR, ("p95",)),
    Written("issues, two of three", "issues: [errors > 5%, p95 > 500ms, load > 50], count: 2", _TRIO, alone=False),
    Written("trend", "trend: errors, rises: 50%, over: 15m, for: 2m", _E),
    Written("trend, falls", "trend: load, falls: 30%, at_least_by: 5, over: 15m", {"load": Level(90.0, 10.0)}),
    Written("burns", "burns: errors, objective: 99%, rate: 14.4", _E),
    Written("reaches", "reaches: load >= 95, within: 60m, fit: 30m", {"load": Level(50.0, 52.0, slope=0.5)}),
    Written(
        "deviates, from days",
        "deviates: load, by: 40%, from: 2d",
        _L,
        every=10 * _MINUTE,
        history=timedelta(days=3),
    ),
    Written(
        "deviates, from a plan", "deviates: load, by: 40%, from: plan, over: 10m", {**_L, "plan": _NUMBER}, ("load",)
    ),
    Written("judge", "judge: [errors], at_least: 20", _E),
    Written("judge, two", "judge: [errors, p95], at_least: 20", _PAIR),
    Written("judge, one bad", "judge: [errors, p95], at_least: 20", _PAIR, ("p95",)),
    Written("judge, falls", "judge: [p95], falls: [load], at_least: 20", {**_P, "load": Level(90.0, 10.0)}),
    Written("slower", "slower: p95, at_least: 20", _P),
    Written("anomaly", "anomaly: p95, worse: up, at_least: 20", _P),
    Written("more_errors", "more_errors: errors, at_least: 20", _E),
    Written("more_errors, known rate", "more_errors: errors, than: 2%, at_least: 20", _E),
    Written("worse", "worse: p95, than: other_p95, at_least: 20", {**_P, "other_p95": _LATENCY}, ("p95",)),
    Written(
        "worse, shares", "worse: errors, than: other_errors, at_least: 20", {**_E, "other_errors": _SHARE}, ("errors",)
    ),
    Written("score", "when: whole < 60, for: 2m", _PAIR, made={"whole": f"score: {{{_SCORED}}}"}),
    Written("score, one bad", "when: whole < 60, for: 2m", _PAIR, ("errors",), made={"whole": f"score: {{{_SCORED}}}"}),
    Written(
        "score, leave_out",
        "when: whole < 60, for: 2m",
        _PAIR,
        made={"whole": f"score: {{{_SCORED}}}, missing: leave_out"},
        alone=False,
    ),
    Written(
        "larger_of",
        "when: worst > 5%, for: 2m",
        {**_E, "other_errors": _SHARE},
        ("errors",),
        made={"worst": "larger_of: [errors, other_errors], unit: share"},
    ),
    Written(
        "smaller_of",
        "when: least > 5%, for: 2m",
        {**_E, "other_errors": _SHARE},
        made={"least": "smaller_of: [errors, other_errors], unit: share"},
    ),
    Written("average_of", "when: mean > 5%", _E, made={"mean": "average_of: errors, unit: share, every: 5m"}),
    Written(
        "ratio",
        "when: dear > 3, for: 2m",
        {**_L, "plan": _NUMBER},
        ("load",),
        made={"dear": "ratio: {of: load, per: plan}, over: 3m"},
    ),
    Written(
        "judge, of a score",
        "judge: [p95], falls: [whole], at_least: 20",
        _PAIR,
        made={"whole": f"score: {{{_SCORED}}}"},
    ),
)
# What looks for too little may not hold: silence alone would fire it (the policy is refused).
_NEVER_HELD = frozenset({"silent, asked", "pool, sum below", "pool, count"})
_HEARD = tuple(
    Written(
        f"{one.name}, hold",
        f"{one.trigger}, no_data: hold",
        one.levels,
        one.bad_ones,
        one.made,
        one.every,
        one.history,
        alone=False,
        pushed=True,
        word=one.word,
    )
    for one in _ASKED
    if one.name not in _NEVER_HELD
)
_NOTHING_COMES = _NO_ANSWERS | {"nothing", "errors", "NaN", "infinite", "errors over what was measured"}
_NOTHING_NEW = frozenset({"the last one again", "an hour old", "clock an hour behind", "late", "clock an hour ahead"})
ALL = (
    *_ASKED,
    *_HEARD,
    Written(
        "silent, sent",
        "silent: load, for: 4m",
        _GONE,
        word=_NOTHING_COMES | _NOTHING_NEW | {"one of five", "every other one"},
        pushed=True,
    ),
)
