"""`HookRouting` against a receiver that checks signatures: what is sent, what counts as done, and what went wrong."""

from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import Any

import pytest

from shared.adapters.hook import HookRouting
from shared.adapters.outbound import Outbound
from shared.clock import utc_now
from shared.errors import OutcomeUnknown, PermanentError, TransientError
from shared.model.policy_roads import HookRoad
from tests.contract.checks.scripted import Says, ScriptedSite
from tests.contract.roads.conftest import Launch
from tests.contract.roads.hook_world import hook_state, hook_world, make_state, turn
from tests.contract.roads.world import RoadWorld, Worker, wait_until

_NUMBERS = count(1)


class Hook(Worker[HookRoad]):
    """A worker with a run of its own for every test: the receiver remembers the orders of all runs."""

    def __init__(self, world: RoadWorld[HookRoad]) -> None:
        super().__init__(world)
        self.aim = replace(self.aim, rollback_id=f"r{next(_NUMBERS)}")

    def target(self) -> str:
        return str(hook_state(self.simulator)["state"]["traffic"]["target"])

    def calls(self) -> list[Any]:
        """What the receiver was told by this run."""
        key = f"{self.aim.rollback_id}:{self.aim.component}:{self.aim.road}"
        return [call for call in hook_state(self.simulator)["calls"] if call["key"] == key]


@pytest.fixture(scope="module")
def launch() -> Launch:
    return hook_world


@pytest.fixture
def hook(world: RoadWorld[HookRoad]) -> Hook:
    return Hook(world)


def test_a_look_tells_the_values_that_matter(hook: Hook) -> None:
    assert hook.look().shown == {"traffic.target": "green", "traffic.share": 1}


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
    turn(hook.simulator, "green")
    hook.establish()
    assert hook.target() == "blue"
    assert [call["changed"] for call in hook.calls()] == [True, True]


def test_what_is_accepted_holds_later(hook: Hook) -> None:
    hook.timings(hook_s=0.2)
    hook.establish()
    assert not hook.look().established
    wait_until(lambda: hook.look().established)
    assert hook.target() == "blue"


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, PermanentError),
        (401, PermanentError),
        (404, PermanentError),
        (408, OutcomeUnknown),
        (409, TransientError),
        (410, PermanentError),
        (422, PermanentError),
        (425, TransientError),
        (501, PermanentError),
        (502, OutcomeUnknown),
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


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_read_back_that_is_not_for_us_closes_the_road(hook: Hook, status: int) -> None:
    hook.fault("hook_read", "status", status=status, times=2)
    picture = hook.look()
    assert not picture.established
    assert str(picture.why_not).startswith("the read-back at 127.0.0.1 ")
    with pytest.raises(PermanentError, match="read-back"):
        hook.establish()
    assert hook.calls() == []


def test_a_read_back_that_does_not_take_our_request_never_will(hook: Hook) -> None:
    hook.fault("hook_read", "status", status=400)
    with pytest.raises(PermanentError, match="400"):
        hook.look()


def test_another_secret_is_not_let_in(hook: Hook) -> None:
    assert "does not know us" in str(hook.look(secret="not the secret of the hook").why_not)


@pytest.mark.parametrize(("minutes", "let_in"), [(-6, False), (-4, True), (4, True), (6, False)])
def test_what_was_signed_at_another_time_is_not_let_in(hook: Hook, minutes: int, let_in: bool) -> None:
    hook.routing = HookRouting(Outbound(), lambda: utc_now() + timedelta(minutes=minutes))
    assert (hook.look().why_not is None) is let_in


def test_the_state_of_the_receiver_is_kept_beside_the_values(hook: Hook) -> None:
    hook.establish()
    assert hook_state(hook.simulator)["state"] == make_state("blue")


@pytest.mark.parametrize("written", ['"\\ud800"', "1e999"])
def test_a_value_that_cannot_be_kept_is_told_by_another(hook: Hook, written: str) -> None:
    body = f'{{"traffic": {{"target": {written}, "share": 1}}}}'
    with ScriptedSite({"GET /r": Says(body=body)}) as site:
        picture = hook.look(read_back=f"{site.url}/r")
    assert not picture.established
    assert picture.shown["traffic.target"] in ("?", "inf")


def test_what_is_shown_of_an_answer_is_cut_since_it_is_kept_with_the_run(hook: Hook) -> None:
    state = make_state("x" * 5000)
    hook.simulator.control("PUT", "/hook", {"state": state})
    shown = hook.look().shown
    assert shown["traffic.target"] == "x" * 200
    assert not hook.look().established
