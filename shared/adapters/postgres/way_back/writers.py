"""Whether anybody writes on the target while its rows go back: shown by the log, where no trigger stops writers.

A hook outside of the database (a site in maintenance, a pooler that is paused) stops writers in its own way. That it
did is proved afterwards: every transaction that had written is waited for, and then nothing may be in the log that was
not seen as committed at that point, neither then nor when all rows have been compared.
"""

from collections.abc import Iterable, Mapping
from itertools import batched
from time import monotonic, sleep
from typing import Any

from psycopg import Connection
from psycopg.sql import SQL, Literal

from shared.adapters.postgres.capture.key_log import log_of
from shared.adapters.postgres.server.session import Rows
from shared.adapters.postgres.server.sql import ours
from shared.adapters.postgres.way_back.state import snapshot_of
from shared.errors import PermanentError

_PAUSE_S = 0.05
# Each is a lock until the statement ends.
_LOGS_AT_ONCE = 200
# Long enough that a writer in full swing comes by.
_QUIET_S = 0.2
# Who has a number for a transaction has written, or is about to; those of other databases do not matter. The locks are
# shown to every role, what others run is not.
_OPEN_WRITERS = """
SELECT l.virtualtransaction FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
WHERE l.locktype = 'transactionid' AND l.granted AND l.mode = 'ExclusiveLock' AND a.pid <> pg_backend_pid()
  AND a.datid = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


def quiet_point(target: Connection[Rows], tables: Mapping[int, str], within_s: float) -> tuple[str, float]:
    """Wait until nobody writes any more.

    Args:
        tables: Those whose log is whole, by their number.

    Returns:
        A snapshot that sees all that was written, and how long it took, in seconds.

    Raises:
        PermanentError: somebody still writes.
    """
    began = monotonic()
    while True:
        seen = _after_open_writers(target, began + within_s)
        sleep(_QUIET_S)
        busy = written_since(target, tables, seen)
        if not busy and not _open_writers(target):
            return seen, monotonic() - began
        if monotonic() - began > within_s:
            raise PermanentError(_not_stopped(busy or ["some of its tables"]))


def demand_quiet(target: Connection[Rows], tables: Mapping[int, str], snapshot: str, within_s: float) -> None:
    """Show that nothing was written since a snapshot.

    Raises:
        PermanentError: something was, or somebody may still commit something.
    """
    _after_open_writers(target, monotonic() + within_s)
    busy = written_since(target, tables, snapshot)
    if busy:
        raise PermanentError(_not_stopped(busy))


def written_since(side: Connection[Rows], tables: Mapping[int, str], snapshot: str) -> list[str]:
    """Return the tables in whose log something is that a snapshot does not see; tables without a log are left out."""
    unseen = SQL("NOT pg_visible_in_snapshot(rollback_xid, {}::pg_snapshot)").format(Literal(snapshot))
    asked = SQL("SELECT {}::int8 WHERE EXISTS (SELECT FROM {} WHERE {})")
    noted = SQL("SELECT oid::int8 FROM {} WHERE {}").format(ours("emptied"), unseen)
    queries = [noted, *(asked.format(Literal(oid), log_of(oid), unseen) for oid in _logged(side, tables))]
    written: set[int] = set()
    for some in batched(queries, _LOGS_AT_ONCE, strict=False):
        rows: list[Any] = side.execute(SQL(" UNION ALL ").join(some)).fetchall()
        written |= {oid for (oid,) in rows}
    return sorted(tables[oid] for oid in written & tables.keys())


def _logged(side: Connection[Rows], tables: Iterable[int]) -> list[int]:
    """A table that is compared in full has no log."""
    rows: list[Any] = side.execute(
        "SELECT oid::int8 FROM unnest(%s::int8[]) AS t (oid) WHERE to_regclass(format(%s, oid)) IS NOT NULL",
        [list(tables), log_of(0).as_string().replace("log_0", "log_%s")],
    ).fetchall()
    return [oid for (oid,) in rows]


def _after_open_writers(target: Connection[Rows], until: float) -> str:
    """Wait for all who have written by now; return what is seen then."""
    waited_for = _open_writers(target)
    while waited_for & _open_writers(target):
        if monotonic() > until:
            raise PermanentError("the target has transactions that wrote and do not end: the hook did not stop them")
        sleep(_PAUSE_S)
    return snapshot_of(target)


def _open_writers(target: Connection[Rows]) -> set[str]:
    rows: list[Any] = target.execute(_OPEN_WRITERS).fetchall()
    return {name for (name,) in rows}


def _not_stopped(busy: Iterable[str]) -> str:
    return f"the target still takes writes into {', '.join(busy)}: the hook did not stop them"
