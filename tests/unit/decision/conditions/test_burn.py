"""A burn rate: both windows must burn, just at the rate is none, and time that nobody saw is neither."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.decision.conditions import burn
from shared.decision.conditions.line import Mark, View
from shared.model.conditions.burn import Burn
from shared.model.conditions.pace import Pace
from shared.model.policy_conditions.burn import WINDOWS
from shared.model.signal import Sample, failed, measured
from tests.unit.decision.build import at

_HOUR, _MINUTE = timedelta(hours=1), timedelta(minutes=1)
FAST = Burn(
    signal="error_rate",
    objective=0.999,
    rate=14.4,
    long=_HOUR,
    short=5 * _MINUTE,
    pace=Pace(every=_MINUTE, patience=3 * _MINUTE),
)


def _minutes(*stretches: tuple[int, float | None], count: int = 1_000) -> list[Sample]:
    """One sample a minute: so many minutes of each share; `None` is an error."""
    values = [value for minutes, value in stretches for _ in range(minutes)]
    moments = [at(60 * (place + 1)) for place in range(len(values))]
    return [
        failed(moment, "no answer") if value is None else measured(moment, value, count)
        for moment, value in zip(moments, values, strict=True)
    ]


def newest(samples: Sequence[Sample], condition: Burn = FAST) -> Mark:
    return burn.marks(condition, {"error_rate": samples}, View(watermark=samples[-1].at))[-1]


CASES = [
    pytest.param([(60, 0.0144)], False, id="just at the rate"),
    pytest.param([(59, 0.0144), (1, 0.0145)], True, id="one sample beyond it"),
    pytest.param([(60, 0.0145)], True, id="beyond it for all the time"),
    pytest.param([(55, 0.5), (5, 0.0)], False, id="the short window is well again"),
    pytest.param([(59, 0.0), (1, 0.864)], False, id="the long window has just not burnt enough"),
    pytest.param([(59, 0.0), (1, 0.865)], True, id="one bad minute in the hour is enough"),
    pytest.param([(1, 1.0)], True, id="all is down from the first minute on: as if it had been well before"),
    pytest.param([(1, 0.5)], None, id="of the hour, one minute of half of it is too little"),
    pytest.param([(2, 0.0)], None, id="two of five good minutes are no health"),
    pytest.param([(3, 0.0)], False, id="three are"),
    pytest.param([(30, 0.03)], True, id="half an hour of twice the rate"),
    pytest.param([(28, 0.03)], None, id="a little less of it, and nobody knows"),
    pytest.param([(20, 0.0), (30, None), (10, 0.05)], None, id="what nobody saw counts as no failure"),
]


@pytest.mark.parametrize(("stretches", "violates"), CASES)
def test_a_budget_burns(stretches: Sequence[tuple[int, float | None]], violates: bool | None) -> None:
    assert newest(_minutes(*stretches)).violates is violates


def test_minutes_with_more_requests_weigh_more() -> None:
    samples = [measured(at(60 * (i + 1)), 0.0, 10) for i in range(59)]
    assert newest([*samples, measured(at(3_600), 0.2, 1_000)]).violates is True
    assert newest([*samples, measured(at(3_600), 0.2, 10)]).violates is False


SENTENCES = [
    ([(60, 0.0202)], "error_rate burns 20.2 > 14.4 times its budget of 0.1 % in 1h and 5m"),
    ([(60, 0.001)], "error_rate burns 1 <= 14.4 times its budget of 0.1 % in 1h and 5m"),
    ([(60, 0.0144001)], "error_rate burns 14.4001 > 14.4 times its budget of 0.1 % in 1h and 5m"),
    (
        [(1, 0.5)],
        "error_rate burns 500 times its budget of 0.1 % in 1h and 5m, but too little of that was seen",
    ),
]


@pytest.mark.parametrize(("stretches", "sentence"), SENTENCES)
def test_a_burn_says(stretches: Sequence[tuple[int, float | None]], sentence: str) -> None:
    assert burn.said(FAST, newest(_minutes(*stretches))) == sentence


def test_the_windows_use_up_what_the_table_of_the_book_says() -> None:
    used = {rate: rate * (long / timedelta(days=30)) for rate, (long, _) in WINDOWS.items()}
    assert used == pytest.approx({14.4: 0.02, 6.0: 0.05, 3.0: 0.10, 1.0: 0.10})
    assert all(long == 12 * short for long, short in WINDOWS.values())


@given(st.lists(st.tuples(st.integers(1, 20), st.sampled_from([0.0, 0.01, 0.0144, 0.02, 0.5])), min_size=1, max_size=8))
def test_the_two_windows_worked_out_slowly_agree(stretches: list[tuple[int, float]]) -> None:
    samples = _minutes(*stretches)
    values = [sample.value or 0.0 for sample in samples]
    long, short = values[-60:], values[-5:]
    certain = min(sum(long) / 60, sum(short) / 5) / 0.001
    if abs(certain - 14.4) > 1e-6:
        assert (newest(samples).violates is True) == (certain > 14.4)
