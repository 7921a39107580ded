"""Lines of samples around a change at noon, one a minute, and the kinds that look at them."""

from collections.abc import Sequence
from datetime import timedelta

from shared.decision.conditions.line import View
from shared.model.conditions.before import Before
from shared.model.conditions.judged import Judged, Part
from shared.model.conditions.pace import Pace
from shared.model.quantity import Dimension
from shared.model.signal import Sample, measured
from tests.unit.decision.build import NOON, at

MINUTE = Pace(every=timedelta(minutes=1), patience=timedelta(minutes=3))
HOUR = Before(baseline=timedelta(hours=1), within=timedelta(hours=1))
CHANGED = View(watermark=at(7200), change_started=NOON)
# Around 200 ms, by less than 5 %: half an hour of it.
CALM = (200.0, 205.0, 196.0, 202.0, 198.0, 207.0, 194.0, 201.0, 199.0, 204.0) * 3


def around(before: Sequence[float], after: Sequence[float], count: int = 1) -> list[Sample]:
    """Return one sample a minute: the last of `before` at noon, the first of `after` a minute later."""
    line = [*before, *after]
    first = 1 - len(before)
    return [measured(at(60 * (first + place)), value, count) for place, value in enumerate(line)]


def part(signal: str, dimension: Dimension, *, falls: bool = False) -> Part:
    return Part(signal=signal, dimension=dimension, falls=falls, pace=MINUTE)


def judged(*parts: Part, by: float = 0.2) -> Judged:
    """Return the default judgement of some signals."""
    return Judged(parts=parts, before=HOUR, level=0.1, by=by, points=0.003)


P95 = part("p95", Dimension.LATENCY)
ERRORS = part("error_rate", Dimension.SHARE)
