"""The command of people for databases: what is wrong is said before any database is asked, and no secret with it."""

import json
import sys
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest

from shared.adapters.postgres.checkpoint.keeping import PostgresCheckpoints
from shared.adapters.postgres.preview.previews import PostgresPreviews
from shared.adapters.postgres.way_back.rows import PostgresRows
from shared.data.__main__ import main
from shared.data.desk import Desk, patiently, telling
from shared.data.policy import choose, read_databases
from shared.errors import InvalidInput, PermanentError, PolicyError, Refused, TransientError
from shared.model.policy_data import Database

_SETTINGS = {"OLD": "host=old password=s3cret", "NEW": "postgresql://keeper:s3cret@new/shop"}
_BLOCK = 'databases:\n  shop: {source: "%OLD%", target: "%NEW%"}\n'


def _file(folder: Path, text: str) -> Path:
    file = folder / "policy.yaml"
    file.write_text(text, encoding="utf-8")
    return file


_FORMS = {
    "alone": _BLOCK,
    "between parts whose settings are not there": f'site: {{url: "%URL%"}}\n{_BLOCK}\nroads: {{rows: "%NONE%"}}\n',
    "with another part that is wrong": f"{_BLOCK}levels: 7\nnever_heard_of: []\n",
    "as JSON": json.dumps({"levels": 7, "databases": {"shop": {"source": "%OLD%", "target": "%NEW%"}}}, indent=2),
    "on one line": '{databases: {shop: {source: "%OLD%", target: "%NEW%"}}, levels: 7}',
    "indented": '  levels: 7\n  databases:\n    shop:\n      source: "%OLD%"\n      target: "%NEW%"\n  more: 1\n',
}


@pytest.mark.parametrize("form", _FORMS)
def test_only_the_databases_of_a_policy_are_read(tmp_path: Path, form: str) -> None:
    found = read_databases(_file(tmp_path, _FORMS[form]), _SETTINGS)
    assert {name: (one.source, one.target) for name, one in found.items()} == {
        "shop": (_SETTINGS["OLD"], _SETTINGS["NEW"])
    }


_WRONG: dict[str, tuple[str, dict[str, str], str]] = {
    "a setting that is not there": (_BLOCK, {"OLD": "host=a"}, "policy.yaml:2: databases.shop.target: the app setting"),
    "an unknown key": (
        f"{_BLOCK}    \n  other:\n    source: a=b\n    target: c=d\n    sorce: x\n",
        _SETTINGS,
        "policy.yaml:7: databases.other.sorce: unknown key",
    ),
    "no databases": ("workload: orders\n", _SETTINGS, "it names no databases"),
    "databases twice": (f"{_BLOCK}workload: a\n{_BLOCK}", _SETTINGS, "databases: this key stands twice"),
    "no YAML": ("databases: {", _SETTINGS, "not valid YAML"),
    "a list": ("- databases", _SETTINGS, "it names no databases"),
    "no connection string": (_BLOCK, _SETTINGS | {"NEW": "keeper:s3cret@new"}, "shop.target: what the setting holds"),
}


@pytest.mark.parametrize("case", _WRONG)
def test_what_is_wrong_ends_with_64(tmp_path: Path, capsys: pytest.CaptureFixture[str], case: str) -> None:
    text, settings, says = _WRONG[case]
    assert main(["status", str(_file(tmp_path, text))], settings) == 64
    said = capsys.readouterr()
    assert says in said.err
    assert (said.out, "s3cret" in said.err) == ("", False)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="cannot be read: FileNotFoundError"):
        read_databases(tmp_path / "none.yaml", _SETTINGS)


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["status"],
        ["look", "policy.yaml"],
        ["resume", "policy.yaml"],
        ["resume", "policy.yaml", "--sync", "a b"],
        ["resume", "policy.yaml", "--sync", "a", "--agree", "yes"],
        ["checkpoint", "policy.yaml", "--id", "x" * 129],
        ["undo", "policy.yaml", "--sync", ""],
    ],
)
def test_a_wrong_command_ends_with_64(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words, _SETTINGS)
    assert ended.value.code == 64
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_which_database_is_meant(tmp_path: Path) -> None:
    file, one = tmp_path, Database(source="host=a", target="host=b")
    assert choose({"shop": one}, "", file) == ("shop", one)
    assert choose({"shop": one, "store": one}, "store", file) == ("store", one)
    for databases, name in (({"shop": one, "store": one}, ""), ({"shop": one}, "store")):
        with pytest.raises(InvalidInput, match="expected --database to be one of the policy's: shop"):
            choose(databases, name, file)


def test_an_answer_is_json_also_when_it_is_a_refusal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["preview", str(_file(tmp_path, _BLOCK)), "--json", "--database", "other"], _SETTINGS) == 64
    said = json.loads(capsys.readouterr().out)
    assert (said["exit"], "one of the policy's: shop" in said["says"]) == (64, True)


class _Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def _desk(confirmed: str = "") -> Desk:
    return Desk(
        name="shop",
        database=Database(source="host=a", target="host=b"),
        rows=PostgresRows(None, str),  # type: ignore[arg-type]  # never asked here
        checkpoints=PostgresCheckpoints(str),
        previews=PostgresPreviews(None, str),  # type: ignore[arg-type]  # never asked here
        token=str,
        confirmed=confirmed,
        again="",
    )


def test_the_name_is_typed_out(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "stdin", _Terminal("shop\n"))
    _desk().confirm(["this is lost"])
    assert capsys.readouterr().err == "this is lost\nType shop to go on: "
    for typed in ("yes\n", "\n", ""):
        monkeypatch.setattr(sys, "stdin", _Terminal(typed))
        with pytest.raises(Refused):
            _desk().confirm(())


def test_without_a_terminal_it_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", StringIO("shop\n"))
    with pytest.raises(InvalidInput, match="say --confirm shop"):
        _desk().confirm(())
    _desk("shop").confirm(())
    with pytest.raises(Refused):
        _desk("store").confirm(())


def test_on_a_terminal_progress_is_drawn_over(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = _Terminal()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", terminal)
    with telling() as to:
        to.at("copy [1] of 2")
        to.say("it stays [1]")
    assert "\x1b[" in terminal.getvalue()
    assert "it stays [1]\n" in terminal.getvalue()


def test_elsewhere_a_line_is_printed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    file = StringIO()
    monkeypatch.setattr(sys, "stderr", file)
    with telling() as to:
        for sentence in ("one", "one", "two"):
            to.at(sentence)
        to.say("two")
    assert file.getvalue() == "one\ntwo\ntwo\n"


def _fails(times: int, error: Exception) -> Callable[[], int]:
    left = iter(range(times))

    def does() -> int:
        if next(left, None) is not None:
            raise error
        return 7

    return does


def test_what_passes_is_waited_for(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    slept: list[float] = []
    monkeypatch.setattr("shared.data.desk.sleep", slept.append)
    with telling() as to:
        assert patiently(_fails(3, TransientError("not now")), to) == 7
        with pytest.raises(PermanentError):
            patiently(_fails(1, PermanentError("never")), to)
        monkeypatch.setattr("shared.data.desk._PATIENCE_S", 1.0)
        with pytest.raises(TransientError):
            patiently(_fails(1, TransientError("not now")), to)
    assert slept == [2.0, 2.0, 2.0]
    assert capsys.readouterr().err == "not now; again in 2 s\n"
