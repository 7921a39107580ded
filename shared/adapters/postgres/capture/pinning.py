"""Pins which keys go back: a list per table, in chunks, in key order. What is pinned stays as it is for its round.

Round 1 is what the log says was written since the checkpoint; the rounds after it are what a proof found different.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from psycopg import Connection
from psycopg.sql import SQL, Composable, Composed, Literal

from shared.adapters.postgres.capture.key_log import captured_oids, log_of, logged_keys
from shared.adapters.postgres.capture.keys import give_keys, no_keys
from shared.adapters.postgres.server.session import Rows, at_once
from shared.adapters.postgres.server.sql import column, columns, ours, same_key, table
from shared.model.sync import MOST_ROWS_WITHOUT_KEY, SyncTable

# A chunk of wide rows has fewer of them, or it would take longer than anybody waits for a chunk.
_CHUNK_BYTES = 16_000_000
_SAMPLED = 100


@dataclass(frozen=True, slots=True)
class Pinned:
    """The keys of one table in one round."""

    keys: int
    chunks: int


def pinned(connection: Connection[Rows], sync: str, oid: int, round_: int) -> Pinned | None:
    """Return what is pinned already, or `None`."""
    row = connection.execute(
        SQL("SELECT keys, chunks FROM {} WHERE sync = %s AND oid = %s AND round = %s").format(ours("pin")),
        [sync, oid, round_],
    ).fetchone()
    return Pinned(int(str(row[0])), int(str(row[1]))) if row else None


def pin_written(connection: Connection[Rows], sync: str, of: SyncTable, snapshot: str, chunk: int) -> Pinned:
    """Pin what was written since a snapshot: every key whose transaction the snapshot did not see as committed.

    Its log has the key of now. Of a table without one, the proof finds what differs.
    """
    if not of.key:
        return _pin(connection, sync, of, 1, no_keys(of), chunk)
    keys = SQL("SELECT DISTINCT {} FROM {} WHERE NOT pg_visible_in_snapshot(rollback_xid, {}::pg_snapshot)").format(
        columns(of.key), log_of(of.oid), Literal(snapshot)
    )
    return _pin(connection, sync, of, 1, keys, chunk)


def pin_listed(
    connection: Connection[Rows], sync: str, of: SyncTable, round_: int, lines: Iterable[bytes], chunk: int
) -> Pinned:
    """Pin keys that are given as lines of COPY's text format."""
    with connection.transaction():
        give_keys(connection, of, lines)
        keys = SQL("SELECT DISTINCT {} FROM pg_temp.keys_given").format(columns(of.named_by))
        return _pin(connection, sync, of, round_, keys, chunk)


def pin_more(connection: Connection[Rows], sync: str, of: SyncTable, lines: Collection[bytes], chunk: int) -> None:
    """Add keys to the first round, in chunks of their own, unless they are in it.

    They go side by side with the others: a row may take a unique value that one of these gives up.
    """
    if not lines:
        return
    into = ours(f"pinned_{of.oid}")
    with connection.transaction():
        give_keys(connection, of, lines)
        connection.execute(
            SQL(
                "INSERT INTO {into} SELECT {keys}, 1,"
                " (n.chunks + (row_number() OVER (ORDER BY {keys}) - 1) / {size})::int"
                " FROM (SELECT DISTINCT * FROM pg_temp.keys_given) AS k,"
                " (SELECT coalesce(max(rollback_chunk) + 1, 0) AS chunks FROM {into} WHERE rollback_round = 1) AS n"
                " WHERE NOT EXISTS (SELECT FROM {into} AS p WHERE p.rollback_round = 1 AND {same})"
            ).format(
                into=into,
                keys=columns(of.named_by, "k"),
                size=Literal(_size(of, chunk)),
                same=same_key(of.named_by, "p", "k"),
            )
        )
        _count(connection, sync, of)


def _count(connection: Connection[Rows], sync: str, of: SyncTable) -> None:
    connection.execute(
        SQL(
            "UPDATE {} SET (keys, chunks) = (SELECT count(*), coalesce(max(rollback_chunk) + 1, 0) FROM {}"
            " WHERE rollback_round = 1) WHERE sync = %s AND oid = %s AND round = 1"
        ).format(ours("pin"), ours(f"pinned_{of.oid}")),
        [sync, of.oid],
    )


def unpin(connection: Connection[Rows], of: SyncTable, lines: Collection[bytes]) -> None:
    """Take keys off the list again, before any of it is copied."""
    if not lines:
        return
    with connection.transaction():
        give_keys(connection, of, lines)
        connection.execute(
            SQL("DELETE FROM {} AS p USING pg_temp.keys_given AS k WHERE {}").format(
                ours(f"pinned_{of.oid}"), same_key(of.named_by, "p", "k")
            )
        )


def emptied_since(connection: Connection[Rows], snapshot: str) -> set[int]:
    """Return the tables of which the log cannot say which rows were written since a snapshot.

    These were truncated, have no key, or one that was changed since.
    """
    unseen = SQL("NOT pg_visible_in_snapshot(rollback_xid, {}::pg_snapshot)").format(Literal(snapshot))
    noted: list[Any] = connection.execute(
        SQL("SELECT DISTINCT oid::int8 FROM {} WHERE {}").format(ours("emptied"), unseen)
    ).fetchall()
    nameless = _nameless(connection, unseen)
    return {oid for (oid,) in noted} | nameless | _unfit(connection)


def _nameless(connection: Connection[Rows], unseen: Composable) -> set[int]:
    """Return the tables with rows in their log of which only the number is known."""
    asked = SQL("SELECT {}::int8 WHERE EXISTS (SELECT FROM {} WHERE {} IS NULL AND {})")
    each = [
        asked.format(Literal(oid), log_of(oid), column(key[0]), unseen) for oid, key in logged_keys(connection).items()
    ]
    rows: list[Any] = connection.execute(SQL(" UNION ALL ").join(each)).fetchall() if each else []
    return {oid for (oid,) in rows}


def _unfit(connection: Connection[Rows]) -> set[int]:
    return {oid for oid, whole in captured_oids(connection).items() if not whole}


def drop_pins(connection: Connection[Rows], sync: str, oids: Iterable[int]) -> None:
    """Forget what was pinned for a sync."""
    with connection.transaction():
        for oid in oids:
            connection.execute(SQL("DROP TABLE IF EXISTS {}").format(ours(f"pinned_{oid}")))
        connection.execute(SQL("DELETE FROM {} WHERE sync = %s").format(ours("pin")), [sync])


def _size(of: SyncTable, chunk: int) -> int:
    """Each chunk of a table without a key reads all of it: there is one."""
    return chunk if of.key else MOST_ROWS_WITHOUT_KEY


def _pin(connection: Connection[Rows], sync: str, of: SyncTable, round_: int, keys: Composed, chunk: int) -> Pinned:
    """Write the list and that it is whole, as one."""
    found = pinned(connection, sync, of.oid, round_)
    if found is not None:
        return found
    into = ours(f"pinned_{of.oid}")
    numbered = SQL(
        "WITH k AS MATERIALIZED ({}) SELECT {}, {}::int AS rollback_round,"
        " ((row_number() OVER (ORDER BY {}) - 1) / {})::int AS rollback_chunk FROM k"
    ).format(keys, columns(of.named_by), Literal(round_), columns(of.named_by), _rows_a_chunk(of, chunk))
    with connection.transaction():
        if round_ == 1:
            dropping = SQL("DROP TABLE IF EXISTS {}").format(into)
            at_once(connection, [dropping, SQL("CREATE TABLE {} AS {}").format(into, numbered)])
            indexing = [SQL("CREATE INDEX ON {} (rollback_round, rollback_chunk)").format(into)]
        else:
            connection.execute(SQL("INSERT INTO {} {}").format(into, numbered))
            indexing = []
        analysing = SQL("ANALYZE {}").format(into)
        *_, last = at_once(connection, [*indexing, analysing, _noted(sync, of, round_)]).results()
        counted, chunks = last.fetchall()[0]
    return Pinned(int(str(counted)), int(str(chunks)))


def _rows_a_chunk(of: SyncTable, chunk: int) -> Composable:
    """How many there may be, by what some of the rows that are pinned weigh now."""
    if not of.key:
        return Literal(_size(of, chunk))
    return SQL(
        "(SELECT least({chunk}, greatest(1, {most} / greatest(1, coalesce(avg(pg_column_size(t)), 1))))::int"
        " FROM (SELECT * FROM k LIMIT {some}) AS s JOIN {table} AS t ON {same})"
    ).format(
        chunk=Literal(chunk),
        most=Literal(_CHUNK_BYTES),
        some=Literal(_SAMPLED),
        table=table(of.name),
        same=same_key(of.key, "s", "t"),
    )


def _noted(sync: str, of: SyncTable, round_: int) -> Composed:
    noting = SQL(
        "INSERT INTO {} (sync, oid, round, keys, chunks) SELECT {}, {}, {}, count(*),"
        " coalesce(max(rollback_chunk) + 1, 0) FROM {} WHERE rollback_round = {} RETURNING keys, chunks"
    )
    sync_, oid, number = Literal(sync), Literal(of.oid), Literal(round_)
    return noting.format(ours("pin"), sync_, oid, number, ours(f"pinned_{of.oid}"), number)
