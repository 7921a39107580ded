"""Ways back that random worlds seldom come by, each made on purpose."""

from dataclasses import replace

import pytest
from psycopg import Error
from psycopg.errors import FeatureNotSupported

from local.postgres import NEW, OLD
from shared.adapters.postgres.way_back.sync import Stage
from shared.errors import PermanentError
from shared.model.sync import Conflicts
from tests.contract.postgres.pairs import Servers
from tests.contract.postgres.ways import RULES, back, rows, start


def test_a_value_that_one_side_gave_to_one_row_and_the_other_side_to_another(servers: Servers) -> None:
    with servers.pair(OLD, OLD) as pair:
        pair.run("CREATE TABLE items (id int PRIMARY KEY, code text UNIQUE)")
        pair.run("INSERT INTO items VALUES (1, 'one'), (2, 'two')")
        start(pair)
        pair.source.run("UPDATE items SET code = 'new' WHERE id = 1")
        pair.target.run("UPDATE items SET code = 'new' WHERE id = 2")
        assert back(pair).stage is Stage.DONE
        assert rows(pair.source) == [(1, "one"), (2, "new")]
        assert rows(pair.source, "SELECT key, kept FROM rollback_controller.conflict") == [("1\n", "target")]


@pytest.mark.parametrize("rule", list(Conflicts))
def test_a_table_that_was_emptied_on_the_source_is_a_conflict(servers: Servers, rule: Conflicts) -> None:
    rules = replace(RULES, conflicts=rule)
    with servers.pair(OLD, NEW) as pair:
        pair.run("CREATE TABLE items (id int PRIMARY KEY, a text)", "INSERT INTO items VALUES (1, 'a'), (2, 'b')")
        start(pair, rules)
        pair.source.run("TRUNCATE items")
        if rule is Conflicts.STOP:
            with pytest.raises(PermanentError, match=r"changed on the source as well: 2 of public\.items"):
                back(pair, rules)
            return
        assert back(pair, rules).stage is Stage.DONE
        assert rows(pair.source) == ([] if rule is Conflicts.SOURCE_WINS else [(1, "a"), (2, "b")])
        assert len(rows(pair.source, "TABLE rollback_controller.conflict")) == 2


@pytest.mark.parametrize("owner", ["keeper", "orderly"])
def test_rows_that_only_the_source_refers_with_are_neither_left_alone_nor_lost(servers: Servers, owner: str) -> None:
    with servers.pair(OLD, OLD, owner) as pair:
        pair.run("CREATE TABLE items (id int PRIMARY KEY)", "INSERT INTO items VALUES (1), (2)")
        pair.source.run("CREATE TABLE notes (id int PRIMARY KEY, item int REFERENCES items ON DELETE CASCADE)")
        pair.source.run("INSERT INTO notes VALUES (7, 1), (8, 2)")
        start(pair)
        pair.target.run("DELETE FROM items WHERE id = 1")
        with pytest.raises(PermanentError, match=r"public\.notes: 1 rows of notes_item_fkey (would )?lead nowhere"):
            back(pair)
        assert rows(pair.source, "TABLE notes") == [(7, 1), (8, 2)]


def test_values_pass_from_row_to_row_where_foreign_keys_cannot_be_set_aside(servers: Servers) -> None:
    with servers.pair(OLD, OLD, "orderly") as pair:
        pair.run("CREATE TABLE items (id int PRIMARY KEY, code text UNIQUE DEFERRABLE)")
        pair.run("INSERT INTO items VALUES (1, 'one'), (2, 'two')")
        start(pair)
        pair.target.run("UPDATE items SET code = CASE code WHEN 'one' THEN 'two' ELSE 'one' END")
        assert back(pair, replace(RULES, chunk=1)).stage is Stage.DONE
        assert rows(pair.source) == [(1, "two"), (2, "one")]


def test_each_side_has_a_primary_key_of_its_own(servers: Servers) -> None:
    with servers.pair(OLD, NEW) as pair:
        pair.source.run("CREATE TABLE items (id int PRIMARY KEY, code text NOT NULL UNIQUE)")
        pair.target.run("CREATE TABLE items (id int NOT NULL, code text PRIMARY KEY)")
        pair.run("INSERT INTO items VALUES (1, 'one'), (2, 'two')")
        start(pair)
        pair.target.run("UPDATE items SET id = 3 - id", "INSERT INTO items VALUES (3, 'three')")
        assert back(pair, replace(RULES, chunk=1)).stage is Stage.DONE
        assert rows(pair.source) == [(1, "two"), (2, "one"), (3, "three")]


def test_an_identity_that_is_no_key_and_takes_no_update(servers: Servers) -> None:
    with servers.pair(OLD, OLD) as pair:
        pair.run("CREATE TABLE items (id text PRIMARY KEY, number int GENERATED ALWAYS AS IDENTITY)")
        pair.run("INSERT INTO items VALUES ('a'), ('b')")
        start(pair)
        pair.target.run("DELETE FROM items WHERE id = 'a'", "INSERT INTO items VALUES ('a')")
        assert back(pair).stage is Stage.DONE
        assert rows(pair.source) == [("a", 3), ("b", 2)]


def test_texts_that_a_collation_takes_for_equal_are_not_the_same(servers: Servers) -> None:
    """Neither the copy nor the proof may take them for it."""
    with servers.pair(OLD, OLD) as pair:
        pair.run(
            "CREATE COLLATION ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false)",
            "CREATE TABLE items (id text COLLATE ci PRIMARY KEY, a text COLLATE ci)",
            "INSERT INTO items VALUES ('one', 'value'), ('two', 'value')",
        )
        start(pair)
        pair.target.run("UPDATE items SET a = 'VALUE' WHERE id = 'one'", "UPDATE items SET id = 'TWO' WHERE id = 'two'")
        assert back(pair).stage is Stage.DONE
        assert rows(pair.source, "TABLE items ORDER BY 1") == [("one", "VALUE"), ("TWO", "value")]


@pytest.mark.parametrize("into", ["items", "middle", "low"])
def test_no_level_of_partitions_takes_writes_behind_the_fence(servers: Servers, into: str) -> None:
    with servers.pair(OLD, NEW) as pair:
        pair.run(
            "CREATE TABLE items (id int PRIMARY KEY) PARTITION BY RANGE (id)",
            "CREATE TABLE middle PARTITION OF items DEFAULT PARTITION BY RANGE (id)",
            "CREATE TABLE low PARTITION OF middle DEFAULT",
        )
        start(pair)
        write = f"INSERT INTO {into} VALUES (%s)"  # noqa: S608  # one of three names above
        pair.target.run(write % 1)
        assert back(pair).stage is Stage.DONE
        assert rows(pair.source) == [(1,)]
        with pytest.raises(Error, match="writes are stopped here"):
            pair.target.run(write % 2)


def test_a_key_takes_no_other_type_while_its_changes_are_logged(servers: Servers) -> None:
    """The server says by which trigger: a log of integers could not take what comes after."""
    with servers.pair(OLD, OLD) as pair:
        pair.run("CREATE TABLE items (id int PRIMARY KEY, a text)")
        start(pair)
        with pytest.raises(FeatureNotSupported, match="trigger rollback_controller_log_key on table items depends"):
            pair.target.run("ALTER TABLE items ALTER id TYPE bigint")


def test_a_value_that_a_row_of_the_source_holds_which_wins_is_named_before_anything_is_copied(servers: Servers) -> None:
    rules = replace(RULES, conflicts=Conflicts.SOURCE_WINS)
    with servers.pair(OLD, NEW) as pair:
        pair.run(
            "CREATE TABLE items (id int PRIMARY KEY, code text UNIQUE, a text)",
            "INSERT INTO items VALUES (1, 'one', 'x'), (2, 'two', 'x'), (3, NULL, 'x'), (4, 'four', 'x')",
        )
        start(pair, rules)
        pair.source.run("UPDATE items SET code = 'mine' WHERE id = 1", "UPDATE items SET a = 'y' WHERE id IN (2, 3)")
        pair.target.run(
            "INSERT INTO items VALUES (9, 'mine', 'new'), (10, NULL, 'new')", "DELETE FROM items WHERE id = 4"
        )
        with pytest.raises(PermanentError, match=r"items: 1 rows take a value of items_code_key that a kept row holds"):
            back(pair, rules)
        assert len(rows(pair.source)) == 4
        pair.source.run("UPDATE items SET code = 'other' WHERE id = 1")
        assert back(pair, rules).stage is Stage.DONE
        assert rows(pair.source, "SELECT id, code, a FROM items ORDER BY 1") == [
            (1, "other", "x"),
            (2, "two", "y"),
            (3, None, "y"),
            (9, "mine", "new"),
            (10, None, "new"),
        ]
