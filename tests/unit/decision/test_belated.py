"""What comes too late to tell of its own time is not taken for the past."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from shared.decision.belated import in_time
from shared.model.policy_azure_signals import MetricSignal
from shared.model.policy_outside_signals import EventSignal
from shared.model.policy_signal_base import SignalBase
from shared.model.policy_signals import PushedSignal
from shared.model.signal import Outcome, Sample, failed, measured, no_data
from tests.fakes.clock import NOON

_MINUTE = timedelta(minutes=1)
_SENT = PushedSignal(pushed="errors", every=_MINUTE)
_ASKED = MetricSignal(metric="Http5xx", every=_MINUTE, delay=3 * _MINUTE)
_KNOWN = tuple(measured(NOON - back * _MINUTE, 1.0) for back in range(60, -1, -1))


def at(minutes: float) -> Sample:
    """Return a sample of so many minutes after noon, until which all is known."""
    return measured(NOON + minutes * _MINUTE, 7.0)


def taken(fresh: Sequence[Sample], signal: SignalBase = _SENT, known: Sequence[Sample] = _KNOWN) -> list[Sample]:
    asked = signal.delay if signal is _ASKED else None
    return list(in_time(signal, tuple(known), fresh, NOON + _MINUTE, asked))


@pytest.mark.parametrize("minutes", [1, 0.5, -4.5, -5])
def test_what_a_queue_brings_out_of_order_is_taken(minutes: float) -> None:
    assert taken([at(minutes)]) == [at(minutes)]


def test_what_is_sent_of_an_hour_ago_is_said_not_to_be_taken() -> None:
    (error,) = taken([at(-61.5)])
    assert (error.outcome, error.at) == (Outcome.ERROR, NOON + _MINUTE)
    assert error.note == "a sample came 62.5 min after its own time, and newer ones before it: is a clock wrong?"


def test_each_sample_that_is_sent_is_taken_for_itself() -> None:
    first, error = taken([at(1), at(-5.1)])
    assert first == at(1)
    assert error.outcome is Outcome.ERROR


def test_a_patient_signal_is_waited_for_longer() -> None:
    patient = PushedSignal(pushed="errors", every=_MINUTE, stale_after=20 * _MINUTE)
    assert taken([at(-20)], patient) == [at(-20)]
    assert taken([at(-20.5)], patient)[0].outcome is Outcome.ERROR


def test_what_fills_a_silence_is_taken() -> None:
    assert taken([at(-30)], known=_KNOWN[:20]) == [at(-30)]
    assert taken([at(-300)], known=()) == [at(-300)]
    assert taken([at(-30)], known=[*_KNOWN[:20], failed(NOON, "503")]) == [at(-30)]


def test_what_is_known_and_what_is_no_value_is_taken_in_silence() -> None:
    fresh = [_KNOWN[3], no_data(NOON - 50 * _MINUTE, "nothing there")]
    assert taken(fresh) == fresh


def test_a_clock_that_was_ahead_and_is_set_right_is_believed() -> None:
    assert taken([at(0.5)], known=[*_KNOWN, at(60)]) == [at(0.5)]


@pytest.mark.parametrize(("minutes", "told"), [(-10, True), (-10.5, False)])
def test_a_source_that_is_asked_may_be_as_late_as_it_is_besides(minutes: float, *, told: bool) -> None:
    found = taken([at(minutes)], _ASKED)
    assert (found == [at(minutes)]) is told


def test_a_source_that_is_asked_tells_its_past_anew_beside_the_present() -> None:
    fresh = [at(-59.5), at(1)]
    assert taken(fresh, _ASKED) == fresh


def test_what_happens_now_and_then_is_taken_whenever_it_happened() -> None:
    seldom = EventSignal(event="rolled_back")
    assert taken([at(-600)], seldom) == [at(-600)]
