"""Checkers that are not part of the project, run where they are installed."""

import json
import re
import subprocess
import sys

import pytest

from tests.infra.bicep_files import BICEP, INFRA, ROOT, TOOLS

CHECKOV = ROOT / ".venv-infra" / "bin" / "checkov"
SKIP = re.compile(r"checkov:skip=(CKV_AZURE_\d+)(?::(.*))?")


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - a checker of our own choice on our own files
        command, capture_output=True, text=True, timeout=100, check=False
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
