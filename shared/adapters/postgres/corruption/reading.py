"""Reads hashes of rows, by blocks of a table or by keys, and says which keys were written: of one table on one side.

Nothing is changed, not even a temporary table is made. Keys travel as the text of their values. A scan by blocks costs
what it reads, whatever the keys are, and finds each row that nobody writes: only a write moves a row, or a rewrite of
the whole table.
https://www.postgresql.org/docs/current/ddl-system-columns.html
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from psycopg import Connection, RawCursor
from psycopg.sql import SQL, Composed, Identifier, Literal

from shared.adapters.postgres.capture.key_log import log_of
from shared.adapters.postgres.server.hashing import Hash, row_hash
from shared.adapters.postgres.server.session import Rows
from shared.adapters.postgres.server.sql import column, equals, listed, table
from shared.decision.corruption import Key, Side
from shared.model.sync import SyncTable

Hashes = Mapping[Key, int]
_BLOCKS = """
SELECT coalesce((SELECT max(pg_relation_size(relid)) FROM pg_partition_tree({oid}::oid::regclass)),
                pg_relation_size({oid}::oid::regclass)) / current_setting('block_size')::int8
"""


@dataclass(frozen=True, slots=True)
class Reader:
    """One table on one side."""

    connection: Connection[Rows]
    side: Side
    of: SyncTable
    by: Hash

    def blocks(self) -> int:
        """Return how many blocks it has; of a partitioned table, how many the largest partition has."""
        row: Any = self.connection.execute(SQL(_BLOCKS).format(oid=Literal(self._oid))).fetchone()
        return int(row[0])

    def scan(self, first: int, end: int) -> Hashes:
        """Return the hashes of the rows of some blocks, of each partition if it has some."""
        asked = SQL("SELECT {}, {} FROM {} AS t WHERE t.ctid >= {}::tid AND t.ctid < {}::tid").format(
            listed(SQL("{}::text").format(column(name, "t")) for name in self.of.key),
            self._hash,
            table(self.of.name),
            Literal(f"({first},0)"),
            Literal(f"({end},0)"),
        )
        rows: list[Any] = self.connection.execute(asked).fetchall()
        return {row[:-1]: row[-1] for row in rows}

    def look_up(self, keys: Collection[Key]) -> Hashes:
        """Return the hashes of the rows of some keys, those that are there."""
        asked = SQL("SELECT k.place, {} FROM {} JOIN {} AS t ON {}").format(
            self._hash, self._given, table(self.of.name), self._is_key_of("t")
        )
        return dict(self._by_place(keys, asked))

    def written(self, keys: Collection[Key], snapshot: str) -> set[Key]:
        """Return those of some keys that were written here since a snapshot."""
        asked = SQL(
            "SELECT DISTINCT k.place, 0 FROM {} JOIN {} AS l ON {}"
            " WHERE NOT pg_visible_in_snapshot(l.rollback_xid, {}::pg_snapshot)"
        ).format(self._given, log_of(self._oid), self._is_key_of("l"), Literal(snapshot))
        return {key for key, _ in self._by_place(keys, asked)}

    def _by_place(self, keys: Collection[Key], asked: Composed) -> list[tuple[Key, int]]:
        """As parameters: a statement is seen by others, and its values are rows'."""
        if not keys:
            return []
        ordered = list(keys)
        given = [list(values) for values in zip(*ordered, strict=True)]
        rows: list[Any] = RawCursor(self.connection).execute(asked, given).fetchall()
        return [(ordered[place - 1], found) for place, found in rows]

    @property
    def _oid(self) -> int:
        return self.of.source_oid if self.side is Side.SOURCE else self.of.oid

    @property
    def _hash(self) -> Composed:
        return row_hash(self.by, self.of.columns, "t", of_source=self.side is Side.SOURCE)

    @property
    def _given(self) -> Composed:
        """Return keys as rows, numbered from 1; as `$1`, since a column's name may hold a percent sign."""
        places = range(len(self.of.key))
        arrays = [SQL("${}::text[]").format(Literal(place + 1)) for place in places]
        names = map(_given_column, places)
        return SQL("unnest({}) WITH ORDINALITY AS k ({}, place)").format(listed(arrays), listed(names))

    def _is_key_of(self, alias: str) -> Composed:
        kinds = {one.name: one for one in self.of.columns}
        same = (
            equals(
                kinds[name].equal,
                column(name, alias),
                SQL("k.{}::{}").format(_given_column(place), SQL(kinds[name].type)),
            )
            for place, name in enumerate(self.of.key)
        )
        return listed(same, " AND ")


def _given_column(place: int) -> Identifier:
    return Identifier(f"key_{place}")
