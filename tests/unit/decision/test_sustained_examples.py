"""The sustained window on drawn series: one mark per 5 s, `x` bad, `.` good, `-` no data, `!` error, blank nothing."""

from datetime import timedelta

import pytest

from shared.model.quantity import Dimension
from shared.model.signal import measured, merge
from shared.model.trigger import Comparator, NoData, RollbackTrigger, TriggerState, Verdict
from tests.unit.decision.build import MICROSECOND, assess, at, bursts, seconds, trigger

INACTIVE, PENDING, FIRING = TriggerState.INACTIVE, TriggerState.PENDING, TriggerState.FIRING
HEALTHY, UNHEALTHY, BLIND = Verdict.HEALTHY, Verdict.UNHEALTHY, Verdict.BLIND

DRAWN = [
    pytest.param("xxxxxxxxxxxxx", FIRING, UNHEALTHY, 60, id="sixty seconds from first to last fire"),
    pytest.param("xxxxxxxxxxxx", PENDING, UNHEALTHY, 55, id="fifty-five seconds do not"),
    pytest.param("x", PENDING, UNHEALTHY, 0, id="one bad burst has held for no time"),
    pytest.param("............x", PENDING, UNHEALTHY, 0, id="good bursts before do not count"),
    pytest.param("xxxxxxxxxxxx.", INACTIVE, HEALTHY, 0, id="one good burst ends it"),
    pytest.param("xxxxxx.xxxxxx", PENDING, UNHEALTHY, 25, id="one good burst in the middle restarts it"),
    pytest.param("x--x--x--x--x", FIRING, UNHEALTHY, 60, id="gaps of exactly max_gap are bridged"),
    pytest.param("x!!x!!x!!x!!x", FIRING, UNHEALTHY, 60, id="errors are silence like any other"),
    pytest.param("x  x  x  x  x", FIRING, UNHEALTHY, 60, id="so is nothing at all"),
    pytest.param("xxxx---xxxxxx", PENDING, UNHEALTHY, 25, id="a longer gap restarts it"),
    pytest.param("xxxxxxxxxx!!!", PENDING, UNHEALTHY, 45, id="errors at the end add no time"),
    pytest.param("xxxxxxxxxxxxx!!!", FIRING, UNHEALTHY, 60, id="firing lasts until the signal is stale"),
    pytest.param("xxxxxxxxxxxxx!!!!", INACTIVE, BLIND, 0, id="then it is blind, not firing"),
    pytest.param("!!!!!!!!!!!!!", INACTIVE, BLIND, 0, id="an outage of the source is blind"),
    pytest.param("-------------", INACTIVE, BLIND, 0, id="empty answers are blind"),
    pytest.param("", INACTIVE, BLIND, 0, id="no sample at all is blind"),
    pytest.param(".............", INACTIVE, HEALTHY, 0, id="good bursts are healthy"),
]


@pytest.mark.parametrize(("drawn", "state", "verdict", "held_s"), DRAWN)
def test_a_drawn_series(drawn: str, state: TriggerState, verdict: Verdict, held_s: int) -> None:
    reading = assess(trigger(), bursts(drawn), at(5 * max(len(drawn) - 1, 0)))
    assert (reading.state, reading.verdict, reading.held) == (state, verdict, seconds(held_s))


@pytest.mark.parametrize(("short_by", "state"), [(seconds(0), FIRING), (MICROSECOND, PENDING)])
def test_the_last_microsecond_of_the_wanted_time_decides(short_by: timedelta, state: TriggerState) -> None:
    last = measured(at(60) - short_by, 0.31, 20)
    assert assess(trigger(), [*bursts("x" * 12), last], at(60)).state is state


@pytest.mark.parametrize(("late_by", "state"), [(seconds(0), PENDING), (MICROSECOND, INACTIVE)])
def test_a_signal_is_stale_one_microsecond_after_its_patience(late_by: timedelta, state: TriggerState) -> None:
    assert assess(trigger(), bursts("xx"), at(5 + 15) + late_by).state is state


@pytest.mark.parametrize(("wider_by", "held_s"), [(seconds(0), 25), (MICROSECOND, 10)])
def test_a_gap_breaks_the_stretch_one_microsecond_above_its_bound(wider_by: timedelta, held_s: int) -> None:
    early = bursts("x", start_s=0)
    samples = [measured(s.at - wider_by, 0.31, 20) for s in early] + list(bursts("xxx", start_s=15))
    assert assess(trigger(), samples, at(25)).held == seconds(held_s)


@pytest.mark.parametrize(
    ("comparator", "value", "violates"),
    [
        (Comparator.ABOVE, 0.5, False),
        (Comparator.ABOVE, 0.75, True),
        (Comparator.AT_LEAST, 0.5, True),
        (Comparator.AT_LEAST, 0.25, False),
        (Comparator.BELOW, 0.5, False),
        (Comparator.BELOW, 0.25, True),
        (Comparator.AT_MOST, 0.5, True),
        (Comparator.AT_MOST, 0.75, False),
    ],
)
def test_the_threshold_itself_belongs_to_the_comparators_with_an_equals_sign(
    comparator: Comparator, value: float, violates: bool
) -> None:
    rule = trigger(comparator=comparator, threshold=0.5)
    assert (assess(rule, [measured(at(0), value, 20)], at(0)).since is not None) is violates


def test_a_sample_at_the_threshold_is_not_above_it_whatever_it_stands_on() -> None:
    rule = trigger(threshold=0.1, at_least=1)
    read = {count: assess(rule, [measured(at(0), 0.1, count)], at(0)) for count in range(1, 200)}
    assert [count for count, reading in read.items() if reading.verdict is not HEALTHY] == []


def test_a_late_sample_fills_the_gap_that_had_restarted_the_clock() -> None:
    gapped = bursts("xxxx   xxxxxx")
    assert assess(trigger(), gapped, at(60)).held == seconds(25)
    late = measured(at(25), 0.31, 20)
    filled = merge(gapped, [late], now=at(60), keep=seconds(600))
    assert assess(trigger(), filled, at(60)).state is FIRING


def test_a_late_good_sample_takes_a_firing_back() -> None:
    late = measured(at(30), 0.0, 20)
    revised = merge(bursts("x" * 13), [late], now=at(60), keep=seconds(600))
    assert assess(trigger(), revised, at(60)).held == seconds(25)


def test_nothing_is_decided_before_the_watermark_has_passed_it() -> None:
    rule = trigger(delay=seconds(60))
    assert assess(rule, bursts("x" * 13), at(119)).state is PENDING
    assert assess(rule, bursts("x" * 13), at(120)).state is FIRING


@pytest.mark.parametrize(
    ("count", "state", "verdict"),
    [(1, PENDING, BLIND), (2, FIRING, UNHEALTHY)],
    ids=["13 of 20 requests are too few", "26 are enough"],
)
def test_a_violation_that_stands_on_too_little_is_blind(count: int, state: TriggerState, verdict: Verdict) -> None:
    reading = assess(trigger(), bursts("x" * 13, count=count), at(60))
    assert (reading.state, reading.verdict) == (state, verdict)


@pytest.mark.parametrize(("count", "verdict"), [(1, BLIND), (2, HEALTHY)])
def test_good_news_that_stands_on_too_little_is_blind(count: int, verdict: Verdict) -> None:
    assert assess(trigger(), bursts("." * 13, count=count), at(60)).verdict is verdict


def test_good_news_stands_on_the_wanted_time_only() -> None:
    rule = trigger(at_least=14)
    assert assess(rule, bursts("." * 40, count=1), at(195)).verdict is BLIND


HOLDING = trigger(no_data=NoData.HOLD, max_gap=seconds(86_400), stale_after=seconds(86_400), at_least=1)


@pytest.mark.parametrize(
    ("rule", "state", "verdict"),
    [(trigger(), INACTIVE, BLIND), (HOLDING, FIRING, UNHEALTHY)],
    ids=["blind on silence", "hold on silence"],
)
def test_silence_after_a_violation(rule: RollbackTrigger, state: TriggerState, verdict: Verdict) -> None:
    reading = assess(rule, bursts("x" * 13), at(3_600))
    assert (reading.state, reading.verdict) == (state, verdict)


def test_a_holding_trigger_without_a_word_has_no_verdict() -> None:
    assert assess(HOLDING, bursts("!!!"), at(10)).verdict is None


def test_a_holding_trigger_forgets_its_last_word_when_that_is_stale() -> None:
    reading = assess(HOLDING, bursts("x" * 13), at(60 + 86_401))
    assert (reading.state, reading.verdict) == (INACTIVE, None)


def test_pooling_weighs_by_count() -> None:
    rule = trigger(over=seconds(30), threshold=0.5, dimension=Dimension.SHARE)
    samples = [measured(at(0), 0.0, 100), measured(at(5), 1.0, 20)]
    assert assess(rule, samples, at(5)).verdict is HEALTHY
    assert assess(trigger(threshold=0.5), samples, at(5)).verdict is UNHEALTHY


@pytest.mark.parametrize(("over_s", "value"), [(5, 1.0), (5.000001, 0.5)])
def test_a_pool_leaves_out_the_sample_at_its_far_edge(over_s: float, value: float) -> None:
    samples = [measured(at(0), 0.0, 20), measured(at(5), 1.0, 20)]
    assert assess(trigger(over=seconds(over_s)), samples, at(5)).value == value


def test_two_instances_that_report_the_same_instants_are_pooled_into_one_violation() -> None:
    rule = trigger(over=seconds(5))
    samples = [
        measured(at(5 * tick), value, 20, sample_id=instance)
        for tick in range(13)
        for instance, value in (("a", 0.0), ("b", 1.0))
    ]
    assert assess(rule, samples, at(60)).state is FIRING


def test_a_violation_longer_than_samples_are_kept_goes_on_from_where_it_began() -> None:
    rule, before = trigger(), None
    for tick in range(0, 600, 5):
        kept = [measured(at(second), 0.31, 20) for second in range(max(0, tick - 100), tick + 1, 5)]
        before = assess(rule, kept, at(tick), before)
    assert before is not None
    assert (before.since, before.held) == (at(0), seconds(595))
    assert "for 595 s" in before.sentence


def test_a_break_that_is_told_late_is_a_break_however_long_it_was_bad_before() -> None:
    bad = [measured(at(second), 0.31, 20) for second in range(500, 601, 5)]
    before = assess(trigger(), bad, at(600))
    well = measured(at(552), 0.0, 20, sample_id="late")
    assert assess(trigger(), [*bad, well], at(600), before).since == at(555)


def test_a_violation_that_began_anew_after_a_gap_does_not_go_on_from_the_old_one() -> None:
    before = assess(trigger(), [measured(at(second), 0.31, 20) for second in range(0, 101, 5)], at(100))
    later = [measured(at(second), 0.31, 20) for second in range(300, 331, 5)]
    assert assess(trigger(), later, at(330), before).since == at(300)
