"""Two sides compared: the rank sum is scipy's, ties and continuity with it; what does not matter is no alarm."""

from collections.abc import Sequence
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from shared.decision.conditions import concurrent
from shared.decision.conditions.concurrent import Ranks
from shared.decision.conditions.line import Mark
from shared.model.conditions.concurrent import Concurrent
from shared.model.quantity import Dimension
from tests.unit.decision.build import NOON
from tests.unit.decision.conditions.before_lines import CALM, CHANGED, HOUR, around

CANARY = Concurrent(
    signal="canary", other="stable", dimension=Dimension.LATENCY, falls=False, by=0.1, level=0.01, before=HOUR
)
sides = st.lists(st.sampled_from([1.0, 2.0, 2.0, 3.0, 4.5, 7.0]), min_size=5, max_size=30)


def _ranks(judged: Sequence[float], other: Sequence[float], order: Random) -> Ranks:
    ranks = Ranks()
    line = [(ranks.add_judged, value) for value in judged] + [(ranks.add_other, value) for value in other]
    order.shuffle(line)
    for add, value in line:
        add(value)
    return ranks


@given(sides, sides, st.randoms(use_true_random=False))
def test_the_rank_sum_is_scipys(judged: list[float], other: list[float], order: Random) -> None:
    ranks = _ranks(judged, other, order)
    expected = stats.mannwhitneyu(judged, other, alternative="greater", method="asymptotic", use_continuity=True)
    assert ranks.ahead == expected.statistic
    if len({*judged, *other}) > 1 and expected.pvalue < 0.5:
        assert ranks.sigmas == pytest.approx(stats.norm.isf(expected.pvalue), abs=1e-9)


@given(sides, sides, st.randoms(use_true_random=False))
def test_delta_is_cliffs(judged: list[float], other: list[float], order: Random) -> None:
    pairs = [(x > y) - (x < y) for x in judged for y in other]
    assert _ranks(judged, other, order).delta == pytest.approx(sum(pairs) / len(pairs))


def test_what_is_all_the_same_is_no_worse() -> None:
    ranks = _ranks([5.0] * 9, [5.0] * 9, Random(1))
    assert (ranks.sigmas, ranks.delta) == (0.0, 0.0)


def _compared(condition: Concurrent, canary: Sequence[float], stable: Sequence[float]) -> list[Mark]:
    inputs = {"canary": around([], canary), "stable": around([], stable)}
    return [mark for mark in concurrent.marks(condition, inputs, CHANGED) if mark.at > NOON]


@pytest.mark.parametrize(
    ("condition", "canary", "stable", "worse"),
    [
        (CANARY, [300.0 + x / 100 for x in CALM], CALM, True),
        (CANARY, CALM, [300.0 + x / 100 for x in CALM], False),
        (CANARY, CALM, CALM, False),
        (CANARY, [x * 1.08 for x in CALM], CALM, False),  # clear, but less than a tenth
        (replace(CANARY, falls=True), CALM, [300.0 + x / 100 for x in CALM], True),
        (replace(CANARY, falls=True), [300.0 + x / 100 for x in CALM], CALM, False),
    ],
)
def test_a_side_is_worse_when_it_is_clear_and_matters(
    condition: Concurrent, canary: Sequence[float], stable: Sequence[float], worse: bool
) -> None:
    assert _compared(condition, canary, stable)[-1].violates is worse


def test_five_of_each_side_are_needed() -> None:
    found = _compared(CANARY, [300.0] * 6, CALM[:6])
    assert [mark.violates for mark in found] == [None, None, None, None, False, False]
    assert concurrent.said(CANARY, found[3]) == (
        "canary cannot be compared with stable: 4 and 4 samples of 5 needed of each"
    )


def test_nothing_of_the_other_side_is_no_health() -> None:
    found = concurrent.marks(CANARY, {"canary": around([], [300.0] * 9), "stable": []}, CHANGED)
    assert {mark.violates for mark in found} == {None}


def test_what_was_before_the_change_does_not_count() -> None:
    inputs = {"canary": around([900.0] * 30, CALM), "stable": around([100.0] * 30, CALM)}
    assert concurrent.marks(CANARY, inputs, CHANGED)[-1].violates is False


def test_neighbours_that_are_alike_count_as_fewer() -> None:
    waves = [200.0 + 20 * (place // 5 % 2) + place % 3 for place in range(30)]
    shifted = [value * 1.11 for value in waves]
    jumping = [waves[place * 7 % 30] for place in range(30)]
    alone = _compared(CANARY, [value * 1.11 for value in jumping], jumping)[-1]
    alike = _compared(CANARY, shifted, waves)[-1]
    assert _sigmas(alike) < _sigmas(alone)


def _sigmas(mark: Mark) -> float:
    return float(mark.note.rsplit(", ", 1)[1].split(" ")[0])


def test_what_is_said() -> None:
    mark = _compared(CANARY, [300.0 + x / 100 for x in CALM], CALM)[-1]
    assert concurrent.said(CANARY, mark).startswith(
        "canary is worse: 302 ms against 200 ms of stable (30 against 30 samples, worse in 100% of pairs, "
    )
