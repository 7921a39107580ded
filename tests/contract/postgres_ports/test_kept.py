"""What is kept of a change and of its ways back, for how long, and what goes when capture ends."""

from datetime import timedelta
from typing import Any

import pytest
from psycopg.conninfo import make_conninfo

from shared.adapters.postgres.server.one_worker import LOCK
from shared.adapters.postgres.undo.slices import Undo
from shared.errors import PermanentError, TransientError
from tests.contract.postgres_corruption.planted import damage, look
from tests.contract.postgres_ports.moved import Moved, rows_of

_OLDER = timedelta(days=15)
_OURS = """
SELECT tgname::text FROM pg_trigger WHERE tgname LIKE 'rollback_controller_log_%'
UNION ALL SELECT proname::text FROM pg_proc WHERE proname ~ '^log_'
UNION ALL SELECT relname::text FROM pg_class WHERE relkind = 'r' AND relname ~ '^(log|pinned|suspect)_'
"""
_KEPT = ("progress", "conflict", "unexplained", "note")


def _end(shop: Moved) -> None:
    shop.checkpoints.end(shop.policy(), "change")


def _watch(shop: Moved, **differently: Any) -> Any:
    return shop.checkpoints.watch(shop.policy(**differently), "change")


def test_one_that_was_ended_by_hand_is_gone_and_not_lost(shop: Moved) -> None:
    shop.begin()
    assert not _watch(shop).gone
    _end(shop)
    assert (_watch(shop).gone, _watch(shop).lost) == (True, None)
    for side in (shop.pair.source, shop.pair.target):
        side.run("DROP SCHEMA rollback_controller CASCADE")
    assert _watch(shop).gone


@pytest.mark.parametrize("side", ["source", "target"])
def test_one_that_is_on_one_side_alone_is_lost_and_not_gone(shop: Moved, side: str) -> None:
    shop.begin()
    getattr(shop.pair, side).run("DROP SCHEMA rollback_controller CASCADE")
    seen = _watch(shop)
    assert not seen.gone
    assert seen.lost is not None
    assert seen.lost.startswith(f"{side}: there is no checkpoint")


@pytest.mark.parametrize("side", ["source", "target"])
def test_a_side_that_does_not_answer_is_not_gone(lasting: Moved, side: str) -> None:
    dead = make_conninfo(getattr(lasting.pair, side).access.conninfo, port=1)
    with pytest.raises(TransientError):
        _watch(lasting, **{side: dead})


def test_databases_that_hold_nothing_of_ours_end_and_keep_nobody_out(lasting: Moved) -> None:
    """What the policy leads to for a while in place of servers that are gone for good."""
    for side in (lasting.pair.source, lasting.pair.target):
        side.run("DROP SCHEMA IF EXISTS rollback_controller CASCADE")
    assert lasting.rows.fenced_by(lasting.policy()) == ""
    _end(lasting)
    assert _watch(lasting).gone


def test_capture_ends_on_tables_that_are_not_what_they_were(shop: Moved) -> None:
    for name in ("gone", '"left"'):
        shop.pair.run(f"CREATE TABLE {name} (id int PRIMARY KEY)")
    shop.begin()
    shop.pair.target.run("UPDATE items SET a = 'x' WHERE id = 1")
    shop.work()
    shop.let_go()
    for side in (shop.pair.source, shop.pair.target):
        side.run("ALTER TABLE notes RENAME TO remarks", "DROP TABLE gone", "TRUNCATE items CASCADE")
        with side.connect() as superuser:
            superuser.execute('ALTER TABLE "left" OWNER TO app')
    shop.pair.source.run("CREATE TABLE rollback_controller.suspect_7 (rollback_bucket int8)")
    _end(shop)
    for side in (shop.pair.source, shop.pair.target):
        assert rows_of(side, _OURS) == []
        assert rows_of(side, "SELECT FROM rollback_controller.emptied") == []
        side.run("INSERT INTO remarks VALUES (1, NULL, 'after')")


def _one_that_stops(shop: Moved) -> None:
    """A way back with rows copied, and with rows that differ and that people must decide."""
    shop.begin()
    damage(shop.pair.target, "UPDATE items SET a = 'damaged' WHERE id = 5")
    shop.pair.target.run("UPDATE items SET a = 'new' WHERE id = 2")
    with pytest.raises(PermanentError, match="although nobody wrote them since the checkpoint"):
        shop.work()
    shop.let_go()


def _kept(shop: Moved) -> dict[str, int]:
    """Count what was noted of ways back; of where there is none, nothing was."""
    found = {name: rows_of(shop.pair.source, f"SELECT FROM rollback_controller.{name}") for name in _there(shop)}
    return {name: len(rows) for name, rows in found.items() if rows}


def _there(shop: Moved) -> list[str]:
    named = rows_of(shop.pair.source, "SELECT relname::text FROM pg_class WHERE relkind = 'r'")
    return [name for (name,) in named if name in _KEPT]


def _images(shop: Moved) -> int:
    [(oid,)] = rows_of(shop.pair.source, "SELECT 'items'::regclass::oid::int")
    return len(rows_of(shop.pair.source, f"SELECT FROM rollback_controller.before_{oid}"))


def _time_goes_by(shop: Moved) -> None:
    with shop.pair.source.connect() as here, shop.pair.target.connect() as there:
        here.execute("UPDATE rollback_controller.progress SET at = at - %s", [_OLDER])
        here.execute(
            "UPDATE rollback_controller.note SET content = jsonb_set(content, '{began_at}',"
            " to_jsonb((content->>'began_at')::timestamptz - %s)) WHERE name = 'state'",
            [_OLDER],
        )
        searched = there.execute("SELECT to_regclass('rollback_controller.damaged')").fetchone()
        if searched != (None,):
            there.execute("UPDATE rollback_controller.damaged SET found_at = found_at - %s", [_OLDER])


def test_all_that_was_noted_goes_with_the_images(shop: Moved) -> None:
    _one_that_stops(shop)
    shop.work(unexplained="target_wins")
    shop.let_go()
    assert _kept(shop).keys() == {"progress", "unexplained", "note"}
    _watch(shop)
    assert _images(shop) == 2
    _time_goes_by(shop)
    _watch(shop)
    assert (_kept(shop), _images(shop)) == ({}, 0)


def test_what_is_open_is_kept_until_it_cannot_go_on(shop: Moved) -> None:
    _one_that_stops(shop)
    before = _kept(shop)
    _time_goes_by(shop)
    _watch(shop)
    assert (_kept(shop), _images(shop)) == (before, 1)
    shop.checkpoints.begin(shop.policy(), "next")
    _end(shop)
    shop.checkpoints.watch(shop.policy(), "next")
    assert (_kept(shop), _images(shop)) == ({}, 0)


def test_one_that_copied_nothing_ages_too(shop: Moved) -> None:
    shop.begin()
    shop.pair.run("UPDATE items SET a = current_database() WHERE id = 2")
    with pytest.raises(PermanentError, match="changed on the source as well"):
        shop.work()
    shop.let_go()
    shop.checkpoints.begin(shop.policy(), "next")
    _end(shop)
    shop.checkpoints.watch(shop.policy(), "next")
    assert _kept(shop) == {"note": 1}
    _time_goes_by(shop)
    shop.checkpoints.watch(shop.policy(), "next")
    assert _kept(shop) == {}


def test_one_that_is_being_taken_back_is_kept(shop: Moved) -> None:
    shop.begin()
    shop.pair.target.run("UPDATE items SET a = 'new' WHERE id = 2")
    shop.work()
    shop.let_go()
    undo = Undo("sync", shop.pair.source.access, shop.policy().sync_rules)
    with shop.pair.source.connect() as superuser:
        superuser.execute("INSERT INTO rollback_controller.note VALUES ('sync', 'undo', '{\"stage\": \"undo\"}')")
    _time_goes_by(shop)
    _watch(shop)
    assert _images(shop) == 1
    undo.work(10)
    _time_goes_by(shop)
    _watch(shop)
    assert _images(shop) == 0


def test_keys_of_damaged_rows_stay_as_long_as_their_checkpoint_or_a_way_back_to_it(shop: Moved) -> None:
    damaged = "SELECT key FROM rollback_controller.damaged"
    _one_that_stops(shop)
    look(shop.pair, rules=shop.policy().sync_rules)
    assert rows_of(shop.pair.target, damaged) == [(["5"],)]
    shop.work(unexplained="source_wins")
    shop.let_go()
    shop.checkpoints.begin(shop.policy(), "next")
    _end(shop)
    for keep, left in (("30d", [(["5"],)]), ("14d", [])):
        _time_goes_by(shop)
        shop.checkpoints.watch(shop.policy(keep_images=keep), "next")
        assert rows_of(shop.pair.target, damaged) == left
        with shop.pair.target.connect() as superuser:
            superuser.execute("UPDATE rollback_controller.damaged SET found_at = clock_timestamp()")


def _long_done(shop: Moved) -> None:
    shop.begin()
    shop.pair.target.run("UPDATE items SET a = 'new' WHERE id = 2")
    shop.work()
    shop.let_go()
    _time_goes_by(shop)


def test_nothing_is_dropped_while_somebody_works(shop: Moved) -> None:
    _long_done(shop)
    with shop.pair.source.connect("keeper") as worker:
        worker.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        _watch(shop)
        assert (_images(shop), set(_kept(shop))) == (1, {"progress", "note"})
    _watch(shop)
    assert (_images(shop), _kept(shop)) == (0, {})


def test_images_of_a_chunk_that_is_under_way_are_not_emptied_with_others(shop: Moved) -> None:
    """Its worker may be gone, and its server not have seen it yet."""
    _long_done(shop)
    [(oid,)] = rows_of(shop.pair.source, "SELECT 'items'::regclass::oid::int")
    with shop.pair.source.connect("keeper") as chunk:
        chunk.execute("BEGIN")
        row = "('second', 1, 'move', 0, true, 9, 'item 9')"
        chunk.execute(f"INSERT INTO rollback_controller.before_{oid} VALUES {row}")  # noqa: S608  # as above
        assert _watch(shop).lost is None
        chunk.execute("COMMIT")
    _watch(shop)
    assert (_images(shop), _kept(shop)) == (1, {})
