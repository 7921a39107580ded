"""Values with units: what is written is what is meant, said back the same, and nothing else is read."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from shared.model.quantity import (
    Count,
    Dimension,
    Duration,
    Unit,
    parse_count,
    parse_duration,
    parse_quantity,
    say_duration,
    say_span,
    say_value,
)

whole_milliseconds = st.integers(0, 10**10).map(lambda amount: timedelta(milliseconds=amount))


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("250ms", timedelta(milliseconds=250)),
        ("60s", timedelta(seconds=60)),
        (" 1.5 m ", timedelta(seconds=90)),
        ("2h", timedelta(hours=2)),
        ("7d", timedelta(days=7)),
        ("0s", timedelta(0)),
    ],
)
def test_a_duration_reads(text: str, duration: timedelta) -> None:
    assert parse_duration(text) == duration


NO_WORDS = ["", "60", "s", "60 sec", "60S", "-5s", "+5s", "1e3s", "5m30s", "1:30", "0x10s", "1_000s", "1.s", "nans"]
NO_TEXTS = [60, 60.0, None, True, b"60s", ["60s"]]
NO_SANE_NUMBERS = ["1,5s", "1234567890s", "0.0000001s", "60s; drop", "\u0663s"]


@pytest.mark.parametrize("text", [*NO_WORDS, *NO_TEXTS, *NO_SANE_NUMBERS])
def test_anything_else_is_no_duration(text: object) -> None:
    with pytest.raises(ValueError, match=r"is not a duration; write a number and a unit, such as 250ms, 60s"):
        parse_duration(text)


@given(st.sampled_from([("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000)]), st.integers(0, 8_000))
def test_every_whole_number_of_a_unit_reads_exactly(unit: tuple[str, int], number: int) -> None:
    assert parse_duration(f"{number}{unit[0]}") == timedelta(milliseconds=number * unit[1])


@given(whole_milliseconds)
def test_a_duration_that_is_said_reads_back_the_same(duration: timedelta) -> None:
    assert parse_duration(say_duration(duration)) == duration


@given(whole_milliseconds)
def test_a_duration_of_a_policy_survives_being_written_as_json(duration: timedelta) -> None:
    adapter: TypeAdapter[timedelta] = TypeAdapter(Duration)
    assert adapter.validate_json(adapter.dump_json(duration)) == duration


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0s"), (1.5, "1.5s"), (64, "64s"), (90, "90s"), (600, "10m"), (900, "15m"), (7_200, "2h"), (604_800, "7d")],
)
def test_a_duration_is_said_as_a_policy_writes_it(seconds: float, said: str) -> None:
    assert say_duration(timedelta(seconds=seconds)) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 s"), (64.9, "64 s"), (599.9, "599 s"), (600, "10 min"), (900, "15 min"), (630, "10.5 min")],
)
def test_a_span_is_said_for_people(seconds: float, said: str) -> None:
    assert say_span(timedelta(seconds=seconds)) == said


@pytest.mark.parametrize(
    ("text", "count"), [("20", 20), (20, 20), ("20 requests", 20), ("3 samples", 3), ("5events", 5), (" 1 ", 1)]
)
def test_a_count_reads(text: object, count: int) -> None:
    assert parse_count(text) == count


@pytest.mark.parametrize(
    "text", ["", "0", 0, -1, "-1", 1.0, 1.5, "1.5", True, None, "20 users", "1 request", "1e3", "1234567890", "\u0663"]
)
def test_anything_else_is_no_count(text: object) -> None:
    with pytest.raises(ValueError, match=r"is not a count; write a whole number from 1, such as 20 requests"):
        parse_count(text)


@given(st.integers(1, 999_999_999), st.sampled_from(["", " requests", " samples", "events"]))
def test_every_count_reads_back(number: int, noun: str) -> None:
    assert parse_count(f"{number}{noun}") == number


@pytest.mark.parametrize(
    ("text", "dimension", "value"),
    [
        ("5%", Dimension.SHARE, 0.05),
        ("0.05", Dimension.SHARE, 0.05),
        ("99.5 %", Dimension.SHARE, 0.995),
        ("2000ms", Dimension.LATENCY, 2_000.0),
        ("10s", Dimension.LATENCY, 10_000.0),
        ("4.5", Dimension.NUMBER, 4.5),
        ("-3", Dimension.NUMBER, -3.0),
        ("+3", Dimension.NUMBER, 3.0),
    ],
)
def test_a_threshold_reads_in_the_products_own_unit(text: str, dimension: Dimension, value: float) -> None:
    assert parse_quantity(text, dimension) == pytest.approx(value, rel=1e-15)


WRONG_UNIT = [
    ("5s", Dimension.SHARE, "write 5% or 0.05"),
    ("5ms", Dimension.SHARE, "write 5% or 0.05"),
    ("5%", Dimension.LATENCY, "write 2000ms or 2s"),
    ("5", Dimension.LATENCY, "write 2000ms or 2s"),
    ("5%", Dimension.NUMBER, "write it without a unit"),
    ("5s", Dimension.NUMBER, "write it without a unit"),
]


@pytest.mark.parametrize(("text", "dimension", "expected"), WRONG_UNIT)
def test_a_threshold_in_another_unit_says_which_is_expected(text: str, dimension: Dimension, expected: str) -> None:
    with pytest.raises(ValueError, match=f"^{text!r} has the wrong unit; .*{expected}$"):
        parse_quantity(text, dimension)


@pytest.mark.parametrize(
    "text", ["", "%", "five", "5 percent", "1e3", "nan", "inf", ".5", "5.", "5m", "5 > 3", "1,000"]
)
@pytest.mark.parametrize("dimension", Dimension)
def test_anything_else_is_no_threshold(text: str, dimension: Dimension) -> None:
    with pytest.raises(ValueError, match="is not a number with a unit; write for instance"):
        parse_quantity(text, dimension)


@given(st.integers(0, 100_000))
def test_seconds_and_milliseconds_are_the_same_latency(amount: int) -> None:
    assert parse_quantity(f"{amount}s", Dimension.LATENCY) == parse_quantity(f"{amount * 1000}ms", Dimension.LATENCY)


@pytest.mark.parametrize(
    ("unit", "dimension", "canonical"),
    [
        (Unit.SHARE, Dimension.SHARE, 2.0),
        (Unit.PERCENT, Dimension.SHARE, 0.02),
        (Unit.MILLISECONDS, Dimension.LATENCY, 2.0),
        (Unit.SECONDS, Dimension.LATENCY, 2_000.0),
        (Unit.BYTES, Dimension.NUMBER, 0.000_002),
        (Unit.NUMBER, Dimension.NUMBER, 2.0),
    ],
)
def test_a_unit_has_a_dimension_and_a_factor(unit: Unit, dimension: Dimension, canonical: float) -> None:
    assert unit.dimension is dimension
    assert unit.canonical(2.0) == pytest.approx(canonical)


@pytest.mark.parametrize(
    ("value", "dimension", "said"),
    [
        (0.31, Dimension.SHARE, "0.31"),
        (850.0, Dimension.LATENCY, "850 ms"),
        (10_400.0, Dimension.LATENCY, "10.4 s"),
        (4.5, Dimension.NUMBER, "4.5"),
        (1_400.0, Dimension.NUMBER, "1400"),
        (2_500_000.0, Dimension.NUMBER, "2500000"),
    ],
)
def test_a_value_is_said_for_people(value: float, dimension: Dimension, said: str) -> None:
    assert say_value(value, dimension) == said


@pytest.mark.parametrize("count", [0, "none", True])
def test_a_count_in_a_policy_is_refused_with_its_reason(count: object) -> None:
    with pytest.raises(ValidationError, match="is not a count"):
        TypeAdapter(Count).validate_python(count)
