"""A database, a folder of scripts for it, and the command that a pipeline runs on both."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic, sleep
from typing import Any, Self

from psycopg import Connection
from psycopg.conninfo import make_conninfo
from psycopg.sql import SQL, Identifier

from local.postgres import PASSWORD as RIG_PASSWORD
from local.postgres import SUPERUSER
from shared.migrate import main
from tests.contract.postgres.pairs import PASSWORD, Database
from tests.fakes.policies import TEXT

_APP = Path(__file__).parents[3]
# The other side is never asked.
_POLICY = f"""{TEXT}
databases:
  shop:
    source: host=127.0.0.1 port=1
    target: "%DATABASE%"
    tls: false
"""
_EMPTY = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid();
DROP SCHEMA IF EXISTS rollback_controller CASCADE; DROP SCHEMA public CASCADE; CREATE SCHEMA public;
GRANT ALL ON SCHEMA public TO keeper
"""


@dataclass(frozen=True, slots=True)
class Ended:
    """How the command ended."""

    status: int
    outcome: dict[str, Any]

    @property
    def says(self) -> str:
        return str(self.outcome["says"])


@dataclass(frozen=True, slots=True)
class Place:
    """What one test works on."""

    database: Database
    folder: Path
    role: str = "keeper"
    policy: str = ""

    def with_policy(self, more: str) -> "Place":
        """Return the same with another line for the database in the policy."""
        return replace(self, policy=f"    {more}\n")

    @classmethod
    def on(cls, database: Database, folder: Path) -> Self:
        """Return a place on a database, which is emptied."""
        place = cls(replace(database, called="target"), folder)
        place.empty()
        return place

    def empty(self) -> None:
        with self.connect() as connection:
            connection.execute(_EMPTY)
            connection.execute(SQL("ALTER DATABASE {} RESET ALL").format(Identifier(self.database.name)))

    @property
    def scripts(self) -> Path:
        return self.folder / "scripts"

    def write(self, **scripts: str) -> None:
        """Write scripts, by their names without the ending; `_undo` at the end of one stands for `.undo`."""
        self.scripts.mkdir(exist_ok=True)
        for name, text in scripts.items():
            file = f"{name.removeprefix('s').removesuffix('_undo')}{'.undo' if name.endswith('_undo') else ''}.sql"
            (self.scripts / file).write_bytes(text.encode())

    def expect(self, **rules: tuple[str, str]) -> None:
        """Write what must hold: query and value by name."""
        written = {name: {"query": query, "expect": value, "within": "1s"} for name, (query, value) in rules.items()}
        (self.folder / "rules.yaml").write_text(json.dumps(written), encoding="utf-8")

    def environment(self, port: int = 0, password: str = "") -> dict[str, str]:
        """Return the settings of the command.

        Args:
            port: Of a proxy before the server.
        """
        cluster = self.database.cluster
        password = password or (PASSWORD if self.role != SUPERUSER else RIG_PASSWORD)
        dsn = cluster.dsn(self.database.name, self.role, password)
        return {"DATABASE": make_conninfo(dsn, port=port or cluster.port)}

    def words(self, *words: str) -> list[str]:
        """Return the command line."""
        policy = self.folder / "policy.yaml"
        policy.write_text(_POLICY + self.policy, encoding="utf-8")
        rules = self.folder / "rules.yaml"
        asked = ["--validations", str(rules)] if rules.exists() else []
        command, *rest = words
        return [command, str(policy), *([] if command == "points" else [str(self.scripts), *asked]), "--json", *rest]

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start the command as a process of its own."""
        return subprocess.Popen(  # noqa: S603  # our own interpreter
            [sys.executable, "-m", "shared.migrate", *self.words(*words)],
            cwd=_APP,
            env={**os.environ, **self.environment()},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def connect(self) -> Connection[Any]:
        return self.database.connect()

    def ask(self, query: str) -> Any:
        """Return the one value of a query, as a superuser sees it."""
        with self.connect() as connection:
            row = connection.execute(query.encode()).fetchone()
        return row[0] if row else None

    def applied(self) -> list[str]:
        if not self.ask("SELECT to_regclass('rollback_controller.migration') IS NOT NULL"):
            return []
        return list(
            self.ask("SELECT array_agg(name ORDER BY id) FROM rollback_controller.migration WHERE undone_at IS NULL")
            or []
        )


def run(place: Place, capsys: Any, *words: str, port: int = 0, password: str = "") -> Ended:
    """Run the command here; `capsys` is where it prints."""
    capsys.readouterr()
    status = main(place.words(*words), place.environment(port, password))
    said = capsys.readouterr()
    assert PASSWORD not in said.out + said.err
    return Ended(status, json.loads(said.out))


def until(holds: Callable[[], bool], within_s: float = 60.0) -> None:
    """Wait until something holds."""
    end = monotonic() + within_s
    while not holds():
        assert monotonic() < end, "it never came to hold"
        sleep(0.05)
