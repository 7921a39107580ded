"""Writers are let in again when half of the rows have gone: what they do then is in nobody's way for good."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import pytest

from local.postgres import NEW, OLD
from shared.adapters.postgres.copying.chunks import Effects, apply_chunk
from shared.adapters.postgres.server.fence import lower_fences
from shared.adapters.postgres.way_back.sync import Stage
from shared.errors import TransientError
from tests.contract.postgres.pairs import Pair, Servers
from tests.contract.postgres.ways import RULES, back, rows, start


@pytest.fixture
def pair(servers: Servers) -> Iterator[Pair]:
    with servers.pair(OLD, NEW) as one:
        one.run(
            "CREATE TABLE items (id int PRIMARY KEY, place int UNIQUE)",
            "INSERT INTO items SELECT i, i FROM generate_series(1, 9) AS i",
        )
        start(one)
        one.target.run("UPDATE items SET place = 10 WHERE id = 1")
        yield one


def _breaks() -> None:
    raise TransientError("the link broke")


@contextmanager
def _let_in_halfway(pair: Pair, chunks: int = 0) -> Iterator[None]:
    """Break off before the copy, or when so many chunks were applied; go on afterwards."""
    left = iter(range(chunks))

    def some(*given: Any, **named: Any) -> Effects | None:
        if next(left, None) is None:
            _breaks()
        return apply_chunk(*given, **named)

    with patch("shared.adapters.postgres.way_back.copying.apply_chunk", some), pytest.raises(TransientError):
        back(pair, replace(RULES, chunk=1, workers=1))
    with pair.target.connect("keeper") as keeper:
        lower_fences(keeper)
    yield
    assert back(pair).stage is Stage.DONE


def test_a_unique_value_goes_from_row_to_row(pair: Pair) -> None:
    """The row that gives it up is pinned in the second round alone, and the first one wants the value."""
    with _let_in_halfway(pair):
        pair.target.run("UPDATE items SET place = 99 WHERE id = 2", "UPDATE items SET place = 2 WHERE id = 1")
    assert rows(pair.source) == rows(pair.target)


def test_a_unique_value_goes_to_a_row_that_has_not_gone_from_one_that_has(pair: Pair) -> None:
    """Both are pinned; both have given up what they held, and the first of them was put."""
    pair.target.run("UPDATE items SET place = 20 WHERE id = 2")
    with _let_in_halfway(pair, chunks=3):
        pair.target.run("UPDATE items SET place = 30 WHERE id = 1", "UPDATE items SET place = 10 WHERE id = 2")
    assert rows(pair.source) == rows(pair.target)


def test_a_column_comes_on_both_sides(pair: Pair) -> None:
    with _let_in_halfway(pair):
        pair.run("ALTER TABLE items ADD kind text")
        pair.target.run("UPDATE items SET kind = 'a' WHERE id = 3")
    assert rows(pair.source) == rows(pair.target)


def test_a_column_comes_on_the_source_alone(pair: Pair) -> None:
    with _let_in_halfway(pair):
        pair.source.run("ALTER TABLE items ADD note text DEFAULT 'kept'")
        pair.target.run("UPDATE items SET place = 11 WHERE id = 1")
    assert rows(pair.source, "SELECT place, note FROM items WHERE id = 1") == [(11, "kept")]
