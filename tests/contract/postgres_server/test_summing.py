"""The sums that a checkpoint keeps: of its snapshot, without holding anything, and none where that would be dear."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest

from shared.adapters.postgres.checkpoint import summing
from shared.adapters.postgres.checkpoint.content import content_of, unsummed
from shared.adapters.postgres.server.sides import Sides, read_sides
from shared.model.policy_data import Capture
from shared.model.sync import SyncRules
from tests.contract.postgres.pairs import Pair

_LOCKED = """
SELECT count(*) FROM pg_locks l JOIN pg_class c ON c.oid = l.relation JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE l.pid = pg_backend_pid() AND n.nspname = 'public'
"""
_TABLES = (
    "CREATE TABLE items (id int PRIMARY KEY, name text)",
    "INSERT INTO items SELECT n, 'item ' || n FROM generate_series(1, 30) AS n",
    "CREATE TABLE notes (id int PRIMARY KEY) PARTITION BY RANGE (id)",
    "CREATE TABLE notes_1 PARTITION OF notes FOR VALUES FROM (0) TO (1000)",
    "INSERT INTO notes SELECT n FROM generate_series(1, 20) AS n",
)


@pytest.fixture
def tables(pair: Pair) -> Pair:
    pair.run(*_TABLES)
    return pair


@contextmanager
def _as_of_one_moment(pair: Pair) -> Iterator[Sides]:
    waits = {"statement": timedelta(seconds=10), "lock": timedelta(seconds=0.2)}
    with pair.source.access.connected(**waits) as source, pair.target.access.connected(**waits) as target:
        sides = read_sides(source, target, SyncRules())
        with source.transaction(), target.transaction():
            for side in (source, target):
                side.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            yield sides


def _content(sides: Sides, *, of_source: bool = False) -> dict[str, Any]:
    return content_of(sides, Capture.TRIGGERS, of_source=of_source)


def _digests(content: dict[str, Any]) -> dict[str, Any]:
    return {name: (one["rows"], one["digest"]) for name, one in content["tables"].items()}


def test_both_sides_have_the_same_sums_and_no_lock_is_held(tables: Pair) -> None:
    with _as_of_one_moment(tables) as sides:
        here, there = _content(sides, of_source=True), _content(sides)
        assert _digests(here) == _digests(there)
        assert {name: rows for name, (rows, _) in _digests(there).items()} == {"public.items": 30, "public.notes": 20}
        for side in (sides.source, sides.target):
            assert side.execute(_LOCKED).fetchone() == (0,)
        assert unsummed(there) == {}


def test_the_sums_are_of_the_transactions_snapshot(tables: Pair) -> None:
    with _as_of_one_moment(tables) as sides:
        before = _digests(_content(sides))
        tables.target.run("UPDATE items SET name = 'later'", "INSERT INTO notes VALUES (99)")
        assert _digests(_content(sides)) == before
        assert sides.target.execute("SELECT count(*) FROM items WHERE name = 'later'").fetchone() == (0,)


def test_a_table_that_would_take_too_long_is_left_out(tables: Pair) -> None:
    tables.run("CREATE TABLE wide (id int PRIMARY KEY, a text)")
    tables.target.run("INSERT INTO wide SELECT n, repeat('x', 8000000) FROM generate_series(1, 60) AS n")
    with _as_of_one_moment(tables) as sides:
        sides.target.execute("SET statement_timeout = '300ms'")  # not for reading the catalogue as well
        there = _content(sides)
        assert unsummed(there) == {"public.wide": "it took longer than 0.3 s"}
        assert sides.target.execute("SHOW statement_timeout").fetchone() == ("300ms",)
        assert _digests(there)["public.items"][0] == 30


def test_a_value_of_another_type_is_told_by_its_column(tables: Pair) -> None:
    tables.source.run("CREATE TABLE cards (id int PRIMARY KEY, born date, name text)")
    tables.target.run(
        "CREATE TABLE cards (id int PRIMARY KEY, born text, name text)",
        "INSERT INTO cards VALUES (1, 'card 4111', 'a')",
    )
    with _as_of_one_moment(tables) as sides:
        assert unsummed(_content(sides)) == {
            "public.cards": "not every value is one of its type on the source, in born",
        }


def test_a_table_that_somebody_alters_is_left_out(tables: Pair) -> None:
    with (
        _as_of_one_moment(tables) as sides,
        tables.target.connect() as other,
        other.transaction(force_rollback=True),
    ):
        other.execute("LOCK TABLE items")
        assert unsummed(_content(sides)) == {"public.items": "canceling statement due to lock timeout"}


_BOUNDS = {
    "_ROWS": {"public.items": "too many rows"},
    "_BYTES": {"public.items": "too large", "public.notes": "too large"},
    "_PARTITIONS": {"public.notes": "1 partitions"},
    "_WITHIN_S": dict.fromkeys(("public.items", "public.notes"), "others took all the time that there was"),
}


@pytest.mark.parametrize("bound", _BOUNDS)
def test_there_is_a_bound(tables: Pair, monkeypatch: pytest.MonkeyPatch, bound: str) -> None:
    with tables.target.connect() as superuser:
        superuser.execute("ANALYZE")
    monkeypatch.setattr(summing, bound, 25 if bound == "_ROWS" else 0)
    with _as_of_one_moment(tables) as sides:
        assert unsummed(_content(sides)) == _BOUNDS[bound]
