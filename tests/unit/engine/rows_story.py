"""A workload whose level 2 takes rows back before traffic, on fakes: one run from its start to its end."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from shared.engine.advance import Runs
from shared.engine.commit import commit_and_ring
from shared.engine.levels import Steps
from shared.engine.records import CHANGE, CHECKPOINTS, KNOWN_GOOD, encode, load_run
from shared.engine.start import new_rollback, starting_writes
from shared.engine.steps.data import SyncRows
from shared.functions.advancing import advance
from shared.model.change import Change, KnownGood
from shared.model.checkpoint import Checkpoints, CheckpointStatus, DatabaseCheckpoint, Foreseen, held_as
from shared.model.data_preview import Loss
from shared.model.policy_verify import CheckBase, ClientCheck
from shared.model.run import RoadTimes, Run, RunStatus
from shared.ports import Checker, Put
from tests.fakes.at_once import AtOnce
from tests.fakes.clients import FakeClients
from tests.fakes.clock import NOON
from tests.fakes.rows import Died, SliceFate, WayBack
from tests.fakes.runs import new_run
from tests.fakes.slots import FakeSlotPair
from tests.unit.engine.kept import Kept

ROWS, SITE = "take:rows:back", "take:site:slot_swap"
_MOST_PASSES = 5_000
LOSS = Loss(about="orders.note", what="is not on the source", rows=100)


DIGEST = "a" * 16
BEHIND = ("orders.note: is not on the source (100)",)


def taken(*, foreseen: Foreseen | None = None, status: CheckpointStatus = CheckpointStatus.TAKEN) -> DatabaseCheckpoint:
    """Return the checkpoint of the change `c1`."""
    return DatabaseCheckpoint(
        database="shop",
        id="c1",
        status=status,
        since=NOON,
        sentence=f"checkpoint {status}",
        taken_at=NOON,
        foreseen=foreseen,
    )


def foreseen(lost: int = 100, digest: str = DIGEST, says: str = "shop: 100 rows stay behind") -> Checkpoints:
    """Return what is kept when a look ahead has found that rows would be lost."""
    ahead = Foreseen(
        at=NOON,
        digest=digest,
        says=says,
        lost=lost,
        why_not=None,
        takes=timedelta(seconds=20),
        cost=timedelta(seconds=1),
        behind=BEHIND,
    )
    return Checkpoints(by_database={"shop": taken(foreseen=ahead)})


@dataclass(slots=True)
class RowsStory(Kept):
    """Whoever advances the run waits for as long as it asks to; a worker that dies is followed by another one.

    The change `c1` to build b2 is in progress, and its checkpoint was taken.
    """

    slots: FakeSlotPair = field(init=False)
    deaths: int = 0

    def __post_init__(self) -> None:
        Kept.__post_init__(self)  # a class with slots is made anew, which `super()` does not know of
        self.slots = FakeSlotPair(self.clock)
        self.rows.begin(self.database, taken().key)
        self.rows.calls.clear()
        self.keep(taken())
        good = KnownGood(build="b1", recorded_at=NOON, recorded_by="a pipeline")
        change = Change(id="c1", kind="deployment", build="b2", started_at=NOON)
        self.ledger.commit("orders", [Put(KNOWN_GOOD, encode(good)), Put(CHANGE, encode(change))])

    @property
    def engine(self) -> Runs:
        checkers: dict[type[CheckBase], Checker[Any]] = {ClientCheck: FakeClients(lambda: self.slots.served)}
        data = SyncRows(self.rows, self.rows, self.ledger)
        steps = Steps.of_level(self.slots, {}, checkers, AtOnce(), self.ledger, data=data, checkpointing=self.rows)
        return Runs(self.ledger, self.doorbell, steps, lambda _: self.policy, self.clock)

    def keep(self, checkpoint: DatabaseCheckpoint) -> None:
        self.ledger.commit("orders", [Put(CHECKPOINTS, encode(Checkpoints(by_database={"shop": checkpoint})))])

    def foresees(self, *losses: Loss) -> str:
        """Let rows be lost, as a look ahead has found; returns what people would agree to."""
        self.rows.losses = losses
        preview = self.rows.preview("shop", self.database, taken().key, NOON - NOON)
        self.keep(taken(foreseen=Foreseen.of(preview, NOON - NOON)))
        return preview.digest

    def fates(self, *fates: SliceFate, letting: Iterable[SliceFate] = ()) -> None:
        """Say what becomes of the first slices, and of letting writers in."""
        slices, lets = list(fates), list(letting)
        self.rows.fate = lambda: slices.pop(0) if slices else SliceFate.DONE
        self.rows.letting = lambda: lets.pop(0) if lets else SliceFate.DONE

    def begin(self, *, agreed: tuple[str, ...] = ()) -> Run:
        run = new_run(self.policy, self.clock(), level=2)
        if agreed:
            run = new_rollback(
                self.policy,
                level=2,
                known_good="b1",
                cause="errors",
                requested_by="ann",
                trigger="",
                times=RoadTimes(),
                now=self.clock(),
                agreed=agreed,
            )
        commit_and_ring(self.ledger, self.doorbell, "orders", starting_writes(self.policy, run))
        return run

    def in_its_rows(self, slices: int = 50) -> Run:
        """Begin a run, and take it to where writers are kept out and most of its slices are still to be done."""
        self.rows.slices = slices
        run = self.begin()
        while not self.fenced:
            self.clock.now = max(self.clock.now, self.load(run.id).due_at)
            self.advance(run.id)
        return self.load(run.id)

    def tell(self, *, agreed: tuple[str, ...] = ()) -> Run:
        return self.finish(self.begin(agreed=agreed).id)

    def finish(self, run_id: str) -> Run:
        for _ in range(_MOST_PASSES):
            run = self.load(run_id)
            if run.status.ended:
                return run
            self.clock.now = max(self.clock.now, run.due_at)
            self.advance(run_id)
            if self.load(run_id) == run:  # leased by somebody: the message comes again
                self.clock.forward(2)
        raise AssertionError("the run never ends")

    def advance(self, run_id: str) -> None:
        try:
            advance(self.engine, run_id)
        except Died:
            self.deaths += 1

    def load(self, run_id: str) -> Run:
        found = load_run(self.ledger, "orders", run_id)
        assert found is not None
        return found[0]

    def way(self, run: Run) -> WayBack:
        """What is held of the way back of a run."""
        return self.rows.of(self.database).ways[held_as(run.id, "shop")]


def traffic_went_on(story: RowsStory, run: Run) -> bool:
    """People are served the known good although the rows did not go back, and the run says what it lacks."""
    return run.status is RunStatus.PARTIAL and story.slots.served == "b1" and "rows was not taken back" in run.outcome
