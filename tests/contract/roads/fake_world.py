"""The fake road of the engine's tests, dressed as one of the real ones, so that the same laws are put to it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, cast

from local.azure_simulator.launch import RunningSimulator
from shared.clock import utc_now
from shared.errors import OutcomeUnknown, PermanentError
from shared.model.policy import Policy
from shared.model.policy_roads import RoadBase
from shared.ports import Aim, Fence, RoadPicture
from tests.contract.roads.slot_traffic_world import AIM
from tests.contract.roads.world import RoadWorld
from tests.fakes.policies import policy
from tests.fakes.routing import FakeRouting, RoutingFate
from tests.fakes.slots import Reply

_REPLIES = {"cut_after": Reply.LOST_AFTER, "cut_before": Reply.LOST_BEFORE}
_STATUSES = {403: Reply.FORBIDDEN, 429: Reply.BUSY, 500: Reply.LOST_AFTER}


@dataclass(slots=True)
class _Control:
    """Takes the faults that the laws set, as the simulator's control does."""

    fates: list[RoutingFate] = field(default_factory=list)
    reads: list[int] = field(default_factory=list)

    def control(self, method: str, path: str, body: Any = None) -> Any:
        if (method, path) == ("DELETE", "/faults"):
            self.fates.clear()
            self.reads.clear()
        elif body["api"] == "read":
            self.reads.append(body["status"])
        else:
            reply = _STATUSES[body["status"]] if body["kind"] == "status" else _REPLIES[body["kind"]]
            self.fates.append(RoutingFate(reply=reply))
        return None


@dataclass(slots=True)
class _Refusing(FakeRouting):
    """A fake whose reads can fail, too."""

    reads: list[int] = field(default_factory=list)

    def look(self, policy: Policy, road: RoadBase, aim: Aim) -> RoadPicture:
        if self.reads:
            status = self.reads.pop()
            raise PermanentError("403") if status == 403 else OutcomeUnknown(str(status))
        return FakeRouting.look(self, policy, road, aim)

    def establish(self, policy: Policy, road: RoadBase, aim: Aim, fence: Fence) -> None:
        if not self.look(policy, road, aim).established:
            FakeRouting.establish(self, policy, road, aim, fence)


@contextmanager
def fake_world() -> Iterator[RoadWorld]:
    control = _Control()
    fake = _Refusing(utc_now, fate=lambda: control.fates.pop() if control.fates else RoutingFate(), reads=control.reads)

    def steer_away() -> None:
        fake.good = False

    chosen = policy(("notify:", "roads: {split: {slot_traffic: candidate}}\nnotify:"))
    yield RoadWorld(
        simulator=cast("RunningSimulator", control),
        environment={},
        policy=chosen,
        road=chosen.roads["split"],
        aim=AIM,
        new_routing=lambda: fake,
        steer_away=steer_away,
        seen_good=lambda: fake.served_good,
        effects=lambda: len(fake.calls),
        read_api="read",
        write_api="write",
    )
