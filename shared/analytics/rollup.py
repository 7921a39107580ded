"""A roll-up: what the samples of one signal came to over some time. Roll-ups of parts merge into that of the whole."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import fsum

from shared.analytics.errors import Category, errors_in
from shared.analytics.sketch import Sketch, merged_sketches, quantile, sketch_of
from shared.model.signal import Outcome, Sample


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollup:
    """What some samples of one signal came to, in the product's own unit.

    Attributes:
        measured, no_data, error: Samples by outcome.
        count: Observations that the measured samples stand on.
        total: Sum of all values, each times its observations; `total / count` is the weighted mean.
        low, high: The least and the greatest value; `None` without any.
        sketch: The values by observations, for percentiles.
        errors: How many errors of each category: of the source, and those that a workload pushed as events.
    """

    measured: int = 0
    no_data: int = 0
    error: int = 0
    count: int = 0
    total: float = 0.0
    low: float | None = None
    high: float | None = None
    sketch: Sketch = field(default_factory=Sketch)
    errors: dict[Category, int] = field(default_factory=dict)

    @property
    def mean(self) -> float | None:
        """The mean of all observations; `None` when nothing was measured."""
        return self.total / self.count if self.count else None

    def percentile(self, share: float) -> float | None:
        """Return the value that this share of the observations does not exceed, to within 2 % of the value."""
        found = quantile(self.sketch, share)
        if found is None or self.low is None or self.high is None:
            return None
        return min(max(found, self.low), self.high)


NOTHING = Rollup()


def roll_up(samples: Iterable[Sample]) -> Rollup:
    """Return what samples came to; their order does not matter."""
    kept = list(samples)
    values = [(sample.value, sample.count) for sample in kept if sample.value is not None]
    outcomes = Counter(sample.outcome for sample in kept)
    return Rollup(
        measured=outcomes[Outcome.MEASURED],
        no_data=outcomes[Outcome.NO_DATA],
        error=outcomes[Outcome.ERROR],
        count=sum(count for _, count in values),
        total=fsum(value * count for value, count in values),
        low=min((value for value, _ in values), default=None),
        high=max((value for value, _ in values), default=None),
        sketch=sketch_of(values),
        errors=errors_in(kept),
    )


def merged(parts: Iterable[Rollup]) -> Rollup:
    """Return what the samples of all parts came to; the order does not matter."""
    some = list(parts)
    if len(some) == 1:
        return some[0]
    errors: Counter[Category] = Counter()
    for part in some:
        errors.update(part.errors)
    return Rollup(
        measured=sum(part.measured for part in some),
        no_data=sum(part.no_data for part in some),
        error=sum(part.error for part in some),
        count=sum(part.count for part in some),
        total=fsum(part.total for part in some),
        low=min((part.low for part in some if part.low is not None), default=None),
        high=max((part.high for part in some if part.high is not None), default=None),
        sketch=merged_sketches(part.sketch for part in some),
        errors=dict(errors),
    )


def merged_by_signal(parts: Iterable[Mapping[str, Rollup]]) -> dict[str, Rollup]:
    """Return the roll-ups of all parts, by signal."""
    found: dict[str, list[Rollup]] = defaultdict(list)
    for part in parts:
        for name, one in part.items():
            found[name].append(one)
    return {name: merged(some) for name, some in found.items()}
