"""The way back of rows, in random worlds: what was written on the target is on the source afterwards, row by row.

`WORLDS=1000` runs that many. A world that failed is named by its seed: `WORLD=17` runs that one alone.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from psycopg import Connection

from shared.adapters.postgres.capture.keys import written_on
from shared.adapters.postgres.capture.snapshot import Checkpoint, load_checkpoint
from shared.adapters.postgres.preview.effects import Predicted, predict
from shared.adapters.postgres.server.catalogue import read_catalogue
from shared.adapters.postgres.server.fence import raise_fence
from shared.adapters.postgres.server.hashing import hash_for
from shared.adapters.postgres.way_back.sync import Stage, State, Sync
from shared.decision.sync_plan import sync_plan
from shared.errors import PermanentError
from shared.model.sync import Conflicts, SyncPlan, SyncTable
from tests.contract.postgres.laws import (
    foreign_keys_hold,
    is_refused,
    sequences,
    taken_back,
)
from tests.contract.postgres.lives import changed_on_source, images, is_same, open_transactions, undo, write
from tests.contract.postgres.pairs import Servers
from tests.contract.postgres.random_world import World, random_world
from tests.contract.postgres.ways import begin
from tests.contract.postgres.writers import drive

_WORLDS = int(os.environ.get("WORLDS", "8"))
_ONLY = os.environ.get("WORLD")


def _seeds() -> st.SearchStrategy[int]:
    return st.just(int(_ONLY)) if _ONLY else st.integers(0, 2**32)


_in_random_worlds = settings(
    max_examples=1 if _ONLY else _WORLDS,
    phases=[Phase.generate],
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.timeout(120 + 20 * _WORLDS)
@_in_random_worlds
@given(seed=_seeds())
def test_everything_written_on_the_target_is_on_the_source_afterwards(servers: Servers, seed: int) -> None:
    with random_world(servers, seed) as world:
        run_world(world)


# Its people are stopped again and again: a world of it takes three times as long.
@pytest.mark.timeout(120 + 20 * _WORLDS)
@settings(_in_random_worlds, max_examples=1 if _ONLY else -(-_WORLDS // 3))
@given(seed=_seeds())
def test_what_people_write_while_rows_are_copied_is_there_too(servers: Servers, seed: int) -> None:
    with random_world(servers, seed) as world:
        run_written_world(world)


def run_world(world: World) -> None:
    late = open_transactions(world)
    plan, checkpoint = begin(world.pair.source.access, world.pair.target.access, world.rules, "change")
    source, target = world.whole("source"), world.whole("target")
    at_first = images(world, source)
    write(world, late, 2_000 if _WORLDS > 100 else 300)
    before, sequences_before = images(world, source), sequences(source)
    plan, predicted = _predicted(world, checkpoint)
    changed = {
        of.name: changed_on_source(of, at_first[of.name], before[of.name], source, target) for of in world.tables
    }
    if not _went_back(world, conflicts=any(changed.values())):
        assert world.rules.conflicts is not Conflicts.STOP or images(world, source) == before
        return
    for of in world.tables:
        is_same(world, of, source, target, before[of.name], changed[of.name])
        assert taken_back(source, of, world.sync) == before[of.name], of.name
    if not world.both_write or world.rules.conflicts is Conflicts.TARGET_WINS:
        _as_predicted(world, plan, predicted, source, target)
    here, there = sequences(source), sequences(target)
    assert all(here[name] >= max(sequences_before[name], there.get(name, 0)) for name in here)
    foreign_keys_hold(source)
    undo(world, plan)
    assert images(world, source) == before


def run_written_world(world: World) -> None:
    late = open_transactions(world)
    plan, _ = begin(world.pair.source.access, world.pair.target.access, world.rules, "change")
    source, target = world.whole("source"), world.whole("target")
    drive(world.random, world.lanes("target", 3), world.script, 60)
    for lane in late:
        lane.finish()
    before = images(world, source)
    with _written_meanwhile(world):
        assert _sync(world).work(60).stage is Stage.DONE
    for of in world.tables:
        is_same(world, of, source, target, before[of.name], set())
        assert taken_back(source, of, world.sync) == before[of.name], of.name
    foreign_keys_hold(source)
    undo(world, plan)
    assert images(world, source) == before


@contextmanager
def _written_meanwhile(world: World) -> Iterator[None]:
    """Let people write before each step, until they are stopped."""
    plain, lanes = Sync._timed, world.lanes("target", 3)

    def timed(self: Sync, stages: Any, state: State, until: float) -> State:
        if state.ahead or state.stage in (Stage.PREPARE, Stage.FENCE):
            drive(world.random, lanes, world.script, 20)
        return plain(self, stages, state, until)

    with patch.object(Sync, "_timed", timed):
        yield


def _predicted(world: World, checkpoint: Checkpoint) -> tuple[SyncPlan, dict[str, Predicted]]:
    """Stop writers, and ask what will happen."""
    waits = {"statement": world.rules.statement_timeout}
    with world.pair.source.access.connected(**waits) as source, world.pair.target.access.connected(**waits) as target:
        plan = sync_plan(read_catalogue(source), read_catalogue(target), world.rules)
        raise_fence(target, plan.tables, 10)
        by, mine = hash_for(source, target), load_checkpoint(source, checkpoint.id)
        assert mine is not None
        return plan, {
            str(of.name): predict(
                source,
                target,
                of,
                by,
                checkpoint.snapshot,
                also=written_on(source, of, of.source_oid, mine.snapshot),
            )
            for of in plan.tables
            if of.key
        }


def _sync(world: World) -> Sync:
    sides = world.pair.source.access, world.pair.target.access
    return Sync(world.sync, "change", *sides, world.rules, world.pool)


# Where rows of the source win, others may not fit to them.
_MISFITS = "lead nowhere|that a kept row holds|duplicate key|conflicting key|violates foreign key"
_MAY_SAY = {
    Conflicts.STOP: "rows were changed on the source as well",
    Conflicts.SOURCE_WINS: _MISFITS,
    Conflicts.TARGET_WINS: "nothing can stop it",
}


def _went_back(world: World, *, conflicts: bool) -> bool:
    """Go back; return whether it did, or stopped for what was changed on the source."""
    assert all(is_refused(world.lanes("target", 1)[0].connection, of) for of in world.tables)
    try:
        state = _sync(world).work(60)
    except PermanentError as error:
        if not world.both_write or not re.search(_MAY_SAY[world.rules.conflicts], str(error)):
            raise
        return False
    assert state.stage is Stage.DONE, state
    assert not conflicts or world.rules.conflicts is not Conflicts.STOP
    return True


def _as_predicted(
    world: World, plan: SyncPlan, predicted: dict[str, Predicted], source: Connection[Any], target: Connection[Any]
) -> None:
    """What was said beforehand is what happened, wherever the log said all."""
    asked = "SELECT oid::int8 FROM rollback_controller.emptied"
    emptied = {row[0] for side in (source, target) for row in side.execute(asked)}
    if world.log_is_blind:
        return
    for of in plan.tables:
        if not of.key:
            continue
        said, done = predicted[str(of.name)], _done(source, world.sync, of, 1)
        if {of.oid, of.source_oid} & emptied:
            continue
        assert done == (said.inserts, said.updates, said.deletes), (of.name, said, done)
        assert all(_done(source, world.sync, of, later) == (0, 0, 0) for later in range(2, 9)), of.name


def _done(source: Connection[Any], sync: str, of: SyncTable, round_: int) -> tuple[int, int, int]:
    row = source.execute(
        "SELECT coalesce(sum(inserted - vacated), 0)::int, coalesce(sum(updated + vacated), 0)::int,"
        " coalesce(sum(deleted), 0)::int FROM rollback_controller.progress WHERE sync = %s AND oid = %s AND round = %s",
        [sync, of.oid, round_],
    ).fetchone()
    assert row is not None
    return row[0], row[1], row[2]
