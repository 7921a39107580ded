"""`HookRouting` against a receiver that checks signatures: what is sent, what counts as done, and what went wrong."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import count
from time import monotonic, sleep
from typing import Any

import pytest

from shared.adapters.hook import HookRouting
from shared.adapters.outbound import Outbound
from shared.clock import utc_now
from shared.errors import LostRace, OutcomeUnknown, PermanentError, TransientError
from shared.model.policy_roads import HookRoad
from shared.ports import Aim, RoadPicture
from tests.contract.roads.hook_world import (
    AIM,
    QUICK,
    hook_state,
    hook_world,
    make_state,
    policy_for,
    road_of,
    turn,
)
from tests.contract.roads.world import RoadWorld

_WITHIN_S = 5.0
_NUMBERS = count(1)


class Hook:
    """The world and one adapter, with the few words that these tests need."""

    def __init__(self, world: RoadWorld) -> None:
        self.world = world
        self.policy = world.policy
        self.routing = world.new_routing()
        self.control = world.simulator.control
        # A run of its own for every test: the receiver remembers the orders of all runs.
        self.aim = Aim(rollback_id=f"r{next(_NUMBERS)}", component=AIM.component, known_good=AIM.known_good)

    @property
    def road(self) -> HookRoad:
        return road_of(self.policy)

    def look(self, road: HookRoad | None = None) -> RoadPicture:
        return self.routing.look(self.policy, road or self.road, self.aim)

    def establish(self, road: HookRoad | None = None, fence: Callable[[], None] = lambda: None) -> None:
        self.routing.establish(self.policy, road or self.road, self.aim, fence)

    def fault(self, api: str, kind: str, **more: Any) -> None:
        self.control("POST", "/faults", {"api": api, "kind": kind, "times": 1, **more})

    def target(self) -> str:
        return str(hook_state(self.world.simulator)["state"]["traffic"]["target"])

    def calls(self) -> list[Any]:
        """What the receiver was told by this run."""
        key = f"{self.aim.rollback_id}:{self.aim.component}"
        return [call for call in hook_state(self.world.simulator)["calls"] if call["key"] == key]


@pytest.fixture(scope="module")
def world() -> Iterator[RoadWorld]:
    with hook_world() as running:
        yield running


@pytest.fixture
def hook(world: RoadWorld) -> Iterator[Hook]:
    world.steer_away()
    yield Hook(world)
    world.simulator.control("DELETE", "/faults")
    world.simulator.control("PUT", "/timings", QUICK.model_dump())


def test_a_look_tells_the_values_that_matter(hook: Hook) -> None:
    picture = hook.look()
    assert (picture.established, picture.why_not) == (False, None)
    assert picture.shown == {"traffic.target": "green", "traffic.share": 1}


def test_the_order_names_the_run_and_what_must_be_so(hook: Hook) -> None:
    hook.establish()
    (call,) = hook.calls()
    assert call["order"] == {
        "rollback": hook.aim.rollback_id,
        "workload": "shop",
        "component": "switch",
        "known_good": "b1",
        "desired": {"traffic.target": "blue", "traffic.share": 1.0},
    }
    assert hook.look().established


def test_what_somebody_else_did_after_it_is_undone_by_the_same_order(hook: Hook) -> None:
    hook.establish()
    turn(hook.world.simulator, "green")
    hook.establish()
    assert hook.target() == "blue"
    assert [call["changed"] for call in hook.calls()] == [True, True]


def test_what_holds_is_not_ordered(hook: Hook) -> None:
    turn(hook.world.simulator, "blue")
    hook.establish(fence=_lost)
    assert hook.calls() == []


def test_a_lost_lease_sends_nothing(hook: Hook) -> None:
    with pytest.raises(LostRace):
        hook.establish(fence=_lost)
    assert (hook.target(), hook.calls()) == ("green", [])


def test_what_is_accepted_holds_later(hook: Hook) -> None:
    hook.control("PUT", "/timings", {"hook_s": 0.2})
    hook.establish()
    assert not hook.look().established
    until = monotonic() + _WITHIN_S
    while not hook.look().established and monotonic() < until:
        sleep(0.02)
    assert hook.target() == "blue"


def test_an_answer_that_is_lost_leaves_it_unknown_and_is_seen_later(hook: Hook) -> None:
    hook.fault("hook_call", "cut_after")
    with pytest.raises(OutcomeUnknown):
        hook.establish()
    assert hook.look().established
    hook.establish(fence=_lost)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, PermanentError),
        (401, PermanentError),
        (403, PermanentError),
        (404, PermanentError),
        (408, OutcomeUnknown),
        (409, TransientError),
        (410, PermanentError),
        (422, PermanentError),
        (425, TransientError),
        (429, TransientError),
        (500, OutcomeUnknown),
        (501, PermanentError),
        (502, OutcomeUnknown),
        (503, OutcomeUnknown),
        (504, OutcomeUnknown),
        (520, OutcomeUnknown),
    ],
)
def test_what_a_refused_order_means(hook: Hook, status: int, error: type[Exception]) -> None:
    hook.fault("hook_call", "status", status=status)
    with pytest.raises(error, match=r"^the hook at 127\.0\.0\.1 ") as caught:
        hook.establish()
    assert type(caught.value) is error
    assert hook.target() == "green"


def test_the_pause_that_is_asked_for_is_kept(hook: Hook) -> None:
    hook.fault("hook_call", "status", status=429, retry_after_s=7)
    with pytest.raises(TransientError) as caught:
        hook.establish()
    assert caught.value.retry_after == timedelta(seconds=7)


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_read_back_that_is_not_for_us_closes_the_road(hook: Hook, status: int) -> None:
    hook.fault("hook_read", "status", status=status, times=2)
    picture = hook.look()
    assert not picture.established
    assert str(picture.why_not).startswith("the read-back at 127.0.0.1 ")
    with pytest.raises(PermanentError, match="read-back"):
        hook.establish()
    assert hook.calls() == []


@pytest.mark.parametrize(
    ("status", "error"), [(400, PermanentError), (429, TransientError), (500, OutcomeUnknown), (503, OutcomeUnknown)]
)
def test_a_read_back_in_trouble_says_nothing(hook: Hook, status: int, error: type[Exception]) -> None:
    hook.fault("hook_read", "status", status=status)
    with pytest.raises(error) as caught:
        hook.look()
    assert type(caught.value) is error


@pytest.mark.parametrize("kind", ["cut_before", "cut_after"])
def test_a_read_back_that_breaks_off_says_nothing(hook: Hook, kind: str) -> None:
    hook.fault("hook_read", kind)
    with pytest.raises(TransientError):
        hook.look()


def test_another_secret_is_not_let_in(hook: Hook) -> None:
    hook.policy = policy_for(hook.world.simulator, secret="not the secret of the hook")
    assert "does not know us" in str(hook.look().why_not)


@pytest.mark.parametrize(("minutes", "let_in"), [(-6, False), (-4, True), (4, True), (6, False)])
def test_what_was_signed_at_another_time_is_not_let_in(hook: Hook, minutes: int, let_in: bool) -> None:
    hook.routing = HookRouting(Outbound(), lambda: utc_now() + timedelta(minutes=minutes))
    assert (hook.look().why_not is None) is let_in


def _lost() -> None:
    raise LostRace("another worker took it")


def test_the_state_of_the_receiver_is_kept_beside_the_values(hook: Hook) -> None:
    hook.establish()
    assert hook_state(hook.world.simulator)["state"] == make_state("blue")
