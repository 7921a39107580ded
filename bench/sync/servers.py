"""Two real PostgreSQL servers, set up as a database server would be, and what machine they run on.

Files are kept in memory where there is room: the disks of rented machines vary more than what is measured. For what a
disk takes to sync, every commit waits a tenth of a millisecond (`commit_delay` with no siblings asked for), which is a
fast local NVMe; all else that costs is on: fsync, full-page images, synchronous commits.
"""

import os
import platform
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import Connection
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.sql import SQL, Identifier

from local.postgres import OLD, Cluster
from shared.adapters.postgres.server.session import Access

KEEPER, PASSWORD = "keeper", "rig-only"  # of servers that live for one run on the loopback
SOURCE, TARGET = "source", "target"
_MEMORY = Path("/dev/shm")  # noqa: S108  # the servers' folders in it are made by `mkdtemp`
_BYTES_A_ROW = 5_000
_SETTINGS = {
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "wal_level": "logical",
    "shared_buffers": "2GB",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "30min",
    # What a vacuum happens to coincide with would decide; each run begins with fresh statistics instead.
    "autovacuum": "off",
    # A subscriber that was restarted often would wait for its turn otherwise.
    "wal_retrieve_retry_interval": "50ms",
    "max_connections": "60",
    "max_replication_slots": "20",
    "max_wal_senders": "20",
}
_AS_A_DISK = {"commit_delay": "100", "commit_siblings": "0"}
_ROLE = f"""
CREATE ROLE {KEEPER} LOGIN PASSWORD '{PASSWORD}' BYPASSRLS;
GRANT SET ON PARAMETER session_replication_role TO {KEEPER}
"""


@dataclass(frozen=True, slots=True)
class Servers:
    """Both, running.

    Attributes:
        ports: Where each side is reached: another one than its own when something is in between.
    """

    clusters: Mapping[str, Cluster]
    ports: Mapping[str, int]
    settings: Mapping[str, str]
    in_memory: bool

    def given(self, side: str, database: str = "", user: str = KEEPER) -> dict[str, Any]:
        """Return how to connect to a database, that of the side's name if none is given."""
        return conninfo_to_dict(self.clusters[side].dsn(database or side, user, PASSWORD), port=self.ports[side])

    def dsn(self, side: str, database: str = "", user: str = KEEPER) -> str:
        return make_conninfo(**self.given(side, database, user))

    def connect(self, side: str, database: str = "") -> Connection[tuple[Any, ...]]:
        """Connect as who owns the tables."""
        return psycopg.connect(self.dsn(side, database), autocommit=True)

    def connect_as_superuser(self, side: str, database: str = "postgres") -> Connection[tuple[Any, ...]]:
        """Connect as who is no part of the product."""
        return psycopg.connect(self.clusters[side].dsn(database), autocommit=True)

    def run(self, side: str, *statements: str, database: str = "postgres") -> None:
        """Run statements as the superuser."""
        with self.connect_as_superuser(side, database) as connection:
            for statement in statements:
                connection.execute(statement)

    def access(self, side: str, database: str = "") -> Access:
        return Access(side, self.dsn(side, database), verified=False)

    def create(self, side: str, database: str, template: str = "template0") -> None:
        """Make a database, whatever there was of this name."""
        names = Identifier(database), Identifier(template), Identifier(KEEPER)
        with self.connect_as_superuser(side) as connection:
            connection.execute(SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(names[0]))
            connection.execute(SQL("CREATE DATABASE {} TEMPLATE {} OWNER {} STRATEGY file_copy").format(*names))


@contextmanager
def two_servers(rows: int, version: str = OLD) -> Iterator[Servers]:
    """Start one for each side, both of the same version."""
    in_memory = _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > 2 * rows * _BYTES_A_ROW
    settings = _SETTINGS | (_AS_A_DISK if in_memory else {})
    with _folders(_MEMORY if in_memory else None), Cluster(version, settings) as one, Cluster(version, settings) as two:
        clusters = {SOURCE: one, TARGET: two}
        ports = {side: cluster.port for side, cluster in clusters.items()}
        servers = Servers(clusters, ports, settings, in_memory)
        for side in clusters:
            servers.run(side, _ROLE)
        yield servers


@contextmanager
def _folders(folder: Path | None) -> Iterator[None]:
    """Let servers be set up elsewhere than where temporary files go."""
    with Cluster():  # the binaries, which may not be run from there, stay where the first server finds them
        before = tempfile.tempdir
    tempfile.tempdir = str(folder) if folder else before
    try:
        yield
    finally:
        tempfile.tempdir = before


def facts(servers: Servers) -> dict[str, Any]:
    """Return what the figures depend on besides the code."""
    with servers.connect(SOURCE, "postgres") as connection:
        row = connection.execute("SHOW server_version").fetchone()
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "postgresql": row[0] if row else None,
        "cpus": os.process_cpu_count(),
        "memory_gib": round(pages / 2**30, 1),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "psycopg": f"{psycopg.__version__} ({psycopg.pq.__impl__})",
        "files": "in memory (tmpfs); each commit waits 0.1 ms for a disk" if servers.in_memory else "on disk",
        "settings": dict(servers.settings),
    }
