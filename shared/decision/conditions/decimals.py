"""Sums of decimal numbers as whole ones: exact in any order, and much faster than fractions.

A float stands for the decimal number that it is written as; a share of a count stands for the whole number of
observations behind it. All amounts of a line are multiples of the same power of ten; a mean is divided but once, and so
is the nearest float to the true one, whatever that power was.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import inf
from typing import NamedTuple

from shared.model.quantity import Dimension

_WHOLE = 1e-6
# From here on floats are written with an exponent.
_MOST_WHOLE = 1e16
_TENS: tuple[int, ...] = tuple(10**places for places in range(40))


class Amounts(NamedTuple):
    """Decimal numbers, as multiples of one part.

    Attributes:
        parts: So many parts make 1: a power of ten.
    """

    numbers: Sequence[int]
    parts: int


def written(value: float) -> tuple[int, int]:
    """Return a float as it is written: a whole number, and how many of its digits stand behind the point."""
    if -_MOST_WHOLE < value < _MOST_WHOLE and value == (whole_number := int(value)):
        return whole_number, 0
    text = repr(value)
    if "e" in text:
        return _of_decimal(Decimal(text))
    whole, _, rest = text.partition(".")
    return int(whole + rest), len(rest)


def _of_decimal(value: Decimal) -> tuple[int, int]:
    numerator, denominator = value.as_integer_ratio()
    places = max(0, -int(value.as_tuple().exponent))
    return numerator * 10**places // denominator, places


def amounts_of(heard: Iterable[tuple[float, int]], dimension: Dimension) -> Amounts:
    """Return value times count of some samples; of a share that is a number of observations, which is whole."""
    is_share = dimension is Dimension.SHARE
    found: list[tuple[int, int]] = []
    most = 0
    for value, count in heard:
        if is_share:
            observed = value * count
            whole = round(observed)
            if -_WHOLE < observed - whole < _WHOLE:
                found.append((whole, 0))
                continue
        digits, places = written(value)
        most = max(most, places)
        found.append((digits * count, places))
    tens = [ten_to(most - places) for places in range(most + 1)]
    return Amounts([digits * tens[places] for digits, places in found], tens[0])


def ten_to(places: int) -> int:
    """Return a power of ten."""
    return _TENS[places] if places < len(_TENS) else int(10**places)


@dataclass(frozen=True, slots=True)
class Limit:
    """A decimal number `digits / parts` that means are held against."""

    digits: int
    parts: int

    @classmethod
    def of(cls, value: float) -> "Limit":
        """Return the limit that a float is written as."""
        digits, places = written(value)
        return cls(digits, ten_to(places))


def quotient(top: int, bottom: int) -> float:
    """Return the float that is nearest to a fraction, infinite where that is more than a float can be."""
    try:
        return top / bottom
    except OverflowError:
        return inf if top > 0 else -inf
