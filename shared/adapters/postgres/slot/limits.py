"""What stands against capturing by a slot, or is worth knowing of it: as far as the server can be asked.

https://www.postgresql.org/docs/current/runtime-config-replication.html
https://learn.microsoft.com/azure/postgresql/configure-maintain/concepts-logical
"""

from collections.abc import Iterator, Sequence
from typing import Any

from psycopg import Connection
from psycopg.rows import dict_row

from shared.adapters.postgres.server.session import Rows
from shared.adapters.postgres.slot.publication import not_carried
from shared.model.sync import Finding, Severity
from shared.model.tables import Table

_OLDEST = 15
_SMALL_MB = 4096
# `rds_replication` stands for the right where no role can have it itself.
_SERVER = """
SELECT current_setting('wal_level') AS wal_level, current_user::text AS role,
       r.rolreplication OR EXISTS (SELECT FROM pg_roles s WHERE s.rolname = 'rds_replication'
                                   AND pg_has_role(s.oid, 'USAGE')) AS may_replicate,
       current_setting('max_replication_slots')::int AS most,
       (SELECT count(*) FROM pg_replication_slots WHERE slot_name <> %s) AS used,
       (SELECT setting::int8 FROM pg_settings WHERE name = 'max_slot_wal_keep_size') AS keeps_mb,
       EXISTS (SELECT FROM pg_roles WHERE rolname = 'azure_pg_admin') AS azure,
       EXISTS (SELECT FROM pg_roles WHERE rolname = 'supabase_admin') AS supabase
FROM pg_roles r WHERE r.rolname = current_user
"""
_REMEDY = "all its rows are compared when they go back"


def slot_limitations(target: Connection[Rows], tables: Sequence[Table], name: str) -> list[Finding]:
    """Return what stands against a slot on a target, and what it cannot carry.

    Args:
        tables: With the key that would be logged.
        name: Of the slot: one of ours that is there already takes no further place.
    """
    major = target.info.server_version // 10_000
    if major < _OLDEST:
        return [_blocks(f"it runs PostgreSQL {major}: a slot that carries keys alone needs {_OLDEST}")]
    with target.cursor(row_factory=dict_row) as cursor:
        server = cursor.execute(_SERVER, [name]).fetchone()
    assert server is not None  # noqa: S101  # we are a role: tells the type checker
    return [
        *_blocking(server),
        *_noted(server),
        *(
            Finding(severity=Severity.NOTED, about=str(table), what=f"a slot cannot carry it, {why}: {_REMEDY}")
            for table, why in not_carried(target, tables).items()
        ),
    ]


def _blocking(server: dict[str, Any]) -> Iterator[Finding]:
    role = server["role"]
    if server["wal_level"] != "logical":
        yield _blocks(f"its wal_level is {server['wal_level']}: a slot needs logical, and that a restart")
    if not server["may_replicate"]:
        yield _blocks(f"{role} may not use a slot: ALTER ROLE {role} REPLICATION")
    if server["used"] >= server["most"]:
        yield _blocks(f"all its {server['most']} replication slots are used: raise max_replication_slots, or drop one")


def _noted(server: dict[str, Any]) -> Iterator[Finding]:
    keeps = server["keeps_mb"]
    yield _note("while a slot carries a table, a migration that takes or changes its key makes its updates fail")
    if 0 <= keeps < _SMALL_MB:
        yield _note(f"a slot is lost when it is {keeps} MB of log behind (max_slot_wal_keep_size): drain it in time")
    if keeps < 0:
        yield _note("a slot that is not drained fills its disk (max_slot_wal_keep_size is -1)")
    if server["azure"]:
        yield _note("near its storage limit, Azure drops a slot that is not read; before 17, a fail-over does as well")
    if server["supabase"]:
        yield _note("Supabase keeps 512 MB of log for a slot by default")


def _blocks(what: str) -> Finding:
    return Finding(severity=Severity.BLOCKS, about="target", what=what)


def _note(what: str) -> Finding:
    return Finding(severity=Severity.NOTED, about="target", what=what)
