"""Recommendations: what people should look at, each with the numbers that caused it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from shared.analytics.rollup import NOTHING, Rollup
from shared.analytics.trends import Trend
from shared.analytics.uptime import Uptime
from shared.model.policy import Policy
from shared.model.policy_advice import Advice
from shared.model.policy_conditions.comparison import bound_of, parts_of
from shared.model.quantity import Dimension, say_apart, say_value
from shared.model.trigger import Bound, Comparator

# A workload that is not seen for more of the time than this has sources that somebody should look after.
_BLIND_SHARE = 0.05
_LOW = frozenset({Comparator.BELOW, Comparator.AT_MOST})


class Urgency(StrEnum):
    """How soon somebody should do something."""

    CRITICAL = "critical"
    WARNING = "warning"
    HINT = "hint"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recommendation:
    """What people should do, and why.

    Attributes:
        about: The signal that caused it; empty when it is about the workload as a whole.
        value, limit: What was compared, in the product's own unit.
        sentence: For people, with the numbers.
    """

    urgency: Urgency
    about: str
    value: float
    limit: float
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """What a range came to.

    Attributes:
        written: The range as the caller wrote it.
        signals: By name.
        trends: Against the period before, by signal.
    """

    written: str
    signals: Mapping[str, Rollup]
    trends: Mapping[str, Trend]
    uptime: Uptime


def recommendations(policy: Policy, period: Period) -> list[Recommendation]:
    """Return what people should do, the most urgent first."""
    found = [*_advised(policy, period), *_rising(policy, period), *_unseen(period)]
    return sorted(found, key=lambda one: list(Urgency).index(one.urgency))


def _advised(policy: Policy, period: Period) -> Iterator[Recommendation]:
    for advice in policy.advice:
        name, bound = parts_of(advice.when).signal, bound_of(advice.when, policy.signals)
        rolled = period.signals.get(name, NOTHING)
        value = figure(rolled, advice.of)
        if value is not None and rolled.count >= advice.at_least and bound.holds(value):
            sentence = _sentence(advice, bound, value, policy.signals[name].measures.dimension)
            yield Recommendation(
                urgency=Urgency(advice.urgency),
                about=name,
                value=value,
                limit=bound.value,
                sentence=f"{name}: {sentence} over {period.written} ({rolled.count:,} observations): {advice.say}",
            )


def _sentence(advice: Advice, bound: Bound, value: float, dimension: Dimension) -> str:
    said, limit = say_apart(value, bound.value, dimension)
    return f"{advice.of} {said} {bound.comparator} {limit}"


def figure(rolled: Rollup, of: str) -> float | None:
    """Return what of a roll-up is compared: `mean`, `highest`, `lowest`, `p50`, `p95` or `p99`."""
    if of.startswith("p"):
        return rolled.percentile(int(of[1:]) / 100)
    return {"mean": rolled.mean, "highest": rolled.high, "lowest": rolled.low}[of]


def worse_when_high(policy: Policy) -> dict[str, bool]:
    """Return by signal whether high values are the bad ones, of those whose triggers or advice tell."""
    found = {}
    for entry in [*policy.advice, *(entry for _, _, entry in policy.triggers.by_tier())]:
        written = getattr(entry, "when", None)  # triggers of other kinds compare a signal with itself
        if isinstance(written, str):
            compared = parts_of(written)
            found[compared.signal] = compared.comparator not in _LOW
    return found


def _rising(policy: Policy, period: Period) -> Iterator[Recommendation]:
    """An early warning: what is bad when it is high rose by more than half against the period before."""
    for name, bad in worse_when_high(policy).items():
        trend = period.trends.get(name)
        if not bad or trend is None or not trend.is_steep or trend.now is None or trend.before is None:
            continue
        dimension = policy.signals[name].measures.dimension
        now, before = say_value(trend.now, dimension), say_value(trend.before, dimension)
        more = "from nothing" if trend.change is None else f"by {trend.change:.0%}"
        yield Recommendation(
            urgency=Urgency.WARNING,
            about=name,
            value=trend.now,
            limit=trend.before,
            sentence=f"{name} rose {more} against the {period.written} before: mean {now}, was {before}",
        )


def _unseen(period: Period) -> Iterator[Recommendation]:
    uptime = period.uptime
    known = uptime.up_s + uptime.down_s + uptime.blind_s
    blind = uptime.blind_s / known if known else 0.0
    if blind > _BLIND_SHARE:
        yield Recommendation(
            urgency=Urgency.WARNING,
            about="",
            value=blind,
            limit=_BLIND_SHARE,
            sentence=f"nothing was seen for {blind:.0%} of {period.written} (max {_BLIND_SHARE:.0%}): see to it",
        )


def most_urgent(found: Sequence[Recommendation]) -> Urgency | None:
    """Return how soon somebody should do something at all."""
    return found[0].urgency if found else None
