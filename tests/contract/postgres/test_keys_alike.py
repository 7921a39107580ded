"""Keys that are written differently and are the same one, or are neither null nor not: by them rows are told apart."""

from dataclasses import replace

import pytest

from local.postgres import NEW, OLD
from shared.adapters.postgres.way_back.sync import Stage
from shared.errors import PermanentError
from shared.model.sync import Conflicts
from tests.contract.postgres.pairs import Pair, Servers
from tests.contract.postgres.ways import RULES, back, rows, start

_SOURCE_WINS = replace(RULES, conflicts=Conflicts.SOURCE_WINS)
_IMAGES = "SELECT rollback_existed, i.k::text FROM rollback_controller.before_{} AS i"


def _images(pair: Pair) -> list[tuple[bool, str]]:
    oid = rows(pair.source, "SELECT 'items'::regclass::oid::int8")[0][0]
    return [(existed, key) for existed, key in rows(pair.source, _IMAGES.format(oid))]


def test_a_number_that_is_written_differently_is_the_same_key(servers: Servers) -> None:
    with servers.pair(OLD, NEW) as pair:
        pair.run(
            "CREATE TABLE items (k numeric PRIMARY KEY, a text)", "INSERT INTO items VALUES (1.0, 'old'), (2.0, '')"
        )
        start(pair)
        pair.target.run("UPDATE items SET k = 1.00, a = 'target' WHERE k = 1")
        pair.source.run("UPDATE items SET a = 'source' WHERE k = 1")
        assert back(pair, _SOURCE_WINS).said.endswith("; 1 stay as they are on the source")
        assert rows(pair.source, "SELECT k::text, a FROM items ORDER BY 1") == [("1.0", "source"), ("2.0", "")]


@pytest.mark.parametrize("extension", ["citext", "ltree"])
def test_a_type_of_an_extension_that_is_on_no_search_path(servers: Servers, extension: str) -> None:
    """Without its own operator `citext` is compared as text, and `ltree` not at all."""
    with servers.pair(OLD, NEW) as pair:
        for side in (pair.source, pair.target):
            with side.connect() as superuser:
                superuser.execute("CREATE SCHEMA extensions; GRANT USAGE ON SCHEMA extensions TO public")
                superuser.execute(f"CREATE EXTENSION {extension} SCHEMA extensions".encode())
        pair.run(
            f"CREATE TABLE items (k extensions.{extension} PRIMARY KEY, a text)",
            f"CREATE TABLE notes (id int PRIMARY KEY, k extensions.{extension} REFERENCES items)",
            "INSERT INTO items VALUES ('Foo', 'old'), ('bar', 'old'), ('gone', 'old')",
            "INSERT INTO notes VALUES (1, 'Foo')",
        )
        start(pair)
        key = "FOO" if extension == "citext" else "Foo"
        pair.source.run(f"UPDATE items SET k = '{key}' WHERE k::text = 'Foo'")  # noqa: S608  # one of two
        pair.target.run("UPDATE items SET a = 'new' WHERE k::text = 'Foo'", "DELETE FROM items WHERE k::text = 'gone'")
        assert back(pair).stage is Stage.DONE
        assert rows(pair.source, 'SELECT k::text, a FROM items ORDER BY k::text COLLATE "C"') == [
            ("Foo", "new"),
            ("bar", "old"),
        ]
        assert sorted(_images(pair)) == [(True, key), (True, "gone")]


def test_an_index_that_takes_other_values_for_equal_names_no_rows(servers: Servers) -> None:
    with servers.pair(OLD, NEW) as pair:
        pair.run(
            "CREATE COLLATION caseless (provider = icu, locale = 'und-u-ks-level2', deterministic = false)",
            "CREATE TABLE items (k text NOT NULL, a text)",
            "CREATE UNIQUE INDEX items_k ON items (k COLLATE caseless)",
        )
        with pytest.raises(PermanentError, match=r"public\.items: it has no primary key, and no unique key"):
            start(pair)


@pytest.mark.parametrize("owner", ["keeper", "orderly"])
def test_a_key_of_several_fields_one_of_which_is_null(servers: Servers, owner: str) -> None:
    with servers.pair(OLD, NEW, owner) as pair:
        pair.run(
            "CREATE TYPE place AS (shelf int, box text)",
            "CREATE TABLE items (k place PRIMARY KEY, a text UNIQUE)",
            "INSERT INTO items VALUES (ROW(1, 'x'), 'one'), (ROW(3, NULL), 'three')",
        )
        start(pair)
        pair.target.run(
            "INSERT INTO items VALUES (ROW(2, NULL), 'new')",
            "UPDATE items SET a = 'changed' WHERE k = ROW(3, NULL)::place",
        )
        assert back(pair).stage is Stage.DONE
        assert rows(pair.source) == rows(pair.target)
        assert len(rows(pair.source)) == 3
        assert (True, "(3,)") in _images(pair)


def test_blanks_at_the_end_of_a_text_that_takes_any_length(servers: Servers) -> None:
    with servers.pair(OLD, NEW) as pair:
        pair.run("CREATE TABLE items (k int PRIMARY KEY, a bpchar)", "INSERT INTO items VALUES (1, 'a')")
        start(pair)
        pair.target.run("UPDATE items SET a = 'a  '")
        assert back(pair).stage is Stage.DONE
        assert rows(pair.source, "SELECT octet_length(a) FROM items") == [(3,)]


def test_a_number_of_an_object_is_written_with_its_schema_on_both_sides(servers: Servers) -> None:
    with servers.pair(OLD, OLD) as pair:
        pair.run(
            "CREATE SCHEMA other",
            "CREATE TABLE other.thing (id int PRIMARY KEY)",
            "CREATE TABLE items (k int PRIMARY KEY, a regclass)",
        )
        with pair.target.connect() as superuser:
            superuser.execute(
                f"ALTER ROLE keeper IN DATABASE {pair.target.name} SET search_path = other, public".encode()
            )
        start(pair)
        pair.target.run("INSERT INTO public.items VALUES (1, 'other.thing')")
        assert back(pair, replace(RULES, copy_ahead=False)).round == 1
