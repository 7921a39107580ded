"""Labelled watches of real systems, as lines of samples around a change.

Each line of the file is a JSON object: `signals` with a `baseline` and a `watch` each, `worse` and `unit`; `requests`
with the counts where the source had them; `faulty` and `visible`. `null` is a missing sample.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from shared.model.conditions.pace import Pace
from shared.model.quantity import Dimension
from shared.model.signal import Sample, measured

CHANGED_AT = datetime(2026, 1, 1, 12, tzinfo=UTC)
_UNITS = {
    "s": (Dimension.LATENCY, 1000.0),
    "ms": (Dimension.LATENCY, 1.0),
}
# What users get, as a policy would name it: a mean and a median are both what is typical.
_NAMES = {"latency_mean": "typical", "latency_p50": "typical"}
ERRORS = "error_rate"


@dataclass(frozen=True, slots=True)
class Line:
    """One signal of a watch, of which more is worse."""

    name: str
    dimension: Dimension
    samples: Sequence[Sample]


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """One watch: what was measured around a change that was made at noon.

    Attributes:
        system: Which system it was.
        visible: Users could see the fault at the front door.
        ended: When each value after the change was complete.
        fold: Part of the data that it is judged in; neighbours in time lie in the same one.
    """

    id: str
    system: str
    faulty: bool
    visible: bool
    pace: Pace
    baseline: timedelta
    ended: Sequence[datetime]
    lines: Sequence[Line]
    fold: int = 0

    @property
    def kind(self) -> str:
        """`visible`, `hidden` or `quiet`."""
        return "visible" if self.visible else "hidden" if self.faulty else "quiet"


def read(path: Path) -> list[Episode]:
    """Return all watches of a file."""
    with path.open(encoding="utf-8") as file:
        return [_episode(json.loads(line)) for line in file if line.strip()]


def _episode(found: Mapping[str, Any]) -> Episode:
    every = timedelta(seconds=found["sample_seconds"])
    ended = [CHANGED_AT + timedelta(minutes=m) for m in found["minutes_from_change_to_end_of_sample"]]
    longest = max(len(signal["baseline"]) for signal in found["signals"].values())
    return Episode(
        id=found["id"],
        system=f"{found['dataset']}/{found['sample_seconds']}s",
        faulty=found["faulty"],
        visible=found["visible"],
        pace=Pace(every=every, patience=3 * every),
        # The newest value before the change may have ended a moment after it began: one more interval.
        baseline=(longest + 1) * every,
        ended=ended,
        lines=[
            _line(name, signal, found.get("requests") or {}, every, ended) for name, signal in found["signals"].items()
        ],
    )


def _line(
    name: str, signal: Mapping[str, Any], requests: Mapping[str, Any], every: timedelta, ended: Sequence[datetime]
) -> Line:
    before, after = signal["baseline"], signal["watch"]
    moments = [ended[0] - every * (len(before) - place) for place in range(len(before))] + list(ended)
    values = list(zip(moments, [*before, *after], strict=True))
    if name == "availability":
        counts = _counts(requests, len(before), len(after))
        failed = zip(values, counts, strict=True)
        samples = [measured(at, max(0.0, 1 - v / 100), count) for (at, v), count in failed if v is not None]
        return Line(ERRORS, Dimension.SHARE, samples)
    dimension, factor = _UNITS.get(signal["unit"], (Dimension.NUMBER, 1.0))
    samples = [measured(at, value * factor) for at, value in values if value is not None]
    return Line(_NAMES.get(name, name.removeprefix("latency_")), dimension, samples)


def _counts(requests: Mapping[str, Any], before: int, after: int) -> Iterator[int]:
    """Yield how many requests each value stands on; of the time before only the sum is known."""
    total = requests.get("baseline_total")
    for _ in range(before):
        yield max(1, round(total / before)) if total else 1
    for place in range(after):
        count = requests["watch"][place] if total else None
        yield round(count) if count else 1
