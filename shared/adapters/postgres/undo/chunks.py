"""Takes a sync back: the source as it was before, from the images that were kept, chunk by chunk in reverse order.

Each chunk is undone in one transaction with a row of progress of its own: killed at any point, it is undone or not. In
it, its rows are locked and looked at once more: nobody's change since is overwritten unasked. Images stay, so that it
can be proved afterwards that every row is as it was. Sequences are not moved back: values that they gave are in use,
and a gap in them does no harm.
"""

from typing import Any

from psycopg import Connection
from psycopg.sql import SQL, Composable, Composed

from shared.adapters.postgres.copying.images import Chunk, images_of, kept, of_chunk
from shared.adapters.postgres.copying.replacing import put_rows_back
from shared.adapters.postgres.server.quiet import quieted
from shared.adapters.postgres.server.session import Rows
from shared.adapters.postgres.server.sql import columns, differs, ours, same_row, set_to, table
from shared.adapters.postgres.undo.references import refuse_led_away
from shared.adapters.postgres.undo.touched import changed_in, ours_wrote
from shared.errors import PermanentError
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


def undo_chunk(source: Connection[Rows], chunk: Chunk, *, replica_role: bool, overwrite: bool = False) -> int:
    """Put the rows of a chunk back as they were before it; return how many of others it has overwritten.

    Raises:
        PermanentError: others have changed some of them; or rows of others would go with them.
        psycopg.Error: nothing of it happened, or all of it.
    """
    of = chunk.of
    with source.transaction():
        if not _claimed(source, chunk):
            return 0
        with quieted(source, of, replica_role=replica_role):
            if not of.key:
                put_rows_back(source, chunk)
                return 0
            others = _of_others(source, chunk, overwrite=overwrite)
            if not replica_role:
                refuse_led_away(source, chunk)
            source.execute(_gone(chunk, _whose(chunk, overwrite=overwrite)))
            source.execute(_back(chunk, _whose(chunk, overwrite=overwrite)))
            return others


def _of_others(source: Connection[Rows], chunk: Chunk, *, overwrite: bool) -> int:
    found = changed_in(source, chunk)
    if found and not overwrite:
        raise PermanentError(f"rows were changed on the source since: {chunk.of.name}: {found}")
    return found.rows + found.deleted


def _whose(chunk: Chunk, *, overwrite: bool) -> Composable:
    """The rows that are there are locked; one that comes only now is left alone, and found by the proof."""
    return SQL("true") if overwrite else ours_wrote(chunk.sync)


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


def _gone(chunk: Chunk, whose: Composable) -> Composed:
    return SQL("DELETE FROM {} AS t USING {} AS i WHERE {} AND NOT i.rollback_existed AND {} AND {}").format(
        table(chunk.of.name), images_of(chunk.of), of_chunk(chunk), same_row(chunk.of, "i", "t"), whose
    )


def _back(chunk: Chunk, whose: Composable) -> Composed:
    of = chunk.of
    put = SQL(
        "INSERT INTO {} AS t ({}) OVERRIDING SYSTEM VALUE SELECT {} FROM {} AS i WHERE {} AND i.rollback_existed"
        " ON CONFLICT ({}) "
    ).format(table(of.name), columns(kept(of)), columns(kept(of)), images_of(of), of_chunk(chunk), columns(of.key))
    changed = SQL("{} AND {}").format(differs(of, "t", "excluded"), whose)
    updating = SQL("DO UPDATE SET {} WHERE {}").format(set_to(of, "excluded"), changed)
    return put + (updating if _any(of) else SQL("DO NOTHING"))


def _any(of: SyncTable) -> bool:
    return bool(set_to(of, "excluded").as_string())
