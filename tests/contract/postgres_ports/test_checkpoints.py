"""Checkpoints by their port: begun once, watched, and ended; whatever makes a log say less than all is said."""

from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest

from shared.adapters.postgres.checkpoint import begin, content
from shared.adapters.postgres.migration.records import make_point, prepare_migrations
from shared.model.sync import Severity
from tests.contract.postgres_ports.moved import Moved, rows_of

_OURS = "SELECT count(*)::int FROM pg_trigger WHERE tgname LIKE 'rollback_controller_log_%'"


def test_it_is_taken_once_and_holds_rows_sums_and_sequences(shop: Moved) -> None:
    first, again = shop.begin(), shop.begin()
    assert first.taken_at is not None
    assert first == again
    [(content,)] = rows_of(shop.pair.target, "SELECT content FROM rollback_controller.checkpoint")
    [(mine,)] = rows_of(shop.pair.source, "SELECT content FROM rollback_controller.checkpoint")
    assert content["tables"]["public.items"]["rows"] == 20
    assert content["tables"]["public.items"]["digest"] == mine["tables"]["public.items"]["digest"]
    assert content["tables"]["public.items"]["definition"] == mine["tables"]["public.items"]["definition"]
    assert content["sequences"] == {"public.items_id_seq": 20}


def test_it_names_the_newest_restore_point_of_its_server(shop: Moved) -> None:
    with shop.pair.target.access.connected(statement=timedelta(seconds=9)) as target:
        prepare_migrations(target)
        for name in ("before_1", "before_2"):
            point = make_point(target, name, ())
        target.execute(
            "INSERT INTO rollback_controller.restore_point SELECT 'elsewhere', now(), '0/1', 1, '7', true, '{}'"
        )
    shop.begin()
    [(content,)] = rows_of(shop.pair.target, "SELECT content FROM rollback_controller.checkpoint")
    assert content["restore_point"] == "before_2"
    assert content["restore"]["lsn"] == point.lsn
    assert content["restore"]["at"] == point.at.isoformat()
    assert content["restore"]["exact"] is point.exact
    [(mine,)] = rows_of(shop.pair.source, "SELECT content FROM rollback_controller.checkpoint")
    assert mine["restore_point"] is None


def test_both_sides_are_summed_at_once(shop: Moved, monkeypatch: pytest.MonkeyPatch) -> None:
    met = Barrier(2, timeout=5)

    def content_of(*args: Any, **options: Any) -> dict[str, Any]:
        met.wait()
        return content.content_of(*args, **options)

    monkeypatch.setattr(begin, "content_of", content_of)
    assert shop.begin().taken_at is not None


def test_a_look_before_says_the_same_and_changes_nothing(shop: Moved) -> None:
    shop.pair.target.run("CREATE TABLE more (id int PRIMARY KEY)")
    found = shop.checkpoints.preflight(shop.policy())
    assert [str(one) for one in found] == ["public.more: it is not on the source: none of its rows can go back"]
    for side in (shop.pair.source, shop.pair.target):
        assert rows_of(side, "SELECT FROM pg_namespace WHERE nspname = 'rollback_controller'") == []


def test_what_stands_against_it_is_returned_and_nothing_is_changed(shop: Moved) -> None:
    shop.pair.run("CREATE TABLE loose (id int)")
    begun = shop.begin()
    assert begun.taken_at is None
    assert [one.about for one in begun.findings if one.severity is Severity.BLOCKS] == ["public.loose"]
    assert rows_of(shop.pair.target, _OURS) == [(0,)]


def test_a_fence_that_still_stands_must_be_released_first(shop: Moved) -> None:
    shop.begin()
    shop.work()
    shop.checkpoints.end(shop.policy(), "change")
    begun = shop.begin()
    assert begun.taken_at is None
    assert "writers are still kept off public.items, public.notes" in str(begun.findings[-1])
    shop.let_go()
    assert shop.begin().taken_at is not None


@pytest.mark.parametrize(
    ("differently", "says"),
    [
        ({"capture": "slot"}, "keeper may not use a slot: ALTER ROLE keeper REPLICATION"),
    ],
)
def test_what_a_policy_asks_for_and_cannot_have_is_said(lasting: Moved, differently: dict[str, str], says: str) -> None:
    begun = lasting.checkpoints.begin(lasting.policy(**differently), "never")
    assert begun.taken_at is None
    assert says in " ".join(str(one) for one in begun.findings if one.severity is Severity.BLOCKS)


def test_keys_are_counted_once_however_often_they_are_written(shop: Moved) -> None:
    shop.begin()
    assert (shop.checkpoints.watch(shop.policy(), "change").keys) == 0
    shop.pair.target.run("UPDATE items SET a = 'x' WHERE id < 6", "UPDATE items SET a = 'y' WHERE id < 4")
    watched = shop.checkpoints.watch(shop.policy(), "change")
    assert (watched.lost, watched.keys) == (None, 5)


_TRIGGER = "TRIGGER rollback_controller_log_{} ON {}"
_LOST = {
    "the row of the checkpoint": ("target", "DELETE FROM rollback_controller.checkpoint", "there is no checkpoint"),
    "all of it": ("target", "DROP SCHEMA rollback_controller CASCADE", "there is no checkpoint"),
    "another server": ("target", "UPDATE rollback_controller.checkpoint SET system = '7'", "restored, or moved"),
    "a trigger": ("target", "DROP TRIGGER rollback_controller_log_delete ON items", "items: its triggers for delete"),
    "a trigger that is off": (
        "target",
        "ALTER TABLE items DISABLE TRIGGER rollback_controller_log_update",
        "public.items: its triggers for update are off",
    ),
    "a trigger that leaves replicas out": (
        "target",
        "ALTER TABLE items ENABLE TRIGGER rollback_controller_log_update",
        "public.items: its triggers for update are off",
    ),
    "the trigger for TRUNCATE": (
        "target",
        "DROP TRIGGER rollback_controller_log_emptied ON items",
        "public.items: its triggers for emptied are gone",
    ),
    "a table that was made anew": (
        "target",
        "DROP TABLE notes; CREATE TABLE notes (id int PRIMARY KEY, item int, said text)",
        "public.notes: the table was made anew",
    ),
    "a table that is gone": ("target", "DROP TABLE notes", "public.notes: the table was made anew, renamed or dropped"),
    "a checkpoint of the source": (
        "source",
        "DELETE FROM rollback_controller.checkpoint",
        "source: there is no checkpoint 'change' on it any more: conflicts cannot be seen",
    ),
    "a trigger of the source": (
        "source",
        "DROP TRIGGER rollback_controller_log_insert ON items",
        "source: public.items: its triggers for insert are gone: conflicts cannot be seen",
    ),
}


@pytest.mark.parametrize("case", _LOST)
def test_what_a_log_does_not_tell_any_more_is_said_by_name(lasting: Moved, case: str) -> None:
    side, statement, says = _LOST[case]
    lasting.checkpoints.end(lasting.policy(), "change")
    lasting.begin()
    assert lasting.checkpoints.watch(lasting.policy(), "change").lost is None
    getattr(lasting.pair, side).run(statement)
    lost = lasting.checkpoints.watch(lasting.policy(), "change").lost
    assert lost is not None
    assert lost.startswith(side)
    assert says in lost


def test_a_log_that_is_gone_is_said_by_name(shop: Moved) -> None:
    shop.begin()
    [(oid,)] = rows_of(shop.pair.target, "SELECT 'items'::regclass::oid::int")
    shop.pair.target.run(f"DROP TABLE rollback_controller.log_{oid}")
    assert shop.checkpoints.watch(shop.policy(), "change").lost == "target: public.items: its log is gone"


def test_a_table_that_was_emptied_is_compared_and_not_lost(shop: Moved) -> None:
    shop.begin()
    shop.pair.target.run("TRUNCATE notes")
    assert shop.checkpoints.watch(shop.policy(), "change").lost is None


@pytest.mark.parametrize(
    "spoiled",
    [
        "DROP TRIGGER rollback_controller_log_update ON items",
        "UPDATE rollback_controller.checkpoint SET system = '7'",
        "ALTER TABLE items DISABLE TRIGGER rollback_controller_log_update",
    ],
)
def test_what_no_log_tells_goes_back_by_comparison(shop: Moved, spoiled: str) -> None:
    shop.begin()
    shop.pair.target.run(spoiled, "UPDATE items SET a = 'unseen' WHERE id = 2")
    shop.work()
    assert shop.look().proved
    assert shop.is_same()


def test_half_a_capture_is_made_whole_by_the_next_checkpoint(shop: Moved) -> None:
    shop.begin()
    shop.pair.target.run("DROP TRIGGER rollback_controller_log_update ON items")
    shop.pair.target.run("UPDATE items SET a = 'unseen' WHERE id = 2")
    shop.checkpoints.begin(shop.policy(), "next")
    assert shop.checkpoints.watch(shop.policy(), "next").lost is None
    items = next(one for one in shop.preview().tables if one.table == "public.items")
    assert (items.updates, items.compared) == (1, True)  # of the older one, nobody knows


def test_it_ends_without_a_trace_on_the_tables_and_keeps_what_was_overwritten(shop: Moved) -> None:
    shop.begin()
    shop.pair.target.run("UPDATE items SET a = 'new' WHERE id = 2")
    shop.work()
    shop.let_go()
    for _ in range(2):
        shop.checkpoints.end(shop.policy(), "change")
    for side in (shop.pair.source, shop.pair.target):
        assert rows_of(side, _OURS) == [(0,)]
        assert rows_of(side, "SELECT FROM pg_class WHERE relname ~ '^(log|pinned)_'") == []
    [(oid,)] = rows_of(shop.pair.source, "SELECT 'items'::regclass::oid::int")
    kept = f"SELECT id, a FROM rollback_controller.before_{oid}"  # noqa: S608  # a number
    assert rows_of(shop.pair.source, kept) == [(2, "item 2")]
    assert shop.look().shown["tables"]["public.items"]["updated"] == 1


def test_it_ends_where_it_never_began(shop: Moved) -> None:
    shop.checkpoints.end(shop.policy(), "change")
    assert rows_of(shop.pair.target, "SELECT FROM pg_namespace WHERE nspname = 'rollback_controller'") == []


def test_capture_goes_on_for_another_checkpoint(shop: Moved) -> None:
    shop.begin()
    shop.checkpoints.begin(shop.policy(), "next")
    shop.checkpoints.end(shop.policy(), "change")
    assert shop.checkpoints.watch(shop.policy(), "next").lost is None


def test_images_are_dropped_when_their_time_is_over(shop: Moved) -> None:
    shop.begin()
    shop.pair.target.run("UPDATE items SET a = 'new' WHERE id = 2")
    shop.work()
    [(oid,)] = rows_of(shop.pair.source, "SELECT 'items'::regclass::oid::int")
    kept = f"SELECT count(*)::int FROM rollback_controller.before_{oid}"  # noqa: S608  # a number
    shop.checkpoints.watch(shop.policy(keep_images="14d"), "change")
    assert rows_of(shop.pair.source, kept) == [(1,)]
    with shop.pair.source.connect() as superuser:
        superuser.execute("UPDATE rollback_controller.progress SET at = at - %s", [timedelta(days=15)])
    of_before = f"rollback_controller.before_{oid}"
    shop.pair.source.run(f"CREATE TABLE {of_before}_1 AS SELECT * FROM {of_before}")  # noqa: S608  # a number
    shop.checkpoints.watch(shop.policy(keep_images="14d"), "change")
    assert rows_of(shop.pair.source, kept) == [(0,)]
    assert rows_of(shop.pair.source, kept + "_1") == [(0,)]
    assert not shop.look().begun
