"""The statistics in pure Python against scipy, which is there in tests only."""

from math import exp

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

from shared.decision.conditions.beta import few_or_fewer, log_beta, log_beta_above, lower_bound, upper_bound
from shared.decision.conditions.chance import (
    MOST_SIGMAS,
    beta_binomial_tail,
    excess_sigmas,
    normal_equivalent,
    sigmas_of,
)
from shared.decision.conditions.more_errors import evidence_of

counts = st.tuples(st.integers(0, 400), st.integers(1, 400)).map(lambda pair: (min(pair), max(pair)))
rates = st.floats(0.001, 0.999)


@given(st.floats(1e-15, 0.9999))
def test_sigmas_are_those_of_the_normal_distribution(chance: float) -> None:
    assert sigmas_of(chance) == pytest.approx(stats.norm.isf(chance), abs=1e-6)


@pytest.mark.parametrize("chance", [0.0, 1e-310, 1e-300])
def test_no_chance_at_all_is_worth_a_number(chance: float) -> None:
    assert sigmas_of(chance) == MOST_SIGMAS


@given(st.floats(0.01, 12), st.floats(3, 200))
def test_students_t_is_worth_nearly_what_it_is_worth(t: float, freedom: float) -> None:
    assert normal_equivalent(t, freedom) == pytest.approx(stats.norm.isf(stats.t.sf(t, freedom)), rel=0.03, abs=0.01)


@given(counts, st.floats(0.5, 50), st.floats(0.5, 5000))
def test_the_tail_of_a_beta_binomial_is_scipys(count: tuple[int, int], a: float, b: float) -> None:
    failed, of = count
    if failed > of * a / (a + b):
        assert beta_binomial_tail(failed, of, a, b) == pytest.approx(
            sum(float(stats.betabinom.pmf(k, of, a, b)) for k in range(failed, of + 1)), rel=1e-6, abs=1e-11
        )


@given(counts, rates)
def test_few_or_fewer_is_the_binomial_distribution(count: tuple[int, int], rate: float) -> None:
    failed, of = count
    assert few_or_fewer(failed, of, rate) == pytest.approx(stats.binom.cdf(failed, of, rate), rel=1e-8, abs=1e-11)


@given(counts, st.sampled_from([0.005, 0.025, 0.1]))
def test_bounds_are_exact(count: tuple[int, int], chance: float) -> None:
    failed, of = count
    exact = stats.binomtest(failed, of).proportion_ci(1 - 2 * chance, "exact")
    assert upper_bound(failed, of, chance) == pytest.approx(exact.high, abs=1e-9)
    assert lower_bound(failed, of, chance) == pytest.approx(exact.low, abs=1e-9)


@pytest.mark.parametrize(("failed", "of", "rate"), [(0, 40, 0.05), (3, 40, 0.05), (9, 40, 0.05), (40, 40, 0.5)])
def test_evidence_is_the_mean_likelihood_of_higher_rates_over_that_of_the_rate(
    failed: int, of: int, rate: float
) -> None:
    likelihood, _ = integrate.quad(lambda p: p**failed * (1 - p) ** (of - failed), rate, 1)
    expected = likelihood / (1 - rate) / (rate**failed * (1 - rate) ** (of - failed))
    assert exp(evidence_of(failed, of, rate)) == pytest.approx(expected, rel=1e-6)


@given(st.floats(0.5, 300), st.floats(0.5, 300), rates)
def test_the_incomplete_beta_function_is_scipys(a: float, b: float, x: float) -> None:
    expected = stats.beta.logsf(x, a, b)
    if expected > -200:
        found = log_beta_above(a, b, x)
        assert found - log_beta(a, b) == pytest.approx(expected, rel=1e-6, abs=1e-6)


@given(counts, st.integers(0, 50), st.integers(1, 5000))
def test_one_failure_more_is_never_less_surprising(count: tuple[int, int], failed: int, of: int) -> None:
    now, requests = count
    line = [excess_sigmas(now + step, requests, min(failed, of), of) for step in (0.0, 0.3, 0.7, 1.0, 1.5)]
    assert line == sorted(line)


@pytest.mark.parametrize(
    ("failed", "of", "sigmas"),
    [
        (0, 500, 0.0),  # nothing failed
        (5, 500, 0.0),  # just what was expected
        (20, 500, float(stats.norm.isf(sum(stats.betabinom.sf(k, 500, 100.5, 9900.5) for k in (19, 20)) / 2))),
    ],
)
def test_failures_are_held_against_what_was_seen_before(failed: int, of: int, sigmas: float) -> None:
    assert excess_sigmas(failed, of, 100, 10_000) == pytest.approx(sigmas, rel=1e-4)


def test_what_is_known_of_little_is_less_surprising() -> None:
    assert excess_sigmas(10, 500, 1, 100) < excess_sigmas(10, 500, 100, 10_000)
