"""Signals that are made of other signals of the policy: scores, the largest of several, ratios, means."""

from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from shared.model.derivation import Average, Derivation, Extreme, Part, Ratio, Score, Weighted
from shared.model.policy_derived_base import DerivedSignal, Signals, lag_of
from shared.model.policy_signal_base import SignalBase
from shared.model.quantity import Count, Duration, Unit, parse_quantity, say_duration
from shared.model.signal import MOST_SAMPLES
from shared.model.strict import Name, Strict

_OWN_UNITS = Literal["share", "ms", "number"]


def _as_text(value: object) -> object:
    """A plain number may stand without quotes."""
    return str(value) if type(value) in (int, float) else value


Written = Annotated[str, BeforeValidator(_as_text), WithJsonSchema({"type": ["string", "number"]})]


class PartEntry(Strict):
    """What a part of a score is worth: its whole weight up to `good`, nothing from `bad` on."""

    weight: float = Field(gt=0, le=1_000, allow_inf_nan=False, description="Relative to the other parts.")
    good: Written = Field(description="Worth the whole weight from here on, with unit.")
    bad: Written = Field(description="Worth nothing from here on, with unit.")
    at_least: Count = Field(default=1, description="Observations without which the part is unknown.")

    def resolved(self, name: str, signal: SignalBase) -> Weighted:
        """Return the part in the product's own unit.

        Raises:
            ValueError: a limit has another unit than the signal, or both are the same.
        """
        dimension = signal.measures.dimension
        good, bad = parse_quantity(self.good, dimension), parse_quantity(self.bad, dimension)
        if good == bad:
            raise ValueError(f"{name}: good and bad are the same; expected two values")
        return Weighted(
            signal=name,
            dimension=dimension,
            every=signal.apart,
            patience=signal.patience,
            at_least=self.at_least,
            weight=self.weight,
            good=good,
            bad=bad,
        )


class ScoreSignal(DerivedSignal):
    """A score from 0 (bad) to 100 (good) of weighted parts."""

    score: dict[Name, PartEntry] = Field(min_length=1, max_length=20)

    @property
    def source(self) -> str:
        return "score"

    @property
    def parts(self) -> tuple[str, ...]:
        return tuple(self.score)

    def derivation(self, name: str, signals: Signals) -> Score:
        parts = tuple(entry.resolved(part, signals[part]) for part, entry in self.score.items())
        return Score(
            name=name,
            every=self.every,
            parts=parts,
            leave_out=self.missing == "leave_out",
            lag=lag_of(name, signals),
        )


class _OfOneUnit(DerivedSignal):
    """What has the unit of its parts."""

    unit: _OWN_UNITS = Field(default="number", description="What its parts are: a share, a latency or a number.")

    @property
    def measures(self) -> Unit:
        return Unit(self.unit)

    def parts_of(self, signals: Signals) -> tuple[Part, ...]:
        """Return the parts.

        Raises:
            ValueError: one of them is of another dimension.
        """
        for part in self.parts:
            theirs = signals[part].measures.dimension
            if theirs is not self.measures.dimension:
                wanted = "ms" if theirs == "latency" else theirs.value
                raise ValueError(f"{part} is a {theirs}; expected `unit: {wanted}`, and parts of one unit")
        return tuple(part_of(part, signals[part]) for part in self.parts)


class LargestSignal(_OfOneUnit):
    """The largest of several, such as DTU: the largest share of CPU, data I/O and log writes."""

    larger_of: tuple[Name, ...] = Field(min_length=2, max_length=20)

    @property
    def source(self) -> str:
        return "larger_of"

    @property
    def parts(self) -> tuple[str, ...]:
        return self.larger_of

    def derivation(self, name: str, signals: Signals) -> Extreme:
        parts, leave_out = self.parts_of(signals), self.missing == "leave_out"
        lag = lag_of(name, signals)
        return Extreme(name=name, every=self.every, parts=parts, leave_out=leave_out, lag=lag, largest=True)


class SmallestSignal(_OfOneUnit):
    """The smallest of several."""

    smaller_of: tuple[Name, ...] = Field(min_length=2, max_length=20)

    @property
    def source(self) -> str:
        return "smaller_of"

    @property
    def parts(self) -> tuple[str, ...]:
        return self.smaller_of

    def derivation(self, name: str, signals: Signals) -> Extreme:
        parts, leave_out = self.parts_of(signals), self.missing == "leave_out"
        lag = lag_of(name, signals)
        return Extreme(name=name, every=self.every, parts=parts, leave_out=leave_out, lag=lag, largest=False)


class AverageSignal(_OfOneUnit):
    """The mean of one signal over each slot, so that rules of many hours need not keep every sample of it."""

    average_of: Name

    @property
    def source(self) -> str:
        return "average_of"

    @property
    def parts(self) -> tuple[str, ...]:
        return (self.average_of,)

    def derivation(self, name: str, signals: Signals) -> Average:
        return Average(name=name, every=self.every, parts=self.parts_of(signals), lag=lag_of(name, signals))


class RatioEntry(Strict):
    """Two amounts, each told for one interval after the other."""

    of: Name
    per: Name


class RatioSignal(DerivedSignal):
    """The amount of one signal for one of another: cost per job, failed of all."""

    ratio: RatioEntry
    unit: _OWN_UNITS = Field(default="number", description="`share` where one is a part of the other.")
    over: Duration | None = Field(default=None, description="Amounts are added up over this; `every` if not given.")

    @property
    def source(self) -> str:
        return "ratio"

    @property
    def measures(self) -> Unit:
        return Unit(self.unit)

    @property
    def parts(self) -> tuple[str, ...]:
        return self.ratio.of, self.ratio.per

    @model_validator(mode="after")
    def _of_two(self) -> Self:
        if self.ratio.of == self.ratio.per:
            raise ValueError("a ratio of a signal to itself is always 1; expected two signals")
        if self.over is not None and (self.over < self.every or self.over % self.every):
            raise ValueError(f"`over` is {say_duration(self.over)}; expected a multiple of {say_duration(self.every)}")
        return self

    def derivation(self, name: str, signals: Signals) -> Ratio:
        slowest = max(signals[part].apart for part in self.parts)
        if self.every < slowest:
            wanted = say_duration(slowest)
            raise ValueError(f"a slot would often have none of its parts; expected `every: {wanted}` or longer")
        parts = tuple(part_of(part, signals[part]) for part in self.parts)
        over, lag = self.over or self.every, lag_of(name, signals)
        return Ratio(name=name, every=self.every, parts=parts, lag=lag, over=over)


def part_of(name: str, signal: SignalBase) -> Part:
    """Return a signal as a part."""
    return Part(signal=name, dimension=signal.measures.dimension, every=signal.apart, patience=signal.patience)


def derivations_of(signals: Signals) -> tuple[Derivation, ...]:
    """Return how signals are made of others, parts before what is made of them.

    Raises:
        ValueError: they cannot be; see `derived_problems`.
    """
    made = {name: signal for name, signal in signals.items() if isinstance(signal, DerivedSignal)}
    if not made:
        return ()
    order = TopologicalSorter({name: signal.parts for name, signal in made.items()}).static_order()
    return tuple(made[name].derivation(name, signals) for name in order if name in made)


def derived_problems(signals: Signals) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield what is wrong with signals that are made of others: the place below `signals`, and a sentence."""
    made = {name: signal for name, signal in signals.items() if isinstance(signal, DerivedSignal)}
    unknown = [(name, part) for name, signal in made.items() for part in signal.parts if part not in signals]
    for name, part in unknown:
        yield (name, made[name].source), f"unknown signal {part!r}; expected one of: {', '.join(sorted(signals))}"
    if unknown:
        return
    try:
        TopologicalSorter({name: signal.parts for name, signal in made.items()}).prepare()
    except CycleError as error:
        ring = error.args[1]
        yield (ring[0], made[ring[0]].source), f"made of itself: {' of '.join(reversed(ring))}"
        return
    for name, signal in made.items():
        yield from _own_problems(name, signal, signals)


def _own_problems(name: str, signal: DerivedSignal, signals: Signals) -> Iterator[tuple[tuple[str, ...], str]]:
    if len(set(signal.parts)) < len(signal.parts):
        yield (name, signal.source), "a signal stands twice; expected each once"
    try:
        derivation = signal.derivation(name, signals)
    except ValueError as error:
        yield (name, signal.source), str(error)
        return
    fastest = min(signals[part].every for part in signal.parts)
    if derivation.looks_back / fastest > MOST_SAMPLES / 2:
        longest = say_duration(MOST_SAMPLES // 2 * fastest)
        yield (name, signal.source), f"looks back on more samples than are kept; expected at most {longest}"
