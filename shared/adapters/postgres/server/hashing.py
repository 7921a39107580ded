"""How rows are hashed, so that equal hashes mean equal rows on this pair of servers.

The record hash of PostgreSQL 14 and later is the fastest: it takes values as they are in memory. It is used where both
servers give the same hashes for a set of probe values, and only for columns whose equal values are one value; all
other columns go into it as text. Where the probes differ (another major version, byte order or encoding), the rows are
written as text and hashed by MD5, which is the same everywhere. None of it is a proof in the mathematical sense: sums
of 64 bits of hashes miss a difference once in about 2^64.
https://www.postgresql.org/docs/current/functions-comparisons.html#ROW-WISE-COMPARISON
"""

from collections.abc import Iterable
from enum import StrEnum

from psycopg import Connection
from psycopg.sql import SQL, Composable, Composed

from shared.adapters.postgres.server.session import Rows
from shared.adapters.postgres.server.sql import column, exactly, listed, table, written
from shared.model.sync import ROW_HASH, SyncColumn, SyncTable


class Hash(StrEnum):
    """Which hash."""

    RECORD = "record"
    MD5 = "md5"


_WIDEST = dict.fromkeys(("smallint", "integer", "bigint"), "numeric") | {"character varying": "text"}
_PROBES = """
SELECT hash_record_extended(ROW(true, 1::int2, 1::int4, -1::int8, 7::oid, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid,
         date '2024-02-29', time '12:34:56.789', timestamp '2024-02-29 12:34:56.789', timestamptz 'infinity',
         '\\x00ff'::bytea, 'n'::name, 'käse €'::text, 'v'::varchar, 12345678901234.50::numeric(20, 2), NULL::text,
         jsonb_send('{"käse": [1.0, 1.00, true, null], "": "\\u0001"}')),
       0)::text, current_setting('server_encoding')
"""


def hash_for(source: Connection[Rows], target: Connection[Rows]) -> Hash:
    """Return the fastest hash that is safe for this pair of servers."""
    here, there = (connection.execute(_PROBES).fetchone() for connection in (source, target))
    return Hash.RECORD if here == there else Hash.MD5


def row_hash(by: Hash, columns: Iterable[SyncColumn], of: str, *, of_source: bool) -> Composed:
    """Return the expression of a row's hash, a bigint.

    Args:
        of: Alias of the table.
        of_source: On the source values have their type already; elsewhere they are read as that type.
    """
    if by is Hash.RECORD:
        values = listed(_of_record(one, of) if one.same else _as_text(one, of, of_source) for one in columns)
        return SQL("hash_record_extended(ROW({}), 0)").format(values)
    values = listed(_as_text(one, of, of_source) for one in columns)
    text = SQL("convert_to(ROW({})::text, 'UTF8')").format(values)
    return SQL("('x' || left(md5({}), 16))::bit(64)::bigint").format(text)


def _of_record(one: SyncColumn, of: str) -> Composable:
    """What is sent of JSON is its text as well, and is had with one copy less: a twentieth of a comparison's time."""
    return SQL("jsonb_send({})").format(column(one.name, of)) if one.type == "jsonb" else exactly(one, of)


def hashed_rows(of: SyncTable, *, of_source: bool) -> Composed:
    """Return a table as a subquery, with where each row is, and a hash of what goes back of it: for tables without key.

    By MD5 on any pair of servers: there are not many of these rows, and their hashes are kept.
    """
    return SQL("(SELECT *, tableoid AS rollback_part, ctid AS rollback_place, {} AS {} FROM {} AS t)").format(
        row_hash(Hash.MD5, of.columns, "t", of_source=of_source), column(ROW_HASH), table(of.name)
    )


def _as_text(one: SyncColumn, of: str, of_source: bool) -> Composable:
    value = written(one, of) if one.same else _as_other(one, of, of_source)
    return SQL('{} COLLATE "C"').format(value)


def _as_other(one: SyncColumn, of: str, of_source: bool) -> Composable:
    return SQL("{}::text").format(column(one.name, of)) if of_source else as_on_source(one, of)


def as_on_source(one: SyncColumn, of: str) -> Composable:
    """Return the expression of a target's value as the source would write it, a text.

    A number that the source's type does not take would be an error without a name, and a text would be cut to what
    fits, and then be taken for the same: both are read as the widest type that is written alike.
    """
    kind = _WIDEST.get(one.type.partition("(")[0], one.type)
    return SQL("{}::text::{}::text").format(column(one.name, of), SQL(kind))
