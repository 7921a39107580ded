"""A comparison as it is written: `error_rate > 5%`."""

import re
from dataclasses import dataclass
from typing import Annotated

from pydantic import BeforeValidator, Field, WithJsonSchema

from shared.model.policy_conditions.entry import Signals
from shared.model.policy_signal_base import SignalBase
from shared.model.policy_signals import AlertSignal, DamageSignal, PushedSignal
from shared.model.quantity import Dimension, parse_quantity
from shared.model.trigger import Bound, Comparator

_PARTS = re.compile(r"(?P<signal>[a-z][a-z0-9_]*)\s*(?P<comparator>>=|<=|>|<)\s*(?P<threshold>\S.*)")
Comparison = Annotated[
    str,
    Field(
        pattern=r"^\s*[a-z][a-z0-9_]*\s*(>=|<=|>|<)\s*\S.*$",
        description="signal, comparator, threshold with unit",
    ),
]


def _as_written(value: object) -> object:
    """A plain number is one in YAML, too."""
    return str(value) if type(value) in (int, float) else value


Limit = Annotated[
    str,
    BeforeValidator(_as_written),
    WithJsonSchema({"type": ["string", "number"], "examples": ["3%", "1500ms", 80]}),
]


@dataclass(frozen=True, slots=True)
class Compared:
    """The parts of a comparison; the threshold is still as it was written."""

    signal: str
    comparator: Comparator
    threshold: str


def parts_of(written: str) -> Compared:
    """Take a comparison apart.

    Raises:
        ValueError: it is none.
    """
    found = _PARTS.fullmatch(written.strip())
    if found is None:
        raise ValueError(f"{written!r} is no condition; write for instance error_rate > 5%")
    return Compared(found["signal"], Comparator(found["comparator"]), found["threshold"])


def bound_of(written: str, signals: Signals) -> Bound:
    """Return the threshold of a comparison in the product's own unit, and its side.

    Raises:
        ValueError: it has another unit than its signal, or can never or always hold.
    """
    compared = parts_of(written)
    signal = signals[compared.signal]
    bound = Bound(compared.comparator, parse_quantity(compared.threshold, signal.measures.dimension))
    refuse_impossible(bound, signal)
    return bound


def plain_bound_of(written: str, dimension: Dimension = Dimension.NUMBER) -> Bound:
    """Return the threshold of a comparison, and its side, where it is not one of the signal's own values.

    Raises:
        ValueError: it has a unit of another dimension.
    """
    compared = parts_of(written)
    return Bound(compared.comparator, parse_quantity(compared.threshold, dimension))


def refuse_impossible(bound: Bound, signal: SignalBase) -> None:
    """Refuse a threshold that the signal is always, or never, beyond.

    Raises:
        ValueError: it is such a threshold.
    """
    low, high = _range_of(signal)
    above = bound.comparator in (Comparator.ABOVE, Comparator.AT_MOST)
    at_the_edge = bound.value >= high if above else bound.value <= low
    if at_the_edge or not low <= bound.value <= high:
        raise ValueError(
            f"impossible threshold: the signal lies in {low:g} to {high:g}, so this can never or always hold"
        )


def _range_of(signal: SignalBase) -> tuple[float, float]:
    if isinstance(signal, PushedSignal) and signal.scale is not None:
        return signal.unit.canonical(signal.scale[0]), signal.unit.canonical(signal.scale[1])
    if isinstance(signal, AlertSignal):
        return 0.0, 1.0
    if isinstance(signal, DamageSignal):
        return 0.0, float("inf")
    return {
        Dimension.SHARE: (0.0, 1.0),
        Dimension.LATENCY: (0.0, float("inf")),
        Dimension.NUMBER: (float("-inf"), float("inf")),
    }[signal.measures.dimension]
