"""A table that was there at the checkpoint, and is not taken now: what was written into it is told, and counted."""

from typing import Any

import pytest

from shared.model.data_preview import Loss
from shared.model.sync import Severity
from tests.contract.postgres_ports.moved import Moved

_WRITES = ("UPDATE notes SET said = 'acknowledged' WHERE id <= 3", "INSERT INTO notes VALUES (11, 1, 'acknowledged')")
_DROPPED = "it was dropped on the target since the checkpoint: what was written into it cannot go back"


def _taken(why: str) -> str:
    return f"it was taken at the checkpoint, and {why}: what was written into it stays behind"


_LEFT: dict[str, tuple[tuple[str, ...], dict[str, Any], str]] = {
    "dropped": (("DROP TABLE notes",), {}, _DROPPED),
    "moved to another schema": (
        ("CREATE SCHEMA archive", "ALTER TABLE notes SET SCHEMA archive"),
        {},
        _taken("is archive.notes now, which is not taken"),
    ),
    "moved, and made anew": (
        ("CREATE SCHEMA archive", "ALTER TABLE notes SET SCHEMA archive", "CREATE TABLE notes (LIKE archive.notes)",
         "ALTER TABLE notes ADD PRIMARY KEY (id)"),
        {},
        _taken("is archive.notes now, which is not taken"),
    ),
    "renamed to what is left out": (
        ("ALTER TABLE notes RENAME TO old_notes",),
        {"leave_out": ("public.old_*",)},
        _taken("is public.old_notes now, which is not taken"),
    ),
    "not named any more": ((), {"tables": ("public.items",)}, _taken("is not taken any more")),
}  # fmt: skip


@pytest.mark.parametrize("case", _LEFT)
def test_what_was_written_into_it_is_lost_and_people_agree_to_that(shop: Moved, case: str) -> None:
    statements, policy, says = _LEFT[case]
    shop.begin()
    before = shop.preview().digest
    shop.pair.target.run(*_WRITES, *statements)
    preview = shop.preview(**policy)
    assert preview.losses == (Loss(about="public.notes", what=says, rows=4),)
    assert f"public.notes: {says}" in [str(one) for one in preview.findings if one.severity is Severity.LOSES]
    assert preview.behind == (f"public.notes: {says} (4)",)
    assert preview.digest != before


def test_one_that_nobody_wrote_is_named_and_nothing_is_lost(shop: Moved) -> None:
    shop.begin()
    shop.pair.target.run("DROP TABLE notes")
    preview = shop.preview()
    assert (preview.lost, preview.why_not) == (0, None)
    assert f"public.notes: {_DROPPED}" in [str(one) for one in preview.findings if one.severity is Severity.NOTED]


@pytest.mark.parametrize(("also", "rows"), [("TRUNCATE notes", 10), ("SELECT 1", 10)])
@pytest.mark.parametrize("capture", ["triggers", "compare"])
def test_where_no_log_says_it_all_rows_may_have_been_written(shop: Moved, capture: str, also: str, rows: int) -> None:
    shop.begin(capture=capture)
    shop.pair.target.run("DELETE FROM notes WHERE id > 8", also, "DROP TABLE notes")
    lost = shop.preview(capture=capture).lost
    assert lost == (2 if (capture, also) == ("triggers", "SELECT 1") else rows)


def test_a_table_of_another_name_on_both_sides_goes_back(shop: Moved) -> None:
    shop.begin()
    shop.pair.target.run(*_WRITES)
    shop.pair.run("ALTER TABLE notes RENAME TO remarks")
    preview = shop.preview(conflicts="target_wins")
    assert (preview.losses, {one.table: one.updates for one in preview.tables}["public.remarks"]) == ((), 3)


def test_a_table_that_the_source_has_no_more_is_counted_once(shop: Moved) -> None:
    shop.begin()
    shop.pair.target.run(*_WRITES)
    shop.pair.source.run("DROP TABLE notes")
    says = "it is not on the source: none of its rows can go back"
    assert shop.preview().losses == (Loss(about="public.notes", what=says, rows=11),)


def test_a_table_without_a_key_is_counted_as_a_whole_once_it_was_written(shop: Moved) -> None:
    shop.pair.run("CREATE TABLE loose (a int)", "INSERT INTO loose VALUES (1), (1), (2)")
    shop.begin(keyless="replace")
    policy = {"keyless": "replace", "leave_out": ("public.loose",)}
    assert shop.preview(**policy).lost == 0
    shop.pair.target.run("INSERT INTO loose VALUES (3)")
    assert shop.preview(**policy).lost == 4
