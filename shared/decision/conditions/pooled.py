"""What is counted, added up or picked within a trailing window.

More samples can only make a sum, a count or a maximum larger, and a minimum smaller. So a window of which a part was
not seen says what is certain all the same, and leaves open what is not.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate, groupby
from typing import NamedTuple

from shared.decision.conditions.decimals import Amounts, Limit, amounts_of, quotient
from shared.decision.conditions.line import Mark, View
from shared.decision.conditions.pools import measured_of
from shared.model.conditions.pooled import Often, Pooled, Pooling
from shared.model.quantity import Dimension, say_apart, say_duration, say_value
from shared.model.signal import Sample
from shared.model.trigger import Comparator

_UPWARD = frozenset({Comparator.ABOVE, Comparator.AT_LEAST})


class _Instant(NamedTuple):
    """The measured samples of one instant, as one number of parts, and the observations behind them."""

    at: datetime
    number: int
    count: int  # type: ignore[assignment]  # hides `tuple.count`, for which nobody asks


_Joined = Callable[[Iterable[int]], int]


def marks(condition: Pooled, inputs: Mapping[str, Sequence[Sample]], view: View) -> list[Mark]:
    """Return a mark for every instant that has a measured sample; of sparse ones, also where a window loses one."""
    heard, joined = measured_of(inputs[condition.signal]), _HOW[condition.how]
    if condition.how is Pooling.COUNT:
        amounts = Amounts([sample.count for sample, _ in heard], 1)
    else:
        amounts = amounts_of([(value, 1) for _, value in heard], Dimension.NUMBER)
    instants = _instants(heard, amounts.numbers, joined)
    if condition.sparse and joined is sum:
        instants = _with_departures(instants, condition.over, view.watermark)
    numbers = _added(instants, condition.over) if joined is sum else _picked(instants, condition.over, joined)
    line = _Line(instants, numbers, amounts.parts, up=condition.how is not Pooling.MIN)
    return _marks(condition, line, condition.comparator, condition.threshold, view)


def often_marks(condition: Often, inputs: Mapping[str, Sequence[Sample]], view: View) -> list[Mark]:
    """Return a mark for every instant that has a measured sample; of sparse ones, also where a window loses one."""
    holds, limit = condition.comparator.holds, condition.threshold
    heard = measured_of(inputs[condition.signal])
    instants = _instants(heard, [int(holds(value, limit)) for _, value in heard], sum)
    if condition.sparse:
        instants = _with_departures(instants, condition.over, view.watermark)
    line = _Line(instants, _added(instants, condition.over), 1, up=True)
    return _marks(condition, line, Comparator.AT_LEAST, float(condition.least), view)


@dataclass(frozen=True, slots=True)
class _Line:
    """The number of every window.

    Attributes:
        numbers: In parts, one an instant.
        parts: So many parts make 1.
        up: More samples can only make it larger; else smaller.
    """

    instants: Sequence[_Instant]
    numbers: Iterable[int]
    parts: int
    up: bool


def _marks(condition: Pooled | Often, line: _Line, comparator: Comparator, threshold: float, view: View) -> list[Mark]:
    """Hold the number of every window against a limit; a window that was not seen whole may leave it open."""
    limit, test, since = Limit.of(threshold), comparator.test, view.since
    bound, parts, certainly = limit.digits * line.parts, limit.parts, (comparator in _UPWARD) == line.up
    found = []
    volumes, covered = _volumes(line.instants, condition.over), _covered(line.instants, condition)
    for one, number, volume, seen in zip(line.instants, line.numbers, volumes, covered, strict=True):
        if since is not None and one.at <= since:
            continue
        holds = test(number * parts, bound)
        violates = holds if seen or holds == certainly else None
        # That a window has lost a sample is an observation, too.
        count = one.count or 1
        found.append(Mark(one.at, violates, quotient(number, line.parts), threshold, count, volume - one.count))
    return found


_HOW: Mapping[Pooling, _Joined] = {Pooling.SUM: sum, Pooling.COUNT: sum, Pooling.MAX: max, Pooling.MIN: min}


def _instants(heard: Sequence[tuple[Sample, float]], numbers: Sequence[int], joined: _Joined) -> list[_Instant]:
    single = [_Instant(sample.at, number, sample.count) for (sample, _), number in zip(heard, numbers, strict=True)]
    together = (list(some) for _, some in groupby(single, key=_at))
    return [
        some[0]
        if len(some) == 1
        else _Instant(some[0].at, joined(one.number for one in some), sum(one.count for one in some))
        for some in together
    ]


def _at(one: _Instant) -> datetime:
    return one.at


def _with_departures(instants: Sequence[_Instant], over: timedelta, watermark: datetime) -> list[_Instant]:
    """Return the instants with those at which one of them leaves the window: nothing else tells that it is over."""
    arrivals = {one.at for one in instants}
    left = {one.at + over for one in instants if one.at + over <= watermark} - arrivals
    return sorted([*instants, *(_Instant(at, 0, 0) for at in left)], key=lambda one: one.at)


def _firsts(instants: Sequence[_Instant], over: timedelta) -> Iterator[int]:
    """Yield, for every instant, the place of the first one in its window `(at - over, at]`."""
    first = 0
    for one in instants:
        while instants[first].at <= one.at - over:
            first += 1
        yield first


def _added(instants: Sequence[_Instant], over: timedelta) -> Iterator[int]:
    """Yield the sum of every window."""
    sums = list(accumulate((one.number for one in instants), initial=0))
    for place, first in enumerate(_firsts(instants, over)):
        yield sums[place + 1] - sums[first]


def _volumes(instants: Sequence[_Instant], over: timedelta) -> Iterator[int]:
    """Yield the observations of every window."""
    counts = list(accumulate((one.count for one in instants), initial=0))
    for place, first in enumerate(_firsts(instants, over)):
        yield counts[place + 1] - counts[first]


def _picked(instants: Sequence[_Instant], over: timedelta, joined: _Joined) -> Iterator[int]:
    """Yield the extreme of every window: what a later number outdoes is forgotten at once, so that this is O(n)."""
    kept: deque[int] = deque()
    for place, first in enumerate(_firsts(instants, over)):
        number = instants[place].number
        while kept and joined((number, instants[kept[-1]].number)) == number:
            kept.pop()
        kept.append(place)
        while kept[0] < first:
            kept.popleft()
        yield instants[kept[0]].number


def _covered(instants: Sequence[_Instant], condition: Pooled | Often) -> Iterator[bool]:
    """Yield whether no silence in the window is longer than `gap`, from its far edge to its end; or needs not be."""
    since: datetime | None = None
    before: datetime | None = None
    for one in instants:
        if since is None or before is None or one.at - before > condition.gap:
            since = one.at
        before = one.at
        yield condition.sparse or since <= one.at - condition.over + condition.gap


def said(condition: Pooled, mark: Mark) -> str:
    """Say it: `migration_exceptions sum 12 > 10 in 10m`."""
    what, within = f"{condition.signal} {condition.how}", f"in {say_duration(condition.over)}"
    if mark.violates is None:
        return f"{what} {say_value(mark.value, condition.dimension)} {within}, some of which was not seen"
    comparator = condition.comparator if mark.violates else condition.comparator.opposite
    value, limit = say_apart(mark.value, mark.limit, condition.dimension)
    return f"{what} {value} {comparator} {limit} {within}"


def often_said(condition: Often, mark: Mark) -> str:
    """Say it: `api_response_time > 5.0 s in 6 samples of 10m (min 6)`."""
    limit, within = say_value(condition.threshold, condition.dimension), say_duration(condition.over)
    seen = ", some not seen" if mark.violates is None else ""
    return (
        f"{condition.signal} {condition.comparator} {limit} in {mark.value:.0f} samples of {within} "
        f"(min {condition.least}{seen})"
    )
