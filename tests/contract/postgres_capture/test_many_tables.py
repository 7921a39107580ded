"""Logs of more tables than there is room for locks: everybody's writers would fail if all of them were read at once."""

from datetime import UTC, datetime, timedelta

import psycopg

from local.postgres import NEW, Cluster
from shared.adapters.postgres.capture.key_log import install_schema
from shared.adapters.postgres.capture.reading import read_logs
from shared.adapters.postgres.capture.snapshot import Checkpoint
from shared.adapters.postgres.capture.written import written_keys
from shared.adapters.postgres.server.session import Access

_SETTINGS = {"fsync": "off", "max_connections": "10", "max_locks_per_transaction": "10", "max_worker_processes": "1"}
_TABLES = 1_200
_MAKE = """
DO $$ BEGIN FOR n IN {first}..{last} LOOP
  EXECUTE format('CREATE TABLE rollback_controller.log_%s (id int, rollback_xid xid8 DEFAULT pg_current_xact_id())', n);
  EXECUTE format('INSERT INTO rollback_controller.log_%s VALUES (1)', n);
END LOOP; END $$
"""


def test_they_are_asked_in_batches() -> None:
    with Cluster(NEW, _SETTINGS) as cluster:
        with psycopg.connect(cluster.dsn(), autocommit=True) as connection:
            install_schema(connection)
            for first in range(1, _TABLES, 100):
                connection.execute(_MAKE.format(first=first, last=first + 99).encode())
        content = {"tables": {str(oid): {"oid": oid} for oid in range(1, _TABLES + 1)}}
        point = Checkpoint(id="c", taken_at=datetime.now(UTC), snapshot="1:1:", system="1", content=content)
        with Access("target", cluster.dsn(), verified=False).connected(statement=timedelta(seconds=30)) as target:
            assert len(read_logs(target, "1:1:").keys) == _TABLES
            assert written_keys(target, point) == _TABLES
