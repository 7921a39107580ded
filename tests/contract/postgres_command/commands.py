"""The command as people run it, on a database that was moved."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from shared.data.__main__ import main
from tests.contract.postgres.pairs import PASSWORD
from tests.contract.postgres_ports.moved import Moved

# The settings that the rest names are not there, as on the machine of somebody who was woken.
_POLICY = """\
workload: orders
site: {{resource: "%SITE_ID%", url: "%SITE_URL%"}}
databases:
  shop:
    source: "%SHOP_SOURCE%"
    target: "%SHOP_TARGET%"
    tls: false
    fence_within: {fence_within}
    keep_images: 30d
{more}
roads:
  rows: {{data_sync: shop}}
"""
_CONFIRMED = {"resume", "release", "undo", "end"}


@dataclass(frozen=True, slots=True)
class Ended:
    """How the command ended.

    Attributes:
        out: What it printed for whoever reads the answer.
        said: All that it printed.
    """

    status: int
    out: str
    said: str

    @property
    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.out)
        return found

    @property
    def last(self) -> str:
        return self.out.splitlines()[-1]


@dataclass(frozen=True, slots=True)
class Shop:
    """Both sides of the database, and the policy that names them."""

    moved: Moved
    policy: Path
    capsys: pytest.CaptureFixture[str]

    def write(self, *more: str, fence_within: str = "1s") -> Path:
        """Write the policy, with further lines for the database."""
        lines = "".join(f"    {line}\n" for line in more)
        self.policy.write_text(_POLICY.format(fence_within=fence_within, more=lines), encoding="utf-8")
        return self.policy

    @property
    def environment(self) -> Mapping[str, str]:
        pair = self.moved.pair
        return {"SHOP_SOURCE": pair.source.access.conninfo, "SHOP_TARGET": pair.target.access.conninfo}

    def run(self, command: str, *words: str, **settings: str) -> Ended:
        """Run a command, confirmed where it asks."""
        if not self.policy.exists():
            self.write()
        confirmed = ["--confirm", "shop"] if command in _CONFIRMED and "--confirm" not in words else []
        self.capsys.readouterr()
        status = main([command, str(self.policy), *words, *confirmed], {**self.environment, **settings})
        said = self.capsys.readouterr()
        assert PASSWORD not in said.out + said.err
        return Ended(status, said.out, said.out + said.err)

    def both(self, statement: str) -> None:
        self.moved.pair.run(statement)

    def on_source(self, *statements: str) -> None:
        self.moved.pair.source.run(*statements)

    def on_target(self, *statements: str) -> None:
        self.moved.pair.target.run(*statements)
