"""The way back by its port: a look and a slice at a time; writers are let in again, or stopped by a hook, or not."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from shared.errors import PermanentError
from tests.contract.postgres_ports.moved import Moved, rows_of

_WRITES = (
    "UPDATE items SET a = 'changed' WHERE id <= 3",
    "DELETE FROM notes WHERE id = 10",
    "INSERT INTO items (a) VALUES ('new')",
)


def test_it_goes_back_and_shows_by_name_what_it_did(shop: Moved) -> None:
    rules = {"no_lost_notes": {"query": "SELECT count(*) FROM notes", "expect": "9"}}
    assert not shop.look().begun
    shop.begin()
    shop.pair.target.run(*_WRITES)
    shop.work(rules=rules)
    seen = shop.look(rules=rules)
    assert (seen.begun, seen.proved, seen.fenced, seen.why_not) == (True, True, True, None)
    assert seen.shown["tables"]["public.items"] | {"digest": "", "longest_chunk_ms": 0} == {
        "inserted": 1,
        "updated": 3,
        "deleted": 0,
        "longest_chunk_ms": 0,
        "rows_source": 21,
        "rows_target": 21,
        "digest": "",
        "buckets": seen.shown["tables"]["public.items"]["buckets"],
        "different": 0,
    }
    assert seen.shown["tables"]["public.notes"]["deleted"] == 1
    assert seen.shown["rules"] == {"no_lost_notes": "9"}
    assert (seen.shown["sequences"], seen.shown["foreign_keys"]) == ({"public.items_id_seq": 21}, 1)
    assert set(seen.shown["seconds"]) >= {"fence", "pin", "copy", "prove", "judge"}
    assert shop.is_same()


def test_writers_that_are_let_in_again_take_the_proof_away_until_their_rows_are_back_too(shop: Moved) -> None:
    shop.begin()
    shop.pair.target.run(*_WRITES)
    shop.work()
    for _ in range(2):
        shop.let_go()
    seen = shop.look()
    assert (seen.proved, seen.fenced, seen.why_not) == (False, False, None)
    assert "let in again" in seen.says
    shop.pair.target.run("UPDATE items SET a = 'late' WHERE id > 18", "DELETE FROM notes WHERE id = 9")
    assert "rows were written since the proof: public.items, public.notes" in shop.look().says
    shop.work()
    seen = shop.look()
    assert (seen.proved, seen.fenced) == (True, True)
    assert (seen.shown["rounds"], seen.shown["tables"]["public.items"]["updated"]) == (3, 6)
    assert shop.is_same()


def test_a_fence_that_somebody_took_down_behind_our_back_is_put_up_again(shop: Moved) -> None:
    shop.begin()
    shop.work()
    shop.pair.target.run("DROP TRIGGER rollback_controller_fence ON items")
    seen = shop.look()
    assert not seen.proved
    assert "public.items" in seen.says
    shop.pair.target.run("INSERT INTO items (a) VALUES ('slipped in')")
    shop.work()
    assert shop.look().proved
    assert shop.is_same()


def test_writers_are_let_in_although_the_source_is_down(shop: Moved) -> None:
    shop.begin()
    shop.work()
    shop.let_go(source="host=127.0.0.1 port=1 connect_timeout=1")
    shop.pair.target.run("INSERT INTO items (a) VALUES ('welcome')")


def test_letting_go_of_nothing_changes_nothing(shop: Moved) -> None:
    called: list[int] = []
    shop.rows.let_go(shop.policy(), "sync", lambda: called.append(1))
    assert not called


def test_why_it_stopped_is_said_without_its_being_tried_again_and_it_can_be_resumed(shop: Moved) -> None:
    shop.begin()
    shop.pair.run("UPDATE items SET a = current_database() WHERE id = 1")
    with pytest.raises(PermanentError, match=r"changed on the source as well: 1 of public\.items"):
        shop.work()
    seen = shop.look()
    assert seen.why_not is not None
    assert "1 of public.items" in seen.why_not
    shop.work(conflicts="target_wins")
    seen = shop.look(conflicts="target_wins")
    assert (seen.proved, seen.why_not) == (True, None)
    assert seen.shown["conflicts"] == {"public.items": {"rows": 1, "kept_target": 1}}


def test_it_keeps_to_its_checkpoint(shop: Moved) -> None:
    shop.begin()
    shop.pair.target.run(*_WRITES)
    shop.work()
    shop.let_go()
    shop.rows.work(shop.policy(), "another", "sync", lambda: None)
    assert shop.look().proved


def test_nothing_is_changed_when_the_worker_may_not_act_any_more(shop: Moved) -> None:
    shop.begin()

    def lost() -> None:
        raise PermanentError("the lease ran out")

    with pytest.raises(PermanentError, match="the lease ran out"):
        shop.rows.work(shop.policy(), "change", "sync", lost)
    assert not shop.look().fenced


_RULES = {
    "says something else": ("SELECT count(*) FROM items", "the rule wanted expects '7', and got '20'"),
    "gives no value": ("SELECT a FROM items WHERE false", "the rule wanted expects '7', and got ''"),
    "gives several rows": ("SELECT id FROM items", "the rule wanted cannot be asked: more than one row returned"),
    "writes behind a function": (
        "SELECT setval('items_id_seq', 7)",
        r"the rule wanted cannot be asked: cannot execute setval\(\) in a read-only transaction",
    ),
    "does not end": ("SELECT pg_sleep(30)::text", "the rule wanted did not end within 1 s"),
}


@pytest.mark.parametrize("case", _RULES)
def test_a_rule_that_does_not_hold_is_named_with_what_it_gave(lasting: Moved, case: str) -> None:
    query, says = _RULES[case]
    lasting.checkpoints.begin(lasting.policy(), "change")
    with pytest.raises(PermanentError, match=says):
        lasting.work(case, rules={"wanted": {"query": query, "expect": "7", "within": "1s"}})
    assert not lasting.look(case).proved
    lasting.let_go()


def test_what_a_proof_finds_different_is_shown_by_key_and_column(shop: Moved) -> None:
    """A row that no log knows of: it was not the same when the change began."""
    shop.pair.source.run("UPDATE items SET a = repeat('x', 300) WHERE id = 4", "DELETE FROM notes WHERE id = 5")
    begun = shop.begin()
    assert "public.items: it is not the same on both sides" in " ".join(map(str, begun.findings))
    shop.work(unexplained="target_wins")
    found = shop.look().shown["unexplained"]
    assert {name: one["differences"] for name, one in found.items()} == {
        "public.items": [{"key": "4", "column": "a"}],
        "public.notes": [{"key": "5", "column": ""}],
    }
    assert shop.is_same()


@contextmanager
def _writing(shop: Moved) -> Iterator[None]:
    """Somebody writes until it is over."""
    over = threading.Event()

    def write() -> None:
        with shop.pair.target.connect("keeper") as connection:
            while not over.wait(0.01):
                connection.execute("UPDATE items SET a = clock_timestamp()::text WHERE id = 1")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield
    finally:
        over.set()
        writer.join()


def test_a_hook_that_stopped_the_writers_is_as_good_as_a_fence(shop: Moved) -> None:
    shop.begin(fence="hook")
    shop.pair.target.run(*_WRITES)
    shop.work(fence="hook")
    seen = shop.look(fence="hook")
    assert (seen.proved, seen.fenced) == (True, False)
    assert shop.is_same()
    shop.pair.target.run("UPDATE items SET a = 'late' WHERE id = 1")
    assert not shop.look(fence="hook").proved
    shop.work(fence="hook")
    assert shop.look(fence="hook").proved
    assert shop.is_same()


def test_a_hook_that_did_not_stop_the_writers_is_found_out(shop: Moved) -> None:
    shop.begin(fence="hook")
    with _writing(shop), pytest.raises(PermanentError, match=r"takes writes into public\.items: the hook did not"):
        shop.work(fence="hook", fence_within="1s")
    seen = shop.look(fence="hook")
    assert not seen.proved
    assert rows_of(shop.pair.source, "SELECT FROM rollback_controller.progress") == []


def test_a_writer_that_began_before_the_hook_and_does_not_end_is_found_out(shop: Moved) -> None:
    shop.begin(fence="hook")
    with shop.pair.target.connect("keeper") as writer:
        writer.execute("BEGIN; UPDATE items SET a = 'open' WHERE id = 1")
        with pytest.raises(PermanentError, match="do not end: the hook did not stop them"):
            shop.work(fence="hook", fence_within="1s")
        writer.execute("COMMIT")
    shop.work(fence="hook")
    assert shop.look(fence="hook").proved
    assert shop.is_same()


def test_a_hook_needs_logs_that_could_tell(shop: Moved) -> None:
    shop.begin(fence="hook")
    shop.pair.target.run("DROP TRIGGER rollback_controller_log_update ON items")
    with pytest.raises(PermanentError, match=r"whether the hook stopped .*public\.items: its triggers for update"):
        shop.work(fence="hook")


def test_a_writer_never_gets_past_the_fence_of_a_later_slice(shop: Moved) -> None:
    shop.begin()
    shop.work()
    with pytest.raises(psycopg.Error, match="writes are stopped here"):
        shop.pair.target.run("INSERT INTO items (a) VALUES ('too late')")


def test_a_later_way_back_takes_the_place_of_an_earlier_one(shop: Moved) -> None:
    shop.begin()
    shop.pair.target.run(*_WRITES)
    shop.work("first")
    shop.let_go()
    shop.pair.target.run("UPDATE items SET a = 'again' WHERE id < 9")
    shop.work("second")
    assert shop.look("second").proved
    shop.let_go()
    shop.pair.target.run("UPDATE items SET a = 'once more' WHERE id < 5")
    shop.work("first")
    assert shop.look("first").proved
    assert shop.is_same()
