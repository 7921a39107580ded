"""How samples arrive does not matter: late, twice, out of order, over many cycles or after a restart."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model.signal import Sample, Series, failed, measured, merge
from shared.model.trigger import RollbackTrigger, TriggerState
from tests.unit.decision.build import assess, at, bursts, seconds, trigger
from tests.unit.decision.strategies import LAST_S, histories, triggers

pytestmark = pytest.mark.long

NOW = at(LAST_S + 10)
LONG = timedelta(hours=1)
# An order of arrival: every sample once, and any of them again.
arrivals = histories(least=2).flatmap(
    lambda samples: st.tuples(
        st.just(samples),
        st.tuples(st.permutations(samples), st.lists(st.sampled_from(samples))).map(lambda t: t[0] + t[1]),
    )
)


@given(triggers(), arrivals)
def test_any_order_of_arrival_with_repetitions_reads_like_the_samples_themselves(
    rule: RollbackTrigger, told: tuple[list[Sample], list[Sample]]
) -> None:
    samples, arrived = told
    series: Series = ()
    for sample in arrived:
        series = merge(series, [sample], now=NOW, keep=LONG)
    assert assess(rule, series, NOW) == assess(rule, samples, NOW)


@given(triggers(), arrivals, st.integers(0, 14))
def test_a_restart_in_between_does_not_reset_the_clock(
    rule: RollbackTrigger, told: tuple[list[Sample], list[Sample]], until: int
) -> None:
    samples, arrived = told
    stored = merge((), arrived[:until], now=NOW, keep=LONG)
    after_restart = merge(merge((), stored, now=NOW, keep=LONG), arrived[until:], now=NOW, keep=LONG)
    assert assess(rule, after_restart, NOW) == assess(rule, samples, NOW)


@given(triggers(), histories())
def test_reading_every_second_changes_no_later_reading(rule: RollbackTrigger, samples: list[Sample]) -> None:
    series: Series = ()
    for tick in range(LAST_S + 11):
        series = merge(series, (s for s in samples if s.at == at(tick)), now=at(tick), keep=LONG)
        assess(rule, series, at(tick))
    assert assess(rule, series, NOW) == assess(rule, samples, NOW)


def test_a_revised_value_counts_instead_of_the_first() -> None:
    revised = merge(bursts("x" * 13), [measured(at(30), 0.0, 20)], now=at(60), keep=LONG)
    assert len(revised) == 13
    assert assess(trigger(), revised, at(60)).since == at(35)


def test_an_error_that_arrives_after_its_measurement_takes_nothing_away() -> None:
    asked_again = merge(bursts("x" * 13), [failed(at(60), "timed out")], now=at(60), keep=LONG)
    assert assess(trigger(), asked_again, at(60)).state is TriggerState.FIRING


def test_a_measurement_that_arrives_after_its_error_counts() -> None:
    asked_again = merge(bursts("xxxxxxxxxxxx!"), [measured(at(60), 0.31, 20)], now=at(60), keep=LONG)
    assert assess(trigger(), asked_again, at(60)).held == seconds(60)
