"""Writes what a slot said into the tables that triggers would write: one log of keys, whoever fills it.

Each key stands with the id of the transaction that wrote it, and not of the one that drains it: a commit is in the log
of the server before any snapshot sees it (for as long as a synchronous standby is waited for), so that a key could be
drained, and be in the past of a checkpoint that did not see its row.

What cannot be told by key marks its table as emptied, so that all its rows are compared: never "nothing was written".
"""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from psycopg import Connection
from psycopg.sql import SQL, Literal

from shared.adapters.postgres.capture.key_log import log_of
from shared.adapters.postgres.server.catalogue import OURS
from shared.adapters.postgres.server.session import Rows
from shared.adapters.postgres.server.sql import columns, ours
from shared.adapters.postgres.slot.pgoutput import Emptied, Relation, Row, Written

_ESCAPED = re.compile(rb"[\\\t\n\r]")
_AS = {b"\\": rb"\\", b"\t": rb"\t", b"\n": rb"\n", b"\r": rb"\r"}
_HALF, _WHOLE = 1 << 31, 1 << 32

# A log whose columns are not the key's any more takes no keys.
_CARRIED = """
SELECT t.oid::int8, t.key, e.relid::oid::int8, c.relkind = 'p',
       (SELECT count(*) FROM pg_attribute l JOIN pg_attribute a
          ON a.attrelid = t.oid AND a.attname = l.attname AND a.atttypid = l.atttypid
        WHERE l.attrelid = to_regclass({log} || t.oid) AND l.attname = ANY (t.key)) = cardinality(t.key)
FROM {tables} AS t JOIN pg_class c ON c.oid = t.oid
CROSS JOIN LATERAL (SELECT t.oid::regclass UNION SELECT relid FROM pg_partition_tree(t.oid)) AS e (relid)
WHERE t.slot = %s
"""


@dataclass(frozen=True, slots=True)
class Carried:
    """The tables of a slot as they are now.

    Attributes:
        keys: By table.
        tables: By table and partition: the table.
        partitioned: Tables whose partitions come and go.
        as_logged: Tables whose log can still take their keys.
    """

    keys: dict[int, tuple[str, ...]]
    tables: dict[int, int]
    partitioned: frozenset[int]
    as_logged: frozenset[int]

    def of(self, oid: int) -> frozenset[int]:
        """Return the table of what is in the log; of a partition that nobody knows any more, all that it may be."""
        found = self.tables.get(oid)
        return self.partitioned if found is None else frozenset([found])


def carried_by(target: Connection[Rows], name: str) -> Carried:
    """Return the tables of a slot."""
    asked = SQL(_CARRIED).format(log=Literal(f"{OURS}.log_"), tables=ours("slot_table"))
    rows: list[Any] = target.execute(asked, [name]).fetchall()
    return Carried(
        keys={row[0]: tuple(row[1]) for row in rows},
        tables={row[2]: row[0] for row in rows},
        partitioned=frozenset(row[0] for row in rows if row[3]),
        as_logged=frozenset(row[0] for row in rows if row[4]),
    )


class KeyLog:
    """Collects keys, and stores them."""

    def __init__(self, carried: Carried, near: int) -> None:
        """Take what it writes for.

        Args:
            near: The id of a transaction of now, in 64 bits: those of the log are less than 2^31 away from it.
        """
        self._carried = carried
        self._near = near
        self._places: dict[Relation, tuple[int, list[int]] | None] = {}
        self._lines: defaultdict[int, set[bytes]] = defaultdict(set)
        self._emptied: set[tuple[int, int]] = set()

    def take(self, event: Written | Emptied) -> None:
        """Collect what was written."""
        if isinstance(event, Emptied):
            self._empty(event.oids, event.xid)
            return
        if event.relation not in self._places:
            self._places[event.relation] = self._place(event.relation)
        place = self._places[event.relation]
        values = [event.row[at] for at in place[1]] if place else [None]
        if place is None or None in values:
            self._empty([event.relation.oid], event.xid)
        else:
            self._lines[place[0]].add(_line((*values, b"%d" % whole_xid(event.xid, self._near))))

    def store(self, target: Connection[Rows]) -> int:
        """Write what was collected, within the running transaction; return how many keys."""
        stored = sum(map(len, self._lines.values()))
        for oid, lines in self._lines.items():
            into = SQL("COPY {} ({}, rollback_xid) FROM STDIN").format(log_of(oid), columns(self._carried.keys[oid]))
            with target.cursor().copy(into) as copy:
                copy.write(b"".join(lines))
        with target.cursor().copy(SQL("COPY {} (oid, rollback_xid) FROM STDIN").format(ours("emptied"))) as copy:
            for emptied in self._emptied:
                copy.write_row(emptied)
        self._lines.clear()
        self._emptied.clear()
        return stored

    def _place(self, relation: Relation) -> tuple[int, list[int]] | None:
        """Return whose key it is, and where it stands in a row; `None` if old keys are not told, or not whole."""
        oid = self._carried.tables.get(relation.oid, 0)
        if oid not in self._carried.as_logged or not relation.identity.issuperset(self._carried.keys[oid]):
            return None
        return oid, [relation.columns.index(name) for name in self._carried.keys[oid]]

    def _empty(self, oids: Iterable[int], xid: int) -> None:
        self._emptied |= {(table, whole_xid(xid, self._near)) for oid in oids for table in self._carried.of(oid)}


def whole_xid(xid: int, near: int) -> int:
    """Return an id of 32 bits in 64, as the one that is less than 2^31 away from another."""
    return near + (xid - near + _HALF) % _WHOLE - _HALF


def _line(values: Row) -> bytes:
    return b"\t".join(_ESCAPED.sub(lambda found: _AS[found[0]], value or b"") for value in values) + b"\n"
