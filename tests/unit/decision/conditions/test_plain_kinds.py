"""The plain kinds as a policy writes them: each fires at its boundary and one sample, and not one sample before."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model.signal import Sample, measured
from shared.model.trigger import Comparator, RollbackTrigger, TriggerState, Verdict
from tests.unit.decision.build import at, bursts, changed
from tests.unit.decision.conditions.written import line, reading_of, rule_of

INACTIVE, PENDING, FIRING = TriggerState.INACTIVE, TriggerState.PENDING, TriggerState.FIRING
HEALTHY, UNHEALTHY, BLIND = Verdict.HEALTHY, Verdict.UNHEALTHY, Verdict.BLIND


def _read(entry: str, signal: str, samples: Sequence[Sample], now_s: float) -> tuple[TriggerState, Verdict | None, str]:
    reading = reading_of(rule_of(entry), {signal: samples}, at(now_s))
    return reading.state, reading.verdict, reading.sentence


PERIODS = "{name: doubt, when: confidence < 5, periods: 2 of 3, each: 15m}"
SUM = "{name: many, when: exceptions > 10, pool: sum, over: 10m}"
OFTEN = "{name: slow, when: p95 > 5000ms, often: more than 5, over: 10m}"


@pytest.mark.parametrize(
    ("means", "state", "verdict", "said"),
    [
        ([4, 4, 4], FIRING, UNHEALTHY, "confidence < 5 in 3 of 3 periods of 15m (min 2, newest 4) for 15 min"),
        ([6, 4, 4], FIRING, UNHEALTHY, "confidence < 5 in 2 of 3 periods of 15m (min 2, newest 4)"),
        ([4, 6, 4], FIRING, UNHEALTHY, "confidence < 5 in 2 of 3 periods"),
        ([4, 4, 6], FIRING, UNHEALTHY, "confidence < 5 in 2 of 3 periods of 15m (min 2, newest 6)"),
        ([4, 6, 6], INACTIVE, HEALTHY, "confidence < 5 in 1 of 3 periods of 15m (min 2, newest 6)"),
        ([6, 5, 4], INACTIVE, HEALTHY, "confidence < 5 in 1 of 3 periods"),
        ([6, 5, 5], INACTIVE, HEALTHY, "confidence < 5 in 0 of 3 periods of 15m (min 2, newest 5)"),
        ([4, None, 4], FIRING, UNHEALTHY, "confidence < 5 in 2 of 3 periods"),
        ([6, None, 4], INACTIVE, BLIND, "confidence < 5 in 1 of 3 periods of 15m (min 2, others unknown, newest 4)"),
        ([None, None, 6], INACTIVE, BLIND, "in 0 of 3 periods of 15m (min 2, others unknown, newest 6)"),
        ([None, 6, 6], INACTIVE, HEALTHY, "confidence < 5 in 0 of 3 periods"),
    ],
)
def test_violations_of_so_many_periods(
    means: list[float | None], state: TriggerState, verdict: Verdict, said: str
) -> None:
    # Each period has its one sample in its middle.
    found = _read(PERIODS, "confidence", line(*means, every_s=900, start_s=450), 2_700)
    assert found[:2] == (state, verdict)
    assert said in found[2]


def test_a_period_counts_once_it_is_over_and_not_a_second_sooner() -> None:
    samples = line(4, 4, every_s=900, start_s=450)
    assert _read(PERIODS, "confidence", samples, 1_799)[:2] == (INACTIVE, BLIND)
    assert _read(PERIODS, "confidence", samples, 1_800)[0] is FIRING


def test_a_period_is_the_mean_of_its_samples_weighted_by_count_and_ends_with_its_last_moment() -> None:
    one = [measured(at(300), 9.0, 1), measured(at(900), 4.0, 4)]
    other = [measured(at(1_200), 4.0, 1), measured(at(1_800), 4.0, 1)]
    # (9 + 4 * 4) / 5 is 5, which is not less than 5.
    assert _read(PERIODS, "confidence", [*one, *other], 1_800)[:2] == (INACTIVE, BLIND)
    assert _read(PERIODS, "confidence", [one[1], *other], 1_800)[0] is FIRING


@pytest.mark.parametrize(
    ("entry", "signal", "values", "state", "verdict"),
    [
        pytest.param(SUM, "exceptions", [1] * 9 + [2], FIRING, UNHEALTHY, id="eleven are more than ten"),
        pytest.param(SUM, "exceptions", [1] * 10, INACTIVE, HEALTHY, id="ten are not"),
        pytest.param(SUM, "exceptions", [5, *[1] * 10], INACTIVE, HEALTHY, id="what left the window does not count"),
        pytest.param(SUM, "exceptions", [11], FIRING, UNHEALTHY, id="eleven are enough, whatever was not seen"),
        pytest.param(SUM, "exceptions", [1] * 3, INACTIVE, BLIND, id="three minutes are too little to be sure"),
        pytest.param(
            SUM, "exceptions", [1, 1, None, None, None, None, 1, 1, 1, 1], INACTIVE, BLIND, id="nor with a hole in them"
        ),
        pytest.param(
            "{name: n, when: exceptions < 5, pool: sum, over: 10m}", "exceptions", [0] * 3, INACTIVE, BLIND, id="below"
        ),
        pytest.param(
            "{name: n, when: exceptions < 5, pool: sum, over: 10m}", "exceptions", [0.4] * 10, FIRING, UNHEALTHY, id="4"
        ),
        pytest.param(
            "{name: n, when: load > 90, pool: max, over: 5m}", "load", [91, 1, 1, 1, 1], FIRING, UNHEALTHY, id="max"
        ),
        pytest.param(
            "{name: n, when: load > 90, pool: max, over: 5m}", "load", [91, *[1] * 5], INACTIVE, HEALTHY, id="old max"
        ),
        pytest.param(
            "{name: n, when: load < 2, pool: min, over: 5m}", "load", [1, 9, 9, 9, 9], FIRING, UNHEALTHY, id="min"
        ),
        pytest.param(
            "{name: n, when: load > 2, pool: average, over: 5m}", "load", [1, 2, 4], FIRING, UNHEALTHY, id="average"
        ),
        pytest.param(
            "{name: n, when: load > 2, pool: average, over: 5m}", "load", [1, 2, 3], INACTIVE, HEALTHY, id="no average"
        ),
        pytest.param(
            "{name: n, when: load < 5, pool: count, over: 5m}", "load", [9] * 5, INACTIVE, HEALTHY, id="five counted"
        ),
        pytest.param(
            "{name: n, when: load <= 5, pool: count, over: 5m}", "load", [9] * 5, FIRING, UNHEALTHY, id="at most five"
        ),
        pytest.param(OFTEN, "p95", [5_001] * 6 + [1] * 4, FIRING, UNHEALTHY, id="six are more than five"),
        pytest.param(OFTEN, "p95", [5_001] * 5 + [5_000] * 5, INACTIVE, HEALTHY, id="five are not"),
        pytest.param(OFTEN, "p95", [5_001] * 6, FIRING, UNHEALTHY, id="six are enough, whatever was not seen"),
        pytest.param(OFTEN, "p95", [5_001] * 5, INACTIVE, BLIND, id="five of some are too little to be sure"),
        pytest.param(
            OFTEN.replace("more than 5", "at least 5"), "p95", [5_001] * 5, FIRING, UNHEALTHY, id="at least five"
        ),
    ],
)
def test_a_window(entry: str, signal: str, values: list[float | None], state: TriggerState, verdict: Verdict) -> None:
    assert _read(entry, signal, line(*values), 60 * (len(values) - 1))[:2] == (state, verdict)


def test_a_window_is_said_with_its_numbers() -> None:
    assert _read(SUM, "exceptions", line(*[1] * 9, 3), 540)[2] == (
        "exceptions sum 12 > 10 in 10m for 0 s (min 0 s, 10 samples)"
    )
    assert _read(SUM, "exceptions", line(1, 2), 60)[2] == "exceptions sum 3 in 10m, some of which was not seen"
    assert _read(OFTEN, "p95", line(*[9_000] * 6), 300)[2] == (
        "p95 > 5.0 s in 6 samples of 10m (min 6) for 0 s (min 0 s, 6 requests)"
    )


SPARSE = SUM.replace("}", ", no_data: hold}")


@pytest.mark.parametrize(
    ("now_s", "state", "verdict"),
    [(0, INACTIVE, HEALTHY), (60, FIRING, UNHEALTHY), (599, FIRING, UNHEALTHY), (600, INACTIVE, HEALTHY)],
)
def test_what_happens_now_and_then_is_over_once_it_has_left_the_window(
    now_s: float, state: TriggerState, verdict: Verdict
) -> None:
    samples = [sample for sample in line(6, 5) if sample.at <= at(now_s)]
    assert _read(SPARSE, "exceptions", samples, now_s)[:2] == (state, verdict)


def test_where_nothing_ever_happened_there_is_no_word_and_an_hour_later_it_is_well() -> None:
    assert _read(SPARSE, "exceptions", [], 0)[1] is None
    assert _read(SPARSE, "exceptions", line(11), 3_600)[:2] == (INACTIVE, HEALTHY)
    often = OFTEN.replace("}", ", no_data: hold}")
    assert _read(often, "p95", line(*[9_000] * 6), 599)[0] is FIRING
    assert _read(often, "p95", line(*[9_000] * 6), 600)[0] is INACTIVE


BREAKER = "{name: breaker, trips: error_rate > 50%, over: 60s, at_least: 20 requests, closes_after: 30s}"


@pytest.mark.parametrize(
    ("samples", "now_s", "state", "verdict"),
    [
        pytest.param(line(1.0, count=19), 0, INACTIVE, BLIND, id="nineteen calls say nothing"),
        pytest.param(line(1.0, count=20), 0, FIRING, UNHEALTHY, id="twenty do"),
        pytest.param(line(1.0, 0.0, every_s=10, count=10), 10, INACTIVE, HEALTHY, id="half is not more than half"),
        pytest.param(line(1.0, 1.0, every_s=10, count=10), 10, FIRING, UNHEALTHY, id="the window has its volume"),
        pytest.param(line(1.0, 1.0, every_s=60, count=10), 60, INACTIVE, BLIND, id="what left the window is no volume"),
    ],
)
def test_a_breaker_trips_on_rate_and_volume(
    samples: list[Sample], now_s: float, state: TriggerState, verdict: Verdict
) -> None:
    assert _read(BREAKER, "error_rate", samples, now_s)[:2] == (state, verdict)


def test_a_breaker_closes_again_after_it_was_quiet_for_as_long_as_it_says() -> None:
    samples = line(1.0, *[0.0] * 12, every_s=10, count=20)
    states = [_read(BREAKER, "error_rate", samples, now_s)[0] for now_s in range(0, 130, 10)]
    # The mean of the window falls to a half ten seconds later; it has been no more than that for 30 s at 40 s.
    assert states == [FIRING] * 4 + [INACTIVE] * 9


GONE = "{name: gone, silent: rows, for: 5m}"


@pytest.mark.parametrize(
    ("drawn", "state", "verdict"),
    [
        pytest.param("------", FIRING, UNHEALTHY, id="five minutes of empty answers"),
        pytest.param("-----", PENDING, UNHEALTHY, id="four"),
        pytest.param("..-----", PENDING, UNHEALTHY, id="four after a word"),
        pytest.param("--.---", PENDING, UNHEALTHY, id="a word begins it anew"),
        pytest.param("......", INACTIVE, HEALTHY, id="it is heard"),
        pytest.param("!!!!!!!!", INACTIVE, BLIND, id="errors are no silence"),
        pytest.param(".!!!!!!", INACTIVE, BLIND, id="not even after a word"),
        pytest.param("---!!!!!!!", INACTIVE, BLIND, id="and end the silence that was seen"),
        pytest.param("--!--!-", FIRING, UNHEALTHY, id="an error among empty answers is only a gap"),
        pytest.param("", INACTIVE, BLIND, id="a source that nobody asked"),
    ],
)
def test_the_silence_of_a_source_that_is_asked(drawn: str, state: TriggerState, verdict: Verdict) -> None:
    samples = bursts(drawn, every_s=60)
    assert _read(GONE, "rows", samples, 60 * len(drawn))[:2] == (state, verdict)


BEAT = "{name: gone, silent: heartbeat, for: 5m}"


@pytest.mark.parametrize(
    ("heard_s", "watched_since_s", "now_s", "state", "verdict"),
    [
        pytest.param([0], -60, 329, PENDING, UNHEALTHY, id="five minutes begin when the next beat was due"),
        pytest.param([0], -60, 330, FIRING, UNHEALTHY, id="and are over then"),
        pytest.param([0, 20], -60, 330, PENDING, UNHEALTHY, id="from the last beat on"),
        pytest.param([0], -60, 30, PENDING, UNHEALTHY, id="it is due"),
        pytest.param([0], -60, 29, INACTIVE, HEALTHY, id="it is not due yet"),
        pytest.param([0], 200, 529, PENDING, UNHEALTHY, id="not while the watch stood still"),
        pytest.param([0], 200, 530, FIRING, UNHEALTHY, id="but since it went on and a beat was due"),
        pytest.param([0], 600, 600, INACTIVE, BLIND, id="of a long silence that nobody watched nothing is known"),
        pytest.param([0], 600, 629, INACTIVE, BLIND, id="until the next beat is due"),
        pytest.param([0], 600, 630, PENDING, UNHEALTHY, id="then it has held for no time"),
        pytest.param([0, 610], 600, 639, INACTIVE, HEALTHY, id="a beat ends the doubt"),
        pytest.param([], -60, 10_000, INACTIVE, BLIND, id="who was never heard is unknown"),
        pytest.param([0], None, 10_000, INACTIVE, HEALTHY, id="a watch that does not know since when it runs"),
    ],
)
def test_the_silence_of_who_sends_by_itself(
    heard_s: list[float], watched_since_s: float | None, now_s: float, state: TriggerState, verdict: Verdict
) -> None:
    since = None if watched_since_s is None else at(watched_since_s)
    samples = [measured(at(moment), 1.0) for moment in heard_s]
    reading = reading_of(rule_of(BEAT), {"heartbeat": samples}, at(now_s), watched_since=since)
    assert (reading.state, reading.verdict) == (state, verdict)


ISSUES = "{name: sick, issues: [error_rate > 5%, p95 > 2s, availability < 99%, down > 0], HOW}"


@pytest.mark.parametrize(
    ("how", "values", "verdict", "said"),
    [
        (
            "count: 2",
            {"error_rate": 0.31, "p95": 2_400.0, "availability": 1.0, "down": 0.0},
            UNHEALTHY,
            "2 of 4 issues (min 2; confidence 0.6, gradual): error_rate 0.31 > 0.05, p95 2.4 s > 2.0 s for 0 s",
        ),
        (
            "share: 50%",
            {"error_rate": 0.31, "p95": 2_000.0, "availability": 0.98, "down": 1.0},
            UNHEALTHY,
            "3 of 4 issues (min 2; confidence 0.9, immediate): error_rate 0.31 > 0.05, availability 0.98 < 0.99, down",
        ),
        (
            "share: 51%",
            {"error_rate": 0.31, "p95": 2_400.0, "availability": 1.0, "down": 0.0},
            HEALTHY,
            "2 of 4 issues (min 3; confidence 0.6, gradual)",
        ),
        (
            "count: 2",
            {"error_rate": 0.31, "p95": 2_000.0, "availability": 0.99, "down": 0.0},
            HEALTHY,
            "1 of 4 issues (min 2; confidence 0.3, monitor): error_rate 0.31 > 0.05 (",
        ),
        (
            "count: 2",
            {"error_rate": 0.05, "p95": 2_000.0, "availability": 0.99, "down": 0.0},
            HEALTHY,
            "0 of 4 issues (min 2; confidence 0.0, monitor): none of error_rate, p95, availability, down (",
        ),
        ("count: 2", {"error_rate": 0.31, "p95": 2_400.0}, UNHEALTHY, "2 of 4 issues"),
        ("count: 2", {"error_rate": 0.31, "p95": 1.0}, BLIND, "1 of 4 issues (min 2, others unknown; confidence 0.3"),
        ("count: 2", {"error_rate": 0.0, "p95": 1.0, "down": 0.0}, HEALTHY, "0 of 4 issues"),
        ("count: 2", {"error_rate": 0.31, "p95": 1.0, "down": 0.0}, BLIND, "1 of 4 issues (min 2, others unknown"),
        ("count: 4", {"error_rate": 9.0, "p95": 9e9, "availability": 0.0, "down": 9.0}, UNHEALTHY, "confidence 1.0"),
    ],
)
def test_issues_are_counted_and_the_unknown_ones_are_neither_here_nor_there(
    how: str, values: dict[str, float], verdict: Verdict, said: str
) -> None:
    inputs = {name: [measured(at(0), value)] for name, value in values.items()}
    reading = reading_of(rule_of(ISSUES.replace("HOW", how)), inputs, at(0))
    assert reading.verdict is verdict
    assert said in reading.sentence


def test_an_issue_is_unknown_once_its_value_is_old() -> None:
    rule = rule_of(ISSUES.replace("HOW", "count: 2"))
    inputs = {"error_rate": [measured(at(60), 0.31)], "p95": line(1.0), "availability": line(1.0)}
    assert reading_of(rule, inputs | {"down": [measured(at(31), 1.0)]}, at(60)).state is FIRING
    assert reading_of(rule, inputs | {"down": [measured(at(30), 1.0)]}, at(60)).verdict is BLIND


_POOLED = "{name: n, when: error_rate > 5%, over: 10m, at_least: 1}"


@pytest.fixture(scope="module")
def pooled_rule() -> RollbackTrigger:
    return rule_of(_POOLED)


@given(st.integers(1, 99), st.integers(1, 6), st.data())
def test_a_pool_exactly_at_the_threshold_is_not_above_it_however_its_failures_are_spread(
    pooled_rule: RollbackTrigger, percent: int, bursts_of_100: int, data: st.DataObject
) -> None:
    """As many failures of 100 each as make the threshold on the whole."""
    moved = data.draw(st.integers(0, min(percent, 100 - percent)))
    failures = [percent + (moved if place % 2 else -moved) for place in range(bursts_of_100)]
    failures[-1] = percent if bursts_of_100 % 2 else failures[-1]
    samples = [measured(at(10 * place), failed / 100, 100) for place, failed in enumerate(failures)]
    above = changed(pooled_rule, threshold=percent / 100)
    at_least = changed(above, comparator=Comparator.AT_LEAST)
    now = samples[-1].at
    assert reading_of(above, {"error_rate": samples}, now).verdict is HEALTHY
    assert reading_of(at_least, {"error_rate": samples}, now).state is FIRING


@pytest.mark.parametrize(
    ("entry", "signal", "samples"),
    [
        ("{name: n, when: load > 0.3, pool: sum, over: 3m}", "load", line(0.1, 0.1, 0.1)),
        ("{name: n, when: load > 0.1, pool: average, over: 3m}", "load", line(0.1, 0.1, 0.1, count=3)),
        ("{name: n, when: error_rate > 5%}", "error_rate", line(1 / 20, count=20)),
        ("{name: n, when: error_rate > 57%}", "error_rate", line(57 / 100, count=100)),
        ("{name: n, when: p95 > 1.001s}", "p95", line(1_001.0)),
    ],
)
def test_a_value_at_the_threshold_is_not_above_it_though_binary_sums_are(
    entry: str, signal: str, samples: list[Sample]
) -> None:
    now_s = (samples[-1].at - at(0)).total_seconds()
    assert _read(entry, signal, samples, now_s)[:2] == (INACTIVE, HEALTHY)
    assert _read(entry.replace(">", ">="), signal, samples, now_s)[0] is FIRING
