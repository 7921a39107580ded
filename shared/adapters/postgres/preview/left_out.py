"""What was written since the checkpoint into tables that are not taken any more: it would stay behind, and is counted.

Their log outlives them: also of a table that was dropped it says how many rows were written.
"""

from collections.abc import Iterator
from typing import Any

from psycopg import Connection
from psycopg.sql import SQL, Literal

from shared.adapters.postgres.capture.key_log import log_of
from shared.adapters.postgres.capture.reading import Logs, read_logs
from shared.adapters.postgres.capture.snapshot import Checkpoint
from shared.adapters.postgres.server.session import Rows
from shared.adapters.postgres.server.sides import Sides
from shared.adapters.postgres.server.sql import columns, table
from shared.decision.sync_left_out import LeftOut, left_out_since
from shared.model.data_preview import Loss

_WRITTEN = SQL(
    "SELECT count(*) FROM (SELECT DISTINCT {} FROM {} WHERE NOT pg_visible_in_snapshot(rollback_xid, {}::pg_snapshot))"
    " AS w"
)


def left_behind(sides: Sides, checkpoint: Checkpoint) -> Iterator[Loss]:
    """Yield what would stay behind of each; of one into which nothing was written, nothing."""
    found = left_out_since(checkpoint.content["tables"], sides.plan, sides.there.tables)
    is_known = checkpoint.system == sides.there.server.system
    logs = read_logs(sides.target, checkpoint.snapshot) if found and is_known else None
    for one in found:
        yield Loss(about=one.name, what=one.what, rows=_rows(sides.target, checkpoint, one, logs))


def _rows(target: Connection[Rows], checkpoint: Checkpoint, one: LeftOut, logs: Logs | None) -> int:
    """Where the log does not say it, all its rows may have been written."""
    then = checkpoint.content["tables"][one.name]
    if logs is not None and one.oid not in logs.emptied:
        if one.oid in logs.keys:
            return _count(target, _WRITTEN.format(columns(logs.keys[one.oid]), log_of(one.oid), _since(checkpoint)))
        if not then["keyed"] and then["logged"]:
            return 0
    if one.now is None:
        return max(1, int(then["rows"]))
    return _count(target, SQL("SELECT count(*) FROM {}").format(table(one.now)))


def _since(checkpoint: Checkpoint) -> Literal:
    return Literal(checkpoint.snapshot)


def _count(target: Connection[Rows], asked: Any) -> int:
    row: Any = target.execute(asked).fetchone()
    return int(row[0])
