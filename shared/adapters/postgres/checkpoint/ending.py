"""Ends capture on a side: triggers, functions and logs go, images of rows and what was noted of ways back stay.

What goes is found by what is there, and not by what a plan says: tables may have been renamed, dropped, given to
another owner, or taken out of the policy.
"""

from collections.abc import Sequence
from itertools import groupby
from time import monotonic
from typing import Any

from psycopg import Connection, errors
from psycopg.sql import SQL, Composed, Identifier

from shared.adapters.postgres.checkpoint.alone import alone_at
from shared.adapters.postgres.server.catalogue import OURS
from shared.adapters.postgres.server.holders import holders
from shared.adapters.postgres.server.session import Rows
from shared.adapters.postgres.server.sql import ours, table
from shared.adapters.postgres.server.turns import BRIEFLY, in_a_gap
from shared.adapters.postgres.slot.publishing import drop_slot, slot_name
from shared.errors import TransientError
from shared.model.tables import TableName

# Of one call: the next one goes on.
_WITHIN_S = 15.0
_LEAST_S = 0.2
_TRIGGERS = """
SELECT n.nspname, c.relname, t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_proc p ON p.oid = t.tgfoid JOIN pg_namespace f ON f.oid = p.pronamespace
WHERE f.nspname = %s AND p.proname ~ '^log_[0-9]+_' AND t.tgparentid = 0 ORDER BY 1, 2, 3
"""
_FUNCTIONS = """
SELECT p.proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE n.nspname = %s AND p.proname ~ '^log_[0-9]+_'
"""
_TABLES = """
SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = %s AND c.relkind = 'r' AND c.relname ~ '^(log|pinned|suspect)_[0-9]+$'
"""


def end_capture(side: Connection[Rows], checkpoint_id: str) -> None:
    """Forget a checkpoint; with the last one of a side its capture ends. What is not there is not missed.

    Raises:
        TransientError: some tables were not free for a moment, and are captured still; ending again goes on.
    """
    with alone_at(side):
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
    """Table by table: nobody waits for a lock on one while another is held.

    Readers are in the way of it, and all others wait behind: it gives way soon, and tries again. The trigger of a table
    that was given to another owner is not ours to drop; it goes with its function, which is.
    """
    until = monotonic() + _WITHIN_S
    kept = [of for of, triggers in _by_table(side) if not _dropped(side, triggers, until)]
    if kept:
        held = holders(side, kept[0])
        raise TransientError(f"{', '.join(map(str, kept))}: not free for a moment, and still captured (held by {held})")
    for (name,) in _named(side, _FUNCTIONS):
        if not in_a_gap(side, [SQL("DROP FUNCTION IF EXISTS {} CASCADE").format(ours(name))], _left_s(until), BRIEFLY):
            raise TransientError(f"the tables of {name} were not free for a moment, and are still captured")
    for (name,) in _named(side, _TABLES):
        side.execute(SQL("DROP TABLE IF EXISTS {}").format(ours(name)))
    side.execute(SQL("DELETE FROM {}").format(ours("emptied")))


def _dropped(side: Connection[Rows], triggers: Sequence[Composed], until: float) -> bool:
    try:
        return in_a_gap(side, triggers, _left_s(until), BRIEFLY)
    except errors.InsufficientPrivilege:
        return True


def _left_s(until: float) -> float:
    """Each table has its turn, however long others took."""
    return max(_LEAST_S, until - monotonic())


def _by_table(side: Connection[Rows]) -> list[tuple[TableName, list[Composed]]]:
    dropping = SQL("DROP TRIGGER IF EXISTS {} ON {}")
    return [
        (of, [dropping.format(Identifier(name), table(of)) for *_, name in triggers])
        for of, triggers in groupby(_named(side, _TRIGGERS), lambda row: TableName(row[0], row[1]))
    ]


def _named(side: Connection[Rows], query: str) -> list[Any]:
    rows: list[Any] = side.execute(query.encode(), [OURS]).fetchall()
    return rows
