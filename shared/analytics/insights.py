"""What a range tells, in JSON-ready values: figures of every signal, uptime, costs, and what people should do."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from shared.analytics.advice import Period, most_urgent, recommendations, worse_when_high
from shared.analytics.buckets import Buckets, merged_bucket
from shared.analytics.costs import costs_of
from shared.analytics.points import Chart
from shared.analytics.ranges import Range
from shared.analytics.rollup import NOTHING, Rollup
from shared.analytics.trends import Direction, Trend, anomalies_of, trend_of
from shared.analytics.uptime import Uptime
from shared.model.policy import Policy
from shared.model.policy_signals import PushedSignal
from shared.model.quantity import Dimension

Json = dict[str, Any]
# Of high severity is an unusual value in the upper tenth of its scale.
_HIGH = 0.9
_PERCENTILES = (50, 95, 99)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A range and the period before it, as they are kept."""

    shown: Range
    chart: Chart
    now: Buckets
    before: Buckets


def insights_of(policy: Policy, told: Told) -> Json:
    """Return what a range tells."""
    now, before = merged_bucket(told.now.values()), merged_bucket(told.before.values())
    rolled = {name: now.signals.get(name, NOTHING) for name in policy.signals}
    trends = {name: trend_of(one, before.signals.get(name, NOTHING)) for name, one in rolled.items()}
    period = Period(written=told.shown.written, signals=rolled, trends=trends, uptime=now.uptime)
    advised = recommendations(policy, period)
    bad_when_high = worse_when_high(policy)
    return {
        "signals": {
            name: _figures(one, told.shown)
            | {
                "trend": _trend(trends[name], bad_when_high.get(name)),
                "anomalies": _anomalies(policy, told.chart, name),
            }
            for name, one in rolled.items()
        },
        "uptime": _uptime(now.uptime),
        "costs": _costs(policy, rolled),
        "recommendations": [asdict(one) for one in advised],
        "urgency": most_urgent(advised),
    }


def _figures(rolled: Rollup, shown: Range) -> Json:
    percentiles = {f"p{percent}": rolled.percentile(percent / 100) for percent in _PERCENTILES}
    return {
        "mean": rolled.mean,
        "low": rolled.low,
        "high": rolled.high,
        "total": rolled.total if rolled.count else None,
        **percentiles,
        "observations": rolled.count,
        "per_minute": rolled.count / (shown.span.total_seconds() / 60),
        "samples": {"measured": rolled.measured, "no_data": rolled.no_data, "error": rolled.error},
        "errors": rolled.errors,
    }


def _trend(trend: Trend, bad_when_high: bool | None) -> Json:
    """Show a trend; it is worse when it goes where the triggers of the signal lie."""
    is_known = bad_when_high is not None and trend.direction is not Direction.UNKNOWN
    worse = Direction.UP if bad_when_high else Direction.DOWN
    return {
        "direction": trend.direction,
        "change": trend.change,
        "before": trend.before,
        "worse": trend.direction is worse if is_known else None,
    }


def _anomalies(policy: Policy, chart: Chart, name: str) -> list[Json]:
    found = anomalies_of(chart.at, chart.lines[name].mean, _high_above(policy, name))
    return [asdict(one) for one in found]


def _high_above(policy: Policy, name: str) -> float | None:
    """Return where the upper tenth of a signal's scale begins; `None` when it has none."""
    signal = policy.signals[name]
    if isinstance(signal, PushedSignal) and signal.scale is not None:
        low, high = (signal.unit.canonical(edge) for edge in signal.scale)
        return low + _HIGH * (high - low)
    return _HIGH if signal.measures.dimension is Dimension.SHARE else None


def _uptime(uptime: Uptime) -> Json:
    return {"share": uptime.share, **asdict(uptime)}


def _costs(policy: Policy, rolled: Mapping[str, Rollup]) -> Json | None:
    if policy.costs is None:
        return None
    found = costs_of(rolled[policy.costs.total], rolled[policy.costs.per], policy.costs.was)
    return asdict(found) if found else None
