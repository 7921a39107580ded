"""The upper half of the picture: how people were served each second, over a time axis that counts from the fault."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape

from local.demo.report import Report
from local.demo.roads import roads_taken
from local.demo.scene import GOOD_BUILD, Recording
from local.demo.timeline import FIRST_BAD_SAMPLE, accepted, established, seconds_to
from local.demo.users import Visit

WIDTH, MARGIN = 800, 40
TOP = 126
INK, MUTED, LINE = "#1f2328", "#59636e", "#d1d9e0"
GREEN, BLUE, RED, AMBER = "#2da44e", "#54a3ff", "#d1242f", "#bf8700"
_YELLOW, _ROAD_TINTS = "#fff3c4", ("#ddf4ff", "#b6e3ff")
_BAND_LINE, _LETTER = 17, 6.2
# Above the bars there is room for the names of two roads.
_BAND_HEAD, _HEIGHT = 2 * _BAND_LINE + 3, 132
_BOTTOM = TOP + _BAND_HEAD + _HEIGHT
_STACK = (GREEN, BLUE, RED)
_AXIS_STEPS_S = (5, 10, 20, 30, 60)
_LONGEST_STEP_S = 120
_MOST_TICKS = 12


def text(x: float, y: float, words: str, *, fill: str = INK, more: str = "") -> str:
    """A line of text; `more` is further attributes."""
    return f'<text x="{x:.1f}" y="{y:.1f}" fill="{fill}" {more}>{escape(words)}</text>'


@dataclass(frozen=True, slots=True)
class Scale:
    """Maps seconds since the fault to pixels."""

    first_s: float
    last_s: float

    def x(self, second: float) -> float:
        share = (second - self.first_s) / (self.last_s - self.first_s)
        return MARGIN + share * (WIDTH - 2 * MARGIN)

    @property
    def ticks(self) -> range:
        span_s = self.last_s - self.first_s
        step = next((step for step in _AXIS_STEPS_S if span_s / step <= _MOST_TICKS), _LONGEST_STEP_S)
        return range(int(self.first_s // step + 1) * step, int(self.last_s) + 1, step)


def chart(report: Report, recording: Recording, scale: Scale) -> Iterator[str]:
    """Bands, bars and axis, from back to front."""
    yield from _bands(report, recording, scale)
    yield from _bars(recording, scale)
    yield from _axis(scale)


def _bands(report: Report, recording: Recording, scale: Scale) -> Iterator[str]:
    """What a stretch of time was spent on; a road that is still under way reaches to the end."""
    moments = list(report.timeline)
    begun_s, ended_s = seconds_to(moments, FIRST_BAD_SAMPLE), seconds_to(moments, "firing")
    if begun_s is not None and ended_s is not None:
        yield from _band(scale.x(begun_s), scale.x(ended_s), "the policy wants it to last", _YELLOW)
    for row, taken in enumerate(roads_taken(recording)):
        begun_s = seconds_to(moments, accepted(taken.road))
        ended_s = scale.last_s if taken.under_way else seconds_to(moments, established(taken.road))
        if begun_s is not None and ended_s is not None:
            yield from _band(scale.x(begun_s), scale.x(ended_s), taken.road, _ROAD_TINTS[row % len(_ROAD_TINTS)], row)


def _band(x: float, end: float, words: str, fill: str, row: int = 0) -> Iterator[str]:
    """A tinted stretch with its name, which stands in the middle if it fits; a further one begins a line lower."""
    y, width = TOP + _BAND_LINE * row, max(2.0, end - x)
    half = _LETTER * len(words) / 2
    middle = min(max(x + half, (x + end) / 2), WIDTH - MARGIN - half)
    yield f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="{_BOTTOM - y}" fill="{fill}"/>'
    yield text(middle, y + 13, words, fill=MUTED, more='font-size="11" text-anchor="middle"')


def _bars(recording: Recording, scale: Scale) -> Iterator[str]:
    """One bar for each whole second: served by the good build, served by another, failed."""
    counts = Counter((int((visit.at_s - recording.zero_s) // 1), _color(visit)) for visit in recording.visits)
    seen = sorted({second for second, _ in counts})
    whole = [second for second in seen if scale.first_s <= second < scale.last_s - 1]
    tallest = max((sum(counts[second, color] for color in _STACK) for second in whole), default=1)
    for second in whole:
        yield from _bar([counts[second, color] / tallest for color in _STACK], second, scale)


def _bar(shares: list[float], second: int, scale: Scale) -> Iterator[str]:
    x, width = scale.x(second) + 0.5, max(1.0, scale.x(1) - scale.x(0) - 1)
    y = float(_BOTTOM)
    for color, share in zip(_STACK, shares, strict=True):
        tall = _HEIGHT * share
        y -= tall
        if tall:
            yield f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{tall:.1f}" fill="{color}"/>'


def _color(visit: Visit) -> str:
    if not visit.served:
        return RED
    return GREEN if visit.build == GOOD_BUILD else BLUE


def _axis(scale: Scale) -> Iterator[str]:
    yield f'<line x1="{MARGIN}" y1="{_BOTTOM}" x2="{WIDTH - MARGIN}" y2="{_BOTTOM}" stroke="{LINE}"/>'
    for second in scale.ticks:
        x = scale.x(second)
        yield f'<line x1="{x:.1f}" y1="{_BOTTOM}" x2="{x:.1f}" y2="{_BOTTOM + 4}" stroke="{MUTED}"/>'
        yield text(x, _BOTTOM + 18, f"{second} s", fill=MUTED, more='font-size="11" text-anchor="middle"')
