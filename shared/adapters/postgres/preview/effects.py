"""Says beforehand what would happen to each row of the source: insert, update, delete, or nothing.

The keys that were written on the target, each with the hash of its row, are held against the rows of the source there.
Nothing is changed; what is written meanwhile is in the next preview.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import Connection
from psycopg.sql import SQL, Composable, Composed, Literal

from shared.adapters.postgres.capture.key_log import log_of
from shared.adapters.postgres.capture.keys import KEYS, give_keys
from shared.adapters.postgres.preview.fit import read_listed, read_rows
from shared.adapters.postgres.server.hashing import Hash, hashed_rows, row_hash
from shared.adapters.postgres.server.session import Rows
from shared.adapters.postgres.server.sql import column, columns, same_row, table
from shared.model.sync import SyncTable


@dataclass(frozen=True, slots=True, kw_only=True)
class Predicted:
    """What would happen to the rows of one table of the source."""

    keys: int
    inserts: int
    updates: int
    deletes: int


def predict(
    source: Connection[Rows],
    target: Connection[Rows],
    of: SyncTable,
    by: Hash,
    snapshot: str,
    *,
    also: Iterable[bytes] = (),
) -> Predicted:
    """Return what would happen to one table, by what was written since a snapshot.

    Args:
        also: Keys that go back besides, as lines of COPY's text format.

    Raises:
        PermanentError: a value on the target is none of its column's type on the source; the sentence names the column.
        psycopg.Error: one side could not be read.
    """
    with source.transaction(force_rollback=True), target.transaction(force_rollback=True):
        give_keys(target, of, also)
        read_rows(source, target, of, SQL("({})").format(written_keys(of, snapshot)))
        source.execute(_held(of))
        reading = SQL("COPY ({}) TO STDOUT").format(_written(of, by, snapshot))
        with target.cursor().copy(reading) as rows, source.cursor().copy("COPY pg_temp.held FROM STDIN") as held:
            for some in rows:
                held.write(some)
        source.execute("ANALYZE pg_temp.held")
        counted: Any = source.execute(_counted(of, by)).fetchone()
    return Predicted(keys=counted[0], inserts=counted[1], updates=counted[2], deletes=counted[3])


def predict_listed(
    source: Connection[Rows], target: Connection[Rows], of: SyncTable, different: Sequence[bytes]
) -> Predicted:
    """Return what would happen to rows that are known to differ, given as lines of COPY's text format.

    Raises:
        PermanentError, psycopg.Error: as of `predict`.
    """
    read_listed(source, target, of, different)
    here = _copies(source, of, different, of_source=True)
    there = _copies(target, of, different, of_source=False)
    gaps = [there.get(key, 0) - here.get(key, 0) for key in here.keys() | there.keys()]
    return Predicted(
        keys=len(different),
        inserts=sum(gap for gap in gaps if gap > 0),
        updates=gaps.count(0),
        deletes=-sum(gap for gap in gaps if gap < 0),
    )


def _copies(side: Connection[Rows], of: SyncTable, keys: Sequence[bytes], *, of_source: bool) -> dict[bytes, int]:
    """Return how many rows of each key a side has: one, or of a table without a key as many as are the same."""
    rows: Composable = SQL("{} AS t").format(table(of.name))
    if not of.key:
        rows = SQL("{} AS t").format(hashed_rows(of, of_source=of_source))
    asked = SQL("COPY (SELECT {}, count(*) FROM {} AS k JOIN {} ON {} GROUP BY {}) TO STDOUT").format(
        columns(of.named_by, "k"), KEYS, rows, same_row(of, "k", "t"), columns(of.named_by, "k")
    )
    with side.transaction(force_rollback=True):
        give_keys(side, of, keys)
        with side.cursor().copy(asked) as lines:
            counted = (bytes(line).rstrip(b"\n").rpartition(b"\t") for line in lines)
            return {key: int(count) for key, _, count in counted}


def _held(of: SyncTable) -> Composed:
    return SQL(
        "CREATE TEMP TABLE held ON COMMIT DROP AS SELECT {}, true AS rollback_live, 0::int8 AS rollback_hash FROM {}"
        " WITH NO DATA"
    ).format(columns(of.key), table(of.name))


def written_keys(of: SyncTable, snapshot: str) -> Composed:
    """Return the query on the target of the keys that were written since a snapshot, and of those that are given."""
    return SQL(
        "SELECT {} FROM {} WHERE NOT pg_visible_in_snapshot(rollback_xid, {}::pg_snapshot) UNION SELECT {} FROM {}"
    ).format(columns(of.key), log_of(of.oid), Literal(snapshot), columns(of.key), KEYS)


def _written(of: SyncTable, by: Hash, snapshot: str) -> Composed:
    return SQL("SELECT {}, {} IS NOT NULL, {} FROM ({}) AS w LEFT JOIN {} AS t ON {}").format(
        columns(of.key, "w"),
        column(of.key[0], "t"),
        row_hash(by, of.columns, "t", of_source=False),
        written_keys(of, snapshot),
        table(of.name),
        same_row(of, "w", "t"),
    )


def _counted(of: SyncTable, by: Hash) -> Composed:
    return SQL(
        "SELECT count(*), count(*) FILTER (WHERE live AND NOT there),"
        " count(*) FILTER (WHERE live AND there AND differs),"
        " count(*) FILTER (WHERE NOT live AND there) FROM (SELECT h.rollback_live AS live, {} IS NOT NULL AS there,"
        " h.rollback_hash <> {} AS differs FROM pg_temp.held AS h LEFT JOIN {} AS t ON {}) AS each"
    ).format(
        column(of.key[0], "t"),
        row_hash(by, of.columns, "t", of_source=True),
        table(of.name),
        same_row(of, "h", "t"),
    )
