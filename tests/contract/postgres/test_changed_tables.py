"""Tables that are changed while a change is under way: writers go on, and what the log cannot say is found."""

import pytest
from psycopg.errors import DependentObjectsStillExist

from local.postgres import NEW, OLD
from shared.adapters.postgres.capture.reading import captured_oids
from shared.adapters.postgres.way_back.sync import Stage
from shared.errors import PermanentError
from tests.contract.postgres.pairs import Database, Pair, Servers
from tests.contract.postgres.ways import back, pinned_rounds, rows, start

_ITEMS = "CREATE TABLE items (x int, id int PRIMARY KEY, a text)"
_PARTS = (
    "CREATE TABLE items (x int, id int PRIMARY KEY, a text) PARTITION BY RANGE (id)",
    "CREATE TABLE rest PARTITION OF items DEFAULT",
)
_WRITES = (
    "INSERT INTO items ({key}, a) VALUES ({n}1, 'new'), ({n}2, 'new')",
    "UPDATE items SET a = 'changed' WHERE {key} = 1",
    "UPDATE items SET {key} = {n}3 WHERE {key} = {n}2",
    "DELETE FROM items WHERE {key} = {n}1",
)


def _write(side: Database, key: str = "id", n: int = 1) -> None:
    side.run(*(write.format(key=key, n=n) for write in _WRITES))


def _filled(pair: Pair, *tables: str) -> None:
    pair.run(*tables, "INSERT INTO items SELECT 0, n, 'old' FROM generate_series(1, 5) AS n")


@pytest.mark.parametrize("tables", [(_ITEMS,), _PARTS], ids=["whole", "in parts"])
def test_a_key_that_has_another_name_for_a_while(servers: Servers, tables: tuple[str, ...]) -> None:
    """Writers go on over one connection, that has plans of before; what they write meanwhile is compared."""
    with servers.pair(OLD, NEW) as pair:
        _filled(pair, *tables)
        start(pair)
        _write(pair.target)
        with pair.target.connect("keeper") as writer:
            for key, n in (("id", 2), ("other", 3), ("id", 4)):
                for write in _WRITES:
                    writer.execute(write.format(key=key, n=n))
                writer.execute(f"ALTER TABLE items RENAME {key} TO {'other' if key == 'id' else 'id'}")
        pair.target.run("ALTER TABLE items RENAME other TO id")
        assert back(pair).stage is Stage.DONE
        assert rows(pair.source) == rows(pair.target)
        assert pinned_rounds(pair) == 1


def test_a_key_that_has_another_name_on_both_sides(servers: Servers) -> None:
    with servers.pair(OLD, NEW) as pair:
        _filled(pair, _ITEMS)
        start(pair)
        _write(pair.target)
        pair.run("ALTER TABLE items RENAME id TO other")
        _write(pair.target, "other", 2)
        assert back(pair).stage is Stage.DONE
        assert rows(pair.source) == rows(pair.target)


def test_a_key_that_has_another_name_on_one_side_alone_is_named(servers: Servers) -> None:
    with servers.pair(OLD, NEW) as pair:
        _filled(pair, _ITEMS)
        start(pair)
        pair.target.run("ALTER TABLE items RENAME id TO other")
        _write(pair.target, "other")
        with pytest.raises(PermanentError, match=r"public\.items: it is keyed by \(id\) on the source and \(other\)"):
            back(pair)


@pytest.mark.parametrize("tables", [(_ITEMS,), _PARTS], ids=["whole", "in parts"])
def test_a_column_before_the_key_goes(servers: Servers, tables: tuple[str, ...]) -> None:
    with servers.pair(OLD, NEW) as pair:
        _filled(pair, *tables)
        start(pair)
        with pair.target.connect("keeper") as writer:
            for n in (1, 2):
                for write in _WRITES:
                    writer.execute(write.format(key="id", n=n))
                writer.execute("ALTER TABLE items DROP x, ADD y int DEFAULT 7" if n == 1 else "SELECT 1")
        assert back(pair).stage is Stage.DONE
        assert rows(pair.source, "SELECT id, a FROM items ORDER BY 1") == rows(
            pair.target, "SELECT id, a FROM items ORDER BY 1"
        )
        assert pinned_rounds(pair) == 1


def test_a_key_of_another_type_whose_trigger_somebody_has_dropped(servers: Servers) -> None:
    """Numbers that the log could not take must not make a writer fail."""
    with servers.pair(OLD, NEW) as pair:
        _filled(pair, _ITEMS)
        pair.source.run("ALTER TABLE items ALTER id TYPE bigint")
        start(pair)
        _write(pair.target)
        pair.target.run("DROP TRIGGER rollback_controller_log_key ON items", "ALTER TABLE items ALTER id TYPE bigint")
        _write(pair.target, n=2**40)
        assert back(pair).stage is Stage.DONE
        assert rows(pair.source) == rows(pair.target)


def test_a_key_that_goes_takes_its_trigger_along_and_writers_go_on(servers: Servers) -> None:
    with servers.pair(OLD, OLD) as pair:
        _filled(pair, _ITEMS)
        start(pair)
        with pytest.raises(DependentObjectsStillExist, match="cannot drop column id"):
            pair.target.run("ALTER TABLE items DROP id")
        pair.target.run("ALTER TABLE items DROP id CASCADE", "INSERT INTO items (a) VALUES ('no key')")
        pair.target.run("ALTER TABLE items ADD id uuid PRIMARY KEY DEFAULT gen_random_uuid()")
        pair.target.run("INSERT INTO items (a) VALUES ('another key')", "UPDATE items SET a = 'x'", "DELETE FROM items")
        with pair.target.connect() as target:
            assert list(captured_oids(target).values()) == [False]
        with pytest.raises(PermanentError, match=r"public\.items\.id: a key of uuid on the target, of integer"):
            back(pair)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("ALTER TABLE items ADD more text DEFAULT 'x'", "public.items.more: it is not on the source"),
        ("ALTER TABLE items DROP a", ""),
        ("ALTER TABLE items ALTER a TYPE varchar(90)", ""),
    ],
)
def test_a_column_comes_goes_or_changes_on_the_target(servers: Servers, change: str, says: str) -> None:
    with servers.pair(OLD, NEW) as pair:
        _filled(pair, _ITEMS)
        start(pair)
        pair.target.run("INSERT INTO items VALUES (0, 6, 'six')", change)
        pair.target.run("INSERT INTO items (x, id) VALUES (1, 7)", "UPDATE items SET x = 5 WHERE id = 1")
        assert says in str(*start(pair).findings)
        assert back(pair).stage is Stage.DONE
        both = "SELECT x, id FROM items ORDER BY 2"
        assert rows(pair.source, both) == rows(pair.target, both)
        assert rows(pair.source, "SELECT a FROM items WHERE id < 3") == [("old",), ("old",)]


def test_a_column_that_the_source_needs_goes(servers: Servers) -> None:
    with servers.pair(OLD, NEW) as pair:
        _filled(pair, _ITEMS, "ALTER TABLE items ALTER x SET NOT NULL")
        start(pair)
        pair.target.run("ALTER TABLE items DROP x", "INSERT INTO items VALUES (6, 'six')")
        with pytest.raises(PermanentError, match=r"public\.items\.x: it is not on the target, and the source takes no"):
            back(pair)
        assert len(rows(pair.source)) == 5


def test_a_table_that_was_made_anew_on_the_target(servers: Servers) -> None:
    with servers.pair(OLD, NEW) as pair:
        _filled(pair, _ITEMS)
        start(pair)
        pair.target.run("DROP TABLE items", _ITEMS, "INSERT INTO items VALUES (0, 1, 'old'), (0, 9, 'anew')")
        assert back(pair).stage is Stage.DONE
        assert rows(pair.source) == [(0, 1, "old"), (0, 9, "anew")]


def test_images_are_kept_also_when_the_table_of_the_source_has_changed_between_two_ways_back(servers: Servers) -> None:
    with servers.pair(OLD, OLD) as pair:
        _filled(pair, _ITEMS)
        start(pair)
        _write(pair.target)
        back(pair)
        with pair.target.connect("keeper") as target:
            target.execute("DROP TRIGGER rollback_controller_fence ON items")
        pair.source.run("ALTER TABLE items ALTER a TYPE varchar(20), ADD more int DEFAULT 3")
        _write(pair.target, n=2)
        assert back(pair, sync="another").stage is Stage.DONE
        last = "SELECT more FROM rollback_controller.before_%s WHERE rollback_sync = 'another' AND rollback_existed"
        oid = rows(pair.source, "SELECT 'items'::regclass::oid::int8")[0][0]
        assert {row[0] for row in rows(pair.source, last % oid)} == {3}


def test_a_check_of_the_source_over_what_only_it_has(servers: Servers) -> None:
    with servers.pair(OLD, NEW) as pair:
        pair.run(
            "CREATE TYPE said AS ENUM ('old', 'new', 'changed')", "CREATE TABLE items (id int PRIMARY KEY, a said)"
        )
        pair.source.run("ALTER TABLE items ADD legacy int, ADD CHECK (legacy IS NOT NULL OR a = 'new')")
        pair.run("INSERT INTO items VALUES (3, 'new')")
        pair.source.run("INSERT INTO items VALUES (1, 'old', 7), (2, 'old', 8)")
        pair.target.run("INSERT INTO items VALUES (1, 'old'), (2, 'old')")
        start(pair)
        pair.target.run(
            "UPDATE items SET a = 'changed' WHERE id = 1",
            "UPDATE items SET id = 5 WHERE id = 3",
            "INSERT INTO items VALUES (4, 'new')",
        )
        assert back(pair).stage is Stage.DONE
        assert rows(pair.source) == [(1, "changed", 7), (2, "old", 8), (4, "new", None), (5, "new", None)]
