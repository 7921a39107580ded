"""Shares of what something was, which may be more than all of it: `50%`, `200%`."""

from typing import Annotated

from pydantic import BeforeValidator, WithJsonSchema

from shared.model.conditions.pace import Pace
from shared.model.policy_signal_base import SignalBase
from shared.model.quantity import Dimension, parse_quantity

# Less is flat.
FLAT = 0.05


def _rate(value: object) -> float:
    text = value if isinstance(value, str) else str(value) if type(value) in (int, float) else ""
    # Of what is written in percent, the decimal number that is meant: 0.999 and not the float beside it.
    rate = round(parse_quantity(text, Dimension.SHARE), 12)
    if rate < FLAT:
        raise ValueError(f"{value!r} is within the noise; expected {FLAT:.0%} or more")
    return rate


def as_written(value: object) -> object:
    """A plain number may stand without quotes."""
    return str(value) if type(value) in (int, float) else value


Rate = Annotated[
    float,
    BeforeValidator(_rate),
    WithJsonSchema({"type": ["string", "number"], "examples": ["50%", 0.5]}),
]
Written = Annotated[str, BeforeValidator(as_written), WithJsonSchema({"type": ["string", "number"]})]


def amount_of(written: str | None, dimension: Dimension) -> float:
    """Return an amount in the product's own unit; nothing written is none.

    Raises:
        ValueError: it has another unit, or is less than nothing.
    """
    amount = parse_quantity(written, dimension) if written is not None else 0.0
    if amount < 0:
        raise ValueError(f"{written!r} is less than nothing; expected an amount from 0")
    return amount


def pace_of(signal: SignalBase) -> Pace:
    """Return the rhythm of a signal."""
    return Pace(every=signal.apart, patience=signal.patience)
