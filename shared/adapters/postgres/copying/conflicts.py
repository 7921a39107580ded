"""Rows that were changed on the source, too, since the checkpoint: found by its own log, decided by the policy, kept.

Whichever side loses, both rows are written down as text, with the key, before anything is copied. Which rows these are
is told by their hashes; what they hold goes from server to server, and is never all in the memory of this program.
"""

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import batched
from typing import Any

from psycopg import Connection
from psycopg.sql import SQL, Composed, Identifier

from shared.adapters.postgres.capture.keys import KEYS, give_keys, no_keys
from shared.adapters.postgres.server.hashing import Hash, hashed_rows, row_hash
from shared.adapters.postgres.server.session import Rows
from shared.adapters.postgres.server.sql import column, columns, ours, row, same_row, table
from shared.model.sync import ROW_HASH, Conflicts, SyncTable

_AT_ONCE = 10_000
BOTH = Identifier("pg_temp", "both_rows")
_LINED, _THERE = Identifier("pg_temp", "keys_lined"), Identifier("pg_temp", "rows_there")
_DECIDE = SQL("""
INSERT INTO {} (sync, oid, round, key, source, target, kept) SELECT %s, %s, %s, key, source, target, %s FROM {}
ON CONFLICT (sync, oid, key, round)
DO UPDATE SET (source, target, kept) = (excluded.source, excluded.target, excluded.kept)
""")
_KEPT = """
SELECT key FROM (SELECT DISTINCT ON (key) key, kept FROM {} WHERE sync = %s AND oid = %s ORDER BY key, round DESC) AS d
WHERE kept = 'source'
"""


@dataclass(frozen=True, slots=True)
class Conflict:
    """One row that was changed on the source: its key, and by what the row of each side is known; `None` for no row."""

    key: bytes
    source: str | None
    target: str | None


def conflicts(
    source: Connection[Rows], target: Connection[Rows], of: SyncTable, keys: Collection[bytes]
) -> list[Conflict]:
    """Return the rows of the keys that are not the same on both sides."""
    return [one for some in batched(keys, _AT_ONCE, strict=False) for one in _differing(source, target, of, some)]


def keep_conflicts(
    source: Connection[Rows],
    target: Connection[Rows],
    sync: str,
    of: SyncTable,
    round_: int,
    keys: Collection[bytes],
    by: Conflicts,
) -> None:
    """Write them down, with the round that copies what was decided; of one round, what was decided last counts."""
    kept = "source" if by is Conflicts.SOURCE_WINS else "target"
    for some in batched(keys, _AT_ONCE, strict=False):
        with both_rows(source, target, of, some):
            source.execute(_DECIDE.format(ours("conflict"), BOTH), [sync, of.oid, round_, kept])


def kept_on_source(source: Connection[Rows], sync: str, oid: int) -> set[bytes]:
    """Return the keys of rows that stay as they are on the source."""
    rows: list[Any] = source.execute(SQL(_KEPT).format(ours("conflict")), [sync, oid]).fetchall()
    return {key.encode() for (key,) in rows}


def distinct(
    side: Connection[Rows], of: SyncTable, keys: Collection[bytes], *, besides: Collection[bytes] = ()
) -> Collection[bytes]:
    """Return keys once each, as their types take it (1.0 is 1.00), and none of some others."""
    if not keys or (not besides and all(one.exact for one in of.columns if one.in_key)):
        return keys
    others = Identifier("pg_temp", "keys_besides")
    asked = SQL("COPY (SELECT DISTINCT * FROM {} AS k WHERE NOT EXISTS (SELECT FROM {} AS o WHERE {})) TO STDOUT")
    with side.transaction():
        give_keys(side, of, besides)
        side.execute(SQL("ALTER TABLE {} RENAME TO keys_besides").format(KEYS))
        give_keys(side, of, keys)
        with side.cursor().copy(asked.format(KEYS, others, same_row(of, "k", "o"))) as lines:
            return [bytes(line) for line in lines]


@contextmanager
def both_rows(
    source: Connection[Rows], target: Connection[Rows], of: SyncTable, keys: Collection[bytes]
) -> Iterator[None]:
    """Have the rows of some keys on the source as a table `BOTH` of key, source and target, in a transaction of it."""
    with source.transaction(), target.transaction():
        for side in (source, target):
            _give_lines(side, of, keys)
        source.execute(SQL("CREATE TEMP TABLE rows_there (line text, said text) ON COMMIT DROP"))
        reading = SQL("COPY ({}) TO STDOUT").format(_said(of, of_source=False))
        writing = SQL("COPY {} FROM STDIN").format(_THERE)
        with target.cursor().copy(reading) as rows, source.cursor().copy(writing) as there:
            for some in rows:
                there.write(some)
        source.execute(
            SQL(
                "CREATE TEMP TABLE both_rows ON COMMIT DROP AS SELECT k.line AS key, h.said AS source, t.said AS target"
                " FROM {} AS k LEFT JOIN ({}) AS h ON h.line = k.line LEFT JOIN {} AS t ON t.line = k.line"
            ).format(_LINED, _said(of, of_source=True), _THERE)
        )
        yield


def _give_lines(side: Connection[Rows], of: SyncTable, keys: Collection[bytes]) -> None:
    """Give keys, each with the line that it is known by: as one key may be written in several ways."""
    side.execute(
        SQL("CREATE TEMP TABLE keys_lined ON COMMIT DROP AS SELECT k.*, ''::text AS line FROM ({}) AS k").format(
            no_keys(of)
        )
    )
    with side.cursor().copy(SQL("COPY {} FROM STDIN").format(_LINED)) as copy:
        for line in keys:
            copy.write(b"%s\t%s\n" % (line.rstrip(b"\n"), _escaped(line)))
    side.execute(SQL("ANALYZE {}").format(_LINED))


def _escaped(line: bytes) -> bytes:
    """Write a line as a value of COPY's text format."""
    return line.replace(b"\\", b"\\\\").replace(b"\t", b"\\t").replace(b"\n", b"\\n")


def _said(of: SyncTable, *, of_source: bool) -> Composed:
    """Rows as text; without a key, one of them with how many of the same there are."""
    said = SQL("{}::text").format(row((one.name for one in of.columns), "t"))
    if of.key:
        return SQL("SELECT k.line, {} AS said FROM {} AS k JOIN {} AS t ON {}").format(
            said, _LINED, table(of.name), same_row(of, "k", "t")
        )
    return SQL(
        "SELECT k.line, count(*) || ' x ' || min({1}) AS said FROM {2} AS t JOIN {3} AS k USING ({0}) GROUP BY 1"
    ).format(column(ROW_HASH), said, hashed_rows(of, of_source=of_source), _LINED)


def _differing(
    source: Connection[Rows], target: Connection[Rows], of: SyncTable, keys: Collection[bytes]
) -> Iterable[Conflict]:
    here, there = _known(source, of, keys, of_source=True), _known(target, of, keys, of_source=False)
    return [Conflict(key, here.get(key), there.get(key)) for key in keys if here.get(key) != there.get(key)]


def _known(side: Connection[Rows], of: SyncTable, keys: Collection[bytes], *, of_source: bool) -> dict[bytes, str]:
    """Return by what the rows of some keys are known: by their hash, or how many of the same there are."""
    hashed = row_hash(Hash.MD5, of.columns, "t", of_source=of_source)
    rows, found = (table(of.name), hashed) if of.key else (hashed_rows(of, of_source=of_source), SQL("count(*)"))
    asked = SQL("COPY (SELECT {}, {} FROM {} AS k JOIN {} AS t ON {} {}) TO STDOUT").format(
        columns(of.named_by, "k"), found, KEYS, rows, same_row(of, "k", "t"), SQL("" if of.key else "GROUP BY 1")
    )
    with side.transaction():
        give_keys(side, of, keys)
        with side.cursor().copy(asked) as copy:
            lines = (bytes(line).rstrip(b"\n").rpartition(b"\t") for line in copy)
            return {key + b"\n": known.decode() for key, _, known in lines}
