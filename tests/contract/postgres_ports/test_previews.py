"""What a preview says is what happens, whichever way it is known what was written."""

from datetime import timedelta
from typing import Any

import pytest

from shared.errors import PermanentError
from shared.model.data_preview import DataPreview, Loss, SequenceGap
from shared.model.sync import Conflicts
from tests.contract.postgres_ports.moved import Moved, rows_of

_WRITES = (
    "UPDATE items SET a = 'changed' WHERE id <= 3",
    "UPDATE items SET a = a WHERE id = 4",
    "DELETE FROM notes WHERE id = 10",
    "INSERT INTO items (a) VALUES ('new'), ('newer')",
)


def _done(shop: Moved, **differently: Any) -> dict[str, tuple[int, int, int]]:
    tables = shop.look(**differently).shown["tables"]
    return {name: (one["inserted"], one["updated"], one["deleted"]) for name, one in tables.items()}


def _said(preview: DataPreview) -> dict[str, tuple[int, int, int]]:
    return {one.table: (one.inserts, one.updates, one.deletes) for one in preview.tables}


_UNKNOWN = {
    "all is logged": "SELECT 1",
    "a trigger is gone": "DROP TRIGGER rollback_controller_log_key ON items",
    "another server": "UPDATE rollback_controller.checkpoint SET system = '7'",
    "the log is gone": "DO $$ BEGIN EXECUTE format('DROP TABLE rollback_controller.log_%s CASCADE',"
    " 'items'::regclass::oid); END $$; DROP TRIGGER rollback_controller_log_insert ON items;"
    " DROP TRIGGER rollback_controller_log_update ON items",
}


@pytest.mark.parametrize("case", _UNKNOWN)
def test_what_is_said_is_done(shop: Moved, case: str) -> None:
    shop.begin()
    shop.pair.target.run(_UNKNOWN[case], *_WRITES)
    preview = shop.preview()
    assert _said(preview) == {"public.items": (2, 3, 0), "public.notes": (0, 0, 1)}
    assert preview.why_not is None
    assert any(one.compared for one in preview.tables) is (case != "all is logged")
    assert str(preview).startswith("shop: 2 rows inserted, 3 updated, 1 deleted on the source; nothing stays behind")
    shop.work()
    assert _done(shop) == _said(preview)
    after = shop.preview()
    assert (after.changes, after.lag) == (0, None)


def test_what_was_not_the_same_at_the_checkpoint_is_said_too(shop: Moved) -> None:
    shop.pair.source.run("DELETE FROM notes WHERE id > 7", "UPDATE items SET a = 'old' WHERE id = 9")
    shop.begin()
    shop.pair.target.run(*_WRITES)
    preview = shop.preview(unexplained="target_wins")
    assert _said(preview) == {"public.items": (2, 4, 0), "public.notes": (2, 0, 0)}
    shop.work(unexplained="target_wins")
    assert _done(shop) == _said(preview)


def test_rows_that_only_the_source_had_are_not_deleted_unasked(shop: Moved) -> None:
    """People placed orders on the source between two changes: nobody may take them for deleted."""
    shop.pair.source.run("INSERT INTO notes SELECT i, 1, 'paid' FROM generate_series(100, 199) AS i")
    shop.begin()
    shop.pair.target.run(*_WRITES)
    preview = shop.preview()
    assert (
        preview.why_not == "rows are not the same although nobody wrote them since the checkpoint: 100 of public.notes"
    )
    with pytest.raises(PermanentError, match=r"nobody wrote them since the checkpoint: 100 of public\.notes"):
        shop.work()
    assert shop.preview(unexplained="source_wins").why_not is None
    shop.work(unexplained="source_wins")
    assert shop.look().proved
    assert rows_of(shop.pair.source, "SELECT count(*) FROM notes WHERE said = 'paid'") == [(100,)]


@pytest.mark.parametrize("rule", list(Conflicts))
def test_rows_that_were_changed_on_both_sides_are_counted_by_the_rule(shop: Moved, rule: Conflicts) -> None:
    shop.begin()
    shop.pair.target.run(*_WRITES)
    shop.pair.source.run("UPDATE items SET a = 'mine' WHERE id IN (1, 15)", "INSERT INTO notes VALUES (99, 1, 'mine')")
    preview = shop.preview(conflicts=rule)
    assert {one.table: one.conflicts for one in preview.tables} == {"public.items": 2, "public.notes": 1}
    if rule is Conflicts.STOP:
        assert preview.why_not == "rows were changed on the source as well: 2 of public.items, 1 of public.notes"
        return
    assert preview.why_not is None
    shop.work(conflicts=rule)
    assert _done(shop) == _said(preview)
    assert _said(preview)["public.items"] == ((2, 4, 0) if rule is Conflicts.TARGET_WINS else (2, 2, 0))


def test_rows_without_a_key_are_said_as_copies(shop: Moved) -> None:
    shop.pair.run("CREATE TABLE loose (a text)", "INSERT INTO loose VALUES ('x'), ('x'), ('y')")
    shop.begin(keyless="replace")
    assert _said(shop.preview(keyless="replace"))["public.loose"] == (0, 0, 0)
    shop.pair.target.run("DELETE FROM loose WHERE a = 'x'", "INSERT INTO loose VALUES ('y'), ('y'), ('z')")
    preview = shop.preview(keyless="replace")
    assert _said(preview)["public.loose"] == (3, 0, 2)
    shop.work(keyless="replace")
    assert _done(shop, keyless="replace")["public.loose"] == (3, 0, 2)


def test_what_stays_behind_is_counted(shop: Moved) -> None:
    shop.begin()
    shop.pair.target.run(
        "CREATE TABLE more (id int PRIMARY KEY)",
        "INSERT INTO more SELECT generate_series(1, 7)",
        "CREATE TABLE none (id int PRIMARY KEY)",
        "ALTER TABLE items ADD extra text",
        "UPDATE items SET extra = 'lost' WHERE id <= 4",
        "UPDATE items SET extra = NULL WHERE id = 4",
    )
    preview = shop.preview()
    assert set(preview.losses) == {
        Loss(about="public.more", what="it is not on the source: none of its rows can go back", rows=7),
        Loss(about="public.items.extra", what="it is not on the source: what it holds stays behind", rows=3),
    }
    assert preview.lost == 10
    assert "10 rows or values stay behind" in str(preview)
    assert "public.items: its definition on the target has changed" in " ".join(map(str, preview.findings))


def test_of_a_column_all_values_are_counted_where_no_log_says_which_rows(shop: Moved) -> None:
    shop.begin()
    shop.pair.target.run("ALTER TABLE items ADD extra text DEFAULT 'new'", "TRUNCATE notes")
    assert shop.preview().lost == 0
    shop.pair.target.run("DROP TRIGGER rollback_controller_log_key ON items")
    assert shop.preview().lost == 20


def test_sequences_say_where_they_would_be(shop: Moved) -> None:
    shop.begin()
    shop.pair.target.run(*_WRITES)
    assert shop.preview().sequences == (SequenceGap(sequence="public.items_id_seq", source=20, target=22),)


def test_a_lag_is_never_understated(shop: Moved) -> None:
    shop.begin()
    assert shop.preview().lag is None
    shop.checkpoints.watch(shop.policy(), "change")
    shop.pair.target.run(*_WRITES)
    shop.checkpoints.watch(shop.policy(), "change")
    lag = shop.preview().lag
    assert lag is not None
    assert timedelta(0) < lag < timedelta(seconds=30)
    with shop.pair.target.connect() as superuser:
        superuser.execute(
            "UPDATE rollback_controller.checkpoint SET content = jsonb_set(content, '{quiet_at}',"
            " to_jsonb((content->>'quiet_at')::timestamptz - interval '1 hour'))"
        )
    later = shop.preview().lag
    assert later is not None
    assert later > timedelta(hours=1)


_READABLE = {
    "it can": ("SELECT count(*) FROM items", "20", True, "the old build can read the source as it is now"),
    "it cannot": ("SELECT count(*) FROM items", "19", False, "expects '19', and got '20'"),
    "it is not there": ("SELECT max(version) FROM versions", "1", False, 'relation "versions" does not exist'),
}


@pytest.mark.parametrize("case", _READABLE)
def test_whether_the_old_build_can_read_it_is_asked_on_the_source(shop: Moved, case: str) -> None:
    query, expect, ok, says = _READABLE[case]
    shop.begin()
    shop.pair.target.run("CREATE TABLE versions AS SELECT 1 AS version", "DELETE FROM notes", "DELETE FROM items")
    preview = shop.preview(readable={"query": query, "expect": expect}, leave_out=("public.versions",))
    assert preview.readable is not None
    assert preview.readable.ok is ok
    assert says in preview.readable.says
    assert (preview.why_not is None) is ok


def test_a_source_that_nobody_watched_is_said(shop: Moved) -> None:
    shop.begin()
    shop.pair.source.run("DROP TRIGGER rollback_controller_log_update ON items")
    found = " ".join(map(str, shop.preview().findings))
    assert "public.items: nobody knows whether its rows were changed on the source as well" in found


def test_no_checkpoint_is_said_as_it_is(shop: Moved) -> None:
    with pytest.raises(PermanentError, match="there is no checkpoint 'change' on the target"):
        shop.preview()


def test_it_changes_nothing_but_takes_its_time_into_account(shop: Moved) -> None:
    shop.begin()
    before = shop.preview()
    shop.pair.target.run("INSERT INTO items (a) SELECT 'many' FROM generate_series(1, 100000)", "ANALYZE items")
    assert shop.preview().takes > before.takes + timedelta(seconds=1)
    assert shop.preview().digest == before.digest
