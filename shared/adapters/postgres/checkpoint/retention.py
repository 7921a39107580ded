"""How long overwritten rows are kept on the source, with all that was noted of the way back that overwrote them.

What somebody may still need stays, however old: of a way back that can go on, and of one that is being taken back.
While anybody works on the source, nothing is dropped: the next look does it.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, LiteralString

from psycopg import Connection, errors
from psycopg.sql import SQL, Identifier

from shared.adapters.postgres.server.catalogue import OURS
from shared.adapters.postgres.server.one_worker import unless_at_work
from shared.adapters.postgres.server.session import Rows
from shared.adapters.postgres.server.sql import ours

# A way back that is neither done nor taken back goes on from its checkpoint; without that, it never does.
_OLD = """
SELECT s.sync FROM {notes} AS s LEFT JOIN {notes} AS u ON u.sync = s.sync AND u.name = 'undo'
WHERE s.name = 'state' AND coalesce(u.content->>'stage' = 'done', true)
  AND (s.content->>'stage' IN ('done', 'undone') OR s.content->>'checkpoint' <> ALL (%s))
  AND coalesce((SELECT max(at) FROM {progress} AS p WHERE p.sync = s.sync), (s.content->>'began_at')::timestamptz)
    < clock_timestamp() - %s
"""
_IMAGES = """
SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = %s AND c.relname ~ '^before_[0-9]+(_[0-9]+)?$' ORDER BY 1
"""
_OF_OTHERS = "SELECT EXISTS (SELECT FROM {} WHERE rollback_sync <> ALL (%s))"
_OF_SYNC: tuple[LiteralString, ...] = ("progress", "conflict", "unexplained", "note")
_STANDING = "SELECT id FROM {}"
_GONE_BACK_TO = "SELECT DISTINCT content->>'checkpoint' FROM {} WHERE name = 'state'"
_FORGET_DAMAGE = "DELETE FROM {} WHERE checkpoint <> ALL (%s) AND found_at < clock_timestamp() - %s"


def drop_old(source: Connection[Rows], target: Connection[Rows], keep: timedelta) -> list[str]:
    """Drop what was kept of ways back whose last change is older; returns these."""
    if not all(_is_there(source, name) for name in ("note", "progress")):
        return []
    standing = _asked(target, _STANDING, "checkpoint")
    with unless_at_work(source) as is_free:
        old = _drop(source, standing, keep) if is_free else []
    _forget_damage(target, [*standing, *_asked(source, _GONE_BACK_TO, "note")], keep)
    return old


def _drop(source: Connection[Rows], standing: Sequence[str], keep: timedelta) -> list[str]:
    asked = SQL(_OLD).format(notes=ours("note"), progress=ours("progress"))
    rows: list[Any] = source.execute(asked, [standing, keep]).fetchall()
    old = [sync for (sync,) in rows]
    if not old:
        return []
    try:
        with source.transaction():
            _drop_images(source, old)
            for name in _OF_SYNC:
                if _is_there(source, name):
                    source.execute(SQL("DELETE FROM {} WHERE sync = ANY (%s)").format(ours(name)), [old])
    except errors.LockNotAvailable:  # somebody reads them, or is in the middle of a chunk whose worker is gone
        return []
    return old


def _drop_images(source: Connection[Rows], old: list[str]) -> None:
    """A table that holds those of nobody else is emptied: that gives its room back at once."""
    tables: list[Any] = source.execute(_IMAGES, [OURS]).fetchall()
    for (name,) in tables:
        of = Identifier(OURS, name)
        source.execute(SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(of))  # whoever writes into it has committed
        others: Any = source.execute(SQL(_OF_OTHERS).format(of), [old]).fetchone()
        if others[0]:
            source.execute(SQL("DELETE FROM {} WHERE rollback_sync = ANY (%s)").format(of), [old])
        else:
            source.execute(SQL("TRUNCATE {}").format(of))


def _forget_damage(target: Connection[Rows], needed: Sequence[str], keep: timedelta) -> None:
    """Keys of damaged rows are those of a checkpoint: they stay for as long as it does, or a way back to it."""
    if _is_there(target, "damaged"):
        target.execute(SQL(_FORGET_DAMAGE).format(ours("damaged")), [needed, keep])


def _asked(side: Connection[Rows], query: LiteralString, of: LiteralString) -> list[str]:
    rows: list[Any] = side.execute(SQL(query).format(ours(of))).fetchall() if _is_there(side, of) else []
    return [one for (one,) in rows]


def _is_there(side: Connection[Rows], name: str) -> bool:
    row: Any = side.execute("SELECT to_regclass(%s) IS NOT NULL", [ours(name).as_string()]).fetchone()
    return bool(row[0])
