"""Rows that were damaged past every trigger are found within the promised rounds, whatever their keys are."""

# ruff: noqa: S608  # statements are made up here
from dataclasses import dataclass
from pathlib import Path

import pytest

from local.postgres import NEW, OLD
from shared.decision.corruption import Round
from tests.contract.postgres.pairs import Database, Pair, Servers
from tests.contract.postgres_corruption.planted import damage, keys, look, searching, start

_TYPES = """
CREATE TYPE mood AS ENUM ({});
CREATE COLLATION ignoring_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false)
"""
_MOODS = ["'fine'", "'ok'", "'bad, \"really\"'"]


@dataclass(frozen=True, slots=True)
class Keyed:
    """A table by its key: the columns of it with their types, and expressions over a number that give them values.

    Attributes:
        target: The columns there, if they are others.
        far: A number whose key may fit into the target only.
    """

    columns: str
    key: str
    values: str
    target: str = ""
    far: int = 2_000
    by: str = ""

    def row(self, n: int, a: str) -> str:
        """Return the statement that makes one more row."""
        return f"INSERT INTO items SELECT {self.values}, '{a}' FROM (SELECT {n} AS n) AS one"


_KEYED = {
    "whole numbers": Keyed("id bigint", "id", "n"),
    "whole numbers at both ends": Keyed(
        "id bigint",
        "id",
        "CASE n % 3 WHEN 0 THEN 9223372036854775807 - n WHEN 1 THEN n - 9223372036854775807 ELSE n END",
    ),
    "wider on the target": Keyed("id int", "id", "n", target="id bigint", far=3_000_000_000),
    "text": Keyed("id text", "id", "(ARRAY['k ', E'tab\\t', E'b\\\\ack', 'ü', ''])[1 + n % 5] || n"),
    "text without its case": Keyed("id text COLLATE ignoring_case", "id", "(ARRAY['k', 'K'])[1 + n % 2] || n"),
    "longer on the target": Keyed("id varchar(9)", "id", "'k' || n", target="id text", far=10**15),
    "uuid": Keyed("id uuid", "id", "md5(n::text)::uuid"),
    "numeric": Keyed("id numeric", "id", "n + (ARRAY[0.5, 0.50, 0])[1 + n % 3]"),
    "timestamptz": Keyed("id timestamptz", "id", "timestamptz '2024-02-29' + n * interval '1 microsecond'"),
    "two columns": Keyed('"Id" int, "100%" text', '"Id", "100%"', "n % 40, 'x' || n"),
    "an enum in another order": Keyed(
        "id mood, n smallint", "id, n", f"(ARRAY[{', '.join(_MOODS)}])[1 + n % 3]::mood, n % 30000"
    ),
    "bytes": Keyed("day date, id bytea", "id, day", "date '2024-01-01' + n % 90, decode(md5(n::text), 'hex')"),
    "partitions": Keyed("id int", "id", "n", by="PARTITION BY RANGE (id)"),
}
_PARTITIONS = (
    "CREATE TABLE low PARTITION OF items FOR VALUES FROM (MINVALUE) TO (40)",
    "CREATE TABLE rest PARTITION OF items DEFAULT",
)


def _create(pair: Pair, keyed: Keyed) -> None:
    for side, moods in ((pair.source, _MOODS), (pair.target, _MOODS[::-1])):
        columns = keyed.target if keyed.target and side is pair.target else keyed.columns
        side.run(
            _TYPES.format(", ".join(moods)),
            f"CREATE TABLE items ({columns}, a text, PRIMARY KEY ({keyed.key})) {keyed.by}",
            *(_PARTITIONS if keyed.by else ()),
            f"INSERT INTO items SELECT {keyed.values}, 'v' || n FROM generate_series(1, 300) AS n",
        )


def _key_of(side: Database, keyed: Keyed, row: str) -> tuple[str, ...]:
    with side.connect() as connection:
        connection.execute("SET timezone = 'UTC'")
        found = connection.execute(
            f"SELECT {', '.join(f'{name}::text' for name in keyed.key.split(', '))} FROM items WHERE a = '{row}'"
        ).fetchone()
        assert found is not None
        return found


@pytest.mark.parametrize("kind", list(_KEYED))
def test_what_nobody_wrote_is_found_on_both_sides(servers: Servers, kind: str) -> None:
    keyed = _KEYED[kind]
    versions = [(OLD, OLD), (OLD, NEW)][list(_KEYED).index(kind) % 2]
    with servers.pair(*versions) as pair:
        _create(pair, keyed)
        start(pair)
        pair.target.run(
            "UPDATE items SET a = a || ' by a client' WHERE a LIKE 'v20_'",
            "DELETE FROM items WHERE a = 'v99'",
            keyed.row(keyed.far, "by a client"),
        )
        pair.source.run("DELETE FROM items WHERE a = 'v98'")
        assert look(pair).value == 0
        wanted = {_key_of(pair.source, keyed, row) for row in ("v11", "v12", "v21", "v22")}
        for side, first in ((pair.source, 11), (pair.target, 21)):
            damage(
                side,
                f"UPDATE items SET a = 'damaged' || a WHERE a = 'v{first}'",
                f"DELETE FROM items WHERE a = 'v{first + 1}'",
                keyed.row(1_000 + first, "extra"),
            )
            wanted.add(_key_of(side, keyed, "extra"))
        found = look(pair)
        assert keys(found) == wanted
        assert found.value == 6
        assert found.covered == 1.0


@pytest.mark.parametrize(
    ("kind", "side"), [("whole numbers", "target"), ("two columns", "source"), ("partitions", "target")]
)
def test_large_tables_are_read_whole_in_the_promised_rounds(servers: Servers, kind: str, side: str) -> None:
    keyed, share = _KEYED[kind], 0.2
    with servers.pair(OLD, NEW) as pair:
        _create(pair, keyed)
        pair.run(f"INSERT INTO items SELECT {keyed.values}, repeat('x', 999) FROM generate_series(301, 3300) AS n")
        start(pair)
        covered = [look(pair, share).covered for _ in range(5)]
        assert covered == sorted(set(covered))
        assert 0.15 < covered[0] < 0.25
        assert covered[-1] == 1.0
        damage(
            getattr(pair, side), "DELETE FROM items WHERE a = 'v7'", "UPDATE items SET a = 'damaged' WHERE a = 'v150'"
        )
        last = [look(pair, share) for _ in range(5)][-1]
        assert keys(last) == {
            _key_of(pair.source if side == "target" else pair.target, keyed, f"v{n}") for n in (7, 150)
        }


def test_what_was_found_counts_until_it_is_the_same_again(servers: Servers) -> None:
    with servers.pair(OLD, NEW) as pair:
        pair.run("CREATE TABLE items (id int PRIMARY KEY, a text)")
        pair.run("INSERT INTO items SELECT n, repeat('x', 500) FROM generate_series(1, 5000) AS n")
        start(pair)
        damage(pair.target, "UPDATE items SET a = 'damaged' WHERE id IN (1, 2, 3)", "DELETE FROM items WHERE id = 4")
        assert look(pair, 0.1).value == 4
        assert look(pair, 0.1).value == 4, "a round that looks elsewhere has not healed it"
        pair.target.run("UPDATE items SET a = repeat('x', 500) WHERE id = 1")
        pair.source.run("UPDATE items SET a = 'damaged' WHERE id = 2")
        assert keys(look(pair, 0.1)) == {("3",), ("4",)}
        damage(pair.target, "UPDATE items SET a = repeat('x', 500) WHERE id = 3")
        pair.target.run("INSERT INTO items VALUES (4, repeat('x', 500))")
        assert look(pair, 0.1).value == 0


def test_a_new_checkpoint_begins_anew(servers: Servers) -> None:
    with servers.pair(OLD, OLD) as pair:
        pair.run("CREATE TABLE items (id int PRIMARY KEY, a text)", "INSERT INTO items VALUES (1, 'a')")
        start(pair, checkpoint="one")
        damage(pair.target, "UPDATE items SET a = 'damaged'")
        assert look(pair).value == 1
        pair.target.run("UPDATE items SET a = 'a'")
        start(pair, checkpoint="two")
        assert look(pair).value == 0
        damage(pair.source, "UPDATE items SET a = 'damaged'")
        assert look(pair).value == 1


def test_a_rewrite_of_a_table_that_changes_values_is_damage(servers: Servers) -> None:
    """No trigger fires for it, so no way back by the log would know of it."""
    with servers.pair(OLD, NEW) as pair:
        pair.run("CREATE TABLE items (id int PRIMARY KEY, a text)", "INSERT INTO items VALUES (1, 'a'), (2, 'b')")
        start(pair)
        pair.target.run("ALTER TABLE items ALTER a TYPE text USING CASE id WHEN 1 THEN 'A' ELSE a END")
        assert keys(look(pair)) == {("1",)}


def test_rounds_without_time_come_to_an_end_all_the_same(servers: Servers) -> None:
    with servers.pair(OLD, OLD) as pair:
        for name in ("items", "more", "most"):
            pair.run(f"CREATE TABLE {name} (id int PRIMARY KEY, a text)")
            pair.run(f"INSERT INTO {name} SELECT n, repeat('x', 900) FROM generate_series(1, 300) AS n")
        start(pair)
        damage(pair.target, "UPDATE items SET a = 'damaged' WHERE id = 300")
        rounds: list[Round] = []
        while not rounds or (rounds[-1].covered < 1.0 and len(rounds) < 50):
            with searching(pair) as search:
                rounds.append(search.round(1.0, until=0.0))
        assert all(found.rows for found in rounds)
        assert rounds[-1].covered == 1.0
        assert rounds[-1].value == 1


def test_blocks_that_the_target_cannot_read_are_damage(servers: Servers) -> None:
    with servers.pair(OLD, OLD) as pair:
        pair.run("CREATE TABLE items (id int PRIMARY KEY, a text)")
        pair.run("INSERT INTO items SELECT n, repeat('x', 900) FROM generate_series(1, 300) AS n")
        start(pair)
        _break_a_block(pair.target)
        first, second = look(pair), look(pair)
        assert first.value == second.value == 1
        assert "invalid page in block 20" in first.unreadable


def _break_a_block(side: Database) -> None:
    """Overwrite the head of a block in its file; moved first, none of it is in the server's memory."""
    with side.connect() as connection:
        connection.execute("SET allow_in_place_tablespaces = on")
        connection.execute("CREATE TABLESPACE elsewhere LOCATION ''")
        connection.execute("ALTER TABLE items SET TABLESPACE elsewhere")
        found = connection.execute(
            "SELECT current_setting('data_directory') || '/' || pg_relation_filepath('items')"
        ).fetchone()
        assert found is not None
    with Path(found[0]).open("r+b") as file:
        file.seek(20 * 8192)
        file.write(b"\xff" * 64)
