"""What may become of the samples of a source on their way: streams that tell nothing true of now, and such that do.

They are made of what would have been measured, by what the adapters make of a fault: an error, no data, or what is old.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import inf, nan

from shared.model.signal import Sample, failed, measured, no_data

_HOUR = timedelta(hours=1)
# Beside those that are there, not in their place.
_BESIDE = timedelta(seconds=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """What there is at one step.

    Attributes:
        step: Since the fault began, from 0.
        true: What would have been delivered until now, oldest first, the newest of now.
        heard: How many of those were delivered before the fault.
        late: So late that it says nothing any more.
    """

    now: datetime
    step: int
    true: Sequence[Sample]
    heard: int
    late: timedelta

    @property
    def newest(self) -> Sample:
        return self.true[-1]


Stream = Callable[[Moment], Sequence[Sample]]


def _over_measured(m: Moment) -> list[Sample]:
    return [failed(sample.at, "the answer was cut") for sample in m.true[-20:]]


def _late(m: Moment) -> list[Sample]:
    return [sample for sample in m.true[m.heard :] if sample.at <= m.now - m.late]


# Nobody hears anything true of now: after its patience a trigger is blind, and nothing is done.
DEAF: Mapping[str, Stream] = {
    "nothing": lambda _: (),
    "errors": lambda m: [failed(m.now, "503")],
    "errors over what was measured": _over_measured,
    "no data": lambda m: [no_data(m.now, "the answer was empty")],
    "NaN": lambda m: [measured(m.now, nan)],
    "infinite": lambda m: [measured(m.now, inf, 7)],
    "nothing was counted": lambda m: [measured(m.now, m.newest.value or 0.0, 0)],
    "negative counts": lambda m: [measured(m.now, m.newest.value or 0.0, -3)],
    "the last one again": lambda m: m.true[m.heard - 1 : m.heard],
    "an hour old": lambda m: m.true[:5],
    "clock an hour behind": lambda m: [replace(m.newest, at=m.newest.at - _HOUR - _BESIDE)],
    "clock an hour ahead": lambda m: [replace(m.newest, at=m.newest.at + _HOUR)],
    "late": _late,
}
# What is true comes, and other things with it, or it comes in another way: the reading is the same.
SAME: Mapping[str, Stream] = {
    "three times": lambda m: [*m.true[-1:], *m.true[-4:], *m.true[-1:]],
    "newest first": lambda m: m.true[:-12:-1],
    "errors beside": lambda m: [m.newest, failed(m.newest.at, "a second instance did not answer")],
}
# Some of what is true comes: nobody who sees the bad of it says that it is good, and nothing is made of the gaps.
LESS: Mapping[str, Stream] = {
    "one of five": lambda m: [m.newest] if m.step % 5 == 4 else [failed(m.now, "503")],
    "every other one": lambda m: [m.newest] if m.step % 2 else [no_data(m.now, "the answer was empty")],
    "thin": lambda m: [replace(m.newest, count=1)],
}
STREAMS: Mapping[str, Stream] = {**DEAF, **SAME, **LESS}
