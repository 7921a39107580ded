"""What is usual for a signal: robust, on the right scale, and the same in any unit."""

from collections.abc import Sequence
from math import exp, log
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from shared.decision.conditions.eras import Value
from shared.decision.conditions.usual import Counted, Measured, Usual, correlation_of, quantile, usual_of
from shared.model.quantity import Dimension
from tests.unit.decision.build import at
from tests.unit.decision.conditions.before_lines import CALM

lines = st.lists(st.floats(1, 1000), min_size=8, max_size=40)


def _values(line: Sequence[float], count: int = 1) -> list[Value]:
    return [Value(at(60 * place), value, count) for place, value in enumerate(line)]


def _usual(line: Sequence[float], dimension: Dimension, *, falls: bool = False, count: int = 1) -> Usual:
    found = usual_of(_values(line, count), dimension, falls=falls)
    assert found is not None
    return found


def _measured(line: Sequence[float], dimension: Dimension = Dimension.LATENCY, *, falls: bool = False) -> Measured:
    found = _usual(line, dimension, falls=falls)
    assert isinstance(found, Measured)
    return found


def _counted(shares: Sequence[float], count: int) -> Counted:
    found = _usual(shares, Dimension.SHARE, count=count)
    assert isinstance(found, Counted)
    return found


def _sigmas(usual: Usual, value: float, count: int = 1) -> float:
    return usual.sigmas(Value(at(0), value, count))


@pytest.mark.parametrize(("samples", "known"), [(7, False), (8, True)])
def test_eight_samples_are_needed(samples: int, known: bool) -> None:
    found = usual_of(_values(CALM[:samples]), Dimension.LATENCY, falls=False)
    assert (found is not None) is known


@given(lines, st.floats(1, 5000), st.floats(0.01, 100))
def test_latencies_are_judged_alike_in_any_unit(line: list[float], value: float, unit: float) -> None:
    one, other = _measured(line), _measured([x * unit for x in line])
    assert _sigmas(other, value * unit) == pytest.approx(_sigmas(one, value), rel=1e-6, abs=1e-6)


@given(lines, st.floats(-500, 5000), st.floats(0.01, 100))
def test_numbers_are_judged_alike_in_any_unit(line: list[float], value: float, unit: float) -> None:
    one, other = _measured(line, Dimension.NUMBER), _measured([x * unit for x in line], Dimension.NUMBER)
    assert _sigmas(other, value * unit) == pytest.approx(_sigmas(one, value), rel=1e-6, abs=1e-6)


@given(lines, st.floats(1, 5000), st.floats(0, 500), st.sampled_from(Dimension), st.booleans())
def test_a_worse_value_is_never_less_far_out(
    line: list[float], value: float, step: float, dimension: Dimension, falls: bool
) -> None:
    usual = _measured(line, dimension, falls=falls)
    assert _sigmas(usual, value - step if falls else value + step) >= _sigmas(usual, value)


@given(st.lists(st.sampled_from([0.0, 0.01, 0.02, 0.3]), min_size=8, max_size=30), st.integers(0, 99))
def test_more_failures_are_never_less_far_out(shares: list[float], failed: int) -> None:
    usual = _usual(shares, Dimension.SHARE, count=100)
    assert _sigmas(usual, (failed + 1) / 100, 100) >= _sigmas(usual, failed / 100, 100)


def test_one_wild_sample_before_hides_nothing() -> None:
    calm, wild = _measured(CALM), _measured((*CALM[:-1], 20_000.0))
    assert _sigmas(wild, 300) == pytest.approx(_sigmas(calm, 300), rel=0.1)


def test_a_latency_that_jumps_between_two_levels_is_not_steady() -> None:
    jumping = [200.0] * 24 + [400.0] * 6
    assert _sigmas(_measured(jumping), 410) < 2
    assert _sigmas(_measured([200.0] * 30), 410) > 20


def test_a_signal_that_never_moved_may_move_a_little() -> None:
    usual = _measured([200.0] * 30)
    assert _sigmas(usual, 206) == pytest.approx(log(1.03) / 0.03)
    assert usual.level == pytest.approx(200)


def test_a_number_that_was_always_nothing_is_far_out_with_the_least() -> None:
    usual = _measured([0.0] * 10, Dimension.NUMBER)
    assert _sigmas(usual, 0) == 0
    assert _sigmas(usual, 0.1) == 37
    assert not usual.matters(0.0, 0.2, 0.003)


@pytest.mark.parametrize(
    ("dimension", "falls", "value", "matters"),
    [
        (Dimension.LATENCY, False, 119.9, False),
        (Dimension.LATENCY, False, 120.1, True),
        (Dimension.NUMBER, False, 119.9, False),
        (Dimension.NUMBER, False, 120.0, True),
        (Dimension.NUMBER, True, 80.0, True),
        (Dimension.NUMBER, True, 80.1, False),
        (Dimension.NUMBER, True, 120.0, False),
    ],
)
def test_a_fifth_of_what_is_usual_matters(dimension: Dimension, falls: bool, value: float, matters: bool) -> None:
    assert _measured([100.0] * 10, dimension, falls=falls).matters(value, 0.2, 0.003) is matters


def test_of_a_share_points_matter() -> None:
    usual = _counted([0.01] * 10, 1000)
    assert not usual.matters(0.0129, 0.2, 0.003)
    assert usual.matters(0.0131, 0.2, 0.003)


def test_failures_that_come_in_bursts_are_less_surprising() -> None:
    evenly = _counted([0.01] * 30, 500)
    bursts = _counted([0.0] * 27 + [0.1] * 3, 500)
    assert evenly.overdispersion == 1
    assert bursts.overdispersion > 20
    assert bursts.rate == pytest.approx(evenly.rate, rel=0.1)
    assert _sigmas(bursts, 0.04, 500) < 2 < 4.5 < _sigmas(evenly, 0.04, 500)


def test_availability_is_the_other_side_of_failures() -> None:
    failures, availability = _counted([0.01] * 10, 500), _usual([0.99] * 10, Dimension.SHARE, falls=True, count=500)
    assert availability.level == pytest.approx(0.99)
    assert _sigmas(availability, 0.95, 500) == pytest.approx(_sigmas(failures, 0.05, 500))


def test_a_share_of_nothing_counted_is_a_number() -> None:
    assert isinstance(_usual([0.01] * 10, Dimension.SHARE), Measured)


@given(st.lists(st.floats(-5, 5), min_size=2, max_size=40), st.floats(0, 1))
def test_quantiles_are_pythons(line: list[float], share: float) -> None:
    assert quantile(line, share) == pytest.approx(stats.mstats.mquantiles(line, share, 1, 1)[0], abs=1e-9)


@pytest.mark.parametrize("true", [0.0, 0.3, 0.6])
def test_autocorrelation_is_found_and_not_underestimated(true: float) -> None:
    chance = Random(5)
    found = []
    for _ in range(200):
        line = [chance.gauss(0, 1)]
        for _ in range(59):
            line.append(true * line[-1] + chance.gauss(0, (1 - true**2) ** 0.5))
        found.append(correlation_of(line))
    mean = sum(found) / len(found)
    assert true <= mean <= true + 0.15


@pytest.mark.parametrize("line", [[0.0] * 9, [1.0, -1.0] * 10])
def test_what_stands_still_or_jumps_to_and_fro_is_not_correlated(line: list[float]) -> None:
    assert correlation_of(line) == 0


def test_the_mean_of_more_neighbours_varies_less() -> None:
    usual = _measured(CALM)
    spreads = [usual.spread(length) for length in (1, 2, 3, 4)]
    assert spreads == sorted(spreads, reverse=True)
    assert spreads[-1] > 0.5  # what is not known of the centre stays
    assert exp(usual.centre) == pytest.approx(200, rel=0.02)
