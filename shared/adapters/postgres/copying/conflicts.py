"""Rows that were changed on the source, too, since the checkpoint: found by its own log, decided by the policy, kept.

Whichever side loses, both rows are written down as text, with the key, before anything is copied.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from psycopg import Connection
from psycopg.sql import SQL, Composed

from shared.adapters.postgres.capture.keys import KEYS, give_keys
from shared.adapters.postgres.server.hashing import hashed_rows
from shared.adapters.postgres.server.session import Rows
from shared.adapters.postgres.server.sql import column, columns, ours, row, same_key, table
from shared.model.sync import ROW_HASH, Conflicts, SyncTable


@dataclass(frozen=True, slots=True)
class Conflict:
    """One row that was changed on the source: its key, and the row on both sides, `None` where it is not there."""

    key: bytes
    source: str | None
    target: str | None


def conflicts(
    source: Connection[Rows], target: Connection[Rows], of: SyncTable, keys: Collection[bytes]
) -> list[Conflict]:
    """Return the rows of the keys that are not the same on both sides."""
    if not keys:
        return []
    here, there = _rows(source, of, keys, of_source=True), _rows(target, of, keys, of_source=False)
    return [Conflict(key, here.get(key), there.get(key)) for key in keys if here.get(key) != there.get(key)]


def keep_conflicts(
    source: Connection[Rows], sync: str, of: SyncTable, found: Iterable[Conflict], by: Conflicts
) -> None:
    """Write them down, once."""
    kept = "source" if by is Conflicts.SOURCE_WINS else "target"
    rows = [[sync, of.oid, one.key.decode(), one.source, one.target, kept] for one in found]
    with source.cursor() as cursor:
        cursor.executemany(
            SQL(
                "INSERT INTO {} (sync, oid, key, source, target, kept) VALUES (%s, %s, %s, %s, %s, %s)"
                " ON CONFLICT DO NOTHING"
            ).format(ours("conflict")),
            rows,
        )


def kept_on_source(source: Connection[Rows], sync: str, oid: int) -> set[bytes]:
    """Return the keys of rows that stay as they are on the source."""
    asked = SQL("SELECT key FROM {} WHERE sync = %s AND oid = %s AND kept = 'source'").format(ours("conflict"))
    rows: list[Any] = source.execute(asked, [sync, oid]).fetchall()
    return {key.encode() for (key,) in rows}


def _rows(side: Connection[Rows], of: SyncTable, keys: Iterable[bytes], *, of_source: bool) -> dict[bytes, str]:
    with side.transaction():
        give_keys(side, of, keys)
        lines: dict[bytes, str] = {}
        shown = _shown(of) if of.key else _shown_with_count(of, of_source=of_source)
        with side.cursor().copy(SQL("COPY ({}) TO STDOUT").format(shown)) as copy:
            for line in copy:
                key, _, shown_row = bytes(line).rstrip(b"\n").rpartition(b"\t")
                lines[key + b"\n"] = shown_row.decode()
    return lines


def _shown(of: SyncTable) -> Composed:
    return SQL("SELECT {}, {}::text FROM {} AS k JOIN {} AS t ON {}").format(
        columns(of.key, "k"), _row(of), KEYS, table(of.name), same_key(of.key, "k", "t")
    )


def _shown_with_count(of: SyncTable, *, of_source: bool) -> Composed:
    """Rows without a key: how many of the same there are."""
    return SQL(
        "SELECT {0}, count(*) || ' x ' || min({1}::text) FROM {2} AS t JOIN {3} AS k USING ({0}) GROUP BY 1"
    ).format(column(ROW_HASH), _row(of), hashed_rows(of, of_source=of_source), KEYS)


def _row(of: SyncTable) -> Composed:
    return row((one.name for one in of.columns), "t")
