"""Keeps the rows of the source as they were before a chunk changed them, in tables of ours beside them.

An image is written in the transaction of its chunk. It says whether the row was there at all, so that a row that was
inserted can be told from one that was overwritten or deleted.
"""

import json
from dataclasses import dataclass
from typing import Any

from psycopg import Connection
from psycopg.sql import SQL, Composed, Identifier, Literal

from shared.adapters.postgres.server.catalogue import OURS
from shared.adapters.postgres.server.session import Rows, at_once
from shared.adapters.postgres.server.sql import column, columns, listed, ours, table
from shared.model.sync import Pass, SyncTable


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """One piece of work.

    Attributes:
        ahead: Rows of the target change between its passes.
    """

    sync: str
    of: SyncTable
    round: int
    does: Pass
    number: int
    ahead: bool = False


def stored(of: SyncTable) -> list[str]:
    """The key first, as everything here lists columns."""
    return [*of.key, *(one.name for one in of.values)]


def kept(of: SyncTable) -> list[str]:
    """What images hold: also the columns that stay as they are, for rows that go."""
    return [*stored(of), *of.rest]


# How images of one chunk are found, by whether they are read while others are written. Measured over 200,000 rows: a
# B-tree makes keeping them 1.6 times as long, block ranges 1.03 times; these must be summarised before they are of use.
_BY_CHUNK = {
    True: SQL("CREATE INDEX ON {} (rollback_sync, rollback_chunk)"),
    False: SQL(
        "CREATE INDEX ON {} USING brin (rollback_sync, rollback_round, rollback_pass, rollback_chunk)"
        " WITH (pages_per_range = 16)"
    ),
}
_SUMMARISE = """
SELECT brin_summarize_new_values(c.oid) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
JOIN pg_am a ON a.oid = c.relam WHERE i.indrelid = %s::regclass AND a.amname = 'brin'
"""
# Those of earlier ways back may be of columns that the table does not have any more, or of another key.
_UNFIT = """
SELECT i.oid IS NOT NULL AND (obj_description(i.oid, 'pg_class') IS DISTINCT FROM %(key)s OR EXISTS (
         SELECT FROM unnest(%(names)s::text[]) AS wanted (name)
         JOIN pg_attribute a ON a.attrelid = %(table)s AND a.attname = wanted.name
         LEFT JOIN pg_attribute b ON b.attrelid = i.oid AND b.attname = a.attname AND b.atttypid = a.atttypid
         WHERE b.attnum IS NULL)),
       (SELECT count(*) FROM pg_class o JOIN pg_namespace n ON n.oid = o.relnamespace
        WHERE n.nspname = %(ours)s AND o.relkind = 'r' AND starts_with(o.relname, %(images)s || '_'))
FROM (SELECT to_regclass(format('%%I.%%I', %(ours)s::text, %(images)s::text))::oid AS oid) AS i
"""


def prepare_images(source: Connection[Rows], of: SyncTable) -> None:
    """Make the table that keeps the rows of the source as they were, if it is not there.

    It takes no row type and no constraint from the table, so that it stands in the way of no later change of it. After
    such a change there is another one; that of before is kept beside it.
    """
    with source.transaction():
        _set_aside(source, of)
        source.execute(
            SQL(
                "CREATE TABLE IF NOT EXISTS {} AS SELECT ''::text AS rollback_sync, 0 AS rollback_round,"
                " ''::text AS rollback_pass, 0 AS rollback_chunk, true AS rollback_existed, {} FROM {} WITH NO DATA"
            ).format(images_of(of), columns(kept(of)), table(of.name))
        )
        indexed = "SELECT 1 FROM pg_index WHERE indrelid = %s::regclass"
        if source.execute(indexed, [images_of(of).as_string()]).fetchone() is None:
            by_chunk = _BY_CHUNK[bool(of.rest) and of.is_vacated].format(images_of(of))
            named = SQL("COMMENT ON TABLE {} IS {}").format(images_of(of), _by(of))
            # A publication of all tables, made later, would keep old ones from being dropped.
            told = SQL("ALTER TABLE {} REPLICA IDENTITY FULL").format(images_of(of))
            at_once(source, (by_chunk, named, told))


def summarise_images(source: Connection[Rows], of: SyncTable) -> None:
    """Bring the index by chunk up to date, before images are read chunk by chunk."""
    source.execute(_SUMMARISE, [images_of(of).as_string()])


def _set_aside(source: Connection[Rows], of: SyncTable) -> None:
    name = f"before_{of.source_oid}"
    asked = {"ours": OURS, "images": name, "names": kept(of), "table": of.source_oid, "key": json.dumps(of.key)}
    row: Any = source.execute(_UNFIT, asked).fetchone()
    if row[0]:
        source.execute(SQL("ALTER TABLE {} RENAME TO {}").format(ours(name), Identifier(f"{name}_{row[1] + 1}")))


def _by(of: SyncTable) -> Literal:
    """By what rows are told apart: who takes them back need not ask the target."""
    return Literal(json.dumps(of.key))


def images_of(of: SyncTable) -> Identifier:
    """Return the table that keeps what the rows of a table were on the source."""
    return ours(f"before_{of.source_oid}")


def of_chunk(chunk: Chunk) -> Composed:
    """Return the condition that an image is of a chunk."""
    named = {
        "rollback_sync": chunk.sync,
        "rollback_round": chunk.round,
        "rollback_pass": chunk.does.value,
        "rollback_chunk": chunk.number,
    }
    return listed((SQL("{} = {}").format(column(name, "i"), Literal(value)) for name, value in named.items()), " AND ")
