"""What is written is in the log of keys after draining, whatever it is keyed by and however it is written."""

# ruff: noqa: S608  # statements are made up here
import pytest

from local.postgres import NEW, OLD
from shared.adapters.postgres.slot.drain import drain
from shared.adapters.postgres.slot.publishing import drop_slot
from tests.contract.postgres.pairs import Database
from tests.contract.postgres_slot.slots import slotted


@pytest.mark.parametrize("target", [OLD, NEW], indirect=True)
def test_keys_of_every_kind_of_write_are_logged_with_the_old_ones(target: Database) -> None:
    target.run(
        "CREATE TABLE items (id int PRIMARY KEY, a text, large text)",
        "INSERT INTO items SELECT n, 'a', repeat('x', 9) FROM generate_series(1, 9) AS n",
    )
    with slotted(target) as slot:
        target.run(
            "INSERT INTO items VALUES (10)",
            "UPDATE items SET a = 'b' WHERE id = 1",
            "UPDATE items SET id = 20 WHERE id = 2",
            "DELETE FROM items WHERE id = 3",
            "BEGIN; SAVEPOINT a; INSERT INTO items VALUES (30); RELEASE a; SAVEPOINT b;"
            " INSERT INTO items VALUES (31); ROLLBACK TO b; COMMIT",
            "BEGIN; INSERT INTO items VALUES (32); ROLLBACK",
        )
        drained = slot.drain()
        assert slot.keys("public.items") == {("10",), ("1",), ("2",), ("20",), ("3",), ("30",)}
        assert (drained.changes, drained.left_bytes, drained.lost) == (6, 0, None)
        assert not slot.is_emptied("public.items")
        assert slot.is_whole("public.items")
        assert slot.drain().changes == 0


def test_what_the_checkpoint_has_seen_is_in_its_past_however_late_it_is_drained(target: Database) -> None:
    target.run("CREATE TABLE items (id int PRIMARY KEY)")
    with slotted(target) as slot, target.connect("keeper") as late:
        late.execute("BEGIN; INSERT INTO items VALUES (1)")
        target.run("INSERT INTO items VALUES (2)")
        slot.install()
        target.run("INSERT INTO items VALUES (3)")
        late.execute("COMMIT")
        assert slot.drain().changes == 3
        assert slot.keys("public.items") == {("1",), ("3",)}


_ODD = r"""E'tab\tline\nback\\slash\rquo"te' || chr(252)"""


_KINDS = {
    "text": _ODD,
    "bytea": r"'\x00ff5c09'::bytea",
    "timestamptz": "timestamptz '2024-01-01 12:00:00.123456+02'",
    "double precision": "0.1::float8 + 0.2",
    "numeric": "1.50",
    "uuid": "md5('a')::uuid",
    "interval": "interval '1 day -2 hours'",
    "char(7)": "'a'",
    "mood": "'so so'::mood",
    "positive": "7",
    "int[]": "'{1,2,NULL}'::int[]",
    "inet": "'::1'::inet",
}


@pytest.mark.parametrize("target", [OLD, NEW], indirect=True)
def test_a_key_of_any_type_comes_back_as_it_was(target: Database) -> None:
    target.run("CREATE TYPE mood AS ENUM ('well', 'so so')", "CREATE DOMAIN positive AS int CHECK (VALUE > 0)")
    for place, kind in enumerate(_KINDS):
        target.run(
            f'CREATE TABLE "It\'s ""{place}""" ("Key, 1" {kind}, "select" int, v int, PRIMARY KEY ("select", "Key, 1"))'
        )
    with slotted(target) as slot:
        for place, value in enumerate(_KINDS.values()):
            target.run(f'INSERT INTO "It\'s ""{place}""" VALUES ({value}, 1)')
        slot.drain()
        for place in range(len(_KINDS)):
            found = slot.connection.execute(
                f'SELECT FROM "It\'s ""{place}""" AS t JOIN rollback_controller.log_{{}} AS l'
                ' USING ("select", "Key, 1")'.format(slot.tables[f'public.It\'s "{place}"'].oid)
            ).fetchall()
            assert len(found) == 1, place


def test_a_large_key_that_an_update_leaves_where_it_is_stored_is_logged(target: Database) -> None:
    target.run(
        "CREATE TABLE items (id text PRIMARY KEY, v int)",
        "ALTER TABLE items ALTER id SET STORAGE EXTERNAL",
        "INSERT INTO items VALUES (repeat('x', 2500), 1)",
    )
    with slotted(target) as slot:
        target.run("UPDATE items SET v = 2")
        slot.drain()
        assert slot.keys("public.items") == {("x" * 2500,)}
        assert not slot.is_emptied("public.items")


_PARTITIONED = (
    "CREATE TABLE parts (id int, at int, v int, PRIMARY KEY (at, id)) PARTITION BY RANGE (at)",
    "CREATE TABLE low PARTITION OF parts FOR VALUES FROM (0) TO (10)",
    "CREATE TABLE high PARTITION OF parts FOR VALUES FROM (10) TO (20) PARTITION BY LIST (id)",
    "CREATE TABLE high_1 PARTITION OF high FOR VALUES IN (1, 2)",
)


@pytest.mark.parametrize("target", [OLD, NEW], indirect=True)
def test_partitions_are_logged_as_their_table_those_that_are_made_later_too(target: Database) -> None:
    target.run(*_PARTITIONED, "INSERT INTO parts VALUES (1, 1), (2, 2), (1, 11)")
    with slotted(target) as slot:
        target.run(
            "INSERT INTO high_1 VALUES (2, 12)",
            "UPDATE parts SET id = 1, at = 13 WHERE at = 1",
            "CREATE TABLE later PARTITION OF parts FOR VALUES FROM (20) TO (30)",
            "INSERT INTO parts VALUES (7, 21, 0)",
            "UPDATE parts SET at = 22 WHERE at = 21",
            "DELETE FROM parts WHERE at = 11",
        )
        slot.drain()
        assert slot.keys("public.parts") == {
            ("12", "2"),
            ("1", "1"),
            ("13", "1"),
            ("21", "7"),
            ("22", "7"),
            ("11", "1"),
        }
        assert not slot.is_emptied("public.parts")


@pytest.mark.parametrize("target", [OLD, NEW], indirect=True)
def test_a_truncate_of_any_partition_empties_the_table(target: Database) -> None:
    target.run(*_PARTITIONED, "CREATE TABLE items (id int PRIMARY KEY)")
    with slotted(target) as slot:
        target.run("CREATE TABLE later PARTITION OF parts FOR VALUES FROM (20) TO (30)")
        for emptied in ("parts", "low", "high", "high_1", "later"):
            slot.install()
            assert not slot.is_emptied("public.parts")
            target.run(f"TRUNCATE {emptied}")
            slot.drain()
            assert slot.is_emptied("public.parts"), emptied
        assert not slot.is_emptied("public.items")


def test_what_is_written_to_a_partition_that_is_gone_again_has_all_compared(target: Database) -> None:
    target.run(*_PARTITIONED)
    with slotted(target) as slot:
        target.run("INSERT INTO low VALUES (1, 1)", "DROP TABLE low")
        slot.drain()
        assert slot.is_emptied("public.parts")


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE items RENAME a TO renamed",
        "DROP TABLE rollback_controller.log_{oid}",
        "CREATE UNIQUE INDEX one ON items (a); ALTER TABLE items REPLICA IDENTITY USING INDEX one",
    ],
)
def test_a_key_that_is_not_told_whole_any_more_has_all_compared(target: Database, change: str) -> None:
    target.run("CREATE TABLE items (a int, b int, v int, PRIMARY KEY (a, b))")
    with slotted(target) as slot:
        target.run(change.format(oid=slot.tables["public.items"].oid), "INSERT INTO items VALUES (1, 1)")
        slot.drain()
        assert slot.is_emptied("public.items")


def test_much_is_drained_in_stretches_and_each_stays(target: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.adapters.postgres.slot.drain._STRETCH_CHANGES", 50)
    monkeypatch.setattr("shared.adapters.postgres.slot.drain._STRETCH_BYTES", 20_000)
    monkeypatch.setattr("shared.adapters.postgres.slot.drain._FETCHED", 7)
    target.run("CREATE TABLE items (id int PRIMARY KEY, a text)")
    with slotted(target) as slot:
        for n in range(0, 1000, 100):
            target.run(f"INSERT INTO items SELECT {n} + m, repeat('x', 99) FROM generate_series(1, 100) AS m")
        stored, drains = 0, 0
        while (one := drain(slot.connection, slot.name, 0)).left_bytes:
            stored, drains = stored + one.changes, drains + 1
            assert len(slot.keys("public.items")) == stored
        assert stored + one.changes == len(slot.keys("public.items")) == 1000
        assert drains >= 10


def test_once_dropped_nothing_of_it_is_left(target: Database) -> None:
    target.run("CREATE TABLE items (id int PRIMARY KEY)")
    with slotted(target) as slot:
        drop_slot(slot.connection, slot.name)
        drop_slot(slot.connection, slot.name)
        left = slot.connection.execute(
            "SELECT (SELECT count(*) FROM pg_replication_slots), (SELECT count(*) FROM pg_publication),"
            " (SELECT count(*) FROM pg_class WHERE relname LIKE 'log\\_%')"
        ).fetchone()
        assert left == (0, 0, 0)
