"""The one session that migrates a database: nobody else does so meanwhile, and scripts find it as psql would be.

An advisory lock of the session keeps others out. It also tells when a session that was lost is really gone: the server
lets go of it only after the session's last transaction has ended, one way or the other.
https://www.postgresql.org/docs/current/explicit-locking.html#ADVISORY-LOCKS
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from time import monotonic, sleep
from typing import Any

import psycopg
from psycopg import Connection

from shared.adapters.postgres.server.catalogue import OURS
from shared.adapters.postgres.server.fence import GIVE_WAY
from shared.adapters.postgres.server.session import Access, Rows
from shared.errors import Busy, PermanentError, TransientError
from shared.model.migration import Limits

# "rollback" in ASCII, as a number: nobody else's lock.
_LOCK = int.from_bytes(b"rollback") >> 1
_PAUSE_S = 0.2
# A session whose client is gone ends by itself when its statement does; after this long it is ended.
_LEFT_ALONE_S = 3.0
_TRY = "SELECT pg_try_advisory_lock(%s)"
_HOLDER = """
SELECT a.pid, coalesce(nullif(a.application_name, ''), a.usename, 'somebody') || ' since '
       || coalesce(to_char(a.backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') || ' UTC', 'some time')
FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
WHERE l.locktype = 'advisory' AND l.granted AND (l.classid::bigint << 32 | l.objid::bigint) = %s AND l.objsubid = 1
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
_SERVER = """
SELECT pg_is_in_recovery(), current_setting('default_transaction_read_only')::bool, rolsuper, rolname,
       has_database_privilege(current_database(), 'CREATE'),
       coalesce((SELECT has_schema_privilege(oid, 'CREATE') FROM pg_namespace WHERE nspname = %s), true)
FROM pg_roles WHERE rolname = current_user
"""
_AS_IT_WAS = "RESET SESSION AUTHORIZATION; RESET ROLE; RESET ALL"
# A server on Linux looks now and then whether its client is still there, and frees the locks of one that is not.
_SETTINGS = """
SELECT set_config(name, value, false) FROM (VALUES
  ('statement_timeout', %(statement)s), ('lock_timeout', %(lock)s), ('idle_in_transaction_session_timeout', '60s'),
  ('standard_conforming_strings', 'on'),
  ('synchronous_commit', CASE current_setting('synchronous_commit') WHEN 'off' THEN 'on'
                         ELSE current_setting('synchronous_commit') END),
  (CASE WHEN version() ~ 'linux' THEN 'client_connection_check_interval' ELSE 'application_name' END,
   CASE WHEN version() ~ 'linux' THEN '1s' ELSE 'rollback-controller' END)
) AS wanted (name, value)
"""

# A script may set a time-out of its own, and its answer is waited for.
_LONGEST = timedelta(hours=4)


@contextmanager
def only_migration(access: Access, limits: Limits) -> Iterator[Connection[Rows]]:
    """Connect, and keep every other migration of this database out meanwhile.

    Raises:
        Busy: there is one; it says since when.
        TransientError, PermanentError: it cannot be reached.
    """
    with access.connected(statement=limits.statement, lock=limits.lock, answer=_LONGEST) as connection:
        if not _is_taken(connection):
            raise Busy(f"{access.called} database: a migration is under way: {_holder(connection)[1]}")
        yield connection


@contextmanager
def found_again(access: Access, limits: Limits, lost: int) -> Iterator[Connection[Rows]]:
    """Connect anew after a connection was lost, as soon as the session that it had is gone: what it did is known then.

    Args:
        lost: Process of that session on the server.

    Raises:
        TransientError, PermanentError: it cannot be reached, or the session stays.
    """
    until = monotonic() + limits.find_again.total_seconds()
    with _reached_again(access, limits, until) as connection:
        end_from = monotonic() + _LEFT_ALONE_S
        while not _is_taken(connection):
            if monotonic() > until:
                raise TransientError(f"{access.called} database: the session that was lost has not ended")
            if monotonic() > end_from and _holder(connection)[0] == lost:
                connection.execute("SELECT pg_terminate_backend(%s)", [lost])
            sleep(_PAUSE_S)
        yield connection


@contextmanager
def _reached_again(access: Access, limits: Limits, until: float) -> Iterator[Connection[Rows]]:
    with ExitStack() as stack:
        while True:
            try:
                connection = stack.enter_context(
                    access.connected(statement=limits.statement, lock=limits.lock, answer=_LONGEST)
                )
                break
            except TransientError:
                if monotonic() > until:
                    raise
                sleep(_PAUSE_S)
        yield connection


def look(connection: Connection[Rows], called: str) -> str:
    """Return as whom scripts would run.

    Raises:
        PermanentError: they cannot, whatever they are.
    """
    row: Any = connection.execute(_SERVER, [OURS]).fetchone()
    standby, read_only, superuser, role, creates, makes = row
    against = {
        "it is a standby, or only read: connect to the primary": standby or read_only,
        f"{role} is a superuser; connect as a role of its own": superuser,
        f"{role} may not create a schema: GRANT CREATE ON DATABASE ... TO {role}": not creates,
        f"{role} may not create anything in the schema {OURS}": not makes,
    }
    said = [what for what, stands in against.items() if stands]
    if said:
        raise PermanentError(f"{called} database: {'; '.join(said)}")
    return str(role)


def make_plain(connection: Connection[Rows], limits: Limits) -> None:
    """Let the session be as the role and the database have it, besides time-outs: whatever a script has set is gone."""
    connection.execute(_AS_IT_WAS)
    connection.execute(_SETTINGS, {"statement": _ms(limits.statement), "lock": _ms(limits.lock)})
    if connection.info.transaction_status == psycopg.pq.TransactionStatus.INTRANS:
        connection.execute(GIVE_WAY)


def still_ours(connection: Connection[Rows]) -> bool:
    """Return whether the session that serves us now is the one with the lock: a pooler may have put another there."""
    held = connection.execute(_HOLDER + "AND a.pid = pg_backend_pid()", [_LOCK])
    return held.fetchone() is not None


def _is_taken(connection: Connection[Rows]) -> bool:
    row = connection.execute(_TRY, [_LOCK]).fetchone()
    return bool(row and row[0])


def _holder(connection: Connection[Rows]) -> tuple[int, str]:
    row: Any = connection.execute(_HOLDER, [_LOCK]).fetchone()
    return (row[0], row[1]) if row else (0, "it has just ended; try again")


def _ms(span: timedelta) -> str:
    return str(int(span / timedelta(milliseconds=1)))
