"""What every bench shares: a figure as it is printed, quantiles, a stopwatch, and progress for whoever waits."""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from time import perf_counter
from typing import Any

from rich.console import Console
from rich.progress import track

_ENOUGH_FOR_P99 = 100

console = Console(stderr=True)
progress = partial(track, console=console)


@dataclass(frozen=True, slots=True)
class Figure:
    """One measurement.

    Attributes:
        values: One for each run, in `unit`.
        peer: The same measured of something known, in the same runs.
        notes: What one must know to judge it, printed with it.
    """

    name: str
    unit: str
    values: Sequence[float]
    peer: "Figure | None" = None
    notes: Mapping[str, Any] = field(default_factory=dict)

    def line(self) -> dict[str, Any]:
        """Return what is printed."""
        shares = {"p50": 0.5, "p95": 0.95} | ({"p99": 0.99} if len(self.values) >= _ENOUGH_FOR_P99 else {})
        spread = {name: round(quantile(self.values, share), 3) for name, share in shares.items()}
        peer = {"peer": self.peer.line()} if self.peer else {}
        return {"name": self.name, "unit": self.unit, "n": len(self.values), **spread, **peer, **self.notes}


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that was counted once, in which quantiles would say nothing."""

    name: str
    facts: Mapping[str, Any]

    def line(self) -> dict[str, Any]:
        """Return what is printed."""
        return {"name": self.name, **self.facts}


def quantile(values: Sequence[float], share: float) -> float:
    """Return the nearest-rank quantile (Hyndman and Fan, 1996, definition 1)."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


@contextmanager
def timed(into_ms: list[float]) -> Iterator[None]:
    """Append how long the block took, in milliseconds."""
    begun = perf_counter()
    yield
    into_ms.append((perf_counter() - begun) * 1000)
