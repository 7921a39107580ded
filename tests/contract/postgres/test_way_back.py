"""The way back of rows, in random worlds: what was written on the target is on the source afterwards, row by row.

`WORLDS=1000` runs that many. A world that failed is named by its seed: `WORLD=17` runs that one alone.
"""

import os
import re
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from psycopg import Connection, errors

from shared.adapters.postgres.capture.keys import written_on
from shared.adapters.postgres.capture.snapshot import Checkpoint, load_checkpoint
from shared.adapters.postgres.preview.effects import Predicted, predict
from shared.adapters.postgres.server.catalogue import read_catalogue
from shared.adapters.postgres.server.fence import raise_fence
from shared.adapters.postgres.server.hashing import hash_for
from shared.adapters.postgres.undo.chunks import applied_chunks, undo_chunk
from shared.adapters.postgres.way_back.sync import Stage, Sync
from shared.decision.sync_plan import sync_plan
from shared.errors import PermanentError
from shared.model.sync import Conflicts, SyncPlan, SyncTable
from tests.contract.postgres.laws import (
    Image,
    Row,
    Rows,
    foreign_keys_hold,
    image,
    is_refused,
    sequences,
    taken_back,
    types_of,
)
from tests.contract.postgres.pairs import Servers
from tests.contract.postgres.random_world import World, random_world
from tests.contract.postgres.ways import begin
from tests.contract.postgres.worlds import RandomTable, quoted
from tests.contract.postgres.writers import Lane, Step, drive

_WORLDS = int(os.environ.get("WORLDS", "8"))
_ONLY = os.environ.get("WORLD")
_CHANGES = (
    "ALTER TABLE {0} ADD COLUMN added text DEFAULT 'new'",
    "CREATE TABLE brand_new AS SELECT 1 AS id",
    "ALTER TABLE {0} ALTER COLUMN updated_at TYPE timestamp",
    "CREATE INDEX ON {0} (updated_at)",
    "ALTER TABLE {0} RENAME updated_at TO another",
    "ALTER TABLE {0} DROP updated_at",
)
# What is written while a key has another name.
_RENAMED = (
    "ALTER TABLE {0} RENAME {1} TO renamed",
    "UPDATE {0} SET updated_at = '2001-01-01' WHERE renamed IN (SELECT renamed FROM {0} LIMIT 3)",
    "DELETE FROM {0} WHERE renamed IN (SELECT renamed FROM {0} LIMIT 1)",
    "ALTER TABLE {0} RENAME renamed TO {1}",
)


def _seeds() -> st.SearchStrategy[int]:
    return st.just(int(_ONLY)) if _ONLY else st.integers(0, 2**32)


@pytest.mark.timeout(120 + 20 * _WORLDS)
@settings(
    max_examples=1 if _ONLY else _WORLDS,
    phases=[Phase.generate],
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(seed=_seeds())
def test_everything_written_on_the_target_is_on_the_source_afterwards(servers: Servers, seed: int) -> None:
    with random_world(servers, seed) as world:
        run_world(world)


def run_world(world: World) -> None:
    late = _open_transactions(world)
    plan, checkpoint = begin(world.pair.source.access, world.pair.target.access, world.rules, "change")
    source, target = world.whole("source"), world.whole("target")
    at_first = _images(world, source)
    _write(world, late)
    before, sequences_before = _images(world, source), sequences(source)
    plan, predicted = _predicted(world, checkpoint)
    changed = {of.name: _changed(of, at_first[of.name], before[of.name], source, target) for of in world.tables}
    if not _went_back(world, conflicts=any(changed.values())):
        assert world.rules.conflicts is not Conflicts.STOP or _images(world, source) == before
        return
    for of in world.tables:
        _is_same(world, of, source, target, before[of.name], changed[of.name])
        assert taken_back(source, of, world.sync) == before[of.name], of.name
    if not world.both_write or world.rules.conflicts is Conflicts.TARGET_WINS:
        _as_predicted(world, plan, predicted, source, target)
    here, there = sequences(source), sequences(target)
    assert all(here[name] >= max(sequences_before[name], there.get(name, 0)) for name in here)
    foreign_keys_hold(source)
    _undo(world, plan)
    assert _images(world, source) == before


def _open_transactions(world: World) -> list[Lane]:
    """Begin transactions that will write only after the change has begun: with a number, and with a snapshot."""
    lanes = world.lanes("target", 2)
    steps = [step for step in world.script.transaction() if step.sql not in ("BEGIN", "ROLLBACK")]
    lanes[0].begin([Step("BEGIN"), Step("INSERT INTO scratch VALUES (1)"), *steps, Step("COMMIT")])
    lanes[1].begin([Step("BEGIN ISOLATION LEVEL REPEATABLE READ"), Step("TABLE scratch"), *steps, Step("COMMIT")])
    for lane in lanes:
        lane.step()
        lane.step()
    return lanes


def _write(world: World, late: list[Lane]) -> None:
    """Let applications write on the target, now and then on the source, while its schema changes."""
    many = world.random.choice((30, 100, 100, 300, 2_000 if _WORLDS > 100 else 300))
    lanes = world.lanes("target", 3)
    drive(world.random, lanes, world.script, many // 2)
    if world.random.random() < 0.3:
        table, change = world.random.choice(world.tables), world.random.choice((*_CHANGES, *_RENAMED[:1]))
        for lane in late:
            lane.finish()
        world.log_is_blind = change in _RENAMED
        for each in _RENAMED if world.log_is_blind else (change,):
            with suppress(errors.ForeignKeyViolation):  # the row that is deleted may be referred to
                world.pair.target.run(each.format(table.sql, quoted(table.key[0].name)))
    drive(world.random, lanes, world.script, many // 2)
    for lane in late:
        lane.finish()
    if world.random.random() < 0.4:
        world.both_write = True
        drive(world.random, world.lanes("source", 1), world.script, world.random.choice((1, 10, 50)))


def _images(world: World, source: Connection[Any]) -> dict[str, Image]:
    return {of.name: image(source, of, {}) for of in world.tables}


def _changed(of: RandomTable, first: Image, now: Image, source: Connection[Any], target: Connection[Any]) -> set[Row]:
    """Return the rows that were changed on the source, and are not the same on the target."""
    there = image(target, of, types_of(source, of))
    both = [name for name in now.columns if name in there.columns]
    one, two, other = first.cut(both), now.cut(both), there.cut(both)
    keys = one.keys() | two.keys()
    return {key for key in keys if one.get(key) != two.get(key) and two.get(key) != other.get(key)}


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


def _is_same(
    world: World, of: RandomTable, source: Connection[Any], target: Connection[Any], before: Image, changed: set[Row]
) -> None:
    """All rows have the same values in the columns that both sides have; others of the source are as they were."""
    here, there = image(source, of, {}), image(target, of, types_of(source, of))
    both = [name for name in here.columns if name in there.columns]
    rows, others = here.cut(both), there.cut(both)
    conflicts = _conflicts(source, target, world.sync, of)
    if of.keyless:
        _is_same_without_key(world, of, rows, others, conflicts=bool(conflicts), changed=bool(changed))
        return
    assert {_line(key) for key in changed} <= conflicts, of.name
    assert world.both_write or not conflicts
    differ = {key for key in rows.keys() | others.keys() if rows.get(key) != others.get(key)}
    if world.rules.conflicts is not Conflicts.SOURCE_WINS:
        assert not differ, (of.name, [(rows.get(key), others.get(key)) for key in list(differ)[:3]])
    assert {_line(key) for key in differ} <= conflicts
    assert all(here.rows.get(key) == before.rows.get(key) for key in differ)
    mine = [name for name in here.columns if name not in there.columns]
    was, now = before.cut(mine), here.cut(mine)
    assert all(now[key] == was[key] for key in now.keys() & was.keys()), of.name


def _is_same_without_key(
    world: World, of: RandomTable, rows: Rows, others: Rows, *, conflicts: bool, changed: bool
) -> None:
    assert conflicts or not changed, of.name
    assert world.both_write or not conflicts
    assert rows == others or (conflicts and world.rules.conflicts is Conflicts.SOURCE_WINS), of.name


def _conflicts(source: Connection[Any], target: Connection[Any], sync: str, of: RandomTable) -> set[str]:
    """Return the keys that were reported."""
    oid = target.execute("SELECT %s::regclass::oid::int8", [of.sql]).fetchone()
    asked = "SELECT key FROM rollback_controller.conflict WHERE sync = %s AND oid = %s"
    return {row[0] for row in source.execute(asked, [sync, oid and oid[0]])}


_ESCAPED = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n"})


def _line(key: Row) -> str:
    """Write a key as COPY does."""
    return "\t".join(str(value).translate(_ESCAPED) for value in key) + "\n"


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


def _undo(world: World, plan: SyncPlan) -> None:
    with world.pair.source.access.connected(statement=world.rules.statement_timeout) as source:
        for chunk in applied_chunks(source, world.sync, plan):
            undo_chunk(source, chunk, replica_role=plan.replica_role)
