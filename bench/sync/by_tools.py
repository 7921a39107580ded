"""Rows brought back by what PostgreSQL and its surroundings have for it: subscriptions, dumps, pgcopydb.

Dumps and pgcopydb can only bring the whole table: it is emptied first, with its indexes in place.
"""

import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from time import perf_counter

from psycopg import Connection, errors
from psycopg.sql import SQL, Identifier, Literal

from bench.sync.servers import SOURCE, TARGET
from bench.sync.world import World, numbers
from local.postgres import SUPERUSER

_LOOK_UP_S = 0.005
_SUBSCRIBE = SQL(
    "CREATE SUBSCRIPTION {} CONNECTION {} PUBLICATION written"
    " WITH (create_slot = false, copy_data = false, binary = true, slot_name = {})"
)
_UNSUBSCRIBE = (
    SQL("ALTER SUBSCRIPTION {} DISABLE"),
    SQL("ALTER SUBSCRIPTION {} SET (slot_name = NONE)"),
    SQL("DROP SUBSCRIPTION {}"),
)
# https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-REPLICATION
_REACHED = """
SELECT coalesce(max(pg_replication_origin_progress(roname, false)), '0/0') > %s::pg_lsn
FROM pg_replication_origin WHERE roname LIKE 'pg!_%%' ESCAPE '!'
"""


def subscription(world: World) -> float:
    """Let the source catch up as a subscriber of the target; return how many seconds that took.

    What it reads was kept in a slot since before the first change.
    """
    servers, name = world.servers, f"catch_up_{next(numbers)}"
    servers.run(TARGET, f"SELECT pg_copy_logical_replication_slot('written', '{name}')", database=TARGET)
    publisher = servers.dsn(TARGET, TARGET, SUPERUSER)
    with servers.connect_as_superuser(SOURCE, SOURCE) as source:
        began = perf_counter()
        source.execute(_SUBSCRIBE.format(Identifier(name), Literal(publisher), Identifier(name)))
        while not (source.execute(_REACHED, [world.last_but_one]).fetchone() or [False])[0]:
            time.sleep(_LOOK_UP_S)
        took_s = perf_counter() - began
        for statement in _UNSUBSCRIBE:
            source.execute(statement.format(Identifier(name)))
    with servers.connect_as_superuser(TARGET, TARGET) as target:
        _drop_slot(target, name)
    return took_s


def _drop_slot(target: Connection[tuple[object, ...]], name: str) -> None:
    """A worker of the subscription may come once more before it learns that it is not wanted any more."""
    ending = "SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = %s AND active"
    while True:
        target.execute(ending, [name])
        try:
            target.execute("SELECT pg_drop_replication_slot(%s)", [name])
        except errors.ObjectInUse:
            time.sleep(_LOOK_UP_S)
        else:
            return


def dump(world: World) -> float:
    """Bring the whole table with `pg_dump | psql`; return how many seconds it took."""
    source, target = world.servers.dsn(SOURCE), world.servers.dsn(TARGET)
    began = perf_counter()
    _empty(world)
    reading = subprocess.Popen(  # noqa: S603  # every word of it is written here
        ["pg_dump", "--data-only", "--table=items", target],  # noqa: S607  # found on PATH, as people would
        stdout=subprocess.PIPE,
    )
    subprocess.run(  # noqa: S603  # every word of it is written here
        ["psql", "--quiet", "--no-psqlrc", "--set=ON_ERROR_STOP=1", "--output=/dev/null", source],  # noqa: S607
        stdin=reading.stdout,
        check=True,
    )
    assert reading.wait() == 0
    return perf_counter() - began


def pgcopydb(world: World) -> float:
    """Bring the whole table with `pgcopydb copy table-data`; return how many seconds it took."""
    with tempfile.TemporaryDirectory(prefix="pgcopydb-") as folder:
        filters = Path(folder) / "filters"
        filters.write_text("[include-only-table]\npublic.items\n")
        # The schema's own tables of the product are not of this table; sequences go with the data.
        command = ["pgcopydb", "copy", "table-data", "--table-jobs", "2", "--dir", f"{folder}/work", "--restart"]
        ends = ["--source", world.servers.dsn(TARGET), "--target", world.servers.dsn(SOURCE)]
        began = perf_counter()
        _empty(world)
        subprocess.run(  # noqa: S603  # every word of it is written here
            [*command, *ends, "--filters", str(filters)],
            check=True,
            capture_output=True,
            env={**os.environ, "XDG_DATA_HOME": folder},
        )
        return perf_counter() - began


def missing(*commands: str) -> str | None:
    """Say which of the commands are not installed."""
    found = [command for command in commands if shutil.which(command) is None]
    return f"{' and '.join(found)} not installed" if found else None


def _empty(world: World) -> None:
    with world.servers.connect(SOURCE) as source:
        source.execute("TRUNCATE items")
