"""Takes a sync back: the source as it was before, from the images that were kept, chunk by chunk in reverse order.

Each chunk is undone in one transaction with a row of progress of its own: killed at any point, it is undone or not.
Images stay, so that it can be proved afterwards that every row is as it was. Sequences are not moved back: values that
they gave are in use, and a gap in them does no harm.
"""

from typing import Any

from psycopg import Connection
from psycopg.sql import SQL, Composed

from shared.adapters.postgres.copying.images import Chunk, images_of, kept, of_chunk
from shared.adapters.postgres.copying.replacing import put_rows_back
from shared.adapters.postgres.server.quiet import quieted
from shared.adapters.postgres.server.session import Rows
from shared.adapters.postgres.server.sql import columns, differs, ours, same_key, set_to, table
from shared.model.sync import Pass, SyncPlan, SyncTable

# Beside the pass that it takes back.
UNDONE = "undone "
_APPLIED = """
SELECT oid::int8, round, pass, chunk FROM {progress} AS p WHERE sync = %(sync)s AND pass = ANY (%(passes)s)
  AND NOT EXISTS (SELECT FROM {progress} AS u WHERE u.pass = %(undone)s || p.pass
                  AND (u.sync, u.oid, u.round, u.chunk) = (p.sync, p.oid, p.round, p.chunk))
"""


def applied_chunks(source: Connection[Rows], sync: str, plan: SyncPlan) -> list[Chunk]:
    """Return what was applied and not taken back, the last first: all of a pass before those that it followed."""
    by_oid = {of.oid: of for of in plan.tables}
    asked = SQL(_APPLIED).format(progress=ours("progress"))
    rows: list[Any] = source.execute(
        asked, {"sync": sync, "passes": [one.value for one in Pass], "undone": UNDONE}
    ).fetchall()
    chunks = [
        Chunk(sync=sync, of=by_oid[oid], round=round_, does=Pass(does), number=number)
        for oid, round_, does, number in rows
        if oid in by_oid
    ]
    return sorted(chunks, key=_place, reverse=True)


def _place(chunk: Chunk) -> tuple[int, int, int, int]:
    """Parents are put first and dropped last."""
    place = -chunk.of.place if chunk.does is Pass.DROP else chunk.of.place
    return chunk.round, list(Pass).index(chunk.does), place, chunk.number


def undo_chunk(source: Connection[Rows], chunk: Chunk, *, replica_role: bool) -> None:
    """Put the rows of a chunk back as they were before it.

    Raises:
        psycopg.Error: nothing of it happened, or all of it.
    """
    of = chunk.of
    with source.transaction():
        if not _claimed(source, chunk):
            return
        with quieted(source, of, replica_role=replica_role):
            if of.key:
                source.execute(_gone(chunk))
                source.execute(_back(chunk))
            else:
                put_rows_back(source, chunk)


def _claimed(source: Connection[Rows], chunk: Chunk) -> bool:
    """Who comes second waits here until the first has committed, and then leaves the chunk alone."""
    claimed = source.execute(
        SQL(
            "INSERT INTO {} (sync, oid, round, pass, chunk, keys, inserted, updated, deleted, vacated, took_ms)"
            " VALUES (%s, %s, %s, %s, %s, 0, 0, 0, 0, 0, 0) ON CONFLICT DO NOTHING"
        ).format(ours("progress")),
        [chunk.sync, chunk.of.oid, chunk.round, UNDONE + chunk.does.value, chunk.number],
    )
    return claimed.rowcount == 1


def _gone(chunk: Chunk) -> Composed:
    return SQL("DELETE FROM {} AS t USING {} AS i WHERE {} AND NOT i.rollback_existed AND {}").format(
        table(chunk.of.name), images_of(chunk.of), of_chunk(chunk), same_key(chunk.of.key, "i", "t")
    )


def _back(chunk: Chunk) -> Composed:
    of = chunk.of
    put = SQL(
        "INSERT INTO {} AS t ({}) OVERRIDING SYSTEM VALUE SELECT {} FROM {} AS i WHERE {} AND i.rollback_existed"
        " ON CONFLICT ({}) "
    ).format(table(of.name), columns(kept(of)), columns(kept(of)), images_of(of), of_chunk(chunk), columns(of.key))
    updating = set_to(of, "excluded")
    changed = differs(of, "t", "excluded")
    return put + (SQL("DO UPDATE SET {} WHERE {}").format(updating, changed) if _any(of) else SQL("DO NOTHING"))


def _any(of: SyncTable) -> bool:
    return bool(set_to(of, "excluded").as_string())
