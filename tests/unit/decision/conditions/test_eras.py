"""How time is cut into stretches, each with its baseline."""

from datetime import timedelta

import pytest

from shared.decision.conditions.eras import Era, eras, values_of
from shared.decision.conditions.line import View
from shared.model.conditions.before import Before
from shared.model.signal import failed, measured
from tests.unit.decision.build import NOON, at

BEFORE = Before(baseline=timedelta(minutes=30), within=timedelta(minutes=10))
# One a minute from noon on.
LINE = [measured(at(60 * minute), minute) for minute in range(61)]


def _eras(changed_at_minute: float | None) -> list[Era]:
    started = None if changed_at_minute is None else at(60 * changed_at_minute)
    return eras(values_of(LINE), BEFORE, View(watermark=at(3600), change_started=started))


def test_without_a_change_stretches_are_counted_from_1970() -> None:
    found = _eras(None)
    assert [era.start for era in found] == [at(60 * minute) for minute in range(-10, 60, 10)]
    assert not any(era.begun for era in found)


def test_a_stretch_holds_its_end_and_its_baseline_the_start_of_it() -> None:
    era = _eras(None)[4]
    assert [value.value for value in era.values] == list(range(31, 41))
    assert [value.value for value in era.usual] == list(range(1, 31))


def test_a_change_begins_a_stretch_and_cuts_off_the_one_before() -> None:
    found = _eras(33.5)
    begun = next(era for era in found if era.begun)
    before = found[found.index(begun) - 1]
    assert begun.start == at(33.5 * 60)
    assert [value.value for value in before.values] == [31, 32, 33]
    assert [value.value for value in begun.values] == list(range(34, 44))
    assert [value.value for value in begun.usual] == list(range(4, 34))
    assert [era.start for era in found[found.index(begun) :]] == [at(60 * m) for m in (33.5, 43.5, 53.5)]
    assert sum(era.begun for era in found) == 1


def test_a_sample_at_the_start_of_the_change_was_before_it() -> None:
    begun = next(era for era in _eras(30) if era.begun)
    assert begun.usual[-1].value == 30
    assert begun.values[0].value == 31


@pytest.mark.parametrize(("within", "share"), [(timedelta(minutes=10), 1 / 4320), (timedelta(days=60), 1.0)])
def test_outside_of_a_change_the_level_lasts_for_a_month(within: timedelta, share: float) -> None:
    before = Before(baseline=within, within=within)
    still, begun = (Era(NOON, began, (), ()) for began in (False, True))
    assert still.level(0.1, before) == pytest.approx(0.1 * share)
    assert begun.level(0.1, before) == 0.1


def test_samples_of_one_instant_are_one_value() -> None:
    samples = [measured(NOON, 0.1, 30, sample_id="a"), measured(NOON, 0.4, 10, sample_id="b"), failed(at(1), "no")]
    (value,) = values_of(samples)
    assert value.value == pytest.approx(0.175)
    assert value.count == 40
