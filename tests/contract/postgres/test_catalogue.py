"""What is read of a database waits for nobody whose tables are none of ours."""

from datetime import timedelta

from local.postgres import OLD
from shared.adapters.postgres.server.catalogue import read_catalogue
from shared.model.tables import TableName
from tests.contract.postgres.pairs import Servers

_WAITS = {"statement": timedelta(seconds=5), "lock": timedelta(milliseconds=300)}


def test_a_table_that_somebody_else_has_locked_is_read_all_the_same(servers: Servers) -> None:
    with servers.pair(OLD, OLD) as pair:
        pair.source.run(
            "CREATE SCHEMA theirs",
            "CREATE TABLE theirs.parts (id int GENERATED ALWAYS AS IDENTITY, at int) PARTITION BY RANGE (at)",
            "CREATE TABLE theirs.part PARTITION OF theirs.parts FOR VALUES FROM (0) TO (9)",
            "CREATE TABLE items (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY)",
            "CREATE SEQUENCE theirs.numbers",
            "CREATE TABLE counted (id int PRIMARY KEY DEFAULT nextval('theirs.numbers'))",
            "INSERT INTO items DEFAULT VALUES",
            "INSERT INTO counted DEFAULT VALUES",
        )
        with pair.source.connect("keeper") as stranger, pair.source.access.connected(**_WAITS) as source:
            with stranger.transaction():
                stranger.execute("LOCK TABLE theirs.parts, theirs.part IN ACCESS EXCLUSIVE MODE")
                stranger.execute("ALTER SEQUENCE theirs.parts_id_seq RESTART")
                found = read_catalogue(source, ["public.*"])
            theirs = found.tables[TableName("theirs", "parts")]
            assert theirs.leaves == (TableName("theirs", "part"),)
            assert theirs.bytes == 0
            assert found.tables[TableName("public", "items")].bytes > 0
            lasts = {str(name): one.last for name, one in found.sequences.items()}
            assert lasts == {"public.items_id_seq": 1, "theirs.numbers": 1, "theirs.parts_id_seq": None}
            assert read_catalogue(source).tables[TableName("theirs", "parts")].leaves == theirs.leaves


def test_patterns_are_those_of_the_policy(servers: Servers) -> None:
    with servers.pair(OLD, OLD) as pair:
        pair.source.run(*(f'CREATE TABLE "{name}" (id int PRIMARY KEY)' for name in ("a_b", "axb", "a%b", "c1")))
        with pair.source.access.connected(**_WAITS) as source:
            for pattern, wanted in {
                "public.a_b": {"a_b"},
                "public.a?b": {"a_b", "axb", "a%b"},
                "public.a%b": {"a%b"},
                "public.c[0-9]": {"c1"},
                "*.*": {"a_b", "axb", "a%b", "c1"},
            }.items():
                found = read_catalogue(source, [pattern]).tables
                assert {name.name for name, one in found.items() if one.bytes} == wanted, pattern
