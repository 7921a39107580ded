"""Who holds locks on tables, and since when; never what they run.

Of another role's session no more is shown than its role and process, unless ours is in pg_read_all_stats.
https://www.postgresql.org/docs/current/view-pg-locks.html
"""

from collections.abc import Sequence

from psycopg import Connection

from shared.adapters.postgres.server.session import Rows
from shared.adapters.postgres.server.sql import table
from shared.model.tables import TableName

# What is in the way of triggers that are made or switched off (SHARE ROW EXCLUSIVE): whoever writes, and whoever
# vacuums, indexes or alters.
WRITING = (
    "RowExclusiveLock",
    "ShareUpdateExclusiveLock",
    "ShareLock",
    "ShareRowExclusiveLock",
    "ExclusiveLock",
    "AccessExclusiveLock",
)
_SHOWN = 3
# Numbers below this are those of the system's own tables.
_HOLDERS = """
SELECT coalesce(nullif(a.application_name, ''), a.usename, 'somebody') || ' (process ' || a.pid || ')'
       || coalesce(' since ' || to_char(min(a.xact_start) AT TIME ZONE 'UTC', 'HH24:MI:SS') || ' UTC', '')
FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid JOIN pg_class c ON c.oid = l.relation
WHERE l.granted AND l.locktype = 'relation' AND a.pid <> pg_backend_pid() AND c.relkind IN ('r', 'p', 'm', 'v', 'f')
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND c.oid >= 16384
  AND (%(of)s::text IS NULL OR c.oid = %(of)s::regclass) AND (%(modes)s::text[] IS NULL OR l.mode = ANY (%(modes)s))
GROUP BY a.application_name, a.usename, a.pid ORDER BY min(a.xact_start), a.pid LIMIT %(shown)s
"""


def holders(connection: Connection[Rows], of: TableName | None = None, modes: Sequence[str] | None = None) -> str:
    """Name those who have held locks for longest.

    Args:
        of: One table; any of the database if not given.
        modes: Kinds of locks; all if not given.
    """
    asked = {"of": table(of).as_string() if of else None, "modes": list(modes) if modes else None, "shown": _SHOWN}
    rows = connection.execute(_HOLDERS, asked).fetchall()
    return ", ".join(str(row[0]) for row in rows) or "nobody that can be named"
