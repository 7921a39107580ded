"""Comparators and their opposites."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model.trigger import Comparator

numbers = st.floats(allow_nan=False)


@given(st.sampled_from(Comparator), numbers, numbers)
def test_the_opposite_holds_exactly_when_the_comparator_does_not(
    comparator: Comparator, value: float, threshold: float
) -> None:
    assert comparator.opposite.holds(value, threshold) is not comparator.holds(value, threshold)
    assert comparator.opposite.opposite is comparator


@pytest.mark.parametrize(
    ("comparator", "below", "equal", "above"),
    [
        (">", False, False, True),
        (">=", False, True, True),
        ("<", True, False, False),
        ("<=", True, True, False),
    ],
)
def test_a_comparator_holds(comparator: str, below: bool, equal: bool, above: bool) -> None:
    holds = [Comparator(comparator).holds(value, 5.0) for value in (4.0, 5.0, 6.0)]
    assert holds == [below, equal, above]
