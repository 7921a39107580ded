"""Copies pinned rows from the target to the source, a chunk at a time: the bytes of COPY pass through as they are.

A value that is decoded on the way may change: JSON numbers lose digits, infinity cannot be said. One transaction of the
source holds a chunk's staging, the images of what it changes, the changes and the row of its progress: killed at any
point, it is done or not done, and who comes next can tell (`docs/adr/0014`).
"""

from dataclasses import astuple, dataclass, replace
from time import monotonic

from psycopg import Connection
from psycopg.sql import SQL, Composable, Composed, Identifier, Literal

from shared.adapters.postgres.quiet import quieted
from shared.adapters.postgres.session import Rows
from shared.adapters.postgres.sql import column, columns, differs, exactly, listed, ours, same_key, set_to, table
from shared.errors import PermanentError
from shared.model.sync import Pass, SyncTable


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """One piece of work."""

    sync: str
    of: SyncTable
    round: int
    does: Pass
    number: int


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


def prepare_images(source: Connection[Rows], of: SyncTable) -> None:
    """Make the table that keeps the rows of the source as they were, if it is not there.

    It takes no row type and no constraint from the table, so that it stands in the way of no later change of it.
    """
    source.execute(
        SQL(
            "CREATE TABLE IF NOT EXISTS {} AS SELECT ''::text AS rollback_sync, 0 AS rollback_round,"
            " ''::text AS rollback_pass, 0 AS rollback_chunk, true AS rollback_existed, {} FROM {} WITH NO DATA"
        ).format(images_of(of), columns(kept(of)), table(of.name))
    )


def images_of(of: SyncTable) -> Identifier:
    """Return the table that keeps what the rows of a table were on the source."""
    return ours(f"before_{of.source_oid}")


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
        source.execute(_staging(of))
        keys = _pass_through(target, source, chunk)
        with quieted(source, of, replica_role=replica_role):
            effects = _apply(source, chunk)
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


def _pass_through(target: Connection[Rows], source: Connection[Rows], chunk: Chunk) -> int:
    """Stage the rows of a chunk; return how many keys it has."""
    way = SQL("(FORMAT binary)") if chunk.of.binary else SQL("(FORMAT text)")
    reading = SQL("COPY ({}) TO STDOUT {}").format(_rows(chunk), way)
    writing = SQL("COPY pg_temp.staged FROM STDIN {}").format(way)
    into = source.cursor()
    with target.cursor().copy(reading) as rows, into.copy(writing) as staged:
        for some in rows:
            staged.write(some)
    return into.rowcount


def _rows(chunk: Chunk) -> Composed:
    """The rows of a chunk as they are on the target now; a key without a row is there with nothing but its key."""
    of = chunk.of
    key = [SQL("coalesce({}, {})").format(column(name, "t"), column(name, "p")) for name in of.key]
    values = [SQL("{}::text" if one.as_text else "{}").format(column(one.name, "t")) for one in of.values]
    chosen = SQL(
        "SELECT {}, {} IS NOT NULL FROM {} AS p LEFT JOIN {} AS t ON {}"
        " WHERE p.rollback_round = {} AND p.rollback_chunk = {}"
    )
    pins, number = ours(f"pinned_{of.oid}"), (Literal(chunk.round), Literal(chunk.number))
    there = column(of.key[0], "t")
    return chosen.format(listed([*key, *values]), there, pins, table(of.name), same_key(of.key, "p", "t"), *number)


def _staging(of: SyncTable) -> Composed:
    """A key without a row has no values; a domain would refuse that, unless it is staged as text."""
    values = (SQL("''::text AS {}").format(column(one.name)) if one.as_text else column(one.name) for one in of.values)
    return SQL(
        "CREATE TEMP TABLE staged ON COMMIT DROP AS SELECT {}, true AS rollback_live FROM {} WITH NO DATA"
    ).format(listed([*map(column, of.key), *values]), table(of.name))


def _unstaged(of: SyncTable) -> Composed:
    """Return what is staged, as the table takes it."""
    values = (
        SQL("{}::{}").format(column(one.name, "s"), SQL(one.type)) if one.as_text else column(one.name, "s")
        for one in of.values
    )
    return listed([*(column(name, "s") for name in of.key), *values])


def stored(of: SyncTable) -> list[str]:
    """The key first, as everything here lists columns."""
    return [*of.key, *(one.name for one in of.values)]


def kept(of: SyncTable) -> list[str]:
    """What images hold: also the columns that stay as they are, for rows that go."""
    return [*stored(of), *of.rest]


_LIVE, _DEAD, _ANY = SQL("s.rollback_live"), SQL("NOT s.rollback_live"), SQL("true")


def _apply(source: Connection[Rows], chunk: Chunk) -> Effects:
    of = chunk.of
    if chunk.does is Pass.VACATE:
        going = SQL("({} OR {})").format(_DEAD, _gives_up(of))
        _keep_images(source, chunk, going)
        vacated = _delete(source, of, SQL("{} AND {}").format(_LIVE, _gives_up(of)))
        return Effects(deleted=_delete(source, of, _DEAD), vacated=vacated)
    if chunk.does is Pass.DROP:
        _no_cascade(source, of)
        _keep_images(source, chunk, _DEAD)
        return Effects(deleted=_delete(source, of, _DEAD))
    both = chunk.does is Pass.MOVE
    inserted = _keep_images(source, chunk, _ANY if both else _LIVE)
    put = (_put_again(source, chunk) if of.rest and not both else 0) + source.execute(_upsert(of)).rowcount
    return Effects(inserted, put - inserted, _delete(source, of, _DEAD) if both else 0)


def _keep_images(source: Connection[Rows], chunk: Chunk, touched: Composable) -> int:
    """Keep the rows of a chunk as they are, and note those that are not there; return how many of these will be."""
    of = chunk.of
    there = SQL("{} IS NOT NULL").format(column(of.key[0], "t"))
    keep = SQL(
        "INSERT INTO {images} (rollback_sync, rollback_round, rollback_pass, rollback_chunk, rollback_existed, {names})"
        " SELECT {work}, {there}, {row} FROM pg_temp.staged AS s LEFT JOIN {table} AS t ON {same}"
        " WHERE ({there} OR s.rollback_live) AND {touched}"
    )
    keeping = keep.format(
        images=images_of(of),
        names=columns(kept(of)),
        work=listed(map(Literal, (chunk.sync, chunk.round, chunk.does.value, chunk.number))),
        there=there,
        row=listed(
            [
                *(SQL("coalesce({}, {})").format(column(name, "t"), column(name, "s")) for name in of.key),
                *(column(name, "t") for name in kept(of)[len(of.key) :]),
            ]
        ),
        table=table(of.name),
        same=same_key(of.key, "s", "t"),
        touched=touched,
    )
    counted = SQL("WITH kept AS ({} RETURNING rollback_existed) SELECT count(*) FROM kept WHERE NOT rollback_existed")
    row = source.execute(counted.format(keeping)).fetchone()
    return int(str(row[0])) if row else 0


def _gives_up(of: SyncTable) -> Composable:
    """The condition that a row of the source holds a unique value that it will not hold any more."""
    if of.whole_vacate:
        return differs(of, "t", "s")
    given = [one for one in of.values if one.name in of.vacate]
    sides = (listed(exactly(one, side) for one in given) for side in ("t", "s"))
    return SQL("ROW({}) IS DISTINCT FROM ROW({})").format(*sides) if given else SQL("false")


def _no_cascade(source: Connection[Rows], of: SyncTable) -> None:
    """Foreign keys stand while rows are dropped: who still refers to one would go with it, and nobody would know.

    Raises:
        PermanentError: some rows do.
    """
    for child, reference in of.referred:
        pairs = zip(reference.columns, reference.to_columns, strict=True)
        leads = listed((SQL("{} = {}").format(column(mine, "c"), column(to, "t")) for mine, to in pairs), " AND ")
        asked = SQL("SELECT count(*) FROM pg_temp.staged AS s JOIN {} AS t ON {} JOIN {} AS c ON {} WHERE {}")
        row = source.execute(
            asked.format(table(of.name), same_key(of.key, "s", "t"), table(child), leads, _DEAD)
        ).fetchone()
        if row and row[0]:
            raise PermanentError(
                f"{child}: {row[0]} rows of {reference.name} would lead nowhere: the target has deleted what they name"
            )


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
            row=listed([_unstaged(of), columns(of.rest, "i")]),
            images=images_of(of),
            same=same_key(of.key, "s", "i"),
            vacated=of_chunk(vacated),
            key=columns(of.key),
        )
    )
    source.execute("SET LOCAL enable_hashjoin = off")
    return done.rowcount


def of_chunk(chunk: Chunk) -> Composed:
    """Return the condition that an image is of a chunk."""
    named = {
        "rollback_sync": chunk.sync,
        "rollback_round": chunk.round,
        "rollback_pass": chunk.does.value,
        "rollback_chunk": chunk.number,
    }
    return listed((SQL("{} = {}").format(column(name, "i"), Literal(value)) for name, value in named.items()), " AND ")


def _upsert(of: SyncTable) -> Composed:
    names, changed = columns(stored(of)), differs(of, "t", "excluded")
    put = SQL(
        "INSERT INTO {} AS t ({}) OVERRIDING SYSTEM VALUE SELECT {} FROM pg_temp.staged AS s WHERE {} ON CONFLICT ({}) "
    )
    updating = set_to(of, "excluded")
    then = SQL("DO UPDATE SET {} WHERE {}").format(updating, changed) if updating.as_string() else SQL("DO NOTHING")
    return put.format(table(of.name), names, _unstaged(of), _LIVE, columns(of.key)) + then


def _delete(source: Connection[Rows], of: SyncTable, which: Composable) -> int:
    delete = SQL("DELETE FROM {} AS t USING pg_temp.staged AS s WHERE {} AND {}")
    return source.execute(delete.format(table(of.name), which, same_key(of.key, "s", "t"))).rowcount
