"""What is learned of a source's delay, and that it makes nobody see who is blind."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from shared.decision.assess import Seen, assess
from shared.decision.cycle import Known, News, next_cycle
from shared.decision.delays import assess_late, learned_delay, with_answer
from shared.decision.reasons import as_json, decide_again, reasons_from_json, reasons_of, verdicts_of
from shared.model.policy import Policy
from shared.model.signal import Sample, Series, failed, measured, no_data
from shared.model.trigger import NoData, RollbackTrigger, TriggerState, Verdict
from shared.model.watch import Arrivals, WatchState
from tests.fakes.clock import NOON
from tests.fakes.policies import policy
from tests.unit.decision.build import at
from tests.unit.decision.strategies import LAST_S, histories, triggers

_LOG = "load_time: {log: slow.kql, workspace: w, unit: ms, every: 60s, delay: 60s}\n  memory: {alert"
_SLOW = "- {name: slow, when: load_time > 1000ms, for: 2m}\n    - {name: doubt"
LOGGED = policy(("memory: {alert", _LOG), ("- {name: doubt", _SLOW))
_SIGNAL = LOGGED.signals["load_time"]


def s(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("late_s", "learned_s"),
    [
        ((), 0),
        ((300,) * 4, 0),  # too little is known
        ((90,) * 5, 90),
        ((0, 0, 0, 0, 90), 0),  # one late answer is no habit
        ((0, 0, 0, 90, 90), 90),
        ((0,) * 38 + (90, 90), 0),
        ((0,) * 37 + (90, 90, 90), 90),
    ],
)
def test_the_95th_percentile_counts_and_never_the_worst_alone(late_s: tuple[int, ...], learned_s: int) -> None:
    assert learned_delay(Arrivals(s(0), late_s)) == timedelta(seconds=learned_s)


def answered(known: Series, *fresh: Sample, asked_s: float = 60, before_s: float | None = 0) -> tuple[int, ...]:
    before = Arrivals(None if before_s is None else s(before_s))
    return with_answer(before, known, fresh, s(asked_s)).late_s


def test_what_was_not_there_when_it_was_asked_for_came_late() -> None:
    assert answered((), measured(s(-90), 1.0)) == (90,)


def test_the_time_until_the_next_question_is_no_delay_of_the_source() -> None:
    assert answered((), measured(s(1), 1.0), asked_s=600) == (0,)


def test_a_value_that_is_another_one_now_came_late() -> None:
    known = (measured(s(-90), 1.0), measured(s(-30), 1.0))
    assert answered(known, measured(s(-90), 1.0), measured(s(-30), 2.0)) == (150,)
    assert answered(known, measured(s(-90), 1.0), measured(s(-30), 1.0, 7)) == (150,)


def test_what_comes_in_between_could_not_be_known_until_the_next_question() -> None:
    known = (measured(s(-90), 1.0), measured(s(-30), 1.0))
    assert answered(known, measured(s(-60), 1.0)) == (60 + 60 + 60,)
    assert answered(known, measured(s(-30), 1.0, sample_id="another instance")) == (150,)


@pytest.mark.parametrize(
    "fresh", [(), (measured(s(-90), 1.0),), (no_data(s(0), "nothing"),), (failed(s(0), "sick"), measured(s(-90), 1.0))]
)
def test_an_answer_with_nothing_new_teaches_nothing(fresh: tuple[Sample, ...]) -> None:
    assert answered((measured(s(-90), 1.0),), *fresh) == ()


def test_the_first_answer_brings_history_and_no_delay() -> None:
    assert answered((), measured(s(-3600), 1.0), before_s=None) == ()


def test_a_question_that_failed_was_none() -> None:
    """What comes after an outage was there all along, and nobody could see it."""
    first = with_answer(Arrivals(), (), [measured(s(-60), 1.0)], s(0))
    after_outage = with_answer(first, (), [failed(s(60), "sick")], s(60))
    assert after_outage == first
    assert with_answer(after_outage, (), [measured(s(10), 1.0)], s(600)).late_s == (0,)


def test_clocks_that_differ_a_little_are_no_delay() -> None:
    assert answered((), measured(s(-2), 1.0)) == (0,)
    assert answered((), measured(s(-2.1), 1.0)) == (3,)


in_order = histories().map(lambda samples: sorted(samples, key=lambda one: (one.at, one.id)))


@given(triggers(), in_order, st.integers(0, 120), st.integers(0, LAST_S + 60))
def test_learning_makes_nobody_see_who_is_blind(
    rule: RollbackTrigger, samples: list[Sample], late_s: int, now_s: int
) -> None:
    (name,) = rule.condition.inputs
    series, seen = {name: tuple(samples)}, Seen(now=at(now_s))
    declared = assess(rule, series, seen)
    learned = assess_late(rule, {name: timedelta(seconds=late_s)}, series, seen)
    if declared.verdict is Verdict.BLIND:
        assert learned.verdict is Verdict.BLIND
        assert learned.state is declared.state
    if timedelta(seconds=late_s) <= rule.delay:
        assert learned == declared


@given(triggers(), in_order, st.integers(0, 120), st.integers(0, LAST_S + 60))
def test_a_learned_delay_reads_no_sample_that_lies_in_it(
    rule: RollbackTrigger, samples: list[Sample], late_s: int, now_s: int
) -> None:
    """What a trigger says counts the same whatever stands in the part that may still change, unless it is blind."""
    (name,) = rule.condition.inputs
    assume(rule.no_data is NoData.BLIND)  # where the last word stands, it stands
    late = max(timedelta(seconds=late_s), rule.delay + timedelta(seconds=1))
    whole = [one for one in samples if one.at <= at(now_s) - late]
    read = [assess_late(rule, {name: late}, {name: tuple(kept)}, Seen(now=at(now_s))) for kept in (samples, whole)]
    if not any(one.verdict is Verdict.BLIND for one in read):
        assert read[0] == read[1]


def played(chosen: Policy, answers: Sequence[tuple[float, Sequence[Sample]]]) -> list[tuple[WatchState, Known, News]]:
    """Watch `load_time` through answers, each at its moment in seconds."""
    state, found = WatchState(), []
    for seconds, fresh in answers:
        known = Known(state=state)
        news = News(samples={"load_time": tuple(fresh)}, asked=("load_time",), asked_at=s(seconds))
        state = next_cycle(chosen, known, news, s(seconds)).state
        found.append((state, known, news))
    return found


def half_data(minutes: int, settled_after_s: int) -> list[tuple[float, Sequence[Sample]]]:
    """Answers of a source whose newest minutes look bad until they are whole: then they are good."""
    answers: list[tuple[float, Sequence[Sample]]] = []
    for minute in range(1, minutes + 1):
        now_s = 60.0 * minute
        told = range(max(1, minute - 10), minute + 1)
        fresh = [measured(s(60 * m), 100.0 if now_s - 60 * m >= settled_after_s else 9_000.0) for m in told]
        answers.append((now_s, fresh))
    return answers


def reading_of_slow(state: WatchState) -> tuple[TriggerState, Verdict | None, str]:
    (reading,) = [one for one in state.readings if one.name == "slow"]
    return reading.state, reading.verdict, reading.sentence


def test_a_source_that_is_later_than_declared_does_not_fire_on_half_of_its_data() -> None:
    story = played(LOGGED, half_data(30, settled_after_s=240))
    before, after = (
        [reading_of_slow(state) for state, _, _ in story[:5]],
        [reading_of_slow(one[0]) for one in story[8:]],
    )
    # While nothing is known yet, what the policy declares counts.
    assert any(state is not TriggerState.INACTIVE for state, _, _ in before)
    assert {(state, verdict) for state, verdict, _ in after} == {(TriggerState.INACTIVE, Verdict.HEALTHY)}
    assert after[-1][2].endswith("; load_time comes 300 s late (60 s declared)")


def test_a_source_that_is_punctual_is_read_as_declared() -> None:
    story = played(LOGGED, half_data(30, settled_after_s=60))
    assert all("late" not in reading_of_slow(state)[2] for state, _, _ in story)
    assert story[-1][0].arrivals["load_time"].late_s == (0,) * 29


def test_what_is_later_than_anyone_has_patience_for_is_blind() -> None:
    story = played(LOGGED, half_data(40, settled_after_s=420))
    state, verdict, sentence = reading_of_slow(story[-1][0])
    assert (state, verdict) == (TriggerState.INACTIVE, Verdict.BLIND)
    assert sentence == "load_time comes 480 s late (60 s declared): too late to judge by"


def test_what_is_silent_is_told_by_the_declared_delay() -> None:
    """Nothing of the last five minutes ever."""
    answers = [(60.0 * m, [measured(s(60 * n), 100.0) for n in range(m - 8, m - 5)]) for m in range(1, 20)]
    assert reading_of_slow(played(LOGGED, answers)[-1][0])[1] is Verdict.BLIND


def test_a_receipt_decides_the_same_with_what_was_learned() -> None:
    state, known, news = played(LOGGED, half_data(12, settled_after_s=240))[-1]
    assert learned_delay(known.state.arrivals["load_time"]) > _SIGNAL.delay
    cycle = next_cycle(LOGGED, known, news, s(720))
    kept = reasons_from_json(as_json(reasons_of(LOGGED, known, news, s(720))))
    assert as_json(decide_again(kept)) == as_json(verdicts_of(cycle))
    forgotten = replace(kept, known=replace(kept.known, state=replace(kept.known.state, arrivals={})))
    assert as_json(decide_again(forgotten)) != as_json(verdicts_of(cycle))
    assert state.arrivals.keys() == {"load_time"}


def test_what_is_pushed_late_is_learned_from_the_cycle_that_looked_before() -> None:
    state = WatchState()
    for tick in range(12):
        pushed: dict[str, tuple[Sample, ...]] = {"load": (measured(s(10 * tick - 45), 0.1),)}
        state = next_cycle(policy(), Known(state=state), News(samples=pushed), s(10 * tick)).state
    assert state.arrivals["load"].late_s[-3:] == (35, 35, 35)


def test_alerts_are_late_by_nature_and_stand_until_the_next_word() -> None:
    state = WatchState()
    for tick in range(8):
        news = News(samples={"memory": (measured(s(10 * tick - 300), 1.0, sample_id=str(tick)),)})
        state = next_cycle(policy(), Known(state=state), news, s(10 * tick)).state
    assert "memory" not in state.arrivals


def test_series_are_kept_for_as_long_as_the_longest_delay_that_is_judged_by() -> None:
    (rule,) = [rule for rule in LOGGED.rules if rule.name == "slow"]
    longest = rule.delay + 2 * rule.stale_after
    assert LOGGED.horizon("load_time") >= longest + rule.hold_for + rule.max_gap
