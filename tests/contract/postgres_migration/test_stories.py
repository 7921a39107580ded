"""Migrations from their first script to their last word, on real servers."""

import pytest

from tests.contract.postgres_migration.place import Place, run

Printed = pytest.CaptureFixture[str]

_ITEMS = "CREATE TABLE items (id int PRIMARY KEY, name text);\nINSERT INTO items VALUES (1, 'one');\n"
# What only a transaction sees that has written something: it holds before the commit, and not after it.
_WITHIN = ("SELECT pg_current_xact_id_if_assigned() IS NOT NULL", "t")


def test_scripts_are_applied_once_and_in_their_order(either: Place, capsys: Printed) -> None:
    either.write(s002_add="ALTER TABLE items ADD price int;", s001_items=_ITEMS, s010_fill="UPDATE items SET price = 5")
    either.expect(priced=("SELECT count(*) FROM items WHERE price = 5", "1"))
    ended = run(either, capsys, "apply")
    assert (ended.status, ended.outcome["status"]) == (0, "committed")
    assert either.applied() == ["001_items.sql", "002_add.sql", "010_fill.sql"]
    assert ended.says == "001_items.sql, 002_add.sql, 010_fill.sql applied; validations that hold: 1"
    again = run(either, capsys, "apply")
    assert (again.status, again.says) == (0, "nothing is left to apply; validations that hold: 1")
    assert either.ask("SELECT count(*) FROM rollback_controller.restore_point") == 1


def test_the_rules_of_the_policy_stand_in_for_a_file(place: Place, capsys: Printed) -> None:
    place.write(s001_items=_ITEMS)
    rule = "rules: {one: {query: SELECT count(*) FROM items, expect: '2'}}"
    ended = run(place.with_policy(rule), capsys, "apply")
    assert (ended.status, ended.says.partition(";")[0]) == (1, "it does not hold: one: expected 2, got 1")


def test_what_does_not_hold_within_is_rolled_back_and_the_point_stays(either: Place, capsys: Printed) -> None:
    either.write(s001_items=_ITEMS)
    either.expect(two=("SELECT count(*) FROM items", "2"), one=("SELECT count(*) FROM items", "1"))
    ended = run(either, capsys, "apply", "--point", "before-it")
    assert ended.status == 1
    assert ended.says.startswith("it does not hold: two: expected 2, got 1; all of it was rolled back")
    assert either.ask("SELECT to_regclass('items')") is None
    assert either.applied() == []
    assert either.ask("SELECT name FROM rollback_controller.restore_point") == "before-it"


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("SELECT 1;\n\nSELECT 2,\n  nothing\nFROM items", "002_bad.sql:4: column"),
        ("SELECT 1;\nINSERT INTO items VALUES (1)", "002_bad.sql:2: duplicate key value"),
        ("DO $$\nBEGIN\n  PERFORM 1/0;\nEND $$", "002_bad.sql:1: division by zero"),
        ("\n\nSELEC 1", '002_bad.sql:3: syntax error at or near "SELEC"'),
        ("SET lock_timeout = 0; SELECT pg_sleep(9)", "002_bad.sql:1: canceling statement due to statement timeout"),
    ],
)
def test_what_goes_wrong_is_said_by_script_and_line(place: Place, capsys: Printed, script: str, says: str) -> None:
    place.write(s001_items=_ITEMS, s002_bad=script)
    ended = run(place, capsys, "apply", "--statement-timeout", "300ms")
    assert (ended.status, ended.outcome["status"]) == (1, "rolled_back")
    assert ended.says.startswith(says)
    assert place.ask("SELECT to_regclass('items')") is None


def test_what_is_checked_at_the_commit_is_checked_before(either: Place, capsys: Printed) -> None:
    either.write(
        s001_items=_ITEMS,
        s002_parts="CREATE TABLE parts (item int REFERENCES items DEFERRABLE INITIALLY DEFERRED);"
        "INSERT INTO parts VALUES (7)",
    )
    ended = run(either, capsys, "apply")
    assert ended.status == 1
    assert ended.says.startswith("deferred constraints, after all scripts: insert or update on table")


def test_a_script_finds_the_session_as_the_database_has_it(place: Place, capsys: Printed) -> None:
    with place.connect() as connection:
        connection.execute("GRANT app TO keeper")
        connection.execute(f"ALTER DATABASE {place.database.name} SET timezone = 'Asia/Tokyo'")
    place.write(
        s001_set="SET search_path = pg_catalog; SET ROLE app; SET timezone = 'UTC'",
        s002_see="CREATE TABLE public.seen AS"
        " SELECT current_user::text, current_setting('search_path') AS path, current_setting('timezone') AS zone",
    )
    assert run(place, capsys, "apply").status == 0
    assert place.ask("SELECT format('%s|%s|%s', current_user, path, zone) FROM seen").endswith("|Asia/Tokyo")
    assert place.ask("SELECT s.current_user || s.path FROM seen AS s") == 'keeper"$user", public'


def test_what_does_not_hold_after_the_commit_is_taken_back_by_scripts(either: Place, capsys: Printed) -> None:
    either.write(
        s001_items=_ITEMS,
        s001_items_undo="DROP TABLE items",
        s002_add="ALTER TABLE items ADD price int",
        s002_add_undo="ALTER TABLE items DROP price",
    )
    either.expect(within=_WITHIN, sound=("SELECT 1", "1"))
    ended = run(either, capsys, "apply", "--point", "before")
    assert (ended.status, ended.outcome["status"]) == (1, "undone")
    assert ended.says == (
        "it does not hold: within: expected t, got f; taken back: 002_add.sql, 001_items.sql;"
        " 1 of 2 validations held at before, and hold again"
    )
    assert either.ask("SELECT to_regclass('items')") is None
    assert either.applied() == []
    assert either.ask("SELECT count(*) FROM rollback_controller.migration WHERE undone_at IS NOT NULL") == 2


def test_what_nothing_undoes_needs_people_and_names_the_point(either: Place, capsys: Printed) -> None:
    either.write(s001_items=_ITEMS)
    either.expect(within=_WITHIN)
    ended = run(either, capsys, "apply", "--point", "before")
    assert ended.status == 2
    assert ended.says.startswith(
        "committed, and it does not hold: within: expected t, got f; nothing undoes 001_items.sql:"
        " level 4 or a point-in-time restore goes back to restore point before (restore by its time 20"
    )
    assert either.applied() == ["001_items.sql"]


def test_a_way_back_that_fails_leaves_all_as_it_was_committed(place: Place, capsys: Printed) -> None:
    place.write(
        s001_items=_ITEMS,
        s001_items_undo="DROP TABLE items",
        s002_add="ALTER TABLE items ADD price int",
        s002_add_undo="ALTER TABLE items DROP price; SELECT 1/0",
    )
    place.expect(within=_WITHIN)
    ended = run(place, capsys, "apply", "--point", "before")
    assert ended.status == 2
    assert "it could not be taken back: 002_add.undo.sql:1: division by zero" in ended.says
    assert "goes back to restore point before" in ended.says
    assert place.applied() == ["001_items.sql", "002_add.sql"]
    assert place.ask("SELECT count(price) FROM items") == 0


def test_scripts_are_taken_back_by_hand_to_a_point(either: Place, capsys: Printed) -> None:
    either.write(s001_items=_ITEMS)
    either.expect(there=("SELECT count(*) FROM items", "1"))
    assert run(either, capsys, "apply", "--point", "first").status == 0
    either.write(s002_add="ALTER TABLE items ADD price int", s002_add_undo="ALTER TABLE items DROP price")
    assert run(either, capsys, "apply", "--point", "second").status == 0
    ended = run(either, capsys, "undo", "--to", "second")
    assert (ended.status, ended.says) == (
        0,
        "taken back: 002_add.sql; 1 of 1 validations held at second, and hold again",
    )
    assert either.applied() == ["001_items.sql"]
    further = run(either, capsys, "undo", "--to", "first")
    assert (further.status, further.says.partition(",")[0]) == (2, "nothing undoes 001_items.sql")
    assert run(either, capsys, "apply").status == 0  # what was taken back is to be applied again
    assert either.applied() == ["001_items.sql", "002_add.sql"]


def test_a_dry_run_says_what_it_would_lock_and_leaves_nothing(either: Place, capsys: Printed) -> None:
    either.database.run("CREATE TABLE items (id int PRIMARY KEY)", "CREATE TABLE others (id int PRIMARY KEY)")
    either.write(
        s001_add="ALTER TABLE items ADD price int; CREATE TABLE fresh (id int); INSERT INTO fresh VALUES (1)",
        s002_index="CREATE INDEX ON others (id); SELECT pg_sleep(0.2)",
    )
    either.expect(one=("SELECT count(*) FROM fresh", "1"))
    ended = run(either, capsys, "apply", "--dry-run")
    assert (ended.status, ended.outcome["status"]) == (0, "rehearsed")
    locks = [(lock["table"], lock["mode"], lock["holds_up"]) for lock in ended.outcome["locks"]]
    assert locks == [
        ("public.items", "AccessExclusiveLock", "all readers and writers of the table"),
        ("public.others", "ShareLock", "all writers of the table"),
    ]
    assert all(lock["held_s"] > 0.2 for lock in ended.outcome["locks"])
    assert list(ended.outcome["scripts"]) == ["001_add.sql", "002_index.sql"]
    assert either.ask("SELECT to_regclass('fresh')") is None
    assert either.ask("SELECT to_regnamespace('rollback_controller')") is None


def test_a_point_is_in_the_log_where_the_role_may_name_it(either: Place, capsys: Printed) -> None:
    either.write(s001_items=_ITEMS)
    assert run(either, capsys, "apply", "--point", "by-time").outcome["restore_point"]["exact"] is False
    with either.connect() as connection:
        connection.execute("GRANT EXECUTE ON FUNCTION pg_create_restore_point(text) TO keeper")
    either.write(s002_more="CREATE TABLE more (id int)")
    point = run(either, capsys, "apply", "--point", "by-name").outcome["restore_point"]
    assert point["exact"] is True
    assert either.ask(f"SELECT '{point['lsn']}'::pg_lsn < pg_current_wal_lsn()")
    assert point["system"] == either.ask("SELECT system_identifier::text FROM pg_control_system()")
    listed = run(either, capsys, "points").outcome
    assert [one["name"] for one in listed] == ["by-name", "by-time"]  # type: ignore[index]  # a list here
    with either.connect() as connection:
        connection.execute("REVOKE EXECUTE ON FUNCTION pg_create_restore_point(text) FROM keeper")


def test_a_rule_that_cannot_be_asked_after_the_commit_takes_nothing_back(place: Place, capsys: Printed) -> None:
    """It says nothing about what was committed; the next run asks again."""
    place.write(s001_items=_ITEMS, s001_items_undo="DROP TABLE items")
    slow = "SELECT pg_sleep(CASE WHEN pg_current_xact_id_if_assigned() IS NULL THEN 9 ELSE 0 END)::text"
    place.expect(slow=(slow, ""))
    ended = run(place, capsys, "apply")
    assert ended.status == 2
    assert ended.says == (
        "committed, and not validated (slow: expected , got [no answer within 1 s]): run it again, it begins with that"
    )
    assert place.applied() == ["001_items.sql"]
    place.expect(quick=("SELECT count(*) FROM items", "1"))
    assert run(place, capsys, "apply").status == 0


def test_what_waits_to_be_applied_does_not_keep_anything_from_being_taken_back(place: Place, capsys: Printed) -> None:
    place.write(s001_items=_ITEMS, s001_items_undo="DROP TABLE items")
    assert run(place, capsys, "apply", "--point", "first").status == 0
    place.write(s002_bad="VACUUM")
    assert run(place, capsys, "undo", "--to", "first").status == 0
    assert place.applied() == []


def test_what_was_changed_is_not_taken_back(place: Place, capsys: Printed) -> None:
    place.write(s001_items=_ITEMS, s001_items_undo="DROP TABLE items")
    assert run(place, capsys, "apply", "--point", "first").status == 0
    place.write(s001_items=f"{_ITEMS}CREATE TABLE more (id int)")
    ended = run(place, capsys, "undo", "--to", "first")
    assert (ended.status, ended.says.partition(";")[0]) == (1, "001_items.sql: it was changed after it was applied")


def test_no_rule_writes_anything(place: Place, capsys: Printed) -> None:
    place.write(s001_items=_ITEMS)
    place.expect(writes=("SELECT nextval('numbers')", "1"))
    place.database.run("CREATE SEQUENCE numbers")
    ended = run(place, capsys, "apply")
    assert ended.says.startswith("it does not hold: writes: expected 1, got [cannot execute nextval() in a read-only")


@pytest.mark.parametrize(
    ("query", "got"),
    [
        ("SELECT 1 WHERE false", "[no row of 1 columns]"),
        ("VALUES (1), (2), (3)", "[more than one row of 1 columns]"),
        ("SELECT 1, 2 -- both", "[one row of 2 columns]"),
        ("SELECT NULL -- nothing", "[null]"),
        ("SELECT 1.50", "1.50"),
        ("SELECT timestamptz '2026-03-01 12:00+02'", "2026-03-01 10:00:00+00"),
        ("SELECT repeat('x', 200)", "x" * 80),
    ],
)
def test_a_rule_is_one_value_as_the_server_writes_it(place: Place, capsys: Printed, query: str, got: str) -> None:
    place.write(s001_items=_ITEMS)
    place.expect(one=(query, "another"))
    ended = run(place, capsys, "apply")
    assert ended.says.partition(";")[0] == f"it does not hold: one: expected another, got {got}"
