"""What the figures of one run are held against. An aim is about ratios wherever it can be: machines differ."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from statistics import median

from bench.sync.ways import LONGEST

AFAR = ", 10 ms away"
# By name: one for each round.
Values = Mapping[str, list[float]]


@dataclass(frozen=True, slots=True)
class Aim:
    """One aim.

    Attributes:
        needs: The figures it is about.
        value: What they come to.
        at_least, at_most: What it must be.
    """

    what: str
    unit: str
    needs: tuple[str, ...]
    value: Callable[[Mapping[str, float]], float]
    at_least: float | None = None
    at_most: float | None = None

    @property
    def wanted(self) -> str:
        return f">= {self.at_least:g}" if self.at_least is not None else f"<= {self.at_most:g}"

    def reached(self, value: float) -> bool:
        return (self.at_least is None or value >= self.at_least) and (self.at_most is None or value <= self.at_most)


@dataclass(frozen=True, slots=True)
class Judged:
    """An aim, and what it came to."""

    aim: Aim
    value: float

    @property
    def reached(self) -> bool:
        return self.aim.reached(self.value)


def _beside(peer: str, what: str, **limits: float) -> Aim:
    """The product's speed as a multiple of a peer's."""
    return Aim(what, "x", ("ours", peer), lambda found: found[peer] / found["ours"], **limits)


FENCE_TO_PROOF = "ours, copied ahead while people write: fence to proof"
COST = "capture, single-row updates: cost, %"
LEAST_COST = "capture, single-row updates: cost of the least trigger there could be, %"
AIMS = (
    _beside("apply floor", "of the apply floor", at_least=0.60),
    _beside("one statement a row", "as fast as one statement a row", at_least=30),
    _beside("executemany", "as fast as executemany", at_least=2.5),
    _beside("subscription", "as fast as a subscription's catch-up", at_least=1.0),
    Aim(
        "slower with 10 ms of round trip",
        "x",
        ("ours", f"ours{AFAR}"),
        lambda found: found[f"ours{AFAR}"] / found["ours"],
        at_most=1.4,
    ),
    Aim("capture costs on single-row updates", "%", (COST,), lambda found: found[COST], at_most=9),
    Aim("fence to proof", "s", (FENCE_TO_PROOF,), lambda found: found[FENCE_TO_PROOF], at_most=5),
    Aim("longest chunk", "ms", (f"ours: {LONGEST}",), lambda found: found[f"ours: {LONGEST}"], at_most=1_000),
)
# Rounds of the same thing differ by so much here.
_NOISE = 1.05
COMPARING = "compare, {}: {}"


def judged(values: Values, inexact: Collection[str] = ()) -> Iterator[Judged]:
    """Hold the medians of all rounds against the aims that they are about; the longest chunk is that of all rounds.

    Args:
        inexact: Figures of ways that did not do what they were to do, beside which nothing is fast or slow.
    """
    found = {
        name: max(some) if LONGEST in name else median(some) for name, some in values.items() if name not in inexact
    }
    for aim in (*AIMS, *_comparing(found)):
        if all(name in found for name in aim.needs):
            yield Judged(aim, aim.value(found))


def _comparing(found: Mapping[str, float]) -> Iterator[Aim]:
    """One aim for each number of planted differences: as fast as the best of all others."""
    planted = dict.fromkeys(name.partition(": ")[0] for name in found if name.startswith(COMPARING.partition("{")[0]))
    for which in planted:
        ours = f"{which}: ours"
        others = [name for name in found if name.startswith(f"{which}: ") and not name.startswith(ours)]
        if ours not in found or not others:
            continue
        best = min(others, key=found.__getitem__)
        yield Aim(
            f"{which}: time as a multiple of the best other way ({best.partition(': ')[2]})",
            "x",
            (ours, best),
            lambda values, ours=ours, best=best: values[ours] / values[best],  # type: ignore[misc]  # bound now
            at_most=_NOISE,
        )
