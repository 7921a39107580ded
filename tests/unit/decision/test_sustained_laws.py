"""Laws of the sustained window: order, silence, lateness and time do to a reading what the laws allow, and no more."""

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from shared.model.quantity import Dimension
from shared.model.signal import Sample, measured
from shared.model.trigger import Comparator, NoData, RollbackTrigger, TriggerState, Verdict
from tests.unit.decision.build import MICROSECOND, NEVER, assess, at, changed, threshold_of
from tests.unit.decision.oracle import answer_of
from tests.unit.decision.strategies import LAST_S, alone, histories, moments, silences, triggers

pytestmark = pytest.mark.long

_AFTER_ALL = at(LAST_S + 1)
_MIRROR = {
    Comparator.ABOVE: Comparator.BELOW,
    Comparator.BELOW: Comparator.ABOVE,
    Comparator.AT_LEAST: Comparator.AT_MOST,
    Comparator.AT_MOST: Comparator.AT_LEAST,
}


@given(triggers(), histories(least=2).flatmap(lambda s: st.tuples(st.just(s), st.permutations(s))), moments)
def test_the_order_of_samples_does_not_matter(
    rule: RollbackTrigger, orders: tuple[list[Sample], list[Sample]], now: datetime
) -> None:
    one, other = orders
    assert assess(rule, one, now) == assess(rule, other, now)


@given(triggers(), histories(), moments)
def test_only_an_unhealthy_verdict_that_stands_on_enough_ever_fires(
    rule: RollbackTrigger, samples: list[Sample], now: datetime
) -> None:
    reading = assess(rule, samples, now)
    if reading.state is TriggerState.FIRING:
        assert reading.verdict is Verdict.UNHEALTHY
        assert reading.count >= rule.at_least
        assert reading.held >= rule.hold_for


@given(triggers(), st.lists(silences(), max_size=8), moments)
def test_a_source_that_never_measured_is_never_healthy_and_never_fires(
    rule: RollbackTrigger, samples: list[Sample], now: datetime
) -> None:
    reading = assess(rule, samples, now)
    assert reading.state is TriggerState.INACTIVE
    assert reading.verdict is (None if rule.no_data is NoData.HOLD else Verdict.BLIND)


@given(triggers(), histories(), moments)
def test_the_time_held_is_covered_by_samples_without_a_gap_longer_than_allowed(
    rule: RollbackTrigger, samples: list[Sample], now: datetime
) -> None:
    reading = assess(rule, samples, now)
    if reading.since is None:
        assert reading.held == NEVER
        return
    end = reading.since + reading.held
    covering = sorted(s.at for s in samples if s.value is not None and reading.since <= s.at <= end)
    assert covering[0] == reading.since
    assert covering[-1] <= end <= now - rule.delay
    assert end == (now - rule.delay if rule.no_data is NoData.HOLD else covering[-1])
    assert all(later - earlier <= rule.max_gap for earlier, later in pairwise(covering))


@given(triggers(), histories(), moments, st.lists(silences(), max_size=6))
def test_silence_between_measurements_says_nothing(
    rule: RollbackTrigger, samples: list[Sample], now: datetime, silent: list[Sample]
) -> None:
    heard = [s for s in samples if s.value is not None]
    assert answer_of(assess(rule, heard + silent, now)) == answer_of(assess(rule, heard, now))


@given(triggers(), histories(), st.integers(0, 60))
def test_time_alone_never_lengthens_a_violation(rule: RollbackTrigger, samples: list[Sample], later_s: int) -> None:
    assume(rule.no_data is NoData.BLIND)  # with `hold` the last word stands, and time counts
    first = assess(rule, samples, _AFTER_ALL + rule.delay)
    later = assess(rule, samples, _AFTER_ALL + rule.delay + timedelta(seconds=later_s))
    assert later.held in (first.held, NEVER)
    assert later.state in (first.state, TriggerState.INACTIVE)


@given(triggers(over=alone), histories(), st.sampled_from(Comparator))
def test_a_later_sample_that_does_not_violate_ends_the_stretch(
    rule: RollbackTrigger, samples: list[Sample], comparator: Comparator
) -> None:
    rule = changed(rule, comparator=comparator, threshold=0.5)
    good = 0.0 if comparator in (Comparator.ABOVE, Comparator.AT_LEAST) else 1.0
    reading = assess(rule, [*samples, measured(_AFTER_ALL, good)], _AFTER_ALL + rule.delay)
    assert reading.state is TriggerState.INACTIVE
    assert reading.since is None


@given(triggers(), histories(least=3), moments)
def test_exactly_the_wanted_time_fires_and_one_microsecond_less_does_not(
    rule: RollbackTrigger, samples: list[Sample], now: datetime
) -> None:
    rule = changed(rule, at_least=1, stale_after=timedelta(hours=1))
    reading = assess(rule, samples, now)
    if reading.since is None:
        return
    longer = replace(rule, hold_for=reading.held + MICROSECOND)
    assert assess(replace(rule, hold_for=reading.held), samples, now).state is TriggerState.FIRING
    assert assess(longer, samples, now).state is TriggerState.PENDING


@given(triggers(), histories(), moments)
def test_a_delay_moves_the_watermark_and_nothing_else(
    rule: RollbackTrigger, samples: list[Sample], now: datetime
) -> None:
    assert assess(rule, samples, now) == assess(replace(rule, delay=NEVER), samples, now - rule.delay)


@given(triggers(), histories(), histories(), moments)
def test_what_lies_beyond_the_watermark_does_not_count_yet(
    rule: RollbackTrigger, samples: list[Sample], later: list[Sample], now: datetime
) -> None:
    beyond = [replace(s, at=s.at + (now - rule.delay - at(0)) + MICROSECOND) for s in later]
    known = [s for s in samples if s.at <= now - rule.delay]
    assert assess(rule, known + beyond, now) == assess(rule, known, now)


@given(triggers(), histories(), moments)
def test_values_turned_upside_down_with_their_comparator_read_the_same(
    rule: RollbackTrigger, samples: list[Sample], now: datetime
) -> None:
    rule = changed(rule, dimension=Dimension.NUMBER)
    condition = threshold_of(rule)
    mirrored = changed(rule, comparator=_MIRROR[condition.comparator], threshold=-condition.threshold)
    turned = [replace(s, value=-s.value) if s.value is not None else s for s in samples]
    assert answer_of(assess(mirrored, turned, now)) == answer_of(assess(rule, samples, now))
