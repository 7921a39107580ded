"""What a random world goes through before a way back, and what must be so after it."""

from contextlib import suppress
from typing import Any

from psycopg import Connection, errors

from shared.adapters.postgres.undo.chunks import applied_chunks, undo_chunk
from shared.model.sync import Conflicts, SyncPlan
from tests.contract.postgres.laws import Image, Row, Rows, image, types_of
from tests.contract.postgres.random_world import World
from tests.contract.postgres.worlds import RandomTable, quoted
from tests.contract.postgres.writers import Lane, Step, drive

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


def open_transactions(world: World) -> list[Lane]:
    """Begin transactions that will write only after the change has begun: with a number, and with a snapshot."""
    lanes = world.lanes("target", 2)
    steps = [step for step in world.script.transaction() if step.sql not in ("BEGIN", "ROLLBACK")]
    lanes[0].begin([Step("BEGIN"), Step("INSERT INTO scratch VALUES (1)"), *steps, Step("COMMIT")])
    lanes[1].begin([Step("BEGIN ISOLATION LEVEL REPEATABLE READ"), Step("TABLE scratch"), *steps, Step("COMMIT")])
    for lane in lanes:
        lane.step()
        lane.step()
    return lanes


def write(world: World, late: list[Lane], longest: int = 300) -> None:
    """Let applications write on the target, now and then on the source, while its schema changes."""
    many = world.random.choice((30, 100, 100, 300, longest))
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


def images(world: World, source: Connection[Any]) -> dict[str, Image]:
    return {of.name: image(source, of, {}) for of in world.tables}


def changed_on_source(
    of: RandomTable, first: Image, now: Image, source: Connection[Any], target: Connection[Any]
) -> set[Row]:
    """Return the rows that were changed on the source, and are not the same on the target."""
    there = image(target, of, types_of(source, of))
    both = [name for name in now.columns if name in there.columns]
    one, two, other = first.cut(both), now.cut(both), there.cut(both)
    keys = one.keys() | two.keys()
    return {key for key in keys if one.get(key) != two.get(key) and two.get(key) != other.get(key)}


def is_same(
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


def undo(world: World, plan: SyncPlan) -> None:
    with world.pair.source.access.connected(statement=world.rules.statement_timeout) as source:
        for chunk in applied_chunks(source, world.sync, plan):
            undo_chunk(source, chunk, replica_role=plan.replica_role)
