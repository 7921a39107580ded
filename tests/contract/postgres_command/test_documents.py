"""Each command of the documents, as it is written there and in that order, on a database that was moved."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.model.checkpoint import held_as
from tests.contract.postgres_command.commands import Shop

_DOCS = Path(__file__).parents[3] / "docs"
_CHANGE, _RUN = "orders.change.20261121T183000000000", "orders.20261121T184500123456"
_GIVEN = {"ID": {"--checkpoint": _CHANGE, "--id": _CHANGE, "--sync": _RUN}, "DIGEST": {"--agree": "0" * 16}}
_OPTIONAL = re.compile(r"\[([^]]+)\]")


@pytest.fixture
def under_way(shop: Shop) -> Shop:
    """A change is under way that the app has taken a checkpoint of, and that has written rows."""
    shop.write()
    shop.moved.checkpoints.begin(shop.moved.policy(), held_as(_CHANGE, "shop"))
    shop.on_target("UPDATE items SET a = 'changed' WHERE id <= 3", "DELETE FROM notes WHERE id = 10")
    return shop


def _of_runbook() -> list[list[str]]:
    text = (_DOCS / "runbooks" / "level-2.md").read_text(encoding="utf-8")
    lines = [line.strip() for line in text.splitlines() if line.startswith("    data ")]
    return [[_RUN if word == "$ID" else word for word in shlex.split(line, comments=True)[1:]] for line in lines]


def _of_table() -> Iterator[list[str]]:
    """With nothing that may be left out, and with all of it."""
    text = (_DOCS / "databases.md").read_text(encoding="utf-8").partition("## By hand")[2].partition("\n## ")[0]
    for said in re.findall(r"^\| `(\w+ POLICY[^`]*)` \|", text, re.MULTILINE):
        for written in dict.fromkeys([_OPTIONAL.sub("", said), _OPTIONAL.sub(r"\1", said)]):
            words = written.split()
            yield [_GIVEN[word][words[place - 1]] if word in _GIVEN else word for place, word in enumerate(words)]


def test_the_runbook_leads_from_a_look_to_rows_that_are_back_and_to_the_end(under_way: Shop) -> None:
    commands = _of_runbook()
    assert [command for command, *_ in commands] == [
        *("status", "preview", "status", "resume"),
        *("release", "undo", "release", "end"),
    ]
    for command, policy, *words in commands:
        assert policy == "$POLICY"
        ended = under_way.run(command, *words)
        assert ended.status == 0, (command, ended.said)
        if command == "resume":
            assert under_way.moved.is_same()


def test_the_commands_of_the_table_take_what_it_says(under_way: Shop) -> None:
    commands = list(_of_table())
    assert {command for command, *_ in commands} == {
        *("status", "preview", "checkpoint", "resume"),
        *("release", "conflicts", "undo", "end"),
    }
    for command, policy, *words in commands:
        assert policy == "POLICY"
        ended = under_way.run(command, *words)
        assert ended.status == 0, (command, words, ended.said)
