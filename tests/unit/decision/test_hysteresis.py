"""What fires goes on firing until it clears; what has not fired yet ends with the first value that does not violate."""

from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.decision.assess import Seen, assess
from shared.decision.conditions import kind_of
from shared.decision.windows import newest_stretch, settled
from shared.model.signal import Sample, measured
from shared.model.trigger import Bound, Comparator, NoData, RollbackTrigger, TriggerState, Verdict
from tests.unit.decision.build import assess as read
from tests.unit.decision.build import at, seconds, threshold_of, trigger
from tests.unit.decision.conditions.written import line, reading_of, rule_of
from tests.unit.decision.strategies import LAST_S, histories, moments, triggers

INACTIVE, PENDING, FIRING = TriggerState.INACTIVE, TriggerState.PENDING, TriggerState.FIRING
CLEARS = "{name: errors, when: error_rate > 5%, clears: 3%, for: 20s}"
HIGH, BAND, CLEAR = 0.06, 0.04, 0.03


def _states(entry: str, *values: float | None) -> list[TriggerState]:
    samples = line(*values, every_s=10)
    rule = rule_of(entry)
    return [reading_of(rule, {"error_rate": samples}, at(10 * place)).state for place in range(len(values))]


@pytest.mark.parametrize(
    ("values", "states"),
    [
        pytest.param([HIGH] * 3, [PENDING, PENDING, FIRING], id="it fires as without"),
        pytest.param([HIGH] * 3 + [BAND] * 3, [PENDING, PENDING, *[FIRING] * 4], id="and goes on in the band"),
        pytest.param(
            [HIGH] * 3 + [BAND, CLEAR, BAND],
            [PENDING, PENDING, FIRING, FIRING, INACTIVE, INACTIVE],
            id="until it clears; the band begins nothing",
        ),
        pytest.param([HIGH, HIGH, BAND, HIGH], [PENDING, PENDING, INACTIVE, PENDING], id="pending ends in the band"),
        pytest.param([BAND] * 3, [INACTIVE] * 3, id="the band alone is nothing"),
        pytest.param(
            [HIGH] * 3 + [BAND, HIGH, CLEAR], [PENDING, PENDING, *[FIRING] * 3, INACTIVE], id="a return needs no time"
        ),
        pytest.param(
            [HIGH] * 3 + [BAND, None, None, None, BAND],
            [PENDING, PENDING, *[FIRING] * 5, INACTIVE],
            id="a gap ends it",
        ),
    ],
)
def test_a_firing_goes_on_between_the_two(values: list[float | None], states: list[TriggerState]) -> None:
    assert _states(CLEARS, *values) == states


def test_below_a_threshold_the_band_lies_above_it() -> None:
    entry = "{name: errors, when: error_rate < 95%, clears: 98%, for: 0s}"
    assert _states(entry, 0.94, 0.97, 0.98, 0.97) == [FIRING, FIRING, INACTIVE, INACTIVE]


def test_a_firing_that_lingers_says_what_it_fired_on_and_what_is_there_now() -> None:
    reading = reading_of(rule_of(CLEARS), {"error_rate": line(*[HIGH] * 3, BAND, every_s=10, count=5)}, at(30))
    assert reading.sentence == (
        "error_rate 0.06 > 0.05 for 30 s (min 20 s, 15 requests); not clear yet: error_rate 0.04 <= 0.05"
    )
    assert (reading.verdict, reading.count) == (Verdict.UNHEALTHY, 15)


def test_a_firing_that_is_longer_than_samples_are_kept_goes_on_in_the_band() -> None:
    rule, before = rule_of(CLEARS), None
    values = [HIGH] * 3 + [BAND] * 40
    samples = line(*values, every_s=10)
    for place in range(len(values)):
        kept = samples[max(0, place - 9) : place + 1]
        before = reading_of(rule, {"error_rate": kept}, at(10 * place), before=before)
    assert before is not None
    assert (before.state, before.since) == (FIRING, at(0))


def test_a_late_clear_value_ends_a_firing_that_is_longer_than_samples_are_kept() -> None:
    rule = rule_of(CLEARS)
    firing = reading_of(rule, {"error_rate": line(*[HIGH] * 10, every_s=10)}, at(90))
    late = [*line(BAND, start_s=80), *line(CLEAR, start_s=85), *line(BAND, start_s=90)]
    assert reading_of(rule, {"error_rate": late}, at(90), before=firing).state is INACTIVE


def test_a_word_that_stood_for_long_enough_had_fired_when_the_next_one_came() -> None:
    rule = trigger(
        hold_for=seconds(60), at_least=1, no_data=NoData.HOLD, max_gap=seconds(9_999), stale_after=seconds(9_999)
    )
    rule = replace(rule, clears=Bound(Comparator.ABOVE, 0.03))
    words = [measured(at(0), 0.5, 1), measured(at(100), 0.04, 1)]
    assert read(rule, words, at(110)).state is FIRING
    assert read(rule, [words[0], replace(words[1], at=at(59))], at(110)).state is INACTIVE


def _with_band(rule: RollbackTrigger, width: float) -> RollbackTrigger:
    condition = threshold_of(rule)
    up = condition.comparator in (Comparator.ABOVE, Comparator.AT_LEAST)
    value = condition.threshold + (-width if up else width)
    return replace(rule, clears=Bound(condition.comparator, value))


@given(triggers(), histories(), moments)
def test_a_band_of_no_width_changes_nothing(rule: RollbackTrigger, samples: list[Sample], now: datetime) -> None:
    assert read(_with_band(rule, 0.0), samples, now) == read(rule, samples, now)


@given(triggers(), histories(), st.sampled_from([0.25, 0.5]), st.integers(0, 10))
def test_hysteresis_keeps_what_fires_and_makes_nothing_fire_that_never_did(
    rule: RollbackTrigger, samples: list[Sample], width: float, after_s: int
) -> None:
    ends = sorted({s.at for s in samples} | {at(LAST_S)})
    plain = [read(rule, samples, moment + rule.delay).state for moment in ends]
    kept = replace(_with_band(rule, width), clears_after=seconds(after_s))
    lingering = [read(kept, samples, moment + rule.delay).state for moment in ends]
    assert all(later is FIRING for state, later in zip(plain, lingering, strict=True) if state is FIRING)
    first = next((place for place, state in enumerate(lingering) if state is FIRING), None)
    if first is not None and rule.no_data is NoData.BLIND:
        assert plain[first] is FIRING


@given(triggers(), histories(), moments)
def test_the_newest_part_of_a_line_reads_like_the_whole(
    rule: RollbackTrigger, samples: list[Sample], now: datetime
) -> None:
    series = sorted(samples, key=lambda s: (s.at, s.id))
    seen = Seen(now=now)
    whole = kind_of(rule.condition).marks(
        rule.condition, {rule.signal: settled(series, now - rule.delay)}, seen.view(rule)
    )
    said = [mark for mark in whole if mark.violates is not None]
    stretch = newest_stretch(said, rule, now - rule.delay) if said else None
    reading = assess(rule, {rule.signal: series}, seen)
    if reading.state is not INACTIVE:
        assert stretch is not None
        assert (reading.since, reading.held, reading.count) == (stretch.since, stretch.held, stretch.count)
