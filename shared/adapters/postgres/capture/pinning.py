"""Pins which keys go back: a list per table, in chunks, in key order. What is pinned stays as it is for its round.

Round 1 is what the log says was written since the checkpoint; the rounds after it are what was written since another
one was pinned, or what a proof found different.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from psycopg import Connection
from psycopg.sql import SQL, Composable, Composed, Literal

from shared.adapters.postgres.capture.key_log import log_of
from shared.adapters.postgres.capture.keys import give_keys, no_keys
from shared.adapters.postgres.server.session import Rows, at_once
from shared.adapters.postgres.server.sql import columns, ours, same_row, table
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


def pinned_of(connection: Connection[Rows], sync: str, round_: int) -> set[int]:
    """Return the tables that are pinned already. What another sync had pinned counts no more: a list is that of one."""
    dropping = SQL("DELETE FROM {} WHERE sync <> {}").format(ours("pin"), Literal(sync))
    asked = SQL("SELECT oid::int8 FROM {} WHERE sync = {} AND round = {}")
    *_, found = at_once(connection, [dropping, asked.format(ours("pin"), Literal(sync), Literal(round_))]).results()
    return {int(str(row[0])) for row in found.fetchall()}


def pin_written(
    connection: Connection[Rows], sync: str, of: SyncTable, snapshot: str, chunk: int, round_: int = 1
) -> Pinned:
    """Pin what was written since a snapshot: every key whose transaction the snapshot did not see as committed.

    Its log has the key of now. Of a table without one, the proof finds what differs. A later round is one of those of
    a list that is there.
    """
    if not of.key:
        return _pin(connection, sync, of, round_, no_keys(of), chunk)
    keys = SQL("SELECT {} FROM {} WHERE NOT pg_visible_in_snapshot(rollback_xid, {}::pg_snapshot)").format(
        columns(of.key), log_of(of.oid), Literal(snapshot)
    )
    # Of a log that was never analysed each key is taken for one of a few: they would be brought together and then
    # sorted, where sorting them does both.
    first = [SQL("ANALYZE {}").format(log_of(of.oid))] if round_ == 1 else []
    return _pin(connection, sync, of, round_, keys, chunk, first)


def pin_listed(
    connection: Connection[Rows], sync: str, of: SyncTable, round_: int, lines: Iterable[bytes], chunk: int
) -> Pinned:
    """Pin keys that are given as lines of COPY's text format."""
    with connection.transaction():
        give_keys(connection, of, lines)
        keys = SQL("SELECT {} FROM pg_temp.keys_given").format(columns(of.named_by))
        return _pin(connection, sync, of, round_, keys, chunk)


def pin_more(
    connection: Connection[Rows], sync: str, of: SyncTable, round_: int, lines: Collection[bytes], chunk: int
) -> None:
    """Add keys to a round, in chunks of their own, unless they are in it.

    They go side by side with the others: a row may take a unique value that one of these gives up.
    """
    if not lines:
        return
    if pinned(connection, sync, of.oid, round_) is None:
        pin_listed(connection, sync, of, round_, lines, chunk)
        return
    into = ours(f"pinned_{of.oid}")
    with connection.transaction():
        give_keys(connection, of, lines)
        connection.execute(
            SQL(
                "INSERT INTO {into} SELECT {keys}, {round},"
                " (n.chunks + (row_number() OVER (ORDER BY {keys}) - 1) / {size})::int"
                " FROM (SELECT DISTINCT * FROM pg_temp.keys_given) AS k,"
                " (SELECT coalesce(max(rollback_chunk) + 1, 0) AS chunks FROM {into}"
                " WHERE rollback_round = {round}) AS n"
                " WHERE NOT EXISTS (SELECT FROM {into} AS p WHERE p.rollback_round = {round} AND {same})"
            ).format(
                into=into,
                round=Literal(round_),
                keys=columns(of.named_by, "k"),
                size=Literal(_size(of, chunk)),
                same=same_row(of, "p", "k"),
            )
        )
        _count(connection, sync, of, round_)


def _count(connection: Connection[Rows], sync: str, of: SyncTable, round_: int) -> None:
    connection.execute(
        SQL(
            "UPDATE {} SET (keys, chunks) = (SELECT count(*), coalesce(max(rollback_chunk) + 1, 0) FROM {}"
            " WHERE rollback_round = %(round)s) WHERE sync = %(sync)s AND oid = %(oid)s AND round = %(round)s"
        ).format(ours("pin"), ours(f"pinned_{of.oid}")),
        {"sync": sync, "oid": of.oid, "round": round_},
    )


def unpin(connection: Connection[Rows], of: SyncTable, lines: Collection[bytes]) -> None:
    """Take keys off the list again, before any of it is copied."""
    if not lines:
        return
    with connection.transaction():
        give_keys(connection, of, lines)
        connection.execute(
            SQL("DELETE FROM {} AS p USING pg_temp.keys_given AS k WHERE {}").format(
                ours(f"pinned_{of.oid}"), same_row(of, "p", "k")
            )
        )


def _size(of: SyncTable, chunk: int) -> int:
    """Each chunk of a table without a key reads all of it: there is one."""
    return chunk if of.key else MOST_ROWS_WITHOUT_KEY


def _pin(
    connection: Connection[Rows],
    sync: str,
    of: SyncTable,
    round_: int,
    keys: Composed,
    chunk: int,
    first: Sequence[Composed] = (),
) -> Pinned:
    """Write the list and that it is whole, as one."""
    found = pinned(connection, sync, of.oid, round_)
    if found is not None:
        return found
    into, names = ours(f"pinned_{of.oid}"), columns(of.named_by)
    numbered = SQL(
        "SELECT {names}, {round}::int AS rollback_round,"
        " ((row_number() OVER (ORDER BY {names} ROWS UNBOUNDED PRECEDING) - 1) / {size})::int AS rollback_chunk"
        " FROM (SELECT DISTINCT {names} FROM ({keys}) AS k) AS k"
    ).format(names=names, round=Literal(round_), size=_rows_a_chunk(of, keys, chunk), keys=keys)
    listing = _first(into, numbered) if round_ == 1 else [SQL("INSERT INTO {} {}").format(into, numbered)]
    analysing = SQL("ANALYZE {}").format(into)
    *_, last = at_once(connection, [*first, *listing, analysing, _noted(sync, of, round_)]).results()
    counted, chunks = last.fetchall()[0]
    return Pinned(int(str(counted)), int(str(chunks)))


def _first(into: Composable, numbered: Composable) -> list[Composed]:
    return [
        SQL("DROP TABLE IF EXISTS {}").format(into),
        SQL("CREATE TABLE {} AS {}").format(into, numbered),
        SQL("ALTER TABLE {} REPLICA IDENTITY FULL").format(into),  # as of logs
        SQL("CREATE INDEX ON {} (rollback_round, rollback_chunk)").format(into),
    ]


def _rows_a_chunk(of: SyncTable, keys: Composed, chunk: int) -> Composable:
    """How many there may be, by what some of the rows that are pinned weigh now."""
    if not of.key:
        return Literal(_size(of, chunk))
    return SQL(
        "(SELECT least({chunk}, greatest(1, {most} / greatest(1, coalesce(avg(pg_column_size(t)), 1))))::int"
        " FROM ({keys} LIMIT {some}) AS s JOIN {table} AS t ON {same})"
    ).format(
        chunk=Literal(chunk),
        keys=keys,
        most=Literal(_CHUNK_BYTES),
        some=Literal(_SAMPLED),
        table=table(of.name),
        same=same_row(of, "s", "t"),
    )


def _noted(sync: str, of: SyncTable, round_: int) -> Composed:
    noting = SQL(
        "INSERT INTO {} (sync, oid, round, keys, chunks) SELECT {}, {}, {}, count(*),"
        " coalesce(max(rollback_chunk) + 1, 0) FROM {} WHERE rollback_round = {} RETURNING keys, chunks"
    )
    sync_, oid, number = Literal(sync), Literal(of.oid), Literal(round_)
    return noting.format(ours("pin"), sync_, oid, number, ours(f"pinned_{of.oid}"), number)
