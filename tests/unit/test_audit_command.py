"""`python -m shared.audit verify`: what it takes for an audit, and what it says of one."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic_core import to_json

from shared.audit import main
from shared.engine.audit import Audit
from tests.fakes.ledger import MemoryLedger
from tests.unit.engine.test_audit import chain_of, head_of


@pytest.fixture
def ledger() -> MemoryLedger:
    return MemoryLedger()


def saved(audit: Audit) -> dict[str, Any]:
    """What the API answers, as a file has it."""
    page: dict[str, Any] = json.loads(to_json(audit.rows()))
    return page


def verified(document: object, tmp_path: Path) -> int:
    file = tmp_path / "audit.json"
    file.write_text(document if isinstance(document, str) else json.dumps(document), encoding="utf-8")
    return main(["verify", str(file)])


@pytest.mark.parametrize("length", [0, 1, 5])
def test_the_command_says_that_an_audit_is_intact(
    ledger: MemoryLedger, length: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert verified(saved(chain_of(length, ledger)), tmp_path) == 0
    assert capsys.readouterr() == (f"intact: {length} rows; the hash of the last is {head_of(ledger).hash}\n", "")


def test_the_command_says_what_is_wrong(
    ledger: MemoryLedger, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = saved(chain_of(5, ledger))
    document["rows"][1]["who"] = "Eve"
    document["rows"].pop()
    assert verified(document, tmp_path) == 1
    assert capsys.readouterr() == (
        "",
        "not intact: row 4 was changed after it was written\nnot intact: row 1 is missing\n",
    )


_OTHER_TEXT: dict[str, Callable[[dict[str, Any]], object]] = {
    "text in place of a number": lambda row: row.update(n=str(row["n"])),
    "a number in place of a truth": lambda row: row.update(ok=1),
    "one more field": lambda row: row.update(approved_by="Eve"),
    "a field less": lambda row: row.pop("origin"),
    "a fraction in the detail": lambda row: row.update(detail={"level": 1.0}),
    "no number in the detail": lambda row: row.update(detail={"level": float("nan")}),
    "a truth in place of 1": lambda row: row.update(detail={"level": True}),
}


@pytest.mark.parametrize("change", _OTHER_TEXT)
def test_the_command_takes_nothing_for_what_it_is_not(ledger: MemoryLedger, change: str, tmp_path: Path) -> None:
    document = saved(chain_of(3, ledger))
    _OTHER_TEXT[change](document["rows"][1])
    assert verified(document, tmp_path) == 1


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"rows": []}', '{"rows": 5, "head": {}}', "[" * 100_000])
def test_what_is_no_audit_is_refused_in_one_sentence(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert verified(text, tmp_path) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_a_file_that_is_not_there_is_said_and_a_command_that_is_none_is_a_matter_of_usage(tmp_path: Path) -> None:
    assert main(["verify", str(tmp_path / "none.json")]) == 1
    with pytest.raises(SystemExit) as caught:
        main(["verfy"])
    assert caught.value.code == 2
