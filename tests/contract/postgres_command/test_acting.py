"""Rows that a person takes back by hand, and what can become of that."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from time import monotonic, sleep

import pytest
from psycopg import DatabaseError

from tests.contract.postgres_command.commands import Shop
from tests.contract.postgres_ports.moved import rows_of

_APP = Path(__file__).parents[3]
# Whoever runs tests in the background lets all that they start ignore Ctrl-C.
_INTERRUPTIBLE = """
import runpy, signal
signal.signal(signal.SIGINT, signal.default_int_handler)
runpy.run_module("shared.data", run_name="__main__", alter_sys=True)
"""
_WRITES = (
    "UPDATE items SET a = 'changed' WHERE id <= 3",
    "DELETE FROM notes WHERE id = 10",
    "INSERT INTO items (a) VALUES ('new')",
)
_STATE = "SELECT id, a FROM items ORDER BY id"


def _begun(shop: Shop, *more: str) -> None:
    shop.write(*more)
    assert shop.run("checkpoint", "--id", "c1").status == 0
    shop.on_target(*_WRITES)


def test_all_of_it_by_hand(shop: Shop) -> None:
    before = rows_of(shop.moved.pair.source, _STATE)
    _begun(shop, 'rules: {enough: {query: "SELECT count(*) FROM items", expect: "21"}}')
    ended = shop.run("resume", "--sync", "s1")
    assert ended.status == 0
    assert ended.out.splitlines()[0].startswith("public.items: 1 inserted, 3 updated, 0 deleted; 21 rows, sum ")
    assert "rule enough: 21" in ended.out
    assert ended.last == "all rows are back: 30 rows are the same on both sides"
    assert shop.moved.is_same()
    assert "all rows are back by s1, and the target takes no writes" in shop.run("status").out
    with pytest.raises(DatabaseError, match="being rolled back"):
        shop.on_target("UPDATE items SET a = 'refused'")
    assert shop.run("resume", "--sync", "s1", "--confirm", "not asked").status == 0
    assert shop.run("release").last == "the target of shop takes writes again"
    shop.on_target("UPDATE items SET a = 'again' WHERE id = 5")
    assert shop.run("resume", "--sync", "s1").status == 0
    assert shop.moved.is_same()
    assert shop.run("release").status == 0
    assert shop.run("undo", "--sync", "s1").status == 0
    assert rows_of(shop.moved.pair.source, _STATE) == before
    assert (
        shop.run("resume", "--sync", "s1").said == "the way back s1 was taken back: under another name it begins anew\n"
    )
    assert shop.run("end").status == 0
    assert "way back s1: it was taken back; images until " in shop.run("status").out
    assert shop.run("resume", "--sync", "s2").status == 1
    assert rows_of(shop.moved.pair.source, _STATE) == before


def test_a_checkpoint_that_cannot_be_taken_names_why(shop: Shop) -> None:
    shop.both("CREATE TABLE without_key (a text)")
    ended = shop.run("checkpoint", "--id", "c1")
    assert ended.status == 1
    assert "blocks: public.without_key: it has no primary key" in ended.out
    assert "nothing was changed" in ended.said


def test_losses_above_the_limit_are_agreed_to_by_digest(shop: Shop) -> None:
    _begun(shop)
    shop.on_target("CREATE TABLE extra (id int PRIMARY KEY)", "INSERT INTO extra VALUES (1), (2)")
    ended = shop.run("resume", "--sync", "s1", "--json")
    assert (ended.status, ended.json["shown"]["lost"]) == (2, 2)
    assert shop.run("resume", "--sync", "s1", "--agree", "0" * 16).status == 2
    assert not shop.moved.is_same()
    assert shop.run("resume", "--sync", "s1", "--agree", ended.json["shown"]["digest"]).status == 0
    assert shop.moved.is_same()


def test_a_conflict_is_not_agreed_to_but_decided_by_the_policy(shop: Shop) -> None:
    _begun(shop)
    shop.on_source("UPDATE items SET a = 'mine' WHERE id = 2")
    ended = shop.run("resume", "--sync", "s1")
    assert ended.status == 1
    assert "rows were changed on the source as well: 1 of public.items" in ended.said
    shop.write("conflicts: target_wins")
    assert shop.run("resume", "--sync", "s1").status == 0
    assert shop.moved.is_same()


def test_nothing_is_done_that_was_not_confirmed(shop: Shop) -> None:
    _begun(shop)
    for words in (["resume", "--sync", "s1"], ["end"]):
        assert shop.run(*words, "--confirm", "store").status == 1
        assert shop.run(*words, "--confirm", "").status == 64
    assert shop.run("release").said == "the target of shop takes writes: there is no fence of ours\n"
    assert not shop.moved.is_same()
    assert shop.run("resume", "--sync", "s1").status == 0
    assert shop.run("release", "--confirm", "store").status == 1
    assert shop.run("undo", "--sync", "s1", "--confirm", "store").status == 1
    assert shop.moved.is_same()


def test_writers_are_let_in_although_the_source_is_down(shop: Shop) -> None:
    _begun(shop)
    shop.run("resume", "--sync", "s1")
    assert shop.run("release", SHOP_SOURCE="host=127.0.0.1 port=1").status == 0
    shop.on_target("UPDATE items SET a = 'x'")


def test_what_others_have_changed_since_is_not_overwritten_unasked(shop: Shop) -> None:
    before = rows_of(shop.moved.pair.source, _STATE)
    _begun(shop)
    shop.run("resume", "--sync", "s1")
    shop.on_source("UPDATE items SET a = 'mine' WHERE id = 2")
    ended = shop.run("undo", "--sync", "s1")
    assert ended.status == 1
    assert "rows were changed on the source since: public.items: 1 changed, such as (2)" in ended.said
    assert rows_of(shop.moved.pair.source, "SELECT a FROM items WHERE id = 2") == [("mine",)]
    ended = shop.run("undo", "--sync", "s1", "--overwrite")
    assert (ended.status, ended.out.splitlines()[0]) == (0, "overwritten: public.items: 1 changed, such as (2)")
    assert rows_of(shop.moved.pair.source, _STATE) == before
    assert shop.run("undo", "--sync", "other").status == 1


def test_a_way_back_that_stops_says_how_to_go_on(shop: Shop) -> None:
    _begun(shop, 'rules: {enough: {query: "SELECT count(*) FROM items", expect: "22"}}')
    ended = shop.run("resume", "--sync", "s1")
    assert ended.status == 2
    assert f"then go on with: python -m shared.data resume {shop.policy} --sync s1" in ended.out
    assert "the target takes no writes" in ended.out
    assert "enough" in ended.said
    status = shop.run("status")
    assert (status.status, "stopped: " in status.out, "images until" in status.out) == (2, True, False)
    shop.write()
    assert shop.run("resume", "--sync", "s1").status == 0


def test_it_is_stopped_by_hand_and_goes_on(shop: Shop) -> None:
    """The entry point itself: it is interrupted while it waits for a writer of the target."""
    _begun(shop)
    shop.write(fence_within="60s")
    words = ["resume", str(shop.policy), "--database", "shop", "--sync", "s1", "--confirm", "shop"]
    with shop.moved.pair.target.connect("keeper") as writer, writer.transaction():
        writer.execute("UPDATE items SET a = 'late' WHERE id = 7")
        running = subprocess.Popen(  # noqa: S603  # our own interpreter
            [sys.executable, "-c", _INTERRUPTIBLE, *words],
            cwd=_APP,
            env={**os.environ, **shop.environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        until = monotonic() + 40
        while not shop.moved.look("s1:shop").begun:
            assert monotonic() < until, "it never began"
            sleep(0.05)
        running.send_signal(signal.SIGINT)
    out, said = running.communicate(timeout=60)
    assert (running.returncode, out) == (1, "")
    assert said.endswith(f"To go on: python -m shared.data {' '.join(words)}\n"), said
    assert "Traceback" not in said
    assert shop.run("resume", "--sync", "s1").status == 0
    assert shop.moved.is_same()
