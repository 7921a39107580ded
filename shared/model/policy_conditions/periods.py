"""Violations of so many periods as they are written: `{when: confidence < 5, periods: 2 of 3, each: 15m}`."""

import re
from collections.abc import Iterator
from datetime import timedelta

from pydantic import Field

from shared.model.conditions.periods import Periods
from shared.model.policy_conditions.comparison import Comparison, bound_of, parts_of
from shared.model.policy_conditions.entry import EntryBase, Signals
from shared.model.quantity import say_duration
from shared.model.strict import Rhythm

_OF = re.compile(r"(?P<least>\d{1,2})\s+of\s+(?P<most>\d{1,2})", re.ASCII)


class PeriodsEntry(EntryBase):
    """The mean of a period is beyond a threshold in so many of the last periods."""

    key = "when"

    when: Comparison
    periods: str = Field(pattern=r"^\s*\d{1,2}\s+of\s+\d{1,2}\s*$", description="How many of how many: 2 of 3.")
    each: Rhythm = Field(description="Length of a period; periods are aligned to the epoch.")

    @property
    def inputs(self) -> tuple[str, ...]:
        return (parts_of(self.when).signal,)

    @property
    def rhythm(self) -> timedelta:
        return self.each

    def condition(self, signals: Signals) -> Periods:
        bound, (name,), (least, most) = bound_of(self.when, signals), self.inputs, self._counts
        return Periods(
            signal=name,
            dimension=signals[name].measures.dimension,
            comparator=bound.comparator,
            threshold=bound.value,
            least=least,
            most=most,
            each=self.each,
        )

    def problems(self, signals: Signals) -> Iterator[tuple[str, str]]:
        yield from super().problems(signals)
        least, most = self._counts
        if not 1 <= least <= most:
            text = f"{self.periods!r} can never or always hold; expected at least 1, and no more than there are"
            yield "periods", text
        every = signals[self.inputs[0]].every
        if self.each < every:
            yield "each", f"shorter than the signal's own rhythm; expected at least {say_duration(every)}"

    @property
    def _counts(self) -> tuple[int, int]:
        found = _OF.fullmatch(self.periods.strip())
        return (int(found["least"]), int(found["most"])) if found else (0, 0)
