"""Rows of tables without a key, held against their images: as many of each as there were, whichever these are.

Equal rows are one another's equals, so that of each row that was touched its copies are counted: before a way back is
taken back it is known how many there must be afterwards. Fewer than it had left there means that somebody deleted some.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from psycopg import Connection
from psycopg.sql import SQL, Literal

from shared.adapters.postgres.copying.images import images_of, kept
from shared.adapters.postgres.server.session import Rows
from shared.adapters.postgres.server.sql import row, table
from shared.model.sync import SyncTable

_TOUCHED = SQL("""
SELECT md5({row}::text), count(*) FILTER (WHERE NOT rollback_existed), count(*) FILTER (WHERE rollback_existed)
FROM {images} AS i WHERE rollback_sync = {sync} GROUP BY 1, rollback_round ORDER BY 1, rollback_round DESC
""")
_THERE = SQL("""
SELECT md5({row}::text), count(*) FROM {table} AS t WHERE md5({row}::text) IN (
  SELECT md5({image}::text) FROM {images} AS i WHERE rollback_sync = {sync}) GROUP BY 1
""")


@dataclass(frozen=True, slots=True)
class Copies:
    """The touched rows of one table.

    Attributes:
        digest: Of how many there are of each.
        lacking: How many of those that were put are not there any more.
    """

    digest: str
    lacking: int = 0


def copies_afterwards(source: Connection[Rows], sync: str, of: SyncTable) -> Copies:
    """Return what must be there when all rounds are taken back; only good before any is."""
    there, lacking = _there(source, sync, of), 0
    for said, put, taken in _touched(source, sync, of):
        left = there.get(said, 0) - put
        lacking += max(0, -left)
        there[said] = max(0, left) + taken
    return Copies(_digest(there), lacking)


def copies_now(source: Connection[Rows], sync: str, of: SyncTable) -> Copies:
    """Return what is there now."""
    there = _there(source, sync, of)
    return Copies(_digest({said: there.get(said, 0) for said, _, _ in _touched(source, sync, of)}))


def _touched(source: Connection[Rows], sync: str, of: SyncTable) -> Iterable[tuple[str, int, int]]:
    asked = _TOUCHED.format(row=row(kept(of), "i"), images=images_of(of), sync=Literal(sync))
    rows: list[Any] = source.execute(asked).fetchall()
    return rows


def _there(source: Connection[Rows], sync: str, of: SyncTable) -> dict[str, int]:
    asked = _THERE.format(
        row=row(kept(of), "t"),
        table=table(of.name),
        image=row(kept(of), "i"),
        images=images_of(of),
        sync=Literal(sync),
    )
    rows: list[Any] = source.execute(asked).fetchall()
    return dict(rows)


def _digest(counts: Mapping[str, int]) -> str:
    return sha256(repr(sorted(counts.items())).encode()).hexdigest()
