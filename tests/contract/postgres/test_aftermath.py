"""What holds on the source besides its rows: foreign keys that led nowhere before, and sequences."""

import pytest

from local.postgres import NEW, OLD
from shared.adapters.postgres.way_back.sync import Stage
from shared.errors import PermanentError
from tests.contract.postgres.pairs import Pair, Servers
from tests.contract.postgres.ways import RULES, back, rows, start

_OLD_ORPHANS = (
    "CREATE TABLE items (id int PRIMARY KEY, a text)",
    "CREATE TABLE notes (id int PRIMARY KEY, item int, a text)",
    "INSERT INTO items VALUES (1, 'a'), (2, 'b'), (3, 'c')",
    "INSERT INTO notes VALUES (1, 1, 'x'), (2, 2, 'x'), (7, 70, 'x'), (8, 80, 'x'), (9, 90, 'x')",
    "ALTER TABLE notes ADD FOREIGN KEY (item) REFERENCES items NOT VALID",
)


def _begun(pair: Pair) -> None:
    pair.run(*_OLD_ORPHANS)
    start(pair)


def test_rows_that_led_nowhere_before_do_not_stop_it(servers: Servers) -> None:
    """Not even if such a row was changed, in what is not its foreign key."""
    with servers.pair(OLD, NEW) as pair:
        _begun(pair)
        pair.target.run("UPDATE notes SET a = 'y' WHERE id IN (1, 7)", "INSERT INTO items VALUES (80, 'now it is')")
        pair.target.run("DELETE FROM notes WHERE id = 9", "DELETE FROM items WHERE id = 3")
        assert back(pair).stage is Stage.DONE
        assert rows(pair.source, "TABLE notes ORDER BY 1") == rows(pair.target, "TABLE notes ORDER BY 1")


_NEW_ORPHANS = {
    "what it leads to went": ("", "DELETE FROM items WHERE id = 1", "(9)"),
    "it is new": ("INSERT INTO notes VALUES (10, 99)", "", "(10)"),
    "it leads to something else": ("UPDATE notes SET item = 99 WHERE id = 2", "", "(2)"),
    "what it leads to has another key": ("", "UPDATE items SET id = 4 WHERE id = 1", "(9)"),
}


@pytest.mark.parametrize("case", _NEW_ORPHANS)
def test_rows_that_lead_nowhere_now_stop_it(servers: Servers, case: str) -> None:
    """Of rows on the source alone, and of those that the target let through by setting its foreign key aside."""
    of_notes, of_items, named = _NEW_ORPHANS[case]
    with servers.pair(OLD, NEW) as pair:
        pair.run(*_OLD_ORPHANS)
        pair.target.run("ALTER TABLE notes DROP CONSTRAINT notes_item_fkey", "DELETE FROM notes WHERE id IN (1, 9)")
        pair.source.run("UPDATE notes SET item = 1 WHERE id = 9", "DELETE FROM notes WHERE id = 1")
        start(pair, RULES)
        if of_items:
            pair.source.run("CREATE TABLE more AS TABLE notes", "ALTER TABLE more ADD PRIMARY KEY (id)")
            pair.source.run("ALTER TABLE more ADD FOREIGN KEY (item) REFERENCES items NOT VALID")
        pair.target.run(*filter(None, (of_notes, of_items)))
        table = "more" if of_items else "notes"
        with pytest.raises(
            PermanentError, match=rf"public\.{table}: 1 rows of {table}_item_fkey lead nowhere, such as"
        ) as said:
            back(pair)
        assert str(said.value).endswith(named)


def _last(pair: Pair, name: str) -> list[int]:
    asked = f"SELECT last_value FROM {name}"  # noqa: S608  # a name of a test
    return [rows(side, asked)[0][0] for side in (pair.source, pair.target)]


def test_a_sequence_is_known_by_its_column(servers: Servers) -> None:
    with servers.pair(OLD, NEW) as pair:
        pair.source.run("CREATE TABLE items (id serial PRIMARY KEY)", "ALTER SEQUENCE items_id_seq RENAME TO numbers")
        pair.target.run("CREATE TABLE items (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY)")
        start(pair)
        pair.target.run("INSERT INTO items SELECT FROM generate_series(1, 20)")
        assert back(pair).stage is Stage.DONE
        pair.source.run("INSERT INTO items DEFAULT VALUES")
        assert rows(pair.source, "SELECT max(id) FROM items") == [(21,)]


def test_sequences_of_the_same_name_that_changed_places(servers: Servers) -> None:
    with servers.pair(OLD, OLD) as pair:
        pair.run("CREATE TABLE a (id serial PRIMARY KEY)", "CREATE TABLE b (id serial PRIMARY KEY)")
        pair.target.run("ALTER SEQUENCE a_id_seq RENAME TO x", "ALTER SEQUENCE b_id_seq RENAME TO a_id_seq")
        pair.target.run("ALTER SEQUENCE x RENAME TO b_id_seq")
        start(pair)
        pair.target.run("INSERT INTO a SELECT FROM generate_series(1, 9)", "INSERT INTO b DEFAULT VALUES")
        assert back(pair).stage is Stage.DONE
        assert (_last(pair, "a_id_seq")[0], _last(pair, "b_id_seq")[0]) == (9, 1)


@pytest.mark.parametrize(
    ("how", "source", "target", "then"),
    [
        ("INCREMENT -1", -5, -9, -9),
        ("INCREMENT -1", -9, -5, -9),
        ("INCREMENT 5", 11, 6, 11),
        ("MAXVALUE 10 CYCLE", 9, 2, 2),
        ("MAXVALUE 10", 3, 10, 10),
    ],
)
def test_a_sequence_never_gives_out_what_is_there(
    servers: Servers, how: str, source: int, target: int, then: int
) -> None:
    with servers.pair(OLD, OLD) as pair:
        pair.run("CREATE TABLE items (id int PRIMARY KEY)", f"CREATE SEQUENCE numbers {how}")
        start(pair)
        pair.source.run(f"SELECT setval('numbers', {source})")
        pair.target.run(f"SELECT setval('numbers', {target})")
        assert back(pair).stage is Stage.DONE
        assert _last(pair, "numbers") == [then, target]


def test_a_sequence_that_goes_further_on_the_target_ends_on_the_source(servers: Servers) -> None:
    with servers.pair(OLD, OLD) as pair:
        pair.run("CREATE TABLE items (id int PRIMARY KEY)")
        pair.source.run("CREATE SEQUENCE numbers AS smallint")
        pair.target.run("CREATE SEQUENCE numbers AS int", "SELECT setval('numbers', 40000)")
        assert "public.numbers: it is at 40000 on the target, further than it goes" in str(*start(pair).findings)
        assert back(pair).stage is Stage.DONE
        assert _last(pair, "numbers")[0] == 32767


def test_a_sequence_that_may_not_be_set_is_named(servers: Servers) -> None:
    with servers.pair(OLD, OLD) as pair:
        pair.run("CREATE TABLE items (id serial PRIMARY KEY)")
        with pair.source.connect() as superuser:
            superuser.execute("REVOKE ALL ON SEQUENCE items_id_seq FROM keeper")
        with pytest.raises(PermanentError, match=r"public\.items_id_seq: keeper may not set it on the source: GRANT"):
            start(pair)


_FED = {
    "an identity": ("id bigint GENERATED BY DEFAULT AS IDENTITY", 5, 6),
    "a sequence that counts down": ("id int DEFAULT nextval('down')", -1, -2),
}


@pytest.mark.parametrize("case", _FED)
def test_a_sequence_without_its_like_is_set_past_the_rows(servers: Servers, case: str) -> None:
    """On the target all ids come from one sequence, which no column owns."""
    column, last, following = _FED[case]
    with servers.pair(OLD, NEW) as pair:
        pair.source.run("CREATE SEQUENCE down INCREMENT -1", f"CREATE TABLE items ({column} PRIMARY KEY, a text)")
        pair.source.run("ALTER SEQUENCE down OWNED BY items.id")
        pair.target.run("CREATE SEQUENCE all_ids", "CREATE TABLE items (id int DEFAULT nextval('all_ids') PRIMARY KEY)")
        pair.target.run("ALTER TABLE items ADD a text")
        said = " ".join(map(str, start(pair).findings))
        assert "no sequence of the target is its like: it is set past all of public.items.id" in said
        pair.target.run("INSERT INTO items SELECT FROM generate_series(1, 5)", "INSERT INTO items VALUES (-1)")
        assert last in back(pair).sequences.values()
        pair.source.run("INSERT INTO items (a) VALUES ('next')")
        assert rows(pair.source, "SELECT id FROM items WHERE a = 'next'") == [(following,)]
