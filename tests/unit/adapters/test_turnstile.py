"""A turnstile lets through as many as may be, makes others wait within their patience, and turns the rest away."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier, Event, Lock

import pytest

from shared.adapters.turnstile import Turnstile
from shared.errors import TransientError

_LONG = timedelta(seconds=20)
_SHORT = timedelta(milliseconds=20)


def turnstile(*, at_once: int = 5, most: int = 200, within: timedelta = _LONG) -> Turnstile:
    return Turnstile("queries", at_once=at_once, most=most, within=within)


def test_no_more_than_allowed_are_inside_at_a_time_and_all_get_their_turn() -> None:
    gate, lock, three = turnstile(at_once=3), Lock(), Barrier(3)
    inside, most_inside = 0, 0

    def call(_: int) -> None:
        nonlocal inside, most_inside
        with gate.turn(_LONG):
            with lock:
                inside += 1
                most_inside = max(most_inside, inside)
            three.wait(timeout=10)
            with lock:
                inside -= 1

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(call, range(60)))
    assert (most_inside, inside) == (3, 0)


def test_who_finds_no_turn_in_time_is_turned_away_and_calls_nothing() -> None:
    gate = turnstile(at_once=1)
    with gate.turn(_LONG), pytest.raises(TransientError, match=r"^queries: no turn within 0\.02s$"), gate.turn(_SHORT):
        raise AssertionError("there was a turn")


def test_who_leaves_by_an_error_leaves_a_turn() -> None:
    gate = turnstile(at_once=1)
    with pytest.raises(KeyError), gate.turn(_SHORT):
        raise KeyError
    with gate.turn(_SHORT) as left:
        assert timedelta(0) < left <= _SHORT


def test_no_more_than_allowed_begin_in_an_interval() -> None:
    now = 100.0
    gate = Turnstile("queries", at_once=9, most=2, within=timedelta(seconds=30), clock=lambda: now)
    for _ in range(2):
        with gate.turn(_SHORT):
            pass
    now = 129.9
    with pytest.raises(TransientError), gate.turn(_SHORT):
        pass
    now = 130.0
    for _ in range(2):
        with gate.turn(_SHORT):
            pass
    with pytest.raises(TransientError), gate.turn(_SHORT):
        pass


def test_who_waits_for_the_next_interval_is_let_in_when_it_begins() -> None:
    gate = turnstile(most=1, within=timedelta(milliseconds=30))
    for _ in range(3):
        with gate.turn(_LONG) as left:
            assert left < _LONG


def test_a_turn_that_is_freed_is_taken_by_who_waits() -> None:
    gate, met = turnstile(at_once=1), Barrier(2)

    def hold() -> None:
        with gate.turn(_LONG):
            met.wait()
            Event().wait(0.01)

    with ThreadPoolExecutor(1) as pool:
        pool.submit(hold)
        met.wait()
        with gate.turn(_LONG) as left:
            assert left < _LONG
