"""The rows that a way back has touched on the source, held against their images: by whom they were written since.

Rows carry the number of the transaction that wrote them, and the chunks' own numbers are in `progress`. A touched row
of another number that is not as it was before was changed by somebody else; if fewer are there than the chunks have
left there, somebody else deleted some. That needs no log, which ends with the change. All of it is asked before
anything is taken back, and of each chunk again, with its rows locked. Rows of tables without a key are nobody's in
particular (`copies.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import Connection
from psycopg.sql import SQL, Composable, Composed, Literal

from shared.adapters.postgres.copying.images import Chunk, images_of, kept, of_chunk
from shared.adapters.postgres.server.session import Rows
from shared.adapters.postgres.server.sql import column, columns, exactly, listed, ours, row, same_row, table
from shared.model.sync import Pass, SyncTable

_SHOWN = 20
_PASSES = [one.value for one in Pass]
_EACH = SQL("""
WITH first AS (SELECT DISTINCT ON ({keys}) rollback_existed, {kept} FROM {images} WHERE rollback_sync = {sync}
               ORDER BY {keys}, rollback_round, array_position({passes}, rollback_pass)),
     each AS (SELECT {key_row}::text AS key, f.rollback_existed AS existed, {there} IS NOT NULL AS there,
                     {mine} AS mine, NOT f.rollback_existed OR {differs} AS other
              FROM first AS f LEFT JOIN {table} AS t ON {same})
""")
_CHANGED = SQL("""
SELECT count(*) FILTER (WHERE there AND NOT mine AND other), count(*) FILTER (WHERE existed),
       count(*) FILTER (WHERE there), (array_agg(key) FILTER (WHERE there AND NOT mine AND other))[1:{shown}] FROM each
""")
_NOT_BACK = SQL("SELECT count(*) FROM each WHERE there IS DISTINCT FROM existed OR (there AND other)")
_LEFT = SQL("""
SELECT coalesce(sum(inserted - vacated - deleted), 0)::int8 FROM {} WHERE sync = %s AND oid = %s AND pass = ANY (%s)
""")
_OF_CHUNK = SQL("""
WITH here AS (SELECT {key_row}::text AS key, {mine} AS mine, NOT i.rollback_existed OR {differs} AS other
              FROM {images} AS i JOIN {table} AS t ON {same} WHERE {chunk} FOR UPDATE OF t),
     left_there AS (SELECT (SELECT count(*) FROM {images} AS i WHERE {chunk} AND i.rollback_existed)
                           + inserted - vacated - deleted AS rows
                    FROM {progress} WHERE (sync, oid, round, pass, chunk) = ({work}))
SELECT count(*) FILTER (WHERE NOT mine AND other), greatest(0, (SELECT rows FROM left_there) - count(*)),
       (array_agg(key) FILTER (WHERE NOT mine AND other))[1:{shown}] FROM here
""")


@dataclass(frozen=True, slots=True)
class Changed:
    """Rows of one table that others changed after the way back.

    Attributes:
        rows: Inserted anew, or updated.
        deleted: Deleted.
        keys: A few of the first, as text.
    """

    rows: int
    deleted: int
    keys: Sequence[str]

    def __bool__(self) -> bool:
        return bool(self.rows or self.deleted)

    def __str__(self) -> str:
        said = f"{self.rows} changed" + (f", such as {', '.join(self.keys[:5])}" if self.keys else "")
        return said if not self.deleted else f"{said}, {self.deleted} deleted"


def changed_since(source: Connection[Rows], sync: str, of: SyncTable) -> Changed:
    """Return what others have changed of the rows that were touched; only good before anything is taken back."""
    found: Any = source.execute(_each(sync, of) + _CHANGED.format(shown=Literal(_SHOWN))).fetchone()
    left: Any = source.execute(_LEFT.format(ours("progress")), [sync, of.oid, _PASSES]).fetchone()
    rows, existed, there, keys = found
    return Changed(rows, max(0, existed + left[0] - there), tuple(keys or ()))


def changed_in(source: Connection[Rows], chunk: Chunk) -> Changed:
    """Return what others have changed of a chunk's rows, which are locked until the running transaction ends.

    Only good while everything that was applied after it is taken back.
    """
    of, work = chunk.of, (chunk.sync, chunk.of.oid, chunk.round, chunk.does.value, chunk.number)
    asked = _OF_CHUNK.format(
        key_row=row(of.key, "i"),
        mine=ours_wrote(chunk.sync),
        differs=_differs(of, "i"),
        images=images_of(of),
        table=table(of.name),
        same=same_row(of, "i", "t"),
        chunk=of_chunk(chunk),
        progress=ours("progress"),
        work=listed(map(Literal, work)),
        shown=Literal(_SHOWN),
    )
    found: Any = source.execute(asked).fetchone()
    rows, deleted, keys = found
    return Changed(rows, deleted, tuple(keys or ()))


def ours_wrote(sync: str) -> Composed:
    """Return the condition that a row `t` is as a way back has left it, or as it was when that was taken back."""
    return SQL("coalesce(t.xmin IN (SELECT xid::xid FROM {} WHERE sync = {}), false)").format(
        ours("progress"), Literal(sync)
    )


def not_back(source: Connection[Rows], sync: str, of: SyncTable) -> int:
    """Return how many touched rows are not as they were."""
    found: Any = source.execute(_each(sync, of) + _NOT_BACK).fetchone()
    return int(found[0])


def _each(sync: str, of: SyncTable) -> Composed:
    return _EACH.format(
        keys=columns(of.key),
        kept=columns(kept(of)),
        images=images_of(of),
        sync=Literal(sync),
        passes=Literal(_PASSES),
        key_row=row(of.key, "f"),
        there=column(of.key[0], "t"),
        mine=ours_wrote(sync),
        differs=_differs(of, "f"),
        table=table(of.name),
        same=same_row(of, "f", "t"),
    )


def _differs(of: SyncTable, images: str) -> Composable:
    """Not the same in any column, also in those that no update sets."""
    told = [one for one in of.columns if not (one.in_key and one.exact)]
    here, there = (listed(exactly(one, side) for one in told) for side in ("t", images))
    return SQL("ROW({}) IS DISTINCT FROM ROW({})").format(here, there) if told else SQL("false")
