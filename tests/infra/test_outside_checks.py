"""Checkers that are not part of the project, run where they are installed."""

import json
import os
import re
import shutil
import subprocess
import sys

import pytest

from tests.infra.bicep_files import BICEP, INFRA, ROOT, TOOLS

CHECKOV = ROOT / ".venv-infra" / "bin" / "checkov"
KUSTO = ROOT / "node_modules" / "@kusto" / "language-service-next"
SKIP = re.compile(r"checkov:skip=(CKV_AZURE_\d+)(?::(.*))?")


def run(*command: str, given: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - a checker of our own choice on our own files
        command, input=given, capture_output=True, text=True, timeout=100, check=False, env=os.environ | environment
    )


@pytest.mark.skipif(not TOOLS.is_dir(), reason="the type data of Azure's resources is not beside this repository")
def test_every_resource_fits_the_type_data_of_azure() -> None:
    result = run(sys.executable, str(TOOLS / "azcheck.py"), *map(str, BICEP))
    assert (result.returncode, result.stdout) == (0, ""), result.stdout + result.stderr


def test_every_skipped_policy_says_why() -> None:
    skips = [match for path in BICEP for match in SKIP.findall(path.read_text())]
    assert skips
    assert [check for check, reason in skips if len(reason) < 30] == []


@pytest.mark.skipif(not CHECKOV.is_file(), reason="checkov is not installed in .venv-infra")
def test_checkov_agrees_and_no_skip_is_left_over() -> None:
    result = run(str(CHECKOV), "-d", str(INFRA), "--framework", "bicep", "--skip-download", "-o", "json")
    report = json.loads(result.stdout)
    assert report["summary"]["parsing_errors"] == 0
    assert [check["check_id"] for check in report["results"]["failed_checks"]] == []
    written = [check for path in BICEP for check, _ in SKIP.findall(path.read_text())]
    assert sorted(check["check_id"] for check in report["results"]["skipped_checks"]) == sorted(written)


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
@pytest.mark.skipif(not KUSTO.is_dir(), reason="npm package @kusto/language-service-next is not installed")
@pytest.mark.skipif(not TOOLS.is_dir(), reason="the table schemas of Log Analytics are not beside this repository")
def test_kusto_finds_nothing_to_say_about_the_queries() -> None:
    declared = 'let site_id = "x"; let app_name = "y";\n'
    queries = {path.name: declared + path.read_text() for path in (INFRA / "kql").glob("*.kql")}
    command = ["node", str(TOOLS / "kqlcheck.js"), str(TOOLS / "kql-schemas.json"), "--json"]
    result = run(*command, given=json.dumps(queries), NODE_PATH=str(ROOT / "node_modules"))
    assert result.returncode == 0, result.stderr
    assert [json.loads(line)["diagnostics"] for line in result.stdout.splitlines()] == [[] for _ in queries]
