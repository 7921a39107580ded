"""Copies pinned rows from the target to the source, a chunk at a time.

One transaction of the source holds a chunk's staging, the images of what it changes, the changes and the row of its
progress: killed at any point, it is done or not done, and who comes next can tell (`docs/adr/0014`).
"""

from dataclasses import astuple, dataclass, replace
from time import monotonic

from psycopg import Connection
from psycopg.sql import SQL, Composable, Composed

from shared.adapters.postgres.images import Chunk, images_of, keep_images, kept, of_chunk, prepare_images, stored
from shared.adapters.postgres.quiet import quieted
from shared.adapters.postgres.referring import refuse_dropped, refuse_renamed
from shared.adapters.postgres.replacing import replace_rows
from shared.adapters.postgres.session import Rows
from shared.adapters.postgres.sql import columns, differs, exactly, listed, ours, same_key, set_to, table
from shared.adapters.postgres.staging import make_staging, stage, unstaged
from shared.model.sync import Pass, SyncTable

__all__ = ["Chunk", "Effects", "applied", "apply_chunk", "prepare_images"]


@dataclass(frozen=True, slots=True)
class Effects:
    """How many rows of the source were changed.

    Attributes:
        vacated: Deleted, to be inserted again with other values: in the end these count as updated.
    """

    inserted: int = 0
    updated: int = 0
    deleted: int = 0
    vacated: int = 0


def apply_chunk(
    target: Connection[Rows],
    source: Connection[Rows],
    chunk: Chunk,
    *,
    replica_role: bool,
) -> Effects | None:
    """Apply a chunk, unless it was applied.

    Args:
        replica_role: As the plan says.

    Returns:
        What it changed; `None` when somebody else applied it.

    Raises:
        psycopg.Error: nothing of it happened, or all of it: `progress` tells.
    """
    began = monotonic()
    of = chunk.of
    with source.transaction():
        if not _claimed(source, chunk):
            return None
        make_staging(source, of)
        keys = stage(target, source, chunk)
        with quieted(source, of, replica_role=replica_role):
            effects = _apply_to(source, chunk, replica_role=replica_role)
        source.execute(
            SQL(
                "UPDATE {} SET keys = %s, inserted = %s, updated = %s, deleted = %s, vacated = %s, took_ms = %s"
                " WHERE sync = %s AND oid = %s AND round = %s AND pass = %s AND chunk = %s"
            ).format(ours("progress")),
            [keys, *astuple(effects), int((monotonic() - began) * 1000), *_key_of(chunk)],
        )
    return effects


def applied(source: Connection[Rows], sync: str, of: SyncTable, round_: int, does: Pass) -> set[int]:
    """Return the chunks that were applied."""
    asked = SQL("SELECT chunk FROM {} WHERE sync = %s AND oid = %s AND round = %s AND pass = %s")
    rows = source.execute(asked.format(ours("progress")), [sync, of.oid, round_, does.value])
    return {int(str(row[0])) for row in rows}


def _claimed(source: Connection[Rows], chunk: Chunk) -> bool:
    """A second worker waits here until the first has committed, and then leaves the chunk alone."""
    claimed = source.execute(
        SQL(
            "INSERT INTO {} (sync, oid, round, pass, chunk, keys, inserted, updated, deleted, vacated, took_ms)"
            " VALUES (%s, %s, %s, %s, %s, 0, 0, 0, 0, 0, 0) ON CONFLICT DO NOTHING"
        ).format(ours("progress")),
        _key_of(chunk),
    )
    return claimed.rowcount == 1


def _key_of(chunk: Chunk) -> list[object]:
    return [chunk.sync, chunk.of.oid, chunk.round, chunk.does.value, chunk.number]


_LIVE, _DEAD, _ANY = SQL("s.rollback_live"), SQL("NOT s.rollback_live"), SQL("true")


def _apply_to(source: Connection[Rows], chunk: Chunk, *, replica_role: bool) -> Effects:
    if not chunk.of.key:
        return Effects(*replace_rows(source, chunk))
    return _apply(source, chunk, replica_role=replica_role)


def _apply(source: Connection[Rows], chunk: Chunk, *, replica_role: bool) -> Effects:
    of = chunk.of
    if chunk.does is Pass.VACATE:
        going = SQL("({} OR {})").format(_DEAD, _gives_up(of))
        keep_images(source, chunk, going)
        vacated = _delete(source, of, SQL("{} AND {}").format(_LIVE, _gives_up(of)))
        return Effects(deleted=_delete(source, of, _DEAD), vacated=vacated)
    if chunk.does is Pass.DROP:
        refuse_dropped(source, of)
        keep_images(source, chunk, _DEAD)
        return Effects(deleted=_delete(source, of, _DEAD))
    if not replica_role:
        refuse_renamed(source, of)
    both = chunk.does is Pass.MOVE
    inserted = keep_images(source, chunk, _ANY if both else _LIVE)
    put = (_put_again(source, chunk) if of.rest and not both else 0) + source.execute(_upsert(of)).rowcount
    return Effects(inserted, put - inserted, _delete(source, of, _DEAD) if both else 0)


def _gives_up(of: SyncTable) -> Composable:
    """The condition that a row of the source holds a unique value that it will not hold any more."""
    if of.whole_vacate:
        return differs(of, "t", "s")
    given = [one for one in of.values if one.name in of.vacate]
    sides = (listed(exactly(one, side) for one in given) for side in ("t", "s"))
    return SQL("ROW({}) IS DISTINCT FROM ROW({})").format(*sides) if given else SQL("false")


def _put_again(source: Connection[Rows], chunk: Chunk) -> int:
    """Insert the rows that were vacated, with what only the source knows of them; return how many."""
    of = chunk.of
    again = SQL(
        "INSERT INTO {table} ({names}) OVERRIDING SYSTEM VALUE SELECT {row} FROM pg_temp.staged AS s JOIN {images} AS i"
        " ON {same} AND {vacated} AND i.rollback_existed WHERE s.rollback_live ON CONFLICT ({key}) DO NOTHING"
    )
    vacated = replace(chunk, does=Pass.VACATE)
    source.execute("SET LOCAL enable_hashjoin = on")
    done = source.execute(
        again.format(
            table=table(of.name),
            names=columns(kept(of)),
            row=listed([unstaged(of), columns(of.rest, "i")]),
            images=images_of(of),
            same=same_key(of.key, "s", "i"),
            vacated=of_chunk(vacated),
            key=columns(of.key),
        )
    )
    source.execute("SET LOCAL enable_hashjoin = off")
    return done.rowcount


def _upsert(of: SyncTable) -> Composed:
    names, changed = columns(stored(of)), differs(of, "t", "excluded")
    put = SQL(
        "INSERT INTO {} AS t ({}) OVERRIDING SYSTEM VALUE SELECT {} FROM pg_temp.staged AS s WHERE {} ON CONFLICT ({}) "
    )
    updating = set_to(of, "excluded")
    then = SQL("DO UPDATE SET {} WHERE {}").format(updating, changed) if updating.as_string() else SQL("DO NOTHING")
    return put.format(table(of.name), names, unstaged(of), _LIVE, columns(of.key)) + then


def _delete(source: Connection[Rows], of: SyncTable, which: Composable) -> int:
    delete = SQL("DELETE FROM {} AS t USING pg_temp.staged AS s WHERE {} AND {}")
    return source.execute(delete.format(table(of.name), which, same_key(of.key, "s", "t"))).rowcount
