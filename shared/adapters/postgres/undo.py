"""Takes a sync back: the source as it was before, from the images that were kept, chunk by chunk in reverse order.

Each chunk is undone in one transaction with the row of its progress, which says from then on that it was never applied.
"""

from typing import Any

from psycopg import Connection
from psycopg.sql import SQL, Composed, Literal

from shared.adapters.postgres.copying import Chunk, images_of, kept
from shared.adapters.postgres.quiet import quieted
from shared.adapters.postgres.session import Rows
from shared.adapters.postgres.sql import columns, differs, listed, ours, same_key, set_to, table
from shared.model.sync import Pass, SyncPlan, SyncTable


def applied_chunks(source: Connection[Rows], sync: str, plan: SyncPlan) -> list[Chunk]:
    """Return what was applied, the last first: all of a pass before those of the pass that it followed."""
    asked = SQL("SELECT oid::int8, round, pass, chunk FROM {} WHERE sync = %s").format(ours("progress"))
    by_oid = {of.oid: of for of in plan.tables}
    rows: list[Any] = source.execute(asked, [sync]).fetchall()
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
        with quieted(source, of, replica_role=replica_role):
            source.execute(_gone(chunk))
            source.execute(_back(chunk))
        source.execute(SQL("DELETE FROM {} WHERE {}").format(images_of(of), _of_chunk(chunk)))
        source.execute(
            SQL("DELETE FROM {} WHERE sync = %s AND oid = %s AND round = %s AND pass = %s AND chunk = %s").format(
                ours("progress")
            ),
            [chunk.sync, of.oid, chunk.round, chunk.does.value, chunk.number],
        )


def _gone(chunk: Chunk) -> Composed:
    return SQL("DELETE FROM {} AS t USING {} AS i WHERE {} AND NOT i.rollback_existed AND {}").format(
        table(chunk.of.name), images_of(chunk.of), _of_chunk(chunk), same_key(chunk.of.key, "i", "t")
    )


def _back(chunk: Chunk) -> Composed:
    of = chunk.of
    put = SQL(
        "INSERT INTO {} AS t ({}) OVERRIDING SYSTEM VALUE SELECT {} FROM {} AS i WHERE {} AND i.rollback_existed"
        " ON CONFLICT ({}) "
    ).format(table(of.name), columns(kept(of)), columns(kept(of)), images_of(of), _of_chunk(chunk), columns(of.key))
    updating = set_to(of, "excluded")
    changed = differs(of, "t", "excluded")
    return put + (SQL("DO UPDATE SET {} WHERE {}").format(updating, changed) if _any(of) else SQL("DO NOTHING"))


def _any(of: SyncTable) -> bool:
    return bool(set_to(of, "excluded").as_string())


def _of_chunk(chunk: Chunk) -> Composed:
    named = {
        "rollback_sync": chunk.sync,
        "rollback_round": chunk.round,
        "rollback_pass": chunk.does.value,
        "rollback_chunk": chunk.number,
    }
    return listed((SQL("{} = {}").format(SQL(name), Literal(value)) for name, value in named.items()), " AND ")
