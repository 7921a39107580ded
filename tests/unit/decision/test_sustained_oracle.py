"""The sustained window against the slow oracle: every shape of series, every kind of trigger."""

from datetime import datetime

import pytest
from hypothesis import given, settings

from shared.model.signal import Sample
from shared.model.trigger import RollbackTrigger
from tests.unit.decision.build import assess
from tests.unit.decision.oracle import answer_of, expected, speaks, violating_mean
from tests.unit.decision.strategies import alone, crowds, histories, moments, triggers

pytestmark = pytest.mark.long


@settings(max_examples=300)
@given(triggers(), histories(), moments)
def test_a_reading_is_what_the_definitions_say(rule: RollbackTrigger, samples: list[Sample], now: datetime) -> None:
    assert answer_of(assess(rule, samples, now)) == expected(rule, samples, now)


@settings(max_examples=150)
@given(triggers(over=alone), crowds, moments)
def test_samples_of_one_instant_stand_in_the_order_of_their_ids(
    rule: RollbackTrigger, samples: list[Sample], now: datetime
) -> None:
    assert answer_of(assess(rule, samples, now)) == expected(rule, samples, now)


@settings(max_examples=150)
@given(triggers(), crowds, moments)
def test_samples_of_one_instant_are_pooled_together(
    rule: RollbackTrigger, samples: list[Sample], now: datetime
) -> None:
    assert answer_of(assess(rule, samples, now)) == expected(rule, samples, now)


@given(triggers(), histories(least=3), moments)
def test_the_value_of_a_violation_is_its_mean_weighted_by_count(
    rule: RollbackTrigger, samples: list[Sample], now: datetime
) -> None:
    reading = assess(rule, samples, now)
    if reading.since is None:
        return
    heard = [s for s in samples if s.value is not None and s.at <= now - rule.delay]
    members = [s for s in heard if s.at >= reading.since and speaks(s, heard, rule)]
    assert reading.value == pytest.approx(violating_mean(rule, members, heard))
