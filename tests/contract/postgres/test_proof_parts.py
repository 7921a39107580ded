"""A table is compared in parts of bounded time, whatever its key: all that differs is found, also from mid-table on."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from itertools import count
from math import inf

import pytest
from psycopg.sql import SQL, Composed, Literal

from local.postgres import NEW, OLD
from shared.adapters.postgres.capture.records import prepare_source
from shared.adapters.postgres.proof import comparison
from shared.adapters.postgres.proof import split as proof_split
from shared.adapters.postgres.proof.buckets import Compared, Kept, Proof
from shared.adapters.postgres.server.hashing import Hash
from shared.adapters.postgres.server.sides import Sides, read_sides
from shared.adapters.postgres.way_back.sync import Stage, Sync
from shared.errors import PermanentError
from shared.model.sync import Conflicts, SyncRules
from tests.contract.postgres.pairs import Pair, Servers
from tests.contract.postgres.ways import RULES, back, rows, start

_ROWS = 6_000
# By name: the type of the key, and the key of row `i`; orders that collations do not agree about, and keys far off.
_KEYS = {
    "whole numbers": ("id bigint PRIMARY KEY", "i - 3000"),
    "numbers far off": ("id bigint PRIMARY KEY", "CASE i WHEN 1 THEN 4000000000000000000 ELSE i END"),
    "all of bigint": (
        "id bigint PRIMARY KEY",
        "CASE i WHEN 1 THEN 2^63::numeric - 1 ELSE -2^63::numeric + i END",
    ),
    "uuid": ("id uuid PRIMARY KEY", "md5(i::text)::uuid"),
    "text": (
        'id text COLLATE "und-x-icu" PRIMARY KEY',
        "(ARRAY['a', 'B', '-ä'])[i % 3 + 1] || i",
    ),
    "fixed": ("id char(9) PRIMARY KEY", "'k' || i"),
    "two columns": ("id text, flag boolean, PRIMARY KEY (flag, id)", "'k' || i / 2, i % 2 = 0"),
}
_LABEL = "proof"
_MOST = timedelta(seconds=20)
_numbers = count(1)


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if a table of some hundred kilobytes were one of some gigabytes."""
    monkeypatch.setattr(proof_split, "_WHOLE", 0)
    monkeypatch.setattr(proof_split, "_FIRST_PART", 16 << 10)
    monkeypatch.setattr(proof_split, "_AIM_S", 60)
    monkeypatch.setattr(comparison, "_AT_ONCE", 2_000)


@pytest.fixture(scope="module")
def pair(servers: Servers) -> Iterator[Pair]:
    with servers.pair(OLD, NEW) as one:
        yield one


def _fill(pair: Pair, key: str, value: str, name: str = "items") -> None:
    pair.run(
        f"DROP TABLE IF EXISTS {name}",
        f"CREATE TABLE {name} ({key}, a text) WITH (autovacuum_enabled = off)",
        f"INSERT INTO {name} SELECT {value}, 'row ' || i || repeat('.', 60) FROM generate_series(1, {_ROWS}) AS i",  # noqa: S608
        f"ANALYZE {name}",
    )


@contextmanager
def _sides(pair: Pair, statement: timedelta = _MOST) -> Iterator[Sides]:
    with (
        pair.source.access.connected(statement=statement) as source,
        pair.target.access.connected(statement=statement) as target,
    ):
        yield read_sides(source, target, SyncRules())


def _compare(pair: Pair, by: Hash | None = None, statement: timedelta = _MOST) -> Compared:
    with _sides(pair, statement) as sides, ThreadPoolExecutor(1) as pool:
        (of,) = (one for one in sides.plan.tables if one.name.name == "items")
        return Proof(sides.source, sides.target, by or sides.by, pool).compare(of)


def _differ(pair: Pair, wanted: str) -> None:
    """Make the rows of the numbers of some text differ, each in one of the ways that there are."""
    mine = f"substring(a FROM 'row (\\d+)')::int IN ({wanted})"
    pair.target.run(f"UPDATE items SET a = a || '!' WHERE {mine} AND substring(a FROM 'row (\\d+)')::int % 3 = 0")  # noqa: S608
    pair.target.run(f"DELETE FROM items WHERE {mine} AND substring(a FROM 'row (\\d+)')::int % 3 = 1")  # noqa: S608
    pair.source.run(f"DELETE FROM items WHERE {mine} AND substring(a FROM 'row (\\d+)')::int % 3 = 2")  # noqa: S608


@pytest.mark.parametrize("kind", _KEYS)
def test_every_difference_is_found_by_parts(pair: Pair, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    key, value = _KEYS[kind]
    _fill(pair, key, value)
    same = _compare(pair)
    wanted = [1, 2, 3, _ROWS - 1, _ROWS, *range(1000, 1100, 7)]
    _differ(pair, ", ".join(map(str, wanted)))
    found = _compare(pair)
    monkeypatch.setattr(proof_split, "_WHOLE", 1 << 30)
    at_once = _compare(pair)

    assert same.same
    assert same.rows == (_ROWS, _ROWS)
    assert len(found.different) == len(set(found.different)) == len(wanted)
    assert (set(found.different), found.rows, found.digest) == (set(at_once.different), at_once.rows, at_once.digest)


def test_many_differences_are_looked_at_some_at_a_time(pair: Pair) -> None:
    _fill(pair, *_KEYS["uuid"])
    pair.target.run("UPDATE items SET a = a || '!'")
    assert len(_compare(pair, Hash.MD5).different) == _ROWS
    with pair.source.connect() as source:
        left = source.execute("SELECT count(*) FROM pg_class WHERE relname LIKE 'suspect_%'").fetchone()
    assert left == (0,)


@pytest.mark.parametrize("kind", ["whole numbers", "uuid"])
def test_partitions_are_read_in_parts(pair: Pair, kind: str) -> None:
    key, value = _KEYS[kind]
    pair.run(
        "DROP TABLE IF EXISTS items",
        f"CREATE TABLE items ({key}, a text) PARTITION BY HASH (id)",
        *(f"CREATE TABLE items_{n} PARTITION OF items FOR VALUES WITH (MODULUS 3, REMAINDER {n})" for n in range(3)),
        f"INSERT INTO items SELECT {value}, 'row ' || i FROM generate_series(1, {_ROWS}) AS i",  # noqa: S608
    )
    _differ(pair, "7, 8, 9")
    assert len(_compare(pair).different) == 3


@pytest.mark.parametrize("kind", ["whole numbers", "uuid"])
def test_whoever_comes_next_goes_on_in_mid_table(pair: Pair, kind: str) -> None:
    """Each step with connections of its own, and nothing in memory: as after a kill."""
    _fill(pair, *_KEYS[kind])
    _differ(pair, "10, 2000, 5000")
    with _sides(pair) as sides:
        prepare_source(sides.source)
    steps, shares, found = 0, [], None
    while found is None:
        with _sides(pair) as sides, ThreadPoolExecutor(1) as pool:
            (of,) = sides.plan.tables
            kept = Kept(sides.source, "sync", f"{_LABEL} {kind}")
            found = Proof(sides.source, sides.target, sides.by, pool).go_on(of, 0, kept)
            steps += 1
            shares.append(kept.share(of))
    assert steps > 4
    assert shares == sorted(shares)
    assert shares[0] < 0.3
    assert len(found.different) == 3


def test_a_table_that_is_written_anew_in_between_is_begun_anew(pair: Pair) -> None:
    """A row that moves to a part that was read already would be in none."""
    _fill(pair, *_KEYS["uuid"])
    pair.source.run("INSERT INTO items VALUES (md5('only here')::uuid, 'only here')")
    with _sides(pair) as sides, ThreadPoolExecutor(1) as pool:
        prepare_source(sides.source)
        (of,) = sides.plan.tables
        kept = Kept(sides.source, "sync", "anew")
        proof = Proof(sides.source, sides.target, sides.by, pool)
        while kept.share(of) < 0.5:
            assert proof.go_on(of, 0, kept) is None
        pair.source.run("CLUSTER items USING items_pkey")
        found = proof.go_on(of, inf, kept)
    assert found is not None
    assert found.rows == (_ROWS + 1, _ROWS)
    assert len(found.different) == 1


def test_a_part_that_takes_too_long_is_done_in_smaller_ones(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server ends what reads many blocks: one that has much to do takes longer for these than it may."""
    _fill(pair, *_KEYS["uuid"])
    _differ(pair, "7, 8, 9")
    monkeypatch.setattr(proof_split, "_WHOLE", 1 << 40)
    monkeypatch.setattr(proof_split, "_AIM_S", 0)
    at_once = _compare(pair, Hash.MD5)
    parts = []

    def slow(split: proof_split.Split, part: proof_split.Reading, *, is_source: bool) -> Composed:
        parts.append(part)
        query = proof_split.summed(split, part, is_source=is_source)
        return SQL("SELECT q.* FROM ({}) AS q, pg_sleep({})").format(query, Literal(9 if part.step > 4 else 0))

    monkeypatch.setattr(comparison, "summed", slow)
    found = _compare(pair, Hash.MD5, timedelta(seconds=1))
    assert (set(found.different), found.rows, found.digest) == (set(at_once.different), at_once.rows, at_once.digest)
    assert parts[0].at_once
    assert min(part.step for part in parts) <= 4


def test_a_way_back_proves_a_table_in_many_slices(servers: Servers) -> None:
    with servers.pair(OLD, NEW) as pair, ThreadPoolExecutor(4) as pool:
        _fill(pair, *_KEYS["uuid"])
        start(pair)
        pair.target.run("UPDATE items SET a = 'written' WHERE a LIKE 'row 1%'")
        said, state = [], None
        while state is None or state.stage is not Stage.DONE:
            state = Sync("sync", "change", pair.source.access, pair.target.access, RULES, pool).work(0.001)
            said.append(state.comparing)
        assert len([one for one in said if one]) > 3
        assert said[-1] == ""
        assert rows(pair.source) == rows(pair.target)
        assert not rows(pair.source, "SELECT name FROM rollback_controller.note WHERE name LIKE 'proof%'")


def _other_types(pair: Pair, here: str, there: str, value: str) -> None:
    number = next(_numbers)
    for side, kind in ((pair.source, here), (pair.target, there)):
        side.run(
            "DROP TABLE IF EXISTS items",
            f"CREATE TABLE items (id int PRIMARY KEY, n {kind})",
            f"INSERT INTO items VALUES (1, '{number}'), (2, '2')",  # noqa: S608
        )
    pair.target.run(f"UPDATE items SET n = {value} WHERE id = 2")  # noqa: S608


@pytest.mark.parametrize("by", Hash)
@pytest.mark.parametrize(
    ("here", "there", "value"),
    [("integer", "bigint", "5000000000"), ("varchar(3)", "text", "'2 and more'"), ("smallint", "integer", "70000")],
)
def test_a_value_that_does_not_fit_is_a_difference(pair: Pair, by: Hash, here: str, there: str, value: str) -> None:
    _other_types(pair, here, there, value)
    assert list(_compare(pair, by).different) == [b"2\n"]


def test_a_value_that_cannot_be_read_names_its_column(pair: Pair) -> None:
    _other_types(pair, "numeric(4,2)", "numeric", "123456")
    with pytest.raises(PermanentError, match=r"^public\.items\.n: it holds a value on the target that is none of"):
        _compare(pair)


def test_a_key_that_does_not_fit_ends_with_its_name(servers: Servers) -> None:
    with servers.pair(OLD, NEW) as pair:
        for side, kind in ((pair.source, "int"), (pair.target, "bigint")):
            side.run(f"CREATE TABLE items (id {kind} PRIMARY KEY, a text)", "INSERT INTO items VALUES (1, 'a')")
        start(pair)
        pair.target.run("INSERT INTO items VALUES (5000000000, 'b')")
        with pytest.raises(PermanentError, match=r"public\.items"):
            back(pair, SyncRules(conflicts=Conflicts.TARGET_WINS))
