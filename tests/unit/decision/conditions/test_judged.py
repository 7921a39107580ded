"""The default judgement: what it takes, what is not enough, and that it keeps still."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from shared.decision.conditions import judged as kind
from shared.decision.conditions.judged import agreeing_of, level_at_look
from shared.decision.conditions.line import Mark, View
from shared.model.conditions.judged import Judged
from shared.model.quantity import Dimension
from shared.model.signal import Sample, no_data
from tests.unit.decision.build import NOON, at
from tests.unit.decision.conditions.before_lines import CALM, CHANGED, ERRORS, P95, around, judged, part

ONE = judged(P95)


def _after(condition: Judged, inputs: Mapping[str, Sequence[Sample]], view: View = CHANGED) -> list[Mark]:
    return [mark for mark in kind.marks(condition, inputs, view) if mark.at > NOON]


def _said(condition: Judged, inputs: Mapping[str, Sequence[Sample]]) -> list[bool | None]:
    return [mark.violates for mark in _after(condition, inputs)]


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        ([200, 201, 203], [False, False, False]),
        ([400, 400, 200], [None, True, False]),
        ([200, 400, 400], [False, False, True]),
        ([400, 200, 400, 200], [None, False, False, False]),  # outliers are no run
        ([235, 235, 235, 235], [False, False, False, False]),  # far out, but not by a fifth
        ([100, 100, 100], [False, False, False]),  # better is no worse
    ],
)
def test_a_latency_is_worse_when_neighbours_are(after: list[float], expected: list[bool | None]) -> None:
    assert _said(ONE, {"p95": around(CALM, after)}) == expected


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        ([0.001, 0.001, 0.002], [False, False, False]),
        ([0.01, 0.01], [None, True]),
        ([0.001, 0.02, 0.001, 0.02], [False, True, False, True]),  # one is enough when there is no doubt
        ([0.012, 0.001, 0.012, 0.001], [None, False, False, False]),
        ([0.003, 0.003, 0.003, 0.003], [False, False, False, False]),  # does not matter
    ],
)
def test_failures_are_counted(after: list[float], expected: list[bool | None]) -> None:
    condition = judged(ERRORS)
    assert _said(condition, {"error_rate": around([0.001] * 30, after, 2000)}) == expected


def test_less_may_be_worse() -> None:
    condition = judged(part("throughput", Dimension.NUMBER, falls=True))
    line = around([100, 103, 97, 101, 99] * 6, [50, 50, 150, 150])
    assert _said(condition, {"throughput": line}) == [None, True, False, False]


def test_any_signal_is_enough_and_the_worst_one_speaks() -> None:
    inputs = {"p95": around(CALM, [400, 400]), "error_rate": around([0.001] * 30, [0.001, 0.001], 2000)}
    condition = judged(ERRORS, P95)
    *_, mark = _after(condition, inputs)
    assert kind.said(condition, mark) == "worse than before: p95 400 ms, usually 200 ms (7.1 sigmas of 2.0 needed)"


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ({"p95": around(CALM[:7], [200, 200])}, "not judged: of p95 fewer than 8 samples are known from before"),
        ({"p95": around(CALM, [400])}, "not judged: p95 400 ms, usually 200 ms, seen once: it takes two to tell"),
    ],
)
def test_too_little_is_neither_healthy_nor_not(inputs: Mapping[str, Sequence[Sample]], said: str) -> None:
    *_, mark = _after(ONE, inputs)
    assert mark.violates is None
    assert kind.said(ONE, mark) == said


def test_a_signal_that_fell_silent_is_not_healthy_but_hides_no_harm() -> None:
    condition = judged(ERRORS, P95)
    calm = around([0.001] * 30, [0.001] * 10, 2000)
    silent = around(CALM, [200, 200])
    *_, mark = _after(condition, {"error_rate": calm, "p95": silent})
    assert mark.violates is None
    assert kind.said(condition, mark) == "not judged: p95 is not measured"
    bad = around([0.001] * 30, [0.001] * 8 + [0.1] * 2, 2000)
    assert _said(condition, {"error_rate": bad, "p95": silent})[-1] is True


def test_errors_of_a_source_say_nothing() -> None:
    line = [*around(CALM, [200, 200]), no_data(at(180), "nothing"), no_data(at(240), "nothing")]
    assert _said(ONE, {"p95": line}) == [False, False]


def test_what_was_bad_before_the_change_is_usual() -> None:
    assert _said(ONE, {"p95": around([x * 2 for x in CALM], [400, 400, 400])}) == [False, False, False]


def test_however_often_it_is_asked_no_more_than_the_level_is_spent() -> None:
    spent = [level_at_look(look, 0.02) for look in range(2, 5000)]
    assert spent == sorted(spent, reverse=True)
    assert 0.0199 < sum(spent) < 0.02


@given(st.lists(st.floats(1e-6, 1), min_size=1, max_size=6), st.sampled_from([0.01, 0.05, 0.5]))
def test_signals_agree_by_simes_rule(chances: list[float], level: float) -> None:
    adjusted = stats.false_discovery_control(chances, method="bh")
    expected = int((adjusted <= level).sum())
    spent = sorted(chance / level for chance in chances)
    if not any(abs(value / level - 1) < 1e-9 for value in adjusted):
        assert agreeing_of(spent, len(chances)) == expected


def test_signals_that_are_each_somewhat_worse_are_worse_together() -> None:
    noisy = [200 + 4 * (value - 200) for value in CALM]
    inputs = {name: around(noisy, [200, 200, 200, 252, 252]) for name in ("p50", "p90", "p95")}
    parts = [part(name, Dimension.LATENCY) for name in inputs]
    alone = [_said(replace(judged(*parts[:1]), level=0.1 / 3), {"p50": inputs["p50"]})[-1]]
    together = _after(judged(*parts), inputs)[-1]
    assert (alone, together.violates) == ([False], True)
    assert together.note.endswith(", 2 more agree)")


def test_outside_of_a_change_it_takes_much_more() -> None:
    noisy = [200 + 4 * (value - 200) for value in CALM]
    inputs = {"p95": around(noisy, [270, 270])}
    still = View(watermark=CHANGED.watermark)
    assert _said(ONE, inputs)[-1] is True
    assert _after(ONE, inputs, still)[-1].violates is False
    assert _after(ONE, {"p95": around(CALM, [800, 800])}, still)[-1].violates is True


@given(
    st.lists(st.floats(150, 420), min_size=2, max_size=8),
    st.lists(st.floats(0, 200), min_size=8, max_size=8),
)
def test_a_worse_line_is_never_judged_better(after: list[float], steps: list[float]) -> None:
    def worse(line: Sequence[float]) -> list[bool]:
        return [mark.violates is True for mark in _after(ONE, {"p95": around(CALM, line)})]

    better, harmed = worse(after), worse([value + step for value, step in zip(after, steps, strict=False)])
    assert all(not was or now for was, now in zip(better, harmed, strict=True))


@given(st.lists(st.floats(150, 420), min_size=2, max_size=8), st.floats(0.01, 100))
def test_the_unit_does_not_matter(after: list[float], unit: float) -> None:
    scaled = around([x * unit for x in CALM], [x * unit for x in after])
    # At a bound, a product of floats may fall on the other side.
    near = any(abs(value / 240 - 1) < 1e-9 or abs(value / 200 / 1.2 - 1) < 1e-3 for value in after)
    assert near or _said(ONE, {"p95": scaled}) == _said(ONE, {"p95": around(CALM, after)})


def test_how_much_matters_is_asked_of_each() -> None:
    inputs = {"p95": around(CALM, [300, 300, 300])}
    assert _said(replace(ONE, by=0.45), inputs)[-1] is True
    assert _said(replace(ONE, by=0.55), inputs)[-1] is False


def test_a_change_is_held_against_the_time_before_it_for_as_long_as_the_policy_says() -> None:
    bad = [400.0] * 70
    condition = replace(ONE, before=replace(ONE.before, within=timedelta(minutes=30)))
    found = _said(condition, {"p95": around(CALM, bad)})
    assert found[1:30] == [True] * 29
    assert found[30:60] != [True] * 30  # then what was bad for half an hour begins to be usual
