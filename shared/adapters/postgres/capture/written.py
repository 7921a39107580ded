"""How much was written since a checkpoint, and since when: cheap enough to be asked again and again.

A key's log carries no time: one would make each row of it a third larger, for every writer. Instead, whoever looks
notes when nothing had been written yet; a change that is there is younger than that. So a lag is never understated,
and overstated by no more than the time between two looks.
"""

from datetime import datetime, timedelta
from typing import Any

from psycopg import Connection
from psycopg.sql import SQL, Composed, Literal

from shared.adapters.postgres.capture.key_log import log_of
from shared.adapters.postgres.capture.reading import of_many
from shared.adapters.postgres.capture.snapshot import Checkpoint
from shared.adapters.postgres.server.catalogue import OURS
from shared.adapters.postgres.server.session import Rows
from shared.adapters.postgres.server.sql import columns, ours

# Up to so many bytes of a log are counted; of more, the planner says how many rows it takes it to have.
_COUNTED = 8 << 20
_LOGS = """
SELECT substr(c.relname, 5)::int8, pg_relation_size(c.oid) > %s,
       array(SELECT attname FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped
             AND attname <> 'rollback_xid' ORDER BY attnum)
FROM pg_class c WHERE c.oid = ANY (array(SELECT to_regclass(name)::oid FROM unnest(%s::text[]) AS name))
  AND pg_relation_size(c.oid) > 0
"""
_BYTES = """
SELECT coalesce(sum(pg_relation_size(c.oid)), 0)::int8 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = %s AND c.relname ~ '^log_[0-9]+$' AND c.relkind = 'r'
"""
_NOTED = "SELECT (content->>'quiet_at')::timestamptz FROM {} WHERE id = %s"
_NOTE = "UPDATE {} SET content = content || jsonb_build_object('quiet_at', %s::timestamptz) WHERE id = %s"


def written_keys(target: Connection[Rows], since: Checkpoint) -> int:
    """Return how many keys were written since a checkpoint, as far as they are logged."""
    names = [log_of(one["oid"]).as_string() for one in since.content["tables"].values()]
    rows: list[Any] = target.execute(_LOGS, [_COUNTED, names]).fetchall()
    large = [_estimated(target, oid) for oid, is_large, _ in rows if is_large]
    few = [_counting(oid, key, since.snapshot) for oid, is_large, key in rows if not is_large]
    return sum(large) + sum(int(row[0]) for row in of_many(target, few))


def logged_bytes(target: Connection[Rows]) -> int:
    """Return how much room the logs of keys take."""
    row: Any = target.execute(_BYTES, [OURS]).fetchone()
    return int(row[0])


def clock(target: Connection[Rows]) -> datetime:
    """Return the time up to which a look that begins now sees what was committed: a slot is read a little later."""
    row: Any = target.execute("SELECT clock_timestamp() - interval '1 second'").fetchone()
    found: datetime = row[0]
    return found


def mark_quiet(target: Connection[Rows], of: Checkpoint, until: datetime) -> None:
    """Note that nothing was written until then."""
    target.execute(SQL(_NOTE).format(ours("checkpoint")), [until, of.id])


def lag(target: Connection[Rows], of: Checkpoint, now: datetime) -> timedelta:
    """Return how old the oldest change is at most."""
    row: Any = target.execute(SQL(_NOTED).format(ours("checkpoint")), [of.id]).fetchone()
    return now - (row[0] if row and row[0] else of.taken_at)


def _counting(oid: int, key: list[str], snapshot: str) -> Composed:
    return SQL(
        "SELECT count(*) FROM (SELECT DISTINCT {} FROM {} WHERE NOT pg_visible_in_snapshot(rollback_xid,"
        " {}::pg_snapshot)) AS w"
    ).format(columns(key), log_of(oid), Literal(snapshot))


def _estimated(target: Connection[Rows], oid: int) -> int:
    row: Any = target.execute(SQL("EXPLAIN (FORMAT JSON) SELECT FROM {}").format(log_of(oid))).fetchone()
    return int(row[0][0]["Plan"]["Plan Rows"])
