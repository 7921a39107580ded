"""The matrix: each road is taken once without a crash, which tells the points there are, then once for each of them.

The law: whatever happened on the way, the end is that of the run without a crash (`ends.py`), with one accepted swap
where the road is a swap.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from itertools import takewhile
from uuid import uuid4

from azure.data.tables import TableServiceClient

from shared.adapters.tables import TableLedger
from shared.clock import utc_now
from shared.engine.records import CHANGE, CHECKPOINTS, KNOWN_GOOD, encode
from shared.model.change import Change, KnownGood
from shared.ports import Put, Write
from tests.scenarios.crash_matrix.ends import End, end_of, swaps_of
from tests.scenarios.crash_matrix.keeper import Keeper, WorkerFailed
from tests.scenarios.crash_matrix.points import (
    AFTER_THE_EFFECT,
    BEFORE_THE_EFFECT,
    BEFORE_THE_FENCE,
    Deed,
    Interruption,
    Point,
)
from tests.scenarios.crash_matrix.worlds import ROADS, CrashWorld, world_of


class Plan(StrEnum):
    """What befalls the workers of one run: one at a point, and perhaps the next one as well."""

    ONCE = "once"
    AGAIN_BEFORE = "again before an effect"
    AGAIN_AFTER = "again after an effect"


_THE_NEXT_ONE = {
    Plan.ONCE: None,
    Plan.AGAIN_BEFORE: Interruption(Deed.KILLED, BEFORE_THE_EFFECT),
    Plan.AGAIN_AFTER: Interruption(Deed.KILLED, AFTER_THE_EFFECT),
}
# The road that must not be taken twice, and one of those that may.
_KILLED_AGAIN = ("slot_swap", "slot_traffic")
PLAYS = tuple((road, plan) for road in ROADS for plan in Plan if plan is Plan.ONCE or road in _KILLED_AGAIN)


@dataclass(frozen=True, slots=True)
class Cell:
    """A run whose worker was interrupted at a point; `wrong` says in what it ended unlike the one without a crash."""

    road: str
    plan: Plan
    point: Point
    wrong: tuple[str, ...]


def play(road: str, plan: Plan, storage: str) -> Iterator[Cell]:
    """Take a road once without a crash, then once for each point that was passed."""
    with world_of(road) as world:
        course = Course(world, storage)
        points, expected = course.without_crash()
        for point in _points_of(plan, points):
            yield Cell(road, plan, point, _wrong(course.interrupted(plan, point, expected)))


def _wrong(found: Iterator[str]) -> tuple[str, ...]:
    try:
        return tuple(found)
    except WorkerFailed as failed:
        return (str(failed),)


def _points_of(plan: Plan, points: Sequence[Point]) -> Sequence[Point]:
    """The points that count in a plan: where the effect has happened, the next worker has none to be killed at."""
    if plan is Plan.ONCE:
        return points
    return [point for point in takewhile(_effect_ahead, points) if point.where != BEFORE_THE_FENCE]


def _effect_ahead(point: Point) -> bool:
    return point.where != AFTER_THE_EFFECT


class Course:
    """Runs in one world, one after the other, each in an empty table."""

    def __init__(self, world: CrashWorld, storage: str) -> None:
        self._world = world
        self._storage = storage

    def without_crash(self) -> tuple[list[Point], End]:
        with self._run() as run:
            assert run.keeper.deliver()
            end = run.end()
            assert end.good, f"even without a crash it ends badly: {end}"
            return run.keeper.points, end

    def interrupted(self, plan: Plan, point: Point, expected: End) -> Iterator[str]:
        """Say in what a run that was interrupted at a point ended unlike the one without a crash."""
        yield from (
            self._overtaken(point, expected) if point.where == BEFORE_THE_FENCE else self._killed(plan, point, expected)
        )

    def _killed(self, plan: Plan, point: Point, expected: End) -> Iterator[str]:
        """Kill the worker at a point; the message is delivered again, until a worker lives to the end."""
        with self._run() as run:
            if run.keeper.deliver(Interruption(Deed.KILLED, point.where, point.step)):
                yield "no worker came to that point"
            if (the_next_one := _THE_NEXT_ONE[plan]) and run.keeper.deliver(the_next_one):
                yield "the next worker came to no effect"
            if not run.keeper.deliver():
                yield "a worker was killed that should not have been"
            yield from run.end().differences(expected)

    def _overtaken(self, point: Point, expected: End) -> Iterator[str]:
        """The worker stands still; the message is delivered again, and another worker takes the run to its end."""
        with self._run() as run:
            stands_still = Interruption(Deed.STANDS_STILL, point.where, point.step)
            run.keeper.deliver(stands_still, meanwhile=run.keeper.deliver)
            yield from run.end().differences(expected)

    @contextmanager
    def _run(self) -> Iterator["_Run"]:
        """Prepare a run: people are on the bad side, and an empty table knows the good build and the change."""
        self._world.steer_away()
        table = f"crash{uuid4().hex}"
        with TableServiceClient.from_connection_string(self._storage) as service:
            ledger, now = TableLedger(service.create_table(table)), utc_now()
            forward = self._world.forward
            known, changed = (forward.known_good, forward.build) if forward else ("b1", "b2")
            good = KnownGood(build=known, recorded_at=now, recorded_by="somebody")
            change = Change(id="c1", kind="deployment", build=changed, started_at=now)
            writes: list[Write] = [Put(KNOWN_GOOD, encode(good)), Put(CHANGE, encode(change))]
            if self._world.checkpoints is not None:
                writes.append(Put(CHECKPOINTS, encode(self._world.checkpoints)))
            ledger.commit(self._world.policy.workload, writes)
            yield _Run(self._world, ledger, Keeper(self._world, self._environment(table)), swaps_of(self._world))

    def _environment(self, table: str) -> dict[str, str]:
        simulator = self._world.simulator
        settings = {
            "AzureWebJobsStorage": self._storage,
            "WORKLOADS_TABLE": table,
            "ARM_ENDPOINT": simulator.url,
            "WATCH_WORKERS": "4",
        }
        return settings | simulator.identity_environment


@dataclass(frozen=True, slots=True)
class _Run:
    """One run: where it is, and who keeps its workers."""

    world: CrashWorld
    ledger: TableLedger
    keeper: Keeper
    swaps_before: int

    def end(self) -> End:
        return end_of(self.world, self.ledger, swaps_before=self.swaps_before)
