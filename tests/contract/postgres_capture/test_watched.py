"""What a look says of logs: what they do not tell is said, and what is not known is not called quiet."""

import pytest

from shared.adapters.postgres.checkpoint import watching
from shared.errors import PermanentError
from tests.contract.postgres_ports.moved import Moved, rows_of

_QUIET = "SELECT content ? 'quiet_at' FROM rollback_controller.checkpoint"
_OFF_AND_ON = ("ALTER TABLE items DISABLE TRIGGER ALL", "ALTER TABLE items ENABLE TRIGGER ALL")
_SWITCHED = "public.items: its triggers were switched, or made anew, since the checkpoint"


def _watched(shop: Moved) -> tuple[str | None, str | None]:
    watched = shop.checkpoints.watch(shop.policy(), "change")
    return watched.lost, watched.warning


def _is_quiet(shop: Moved) -> bool:
    return bool(rows_of(shop.pair.target, _QUIET)[0][0])


def test_a_source_whose_triggers_were_off_for_a_while_stops_it_before_copying(shop: Moved) -> None:
    shop.begin()
    off, on = _OFF_AND_ON
    with shop.pair.source.connect() as superuser:
        for statement in (off, "UPDATE items SET a = 'on the source' WHERE id = 1", on):
            superuser.execute(statement.encode())
    shop.pair.target.run("UPDATE items SET a = 'on the target' WHERE id IN (1, 2)")
    assert _watched(shop) == (f"source: {_SWITCHED}: conflicts cannot be seen", None)
    with pytest.raises(PermanentError, match="nobody knows whether rows were changed on the source as well"):
        shop.work()
    assert rows_of(shop.pair.source, "SELECT a FROM items WHERE id < 3 ORDER BY id") == [
        ("on the source",),
        ("item 2",),
    ]


def test_a_target_whose_triggers_were_off_for_a_while_is_compared(shop: Moved) -> None:
    shop.begin()
    shop.pair.target.run(
        "ALTER TABLE items DISABLE TRIGGER rollback_controller_log_update",
        "UPDATE items SET a = 'unseen' WHERE id = 3",
        "ALTER TABLE items ENABLE ALWAYS TRIGGER rollback_controller_log_update",
    )
    assert _watched(shop) == (f"target: {_SWITCHED}", None)
    assert not _is_quiet(shop)
    shop.work()
    assert shop.look().proved
    assert shop.is_same()


def test_our_own_chunks_that_set_triggers_aside_are_nobody_elses(shop: Moved) -> None:
    with shop.pair.source.connect() as superuser:
        superuser.execute("REVOKE SET ON PARAMETER session_replication_role FROM keeper")
    try:
        shop.begin()
        shop.pair.target.run("UPDATE items SET a = 'new' WHERE id = 3")
        shop.work("one")
        shop.let_go()
        assert _watched(shop) == (None, None)
        shop.pair.target.run("UPDATE items SET a = 'newer' WHERE id = 3")
        shop.work("two")
        assert shop.look("two").proved
    finally:
        with shop.pair.source.connect() as superuser:
            superuser.execute("GRANT SET ON PARAMETER session_replication_role TO keeper")


def test_it_is_quiet_only_if_nothing_was_written_at_all(shop: Moved) -> None:
    shop.begin()
    shop.pair.target.run("TRUNCATE notes")
    said = "public.notes: not every key that was written is known: all its rows are compared"
    assert _watched(shop) == (None, said)
    assert not _is_quiet(shop)
    shop.checkpoints.begin(shop.policy(), "next")
    shop.checkpoints.watch(shop.policy(), "next")
    assert rows_of(shop.pair.target, f"{_QUIET} WHERE id = 'next'") == [(True,)]


def test_a_log_that_grows_is_told(shop: Moved, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.begin()
    shop.pair.target.run("DO $$ BEGIN FOR n IN 1..400 LOOP UPDATE items SET a = 'x'; END LOOP; END $$")
    assert _watched(shop) == (None, None)
    monkeypatch.setattr(watching, "_MUCH_BYTES", 100_000)
    assert _watched(shop) == (None, "keys that were written since take 0 MB on the target, until the change ends")
