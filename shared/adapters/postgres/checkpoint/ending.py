"""Ends capture on a side: triggers, functions and logs go, images of rows and what was noted of ways back stay."""

from typing import Any

from psycopg import Connection, errors
from psycopg.sql import SQL, Identifier

from shared.adapters.postgres.server.catalogue import OURS
from shared.adapters.postgres.server.session import Rows
from shared.adapters.postgres.server.sql import ours
from shared.adapters.postgres.slot.publishing import drop_slot, slot_name

# By what is there, and not by what a plan says: tables may have been renamed, dropped, or taken out of the policy.
_TRIGGERS = """
SELECT n.nspname, c.relname, t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_proc p ON p.oid = t.tgfoid JOIN pg_namespace f ON f.oid = p.pronamespace
WHERE f.nspname = %s AND p.proname ~ '^log_[0-9]+_' AND t.tgparentid = 0
"""
_FUNCTIONS = """
SELECT p.proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE n.nspname = %s AND p.proname ~ '^log_[0-9]+_'
"""
_TABLES = """
SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = %s AND c.relkind = 'r' AND c.relname ~ '^(log|pinned)_[0-9]+$'
"""


def end_capture(side: Connection[Rows], checkpoint_id: str) -> None:
    """Forget a checkpoint; with the last one of a side its capture ends. What is not there is not missed."""
    try:
        side.execute(SQL("DELETE FROM {} WHERE id = %s").format(ours("checkpoint")), [checkpoint_id])
        others = side.execute(SQL("SELECT FROM {} LIMIT 1").format(ours("checkpoint"))).fetchone()
    except (errors.InvalidSchemaName, errors.UndefinedTable):
        return
    if others is not None:
        return
    drop_slot(side, slot_name(side))
    _drop(side)


def _drop(side: Connection[Rows]) -> None:
    """Table by table: nobody waits for a lock on one while another is held."""
    for schema, of, name in _named(side, _TRIGGERS):
        side.execute(SQL("DROP TRIGGER IF EXISTS {} ON {}").format(Identifier(name), Identifier(schema, of)))
    for (name,) in _named(side, _FUNCTIONS):
        side.execute(SQL("DROP FUNCTION IF EXISTS {}").format(ours(name)))
    for (name,) in _named(side, _TABLES):
        side.execute(SQL("DROP TABLE IF EXISTS {}").format(ours(name)))


def _named(side: Connection[Rows], query: str) -> list[Any]:
    rows: list[Any] = side.execute(query.encode(), [OURS]).fetchall()
    return rows
