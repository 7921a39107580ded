"""The fake road of the engine's tests, dressed as one of the real ones, so that the same laws are put to it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, cast

from local.azure_simulator.launch import RunningSimulator
from shared.clock import utc_now
from shared.errors import ControllerError, OutcomeUnknown, PermanentError, TransientError
from shared.model.policy import Policy
from shared.model.policy_roads import RoadBase
from shared.ports import Aim, Fence, RoadPicture
from tests.contract.roads.world import RoadWorld, aim_of
from tests.fakes.policies import policy
from tests.fakes.routing import FakeRouting, RoutingFate
from tests.fakes.slots import Reply

_REPLIES = {"cut_after": Reply.LOST_AFTER, "cut_before": Reply.LOST_BEFORE}
_STATUSES = {403: Reply.FORBIDDEN, 429: Reply.BUSY, 500: Reply.LOST_AFTER, 503: Reply.LOST_BEFORE}
_UNREAD: dict[int, type[ControllerError]] = {403: PermanentError, 429: TransientError}


@dataclass(slots=True)
class _Control:
    """Takes the faults that the laws set, as the simulator's control does; `pause` is what a refusal asks for."""

    fates: list[RoutingFate] = field(default_factory=list)
    reads: list[int] = field(default_factory=list)
    pause: timedelta = timedelta(0)

    def clear(self) -> None:
        self.fates.clear()
        self.reads.clear()

    def fate(self) -> RoutingFate:
        return self.fates.pop() if self.fates else RoutingFate()

    def control(self, method: str, path: str, body: Any = None) -> Any:
        self.pause = timedelta(seconds=body.get("retry_after_s", 0))
        if body["api"] == "read":
            self.reads.append(body.get("status", 0))
        else:
            reply = _STATUSES[body["status"]] if body["kind"] == "status" else _REPLIES[body["kind"]]
            self.fates.append(RoutingFate(reply=reply))
        return None


class _Refusing(FakeRouting):
    """A fake whose reads can fail, too, and whose refusals say when to come back."""

    def __init__(self, control: _Control) -> None:
        super().__init__(utc_now, fate=control.fate)
        self._control = control

    def look(self, policy: Policy, road: RoadBase, aim: Aim) -> RoadPicture:
        if self._control.reads:
            status = self._control.reads.pop()
            error = _UNREAD.get(status, OutcomeUnknown)(f"reading it: {status}")
            raise self._with_pause(error)
        return super().look(policy, road, aim)

    def establish(self, policy: Policy, road: RoadBase, aim: Aim, fence: Fence) -> None:
        if self.look(policy, road, aim).established:
            return
        try:
            super().establish(policy, road, aim, fence)
        except TransientError as error:
            raise self._with_pause(error) from None

    def _with_pause(self, error: ControllerError) -> ControllerError:
        if isinstance(error, TransientError):
            error.retry_after = self._control.pause
        return error


@contextmanager
def fake_world() -> Iterator[RoadWorld]:
    control = _Control()
    fake = _Refusing(control)

    def steer_away() -> None:
        fake.good = False

    chosen = policy(("notify:", "roads: {split: {slot_traffic: candidate}}\nnotify:"))
    yield RoadWorld(
        simulator=cast("RunningSimulator", control),
        environment={},
        policy=chosen,
        road=chosen.roads["split"],
        aim=aim_of("split"),
        new_routing=lambda: fake,
        steer_away=steer_away,
        seen_good=lambda: fake.served_good,
        effects=lambda: len(fake.calls),
        reset=control.clear,
        read_api="read",
        write_api="write",
    )
