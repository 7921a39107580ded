"""Rows that go back before traffic, in the matrix: two databases that are a file, so that they outlive every worker.

What it takes to take real rows back, and what a crash in the middle of that does to them, is tried elsewhere, on real
databases (`rows_matrix`). Here it is the run: that its slices are all done, in their order, or writers are let in;
where a higher level that moves no rows took its place in the middle, by whoever looks after databases.
"""

import os
import tempfile
from collections.abc import Collection, Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from shared.clock import utc_now
from shared.engine.checkpoints import CheckpointKeeper
from shared.engine.levels import Steps
from shared.engine.steps.data import SyncRows
from shared.engine.steps.held import HeldChecker
from shared.engine.steps.verify import VerifyOutside
from shared.model.checkpoint import Checkpoints, CheckpointStatus, DatabaseCheckpoint, held_as
from shared.model.policy import Policy
from shared.model.policy_data import Database
from shared.model.policy_roads import DATA_SYNC
from shared.model.policy_verify import CheckBase, HoldsCheck
from shared.model.run import RunStatus
from shared.ports import Checker, Fence, RowsPicture
from tests.contract.roads.slot_traffic_world import slot_traffic_world
from tests.contract.roads.world import shop_policy
from tests.fakes.rows import LET_IN, NO_WAY, FakeRows, WayBack
from tests.scenarios.crash_matrix.points import AFTER_THE_EFFECT, BEFORE_THE_EFFECT, BEFORE_THE_FENCE
from tests.scenarios.crash_matrix.watched import WatchedLedger
from tests.scenarios.crash_matrix.way import Way
from tests.scenarios.crash_matrix.worlds import CrashWorld

_CHANGE = "c1"
_CHECKPOINT = held_as(_CHANGE, "shop")
# The step in which the keeper of databases lets writers in: that of no run.
_KEEPER = "keeper"
# Its name says to every worker that it does not go back.
_ENDS_EARLY = "ends-early"
_PROVED = WayBack(checkpoint=_CHECKPOINT, done=3, fenced=True)
_NOT_BACK = WayBack(checkpoint=_CHECKPOINT, done=1, why_not=NO_WAY)
_GAVE_WAY = WayBack(checkpoint=_CHECKPOINT, done=1, why_not=LET_IN)
_POLICY = """\
databases:
  shop: {{source: old, target: "{target}"}}
roads:
  split: {{slot_traffic: candidate}}
  # So slow that it is not given up while the lease of a killed worker runs out, again and again.
  back: {{data_sync: shop, takes: 10m, give_up_after: 30m}}
levels:
  1: {{roads: [split]}}
  2: {{components: {{site: [split], rows: [back]}}, budget: 30m}}
"""
_LEVEL_3 = "  3: {{roads: [split], budget: 30m}}\n"


class Files(MutableMapping[str, str]):
    """Texts by the path of a file; each is there as a whole, or as it was."""

    def __getitem__(self, path: str) -> str:
        try:
            return Path(path).read_text(encoding="utf-8")
        except FileNotFoundError:
            raise KeyError(path) from None

    def __setitem__(self, path: str, text: str) -> None:
        written = Path(f"{path}.new")
        written.write_text(text, encoding="utf-8")
        written.replace(path)

    def __delitem__(self, path: str) -> None:
        Path(path).unlink(missing_ok=True)

    def __iter__(self) -> Iterator[str]:
        raise NotImplementedError("nobody asks which databases there are")

    def __len__(self) -> int:
        raise NotImplementedError("nobody asks how many databases there are")


class WatchedRows:
    """Fulfils `ports.RowsBack`: a call that changes something passes the points around it."""

    def __init__(self, rows: FakeRows, ledger: WatchedLedger, way: Way) -> None:
        self._rows = rows
        self._ledger = ledger
        self._way = way

    def look(self, database: Database, sync_id: str) -> RowsPicture:
        return self._rows.look(database, sync_id)

    def work(
        self, database: Database, checkpoint_id: str, sync_id: str, fence: Fence, left_out: Collection[str] = ()
    ) -> None:
        step = self._ledger.acting
        self._rows.work(database, checkpoint_id, sync_id, self._watched(step, fence), left_out)
        self._way.passes(step, AFTER_THE_EFFECT)

    def fenced_by(self, database: Database) -> str:
        return self._rows.fenced_by(database)

    def let_go(self, database: Database, sync_id: str, fence: Fence) -> None:
        step = self._ledger.acting or _KEEPER
        self._rows.let_go(database, sync_id, self._watched(step, fence, " of letting in"))
        self._way.passes(step, f"{AFTER_THE_EFFECT} of letting in")

    def _watched(self, step: str, fence: Fence, of: str = "") -> Fence:
        def watched_fence() -> None:
            self._way.passes(step, BEFORE_THE_FENCE)
            fence()
            self._way.passes(step, f"{BEFORE_THE_EFFECT}{of}")

        return watched_fence


def fenced(policy: Policy) -> bool:
    """Whether writers are kept out of a database of a policy."""
    rows = FakeRows(utc_now, held=Files())
    return any(rows.fenced_by(database) for database in policy.databases.values())


def keeper_of(keeper: CheckpointKeeper, policy: Policy, ledger: WatchedLedger, way: Way) -> CheckpointKeeper:
    """Return who looks after the two files."""
    rows = FakeRows(way.clock, held=Files())
    return replace(
        keeper,
        ledger=ledger,
        checkpointing=rows,
        rows=WatchedRows(rows, ledger, way),
        previews=rows,
        policies=lambda: {policy.workload: policy},
        clock=way.clock,
    )


def with_rows(steps: Steps, policy: Policy, ledger: WatchedLedger, way: Way) -> Steps:
    """Return the steps of a worker that takes rows back between two files."""
    early = any(Path(database.target).name == _ENDS_EARLY for database in policy.databases.values())
    rows = FakeRows(way.clock, held=Files(), ends_at=1 if early else None)
    verify = steps.verify
    assert isinstance(verify, VerifyOutside)
    checkers: dict[type[CheckBase], Checker[Any]] = {**verify.checks.checkers, HoldsCheck: HeldChecker({}, rows)}
    return replace(
        steps,
        roads={**steps.roads, DATA_SYNC: SyncRows(WatchedRows(rows, ledger, way), rows, ledger)},
        verify=VerifyOutside(replace(verify.checks, checkers=checkers)),
    )


@contextmanager
def rows_world(*, end_early: bool = False, give_way: bool = False) -> Iterator[CrashWorld]:
    """Run a world in which level 2 takes rows back.

    Args:
        end_early: They cannot go back.
        give_way: Level 3 is asked for as soon as writers are kept out.
    """
    wanted = [_NOT_BACK if end_early else _GAVE_WAY if give_way else _PROVED]
    with tempfile.TemporaryDirectory(prefix="rows-") as folder, slot_traffic_world() as world:
        target = os.fspath(Path(folder) / (_ENDS_EARLY if end_early else "target"))
        text = f"{_POLICY}{_LEVEL_3}" if give_way else _POLICY
        policy = shop_policy(world.simulator, text.format(target=target))
        database, files = policy.databases["shop"], Files()

        def steer_away() -> None:
            world.steer_away()
            del files[target]
            FakeRows(utc_now, held=files).begin(database, _CHECKPOINT)

        def became() -> list[WayBack]:
            """What became of every way back, by whatever run."""
            return list(FakeRows(utc_now, held=files).of(database).ways.values())

        yield CrashWorld(
            simulator=world.simulator,
            policy=policy,
            steer_away=steer_away,
            seen_good=lambda: world.seen_good() and became() == wanted,
            age=lambda _: None,
            level=2,
            then=3 if give_way else 0,
            ends=RunStatus.PARTIAL if end_early else RunStatus.VERIFIED,
            checkpoints=_checkpoints(),
            rows=became,
        )


def _checkpoints() -> Checkpoints:
    now = utc_now()
    taken = DatabaseCheckpoint(
        database="shop",
        id=_CHANGE,
        status=CheckpointStatus.TAKEN,
        since=now,
        sentence="taken",
        taken_at=now,
    )
    return Checkpoints(by_database={"shop": taken})
