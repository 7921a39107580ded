"""Exact bounds against scipy."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta, chi2

from shared.replay.exact import of_rate, of_share

counts = st.integers(1, 400).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of)))


@given(counts)
def test_bounds_of_a_share_are_those_of_clopper_and_pearson(counted: tuple[int, int]) -> None:
    hits, of = counted
    bounds = of_share(hits, of)
    low = beta.ppf(0.025, hits, of - hits + 1) if hits else 0.0
    high = beta.ppf(0.975, hits + 1, of - hits) if hits < of else 1.0
    assert bounds.low == pytest.approx(low, abs=1e-9)
    assert bounds.high == pytest.approx(high, abs=1e-9)


@given(st.integers(0, 300), st.floats(0.01, 100))
def test_bounds_of_a_rate_are_those_of_garwood(events: int, time: float) -> None:
    bounds = of_rate(events, time)
    low = chi2.ppf(0.025, 2 * events) / 2 / time if events else 0.0
    high = chi2.ppf(0.975, 2 * events + 2) / 2 / time
    assert bounds.low == pytest.approx(low, rel=1e-8)
    assert bounds.high == pytest.approx(high, rel=1e-8)


def test_of_nothing_all_is_possible() -> None:
    assert (of_share(0, 0).low, of_share(0, 0).high) == (0.0, 1.0)
    assert of_rate(0, 0.0).high == float("inf")


@pytest.mark.parametrize(("hits", "of"), [(-1, 5), (6, 5), (1, 0)])
def test_what_is_no_share_is_refused(hits: int, of: int) -> None:
    with pytest.raises(ValueError, match="is no share"):
        of_share(hits, of)
