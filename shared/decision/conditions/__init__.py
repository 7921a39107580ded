"""The kinds of conditions: how each judges its samples, and how it says what it found."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared.decision.conditions import (
    anomaly,
    burn,
    concurrent,
    deviation,
    forecast,
    issues,
    judged,
    more_errors,
    periods,
    pooled,
    silence,
    threshold,
    trend,
)
from shared.decision.conditions.line import Mark, View, mean_of, newest_of
from shared.model.conditions.anomaly import Anomaly
from shared.model.conditions.burn import Burn
from shared.model.conditions.concurrent import Concurrent
from shared.model.conditions.condition import Condition
from shared.model.conditions.deviation import Deviation
from shared.model.conditions.forecast import Forecast
from shared.model.conditions.issues import Issues
from shared.model.conditions.judged import Judged
from shared.model.conditions.more_errors import MoreErrors
from shared.model.conditions.periods import Periods
from shared.model.conditions.pooled import Often, Pooled
from shared.model.conditions.silence import Silence
from shared.model.conditions.threshold import Threshold
from shared.model.conditions.trend import Trend
from shared.model.signal import Sample


@dataclass(frozen=True, slots=True)
class Kind:
    """What a kind of condition can do.

    Attributes:
        marks: Judges its inputs, each in event-time order and none beyond the watermark, moment by moment.
        said: Says what one mark found, also one that says neither yes nor no.
        speaks: Which mark stands for a whole violation.
        doubts: A newest mark that says nothing takes back what was said before: nobody knows any more.
    """

    marks: Callable[[Any, Mapping[str, Sequence[Sample]], View], list[Mark]]
    said: Callable[[Any, Mark], str]
    speaks: Callable[[Sequence[Mark]], Mark] = mean_of
    doubts: bool = False


KINDS: Mapping[type[Condition], Kind] = {
    Threshold: Kind(threshold.marks, threshold.said),
    Periods: Kind(periods.marks, periods.said, newest_of),
    Pooled: Kind(pooled.marks, pooled.said, newest_of),
    Often: Kind(pooled.often_marks, pooled.often_said, newest_of),
    Silence: Kind(silence.marks, silence.said, newest_of, doubts=True),
    Issues: Kind(issues.marks, issues.said, newest_of),
    Trend: Kind(trend.marks, trend.said, newest_of),
    Burn: Kind(burn.marks, burn.said, newest_of),
    Forecast: Kind(forecast.marks, forecast.said, newest_of),
    Deviation: Kind(deviation.marks, deviation.said, newest_of),
    Judged: Kind(judged.marks, judged.said, newest_of),
    Anomaly: Kind(anomaly.marks, anomaly.said, newest_of),
    MoreErrors: Kind(more_errors.marks, more_errors.said, newest_of),
    Concurrent: Kind(concurrent.marks, concurrent.said, newest_of),
}


def kind_of(condition: Condition) -> Kind:
    """Return what the kind of a condition can do."""
    return KINDS[type(condition)]
