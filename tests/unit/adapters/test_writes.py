"""What is said of a write that goes wrong, with those before it in mind."""

from datetime import timedelta
from functools import partial

import pytest

from shared.adapters.writes import Writes
from shared.errors import ControllerError, LostRace, OutcomeUnknown, PermanentError, TransientError

_PAUSE = timedelta(seconds=17)
_ERRORS: tuple[ControllerError, ...] = (
    TransientError("429", retry_after=_PAUSE),
    OutcomeUnknown("cut", retry_after=_PAUSE),
    PermanentError("403"),
    LostRace("the lease ran out"),
)


def raised(error: ControllerError, *, after: int, by_the_fence: bool) -> ControllerError:
    """The error that comes out when the call after so many writes goes wrong."""
    done: list[int] = []

    def go_wrong_at(place: bool) -> None:
        if place and len(done) == after:
            raise error

    writes = Writes(lambda: go_wrong_at(by_the_fence))

    def write(number: int) -> int:
        go_wrong_at(not by_the_fence)
        done.append(number)
        return number

    for number in range(after):
        assert writes.carry_out(f"weight {number}", partial(write, number)) == number
    with pytest.raises(ControllerError) as caught:
        writes.carry_out(f"weight {after}", partial(write, after))
    assert len(done) == after
    return caught.value


@pytest.mark.parametrize("by_the_fence", [False, True])
@pytest.mark.parametrize("error", _ERRORS, ids=repr)
def test_the_first_write_goes_wrong_as_it_would_alone(error: ControllerError, by_the_fence: bool) -> None:
    found = raised(error, after=0, by_the_fence=by_the_fence)
    assert (type(found), str(found)) == (type(error), str(error))


@pytest.mark.parametrize("by_the_fence", [False, True])
@pytest.mark.parametrize("error", _ERRORS[:2], ids=repr)
def test_a_later_one_that_is_refused_for_now_is_not_as_if_nothing_happened(
    error: ControllerError, by_the_fence: bool
) -> None:
    found = raised(error, after=2, by_the_fence=by_the_fence)
    assert isinstance(found, OutcomeUnknown)
    assert (str(found), found.retry_after) == (f"{error}; set before it: weight 0, weight 1", _PAUSE)


def test_a_later_one_that_is_refused_for_good_says_what_was_set_before_it() -> None:
    found = raised(PermanentError("403"), after=1, by_the_fence=False)
    assert (type(found), str(found)) == (PermanentError, "403; set before it: weight 0")


def test_a_lost_race_stays_one() -> None:
    assert type(raised(LostRace("the lease ran out"), after=1, by_the_fence=True)) is LostRace
