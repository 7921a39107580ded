"""Tables that are captured become partitions of others that are, and leave them: neither hinders the other."""

from tests.contract.postgres.pairs import Database
from tests.contract.postgres_capture.captured import captured
from tests.contract.postgres_ports.moved import Moved, rows_of

_PARTS = "CREATE TABLE parts (id int PRIMARY KEY, a text) PARTITION BY RANGE (id)"
_LOW = "CREATE TABLE low PARTITION OF parts FOR VALUES FROM (0) TO (10)"
_HIGH = "CREATE TABLE high (id int PRIMARY KEY, a text)"
_ATTACH = "ALTER TABLE parts ATTACH PARTITION {} FOR VALUES FROM ({}) TO ({})"
_ATTACH_HIGH = _ATTACH.format("high", 10, 20)


def test_a_captured_table_becomes_a_partition_and_is_logged_as_both(side: Database) -> None:
    with captured(side, _PARTS, _LOW, _HIGH) as parts, side.connect("app") as writer:
        parts.altered(_ATTACH_HIGH)
        writer.execute("INSERT INTO parts VALUES (1, 'low'), (11, 'high')")
        writer.execute("UPDATE high SET id = 12")
        assert parts.logged("parts") == {"1", "11", "12"}
        assert parts.logged("high") == {"11", "12"}


def test_a_captured_table_with_partitions_becomes_one(side: Database) -> None:
    whole = "CREATE TABLE whole (id int PRIMARY KEY, a text) PARTITION BY RANGE (id)"
    with captured(side, _PARTS, _LOW, whole) as parts, side.connect("app") as writer:
        parts.altered("ALTER TABLE whole ATTACH PARTITION parts FOR VALUES FROM (0) TO (100)")
        writer.execute("INSERT INTO low VALUES (1, 'low')")
        assert parts.logged("parts") == parts.logged("whole") == {"1"}


def test_what_is_written_into_a_partition_that_comes_to_a_table_without_any_is_logged(side: Database) -> None:
    with captured(side, _PARTS) as parts:
        side.run(_LOW)
        side.open_to_writers()
        with side.connect("app") as writer:
            writer.execute("INSERT INTO low VALUES (1, 'low'); UPDATE low SET id = 2")
        assert parts.logged("parts") == {"1", "2"}


def test_all_partitions_leave_and_are_captured_by_themselves(shop: Moved) -> None:
    shop.pair.run(_PARTS, _LOW, _HIGH, _ATTACH_HIGH)
    shop.begin()
    shop.pair.run("ALTER TABLE parts DETACH PARTITION low", "ALTER TABLE parts DETACH PARTITION high")
    begun = shop.checkpoints.begin(shop.policy(), "next")
    assert begun.taken_at is not None, begun.findings
    shop.pair.target.run("INSERT INTO low VALUES (1, 'low')", _ATTACH.format("low", 0, 10), "UPDATE low SET a = 'new'")
    watched = shop.checkpoints.watch(shop.policy(), "next")
    assert (watched.lost, watched.keys) == (None, 2)
    for one in ("next", "change"):
        shop.checkpoints.end(shop.policy(), one)
    left = "SELECT tgname::text FROM pg_trigger WHERE tgname LIKE 'rollback_%'"
    assert [rows_of(one, left) for one in (shop.pair.source, shop.pair.target)] == [[], []]
