"""Microsoft's own Kusto language service, from npm, asked about queries and the columns that they answer."""

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.infra.bicep_files import ROOT
from tests.infra.kql.workspace import TABLES

_SCRIPT = Path(__file__).parents[1] / "kusto.js"


@dataclass(frozen=True, slots=True)
class Finding:
    problems: list[str]
    columns: dict[str, str]


def ask_kusto(queries: Mapping[str, str]) -> dict[str, Finding]:
    """What the language service says of each query, by name."""
    asked = json.dumps({"tables": TABLES, "queries": queries})
    result = subprocess.run(  # noqa: S603 - a script of ours
        ["node", str(_SCRIPT)],  # noqa: S607 - found on PATH, like npm
        input=asked,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
        cwd=ROOT,
    )
    assert result.returncode == 0, result.stderr[-2000:]
    answers = json.loads(result.stdout)
    return {name: Finding(found["problems"], dict(found["columns"])) for name, found in answers.items()}
