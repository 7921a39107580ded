"""How long overwritten rows are kept on the source, with what was noted of the way back that overwrote them."""

from datetime import timedelta
from typing import Any

from psycopg import Connection
from psycopg.sql import SQL, Identifier

from shared.adapters.postgres.server.catalogue import OURS
from shared.adapters.postgres.server.session import Rows
from shared.adapters.postgres.server.sql import ours

_OLD = "SELECT sync FROM {} GROUP BY sync HAVING max(at) < clock_timestamp() - %s"
_IMAGES = """
SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = %s AND c.relname ~ '^before_[0-9]+(_[0-9]+)?$' ORDER BY 1
"""
_OF_OTHERS = "SELECT EXISTS (SELECT FROM {} WHERE rollback_sync <> ALL (%s))"


def drop_old(source: Connection[Rows], keep: timedelta) -> list[str]:
    """Drop what was kept of ways back whose last change is older; returns these."""
    rows: list[Any] = source.execute(SQL(_OLD).format(ours("progress")), [keep]).fetchall()
    old = [sync for (sync,) in rows]
    if old:
        with source.transaction():
            _drop_images(source, old)
            for name in ("progress", "conflict", "note"):
                source.execute(SQL("DELETE FROM {} WHERE sync = ANY (%s)").format(ours(name)), [old])
    return old


def _drop_images(source: Connection[Rows], old: list[str]) -> None:
    """A table that holds those of nobody else is emptied: that gives its room back at once."""
    tables: list[Any] = source.execute(_IMAGES, [OURS]).fetchall()
    for (name,) in tables:
        of = Identifier(OURS, name)
        others: Any = source.execute(SQL(_OF_OTHERS).format(of), [old]).fetchone()
        if others[0]:
            source.execute(SQL("DELETE FROM {} WHERE rollback_sync = ANY (%s)").format(of), [old])
        else:
            source.execute(SQL("TRUNCATE {}").format(of))
