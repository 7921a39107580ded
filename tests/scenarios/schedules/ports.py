"""The engine's ports as one pass sees them: fakes with real laws, reached through a world in which calls go wrong."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shared.errors import OutcomeUnknown, TransientError
from shared.model.policy import Policy, Site
from shared.model.policy_verify import ClientCheck
from shared.ports import CheckResult, Expected, Insert, OperationState, Put, Replace, Row, SitePicture, Write
from tests.fakes.clients import FakeClients
from tests.fakes.ledger import MemoryLedger
from tests.fakes.slots import FakeSlotPair, Reply
from tests.scenarios.schedules.odds import CONNECT_TIMEOUT_S, READ_TIMEOUT_S
from tests.scenarios.schedules.world import Pass

_ACTS = re.compile(r'"acts":(\d+)')
_SLOW_CONNECTION = 0.05


@dataclass(frozen=True, slots=True)
class PassLedger:
    """A ledger that may fail before or after it carried a commit out."""

    here: Pass
    ledger: MemoryLedger

    def read(self, workload: str, key: str) -> Row | None:
        self.here.pass_point(f"before reading {key}")
        self._fail("reading", OutcomeUnknown("reading: the connection ended"))
        return self.ledger.read(workload, key)

    def scan(self, workload: str, prefix: str, *, limit: int = 1000) -> list[Row]:
        self.here.pass_point(f"before reading {prefix}*")
        return self.ledger.scan(workload, prefix, limit=limit)

    def commit(self, workload: str, writes: Sequence[Write]) -> Mapping[str, str]:
        body = next((write.body for write in writes if isinstance(write, Insert | Replace | Put)), "")
        self.here.pass_point("before a commit")
        self._fail("writing, nothing written", TransientError("writing: no connection"))
        versions = self.ledger.commit(workload, writes)
        self.here.tell("writes", body)
        self.here.acting = self._is_new_intent(body)
        self._fail("writing, yet written", OutcomeUnknown("writing: the connection ended"))
        self.here.pass_point("after a commit")
        return versions

    def _is_new_intent(self, body: str) -> bool:
        acts, counts = sum(map(int, _ACTS.findall(body))), self.here.world.counts
        new = acts > counts["intents"]
        counts["intents"] = max(acts, counts["intents"])
        return new

    def _fail(self, what: str, error: TransientError) -> None:
        if self.here.world.chance(self.here.world.odds.storage_fails):
            self.here.tell(f"storage fails {what}")
            raise error


@dataclass(frozen=True, slots=True)
class PassSlots:
    """The control plane, over a network."""

    here: Pass
    slots: FakeSlotPair

    def look(self, site: Site, slot: str) -> SitePicture:
        self._call("looking")
        picture = self.slots.look(site, slot)
        self.here.tell(
            f"sees production {picture.production_build}, slot {picture.slot_build},"
            f" operation {picture.operation_id}, last swap {picture.last_swap or 'none'}"
        )
        return picture

    def follow(self, site: Site, slot: str, token: str) -> tuple[OperationState, str]:
        self._call("following")
        return self.slots.follow(site, slot, token)

    def swap(self, site: Site, slot: str) -> str:
        """The time between the engine's last look at its clock and the wire is the connection's, and bounded."""
        world = self.here.world
        slow = world.chance(_SLOW_CONNECTION)
        self.here.wait(world.random.uniform(0, CONNECT_TIMEOUT_S if slow else 0.2))
        if world.odds.freeze and world.mishap(world.odds.freeze):
            self.here.stand_still("with the POST in its hands")
        if world.mishap(world.odds.crash_at_the_effect / 2):
            self.here.crash("before the POST")
        try:
            return self.slots.swap(site, slot)
        finally:
            self._told_of_post()

    def _told_of_post(self) -> None:
        fate = self.slots.posts[-1]
        self.here.tell(f"POSTS THE SWAP: {fate.reply}, would take {fate.takes.total_seconds():.1f} s")
        if fate.reply in (Reply.LOST_AFTER, Reply.LOST_BEFORE, Reply.LATE):
            self.here.world.counts["lost replies"] += 1
            self.here.wait(READ_TIMEOUT_S)
        self.here.pass_point("after the POST")

    def _call(self, what: str) -> None:
        self.here.pass_point(f"while {what}")
        if self.here.world.chance(self.here.world.odds.platform_fails):
            self.here.tell(f"{what} fails")
            raise OutcomeUnknown(f"{what}: 503")


@dataclass(frozen=True, slots=True)
class PassClients:
    """Looks from outside, over a network."""

    here: Pass
    clients: FakeClients

    def check(self, policy: Policy, check: ClientCheck, expected: Expected) -> CheckResult:
        self.here.pass_point("while probing")
        return self.clients.check(policy, check, expected)
