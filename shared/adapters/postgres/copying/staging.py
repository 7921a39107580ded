"""Brings the rows of a chunk to the source, into a temporary table: the bytes of COPY pass through as they are.

A value that is decoded on the way may change: JSON numbers lose digits, infinity cannot be said.
"""

from psycopg import Connection
from psycopg.sql import SQL, Composed, Literal

from shared.adapters.postgres.copying.images import Chunk
from shared.adapters.postgres.server.hashing import hashed_rows
from shared.adapters.postgres.server.outflow import pieces
from shared.adapters.postgres.server.session import Rows
from shared.adapters.postgres.server.sql import column, listed, ours, same_row, table
from shared.model.sync import ROW_HASH, SyncTable


def stage(target: Connection[Rows], source: Connection[Rows], chunk: Chunk) -> int:
    """Stage the rows of a chunk; return how many keys it has."""
    way = SQL("(FORMAT binary)") if chunk.of.binary else SQL("(FORMAT text)")
    reading = SQL("COPY ({}) TO STDOUT {}").format(_rows(chunk), way)
    writing = SQL("COPY pg_temp.staged FROM STDIN {}").format(way)
    into = source.cursor()
    with target.cursor().copy(reading) as rows, into.copy(writing) as staged:
        for some in pieces(rows):
            staged.write(some)
    return into.rowcount


def _rows(chunk: Chunk) -> Composed:
    """The rows of a chunk as they are on the target now; a key without a row is there with nothing but its key."""
    of = chunk.of
    key = [SQL("coalesce({}, {})").format(column(name, "t"), column(name, "p")) for name in of.named_by]
    values = [SQL("{}::text" if one.as_text else "{}").format(column(one.name, "t")) for one in of.values]
    chosen = SQL(
        "SELECT {}, {} IS NOT NULL FROM {} AS p LEFT JOIN {} AS t ON {}"
        " WHERE p.rollback_round = {} AND p.rollback_chunk = {}"
    )
    pins, number = ours(f"pinned_{of.oid}"), (Literal(chunk.round), Literal(chunk.number))
    # A key of several fields is neither null nor not null when one of them is.
    there = column("ctid" if of.key else "rollback_place", "t")
    rows = table(of.name) if of.key else hashed_rows(of, of_source=False)
    return chosen.format(listed([*key, *values]), there, pins, rows, same_row(of, "p", "t"), *number)


def staging(of: SyncTable) -> Composed:
    """Return the statement that makes the temporary table, for the running transaction.

    A key without a row has no values; a domain would refuse that, unless it is staged as text.
    """
    key = map(column, of.key) if of.key else [SQL("0::int8 AS {}").format(column(ROW_HASH))]
    values = (SQL("''::text AS {}").format(column(one.name)) if one.as_text else column(one.name) for one in of.values)
    making = SQL("CREATE TEMP TABLE staged ON COMMIT DROP AS SELECT {}, true AS rollback_live FROM {} WITH NO DATA")
    return making.format(listed([*key, *values]), table(of.name))


def unstaged(of: SyncTable) -> Composed:
    """Return what is staged, as the table takes it."""
    values = (
        SQL("{}::{}").format(column(one.name, "s"), SQL(one.type)) if one.as_text else column(one.name, "s")
        for one in of.values
    )
    return listed([*(column(name, "s") for name in of.key), *values])
