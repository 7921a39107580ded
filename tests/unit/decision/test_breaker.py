"""The breaker of a source: when it opens, for how long, who may try again, and what never opens it."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.decision.breaker import CLOSED, Breaker, Ended, admitted, after, ended_by
from shared.errors import Busy, ControllerError, OutcomeUnknown, PermanentError, TransientError

_F, _H, _W = Ended.FAILED, Ended.HUNG, Ended.WELL


def told(*endings: Ended, breaker: Breaker = CLOSED, now: float = 100.0) -> Breaker:
    for ended in endings:
        breaker = after(breaker, ended, now, why="it was sick")
    return breaker


@pytest.mark.parametrize(
    ("endings", "is_open"),
    [
        ((_F,), False),
        ((_F, _F), False),
        ((_F, _F, _F), True),
        ((_F, _F, _W, _F, _F), False),
        ((_H,), True),
        ((_F, _H), True),
        ((_W,), False),
        ((), False),
    ],
)
def test_it_opens_at_once_when_a_call_hung_and_after_three_failures_in_a_row(
    endings: tuple[Ended, ...], is_open: bool
) -> None:
    assert told(*endings).is_open is is_open


def test_while_it_is_open_the_reason_says_for_how_long_and_why() -> None:
    breaker = told(_H)
    assert admitted(breaker, 100.0)[1] == "the source is left alone for 20 s more: it was sick"
    assert admitted(breaker, 119.0)[1] == "the source is left alone for 1 s more: it was sick"


def test_one_call_tries_again_and_the_others_wait_for_it() -> None:
    trying, why = admitted(told(_H), 120.0)
    assert why is None
    assert admitted(trying, 120.0)[1] == "the source is being tried again: it was sick"
    assert after(trying, _W, 121.0) == CLOSED


def test_every_trial_that_fails_doubles_the_pause_up_to_five_minutes() -> None:
    breaker, now, pauses = told(_H), 100.0, []
    for _ in range(8):
        assert breaker.shut_until is not None
        pauses.append(breaker.shut_until - now)
        now = breaker.shut_until
        trying, why = admitted(breaker, now)
        assert why is None
        breaker = after(trying, _F, now, why="again")
    assert pauses == [20, 40, 80, 160, 300, 300, 300, 300]


def test_a_source_that_asks_for_a_pause_gets_it_at_once() -> None:
    breaker = after(CLOSED, _F, 0.0, why="429", asked=timedelta(seconds=77))
    assert breaker.shut_until == 77
    assert after(CLOSED, _F, 0.0, asked=timedelta(hours=3)).shut_until == 300
    assert not after(CLOSED, _F, 0.0, asked=timedelta(seconds=2)).is_open


@pytest.mark.parametrize("ended", list(Ended))
def test_what_was_begun_before_it_opened_says_nothing_new(ended: Ended) -> None:
    """Else a source that hangs for one signal and answers another would cost its time-out again and again."""
    breaker = told(_H)
    assert after(breaker, ended, 101.0) == breaker


def test_a_trial_of_which_nobody_heard_again_holds_nobody_up_for_ever() -> None:
    trying, _ = admitted(told(_H), 120.0)
    assert admitted(trying, 419.0)[1] is not None
    assert admitted(trying, 420.0)[1] is None


@pytest.mark.parametrize(
    ("error", "ended"),
    [
        (None, _W),
        (PermanentError("404"), _W),
        (TransientError("429"), _F),
        (OutcomeUnknown("500"), _F),
        (Busy("409"), _F),
    ],
)
def test_a_refusal_is_an_answer_and_no_trouble_of_the_source(error: ControllerError | None, ended: Ended) -> None:
    assert ended_by(error) is ended


@given(st.lists(st.tuples(st.sampled_from(list(Ended)), st.floats(0, 60)), max_size=60))
def test_whatever_happened_a_source_that_is_well_is_asked_again_within_five_minutes(
    story: list[tuple[Ended, float]],
) -> None:
    breaker, now = CLOSED, 0.0
    for ended, later in story:
        now += later
        breaker, why = admitted(breaker, now)
        if why is None:
            breaker = after(breaker, ended, now)
    breaker, why = admitted(breaker, now + 300)
    assert why is None
    assert after(breaker, Ended.WELL, now + 300) == CLOSED


@given(st.lists(st.sampled_from(list(Ended)), max_size=30))
def test_a_source_that_hangs_is_asked_less_and_less(endings: list[Ended]) -> None:
    """In an hour of cycles ten seconds apart, a source that always hangs is asked a dozen times or so, not 360."""
    breaker = told(*endings)
    asked = 0
    for tick in range(360):
        breaker, why = admitted(breaker, 1_000.0 + 10 * tick)
        if why is None:
            asked += 1
            breaker = after(breaker, Ended.HUNG, 1_000.0 + 10 * tick)
    assert asked <= 18
