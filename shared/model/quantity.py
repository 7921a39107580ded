"""Values with units, as people write them in a policy: `60s`, `10m`, `2000ms`, `5%`, `20 requests`.

Inside the product a share is 0..1, a latency is in milliseconds and a duration is a `timedelta`.
"""

import math
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

_SECONDS_PER_UNIT = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_LONGEST_IN_SECONDS = 600
_LONGEST = timedelta(days=365)
_DURATION = re.compile(r"(?P<number>\d{1,9}(?:\.\d{1,6})?)\s*(?P<unit>ms|s|m|h|d)", re.ASCII)
_QUANTITY = re.compile(r"(?P<number>[-+]?\d{1,15}(?:\.\d{1,9})?)\s*(?P<unit>%|ms|s)?", re.ASCII)
_COUNT = re.compile(r"(?P<number>\d{1,9})\s*(?:requests|samples|events)?", re.ASCII)


class Dimension(StrEnum):
    """What kind of thing a signal measures; a threshold must be of the same kind."""

    SHARE = "share"
    LATENCY = "latency"
    NUMBER = "number"


class Unit(StrEnum):
    """The unit in which a source delivers a signal."""

    SHARE = "share"
    PERCENT = "percent"
    MILLISECONDS = "ms"
    SECONDS = "s"
    BYTES = "bytes"
    NUMBER = "number"

    @property
    def dimension(self) -> Dimension:
        return _UNIT_TABLE[self][0]

    def canonical(self, value: float) -> float:
        """Convert a value in this unit to the product's own: shares 0..1, milliseconds, megabytes (a million bytes)."""
        return _times(repr(float(value)), _UNIT_TABLE[self][1]) if math.isfinite(value) else value


_UNIT_TABLE = {
    Unit.SHARE: (Dimension.SHARE, "1"),
    Unit.PERCENT: (Dimension.SHARE, "0.01"),
    Unit.MILLISECONDS: (Dimension.LATENCY, "1"),
    Unit.SECONDS: (Dimension.LATENCY, "1000"),
    Unit.BYTES: (Dimension.NUMBER, "0.000001"),
    Unit.NUMBER: (Dimension.NUMBER, "1"),
}
_SYMBOL_TABLE = {
    "%": (Dimension.SHARE, "0.01"),
    "ms": (Dimension.LATENCY, "1"),
    "s": (Dimension.LATENCY, "1000"),
}


def _times(number: str, factor: str) -> float:
    """Multiply as on paper: 57 % is 0.57, which 57 * 0.01 is not in binary."""
    return float(Decimal(number) * Decimal(factor))


def parse_duration(text: object) -> timedelta:
    """Read `90s`, `1.5m`, `250ms`, `2h` or `7d`.

    Raises:
        ValueError: the text is no duration with a unit, or it is longer than a year.
    """
    if isinstance(text, timedelta):
        return text
    found = _DURATION.fullmatch(text.strip()) if isinstance(text, str) else None
    if found is None:
        raise ValueError(f"{text!r} is not a duration; write a number and a unit, such as 250ms, 60s, 10m, 2h or 7d")
    seconds = float(found["number"]) * _SECONDS_PER_UNIT[found["unit"]]
    if seconds > _LONGEST.total_seconds():
        raise ValueError(f"{text!r} is too long; expected at most {say_duration(_LONGEST)}")
    return timedelta(seconds=seconds)


def say_duration(duration: timedelta) -> str:
    """Write a duration the way a policy would, so that it reads back the same: `64s`, `1.5s`, `10m`."""
    seconds = duration.total_seconds()
    for unit in ("d", "h", "m"):
        size = _SECONDS_PER_UNIT[unit]
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:.0f}{unit}"
    return f"{seconds:.6f}".rstrip("0").removesuffix(".") + "s"


def say_span(span: timedelta) -> str:
    """Write a span for people: whole seconds up to ten minutes, `64 s`, then minutes, `20 min`."""
    seconds = int(span.total_seconds())
    # Rounded down: what has not been reached is not said to be.
    return f"{seconds} s" if seconds < _LONGEST_IN_SECONDS else f"{seconds // 6 / 10:.1f}".removesuffix(".0") + " min"


def say_moment(at: datetime) -> str:
    """Write a moment for people, to the second and in UTC: `2026-03-01 12:14:00 UTC`."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def parse_count(text: object) -> int:
    """Read `20`, `20 requests`, `3 samples` or `5 events`.

    Raises:
        ValueError: the text is no such count, or it is zero.
    """
    found = _COUNT.fullmatch(str(text).strip()) if isinstance(text, str | int) else None
    if isinstance(text, bool) or found is None or int(found["number"]) == 0:
        raise ValueError(f"{text!r} is not a count; write a whole number from 1, such as 20 requests")
    return int(found["number"])


def number_in(value: object) -> float | None:
    """Return the finite number that a JSON value is or spells: alerts write `25` and `"25"`, Kusto `"NaN"`."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def parse_quantity(text: str, dimension: Dimension) -> float:
    """Read a threshold such as `5%`, `2000ms`, `10s` or `4.5` for a signal of the given dimension.

    Returns:
        The value in the product's own unit of that dimension.

    Raises:
        ValueError: no number, or a unit of another dimension.
    """
    found = _QUANTITY.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text!r} is not a number with a unit; write for instance 5%, 2000ms, 10s or 4.5")
    given, factor = _SYMBOL_TABLE.get(found["unit"] or "", (Dimension.NUMBER, "1"))
    if given is not dimension and not (given is Dimension.NUMBER and dimension is Dimension.SHARE):
        raise ValueError(f"{text.strip()!r} has the wrong unit; {_EXPECTED_UNIT[dimension]}")
    return _times(found["number"], factor)


_EXPECTED_UNIT = {
    Dimension.SHARE: "the signal is a share: write 5% or 0.05",
    Dimension.LATENCY: "the signal is a latency: write 2000ms or 2s",
    Dimension.NUMBER: "the signal is a plain number: write it without a unit",
}


def say_value(value: float, dimension: Dimension) -> str:
    """Write a value in the product's own unit for people: `0.31`, `10.4 s`, `850 ms`, `4.5`."""
    if dimension is not Dimension.LATENCY:
        return f"{value:.2f}" if dimension is Dimension.SHARE else f"{value:.10g}"
    return f"{value / 1000:.1f} s" if value >= 1000 else f"{value:.0f} ms"


def say_apart(value: float, limit: float, dimension: Dimension) -> tuple[str, str]:
    """Write a value and its limit so that they differ in writing when they differ: `0.053` and `0.05`."""
    said, said_limit = say_value(value, dimension), say_value(limit, dimension)
    if said != said_limit or value == limit:
        return said, said_limit
    unit = " ms" if dimension is Dimension.LATENCY else ""
    return f"{value:.9g}{unit}", f"{limit:.9g}{unit}"


_DURATION_SCHEMA = {"type": "string", "pattern": r"^\d+(\.\d+)?\s*(ms|s|m|h|d)$", "examples": ["60s", "10m"]}
Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    PlainSerializer(say_duration, when_used="json"),
    WithJsonSchema(_DURATION_SCHEMA),
]


def parse_share(value: object) -> float:
    """Read `95%`, or a number from 0 to 1.

    Raises:
        ValueError: it is no share, or more than all.
    """
    text = value if isinstance(value, str) else str(value) if type(value) in (int, float) else ""
    share = parse_quantity(text, Dimension.SHARE)
    if not 0 <= share <= 1:
        raise ValueError(f"{value!r} is no share; expected 0% to 100%")
    return share


Share = Annotated[
    float,
    BeforeValidator(parse_share),
    WithJsonSchema({"type": ["string", "number"], "examples": ["95%", 0.95]}),
]
Count = Annotated[
    int,
    BeforeValidator(parse_count),
    WithJsonSchema({"type": ["string", "integer"], "pattern": r"^\d+\s*(requests|samples|events)?$", "minimum": 1}),
]
