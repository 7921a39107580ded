"""The product's own ledger, roads and slots; each call of theirs that changes something passes the points around it."""

from collections.abc import Mapping, Sequence
from typing import Any

from shared.engine.records import RUN, decode
from shared.model.policy import Policy, Site
from shared.model.policy_roads import RoadBase
from shared.model.run import Run, StepPhase
from shared.ports import (
    Aim,
    Delete,
    Fence,
    Ledger,
    OperationState,
    RoadPicture,
    Routing,
    Row,
    SitePicture,
    SlotSite,
    Write,
)
from tests.scenarios.crash_matrix.points import (
    AFTER_THE_EFFECT,
    BEFORE_THE_EFFECT,
    BEFORE_THE_FENCE,
    BETWEEN_CHANGES,
)
from tests.scenarios.crash_matrix.way import Way

START, END = "start", "end"
_CLOSED = "it is done"
_WRITTEN = {StepPhase.INTENDED: "the intent", StepPhase.ACTED: "the outcome"}


class WatchedLedger:
    """Fulfils `ports.Ledger`. What a commit is, is told by how it changes the run.

    Attributes:
        acting: The step whose intent was the last thing written; empty when something else was.
    """

    def __init__(self, ledger: Ledger, way: Way) -> None:
        self.acting = ""
        self._ledger = ledger
        self._way = way
        self._run: Run | None = None

    def read(self, workload: str, key: str) -> Row | None:
        row = self._ledger.read(workload, key)
        if row is not None and key.startswith(RUN):
            self._run = decode(Run, row.body)
        return row

    def scan(self, workload: str, prefix: str, *, limit: int = 1000) -> list[Row]:
        return self._ledger.scan(workload, prefix, limit=limit)

    def commit(self, workload: str, writes: Sequence[Write]) -> Mapping[str, str]:
        run = _run_in(writes)
        step, what = _meaning(self._run, run)
        self._way.passes(step, f"before {what}")
        versions = self._ledger.commit(workload, writes)
        self._run = run or self._run
        self.acting = step if what == _WRITTEN[StepPhase.INTENDED] else ""
        self._way.passes(step, f"after {what}")
        return versions


def _run_in(writes: Sequence[Write]) -> Run | None:
    bodies = [write.body for write in writes if not isinstance(write, Delete) and write.key.startswith(RUN)]
    return decode(Run, bodies[0]) if bodies else None


def _meaning(before: Run | None, after: Run | None) -> tuple[str, str]:
    """Return in which step a commit is, and what it writes."""
    if after is None:
        return END if before else START, "another commit"
    if before is None:
        return START, _CLOSED
    if after.status.ended:
        return END, _CLOSED
    phases = {step.name: step.phase for step in before.steps}
    for step in after.steps:
        if step.phase is not phases.get(step.name, StepPhase.PENDING):
            return step.name, _WRITTEN.get(step.phase, _CLOSED)
    return after.steps[-1].name, "a wait"


class WatchedRouting:
    """Fulfils `ports.Routing` for any kind of road."""

    def __init__(self, routing: Routing[Any], ledger: WatchedLedger, way: Way) -> None:
        self._routing = routing
        self._ledger = ledger
        self._way = way

    def look(self, policy: Policy, road: RoadBase, aim: Aim) -> RoadPicture:
        return self._routing.look(policy, road, aim)

    def establish(self, policy: Policy, road: RoadBase, aim: Aim, fence: Fence) -> None:
        step = self._ledger.acting
        next_change = BEFORE_THE_EFFECT

        def watched_fence() -> None:
            nonlocal next_change
            self._way.passes(step, BEFORE_THE_FENCE)
            fence()
            self._way.passes(step, next_change)
            next_change = BETWEEN_CHANGES

        self._routing.establish(policy, road, aim, watched_fence)
        self._way.passes(step, AFTER_THE_EFFECT)


class WatchedSlots:
    """Fulfils `ports.SlotSite`."""

    def __init__(self, slots: SlotSite, ledger: WatchedLedger, way: Way) -> None:
        self._slots = slots
        self._ledger = ledger
        self._way = way

    def look(self, site: Site, slot: str) -> SitePicture:
        picture = self._slots.look(site, slot)
        if self._ledger.acting:  # the look right before the swap: the fence comes next
            self._way.passes(self._ledger.acting, BEFORE_THE_FENCE)
        return picture

    def swap(self, site: Site, slot: str) -> str:
        step = self._ledger.acting
        self._way.passes(step, BEFORE_THE_EFFECT)
        token = self._slots.swap(site, slot)
        self._way.passes(step, AFTER_THE_EFFECT)
        return token

    def follow(self, site: Site, slot: str, token: str) -> tuple[OperationState, str]:
        return self._slots.follow(site, slot, token)
