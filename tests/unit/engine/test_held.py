"""The read-back of a road as a check: what counts as held, and what is said when it does not."""

import pytest

from shared.engine.steps.held import HeldChecker
from shared.errors import ControllerError, PermanentError, TransientError
from shared.model.policy import Policy
from shared.model.policy_roads import RoadBase
from shared.model.policy_verify import HoldsCheck
from shared.ports import Aim, CheckResult, Expected, Fence, RoadPicture
from tests.fakes.clock import NOON
from tests.fakes.policies import policy

_POLICY = policy(("notify:", "roads: {split: {slot_traffic: candidate}}\nlevels: {1: {roads: [split]}}\nnotify:"))
_WOULD_NOT_HELP = "production itself runs b2"


class PlayedRoad:
    """Fulfils `ports.Routing`: answers what a test chose, and writes down for whom it was asked."""

    def __init__(self, answer: RoadPicture | ControllerError) -> None:
        self.answer = answer
        self.aims: list[Aim] = []

    def look(self, policy: Policy, road: RoadBase, aim: Aim) -> RoadPicture:
        self.aims.append(aim)
        if isinstance(self.answer, ControllerError):
            raise self.answer
        return self.answer

    def establish(self, policy: Policy, road: RoadBase, aim: Aim, fence: Fence) -> None:
        raise AssertionError("a check changes nothing")


def checked(answer: RoadPicture | ControllerError) -> CheckResult:
    road = PlayedRoad(answer)
    expected = Expected(known_good="b1", since=NOON, rollback_id="r1")
    found = HeldChecker({"slot_traffic": road}).check(_POLICY, HoldsCheck(holds="split"), expected)
    assert [(aim.rollback_id, aim.known_good) for aim in road.aims] == [("r1", "b1")]
    return found


@pytest.mark.parametrize(
    ("picture", "passed", "says"),
    [
        (RoadPicture(established=True), True, "holds"),
        (RoadPicture(established=False), False, "does not hold yet"),
        (RoadPicture(established=True, busy=True), False, "does not hold yet"),
        (RoadPicture(established=True, why_not=_WOULD_NOT_HELP), False, _WOULD_NOT_HELP),
        (RoadPicture(established=False, why_not=_WOULD_NOT_HELP), False, _WOULD_NOT_HELP),
    ],
    ids=str,
)
def test_a_road_holds_when_it_is_set_and_of_use(picture: RoadPicture, passed: bool, says: str) -> None:
    found = checked(picture)
    assert (found.passed, found.note) == (passed, f"split {says}")


def test_what_was_read_back_is_shown() -> None:
    assert checked(RoadPicture(established=True, shown={"rules": []})).evidence == {"rules": []}


@pytest.mark.parametrize("error", [TransientError("503"), PermanentError("403")])
def test_a_road_that_cannot_be_read_has_not_been_seen_to_hold(error: ControllerError) -> None:
    found = checked(error)
    assert (found.passed, found.note) == (False, f"split cannot be read back: {error}")
    assert found.unanswered
