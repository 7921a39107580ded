"""Foreign keys are followed some seconds' worth at a time, however large the tables are."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest

from local.postgres import OLD
from shared.adapters.postgres.proof import split
from shared.adapters.postgres.server.sides import read_sides
from shared.adapters.postgres.way_back.orphans import References
from shared.adapters.postgres.way_back.state import State
from shared.adapters.postgres.way_back.sync import Stage, Sync
from shared.errors import PermanentError
from tests.contract.postgres.pairs import Pair, Servers
from tests.contract.postgres.ways import RULES, back, start

_PARENTS = 20_000


@pytest.fixture
def pair(servers: Servers) -> Iterator[Pair]:
    with servers.pair(OLD, OLD) as one:
        one.run(
            "CREATE TABLE parents (id int PRIMARY KEY)",
            "CREATE TABLE items (id int PRIMARY KEY, parent int REFERENCES parents)",
            f"INSERT INTO parents SELECT generate_series(1, {_PARENTS})",
            f"INSERT INTO items SELECT i, i FROM generate_series(1, {_PARENTS}) i",  # noqa: S608  # a number
        )
        start(one)
        one.target.run("INSERT INTO parents VALUES (0)")
        yield one


def test_it_goes_on_in_mid_table_and_comes_to_an_end(pair: Pair) -> None:
    with patch.multiple(split, _WHOLE=0, _FIRST_PART=100_000), ThreadPoolExecutor(4) as pool:
        seen = []
        while (state := Sync("sync", "change", pair.source.access, pair.target.access, RULES, pool).work(0.001)) and (
            state.stage is not Stage.DONE
        ):
            seen.append(state.following.next if state.following else None)
    assert len({place for place in seen if place}) >= 3
    assert state.references == 1


def test_a_part_that_takes_too_long_is_done_in_smaller_ones(pair: Pair) -> None:
    assert back(pair).stage is Stage.DONE
    with (
        pair.source.access.connected(statement=RULES.statement_timeout) as source,
        pair.target.access.connected(statement=RULES.statement_timeout) as target,
    ):
        references, plain = References.of(read_sides(source, target, RULES)), References._demand_none

        def hurried(self: References, *given: Any) -> None:
            source.execute("SET statement_timeout = '1ms'")
            try:
                plain(self, *given)
            finally:
                source.execute("SET statement_timeout = 0")

        with patch.object(References, "_demand_none", hurried):
            state, over = references.go_on(State(), 0)
        assert not over
        assert state.following is not None
        assert state.following.step < state.following.blocks
        assert references.go_on(state, float("inf"))[1]


def test_what_leads_nowhere_in_a_later_part_is_found(pair: Pair) -> None:
    """The target's foreign key was dropped, and then it let go of what is named."""
    pair.target.run(
        "ALTER TABLE items DROP CONSTRAINT items_parent_fkey",
        f"DELETE FROM parents WHERE id > {_PARENTS - 3}",  # noqa: S608  # a number
    )
    short = replace(RULES, statement_timeout=timedelta(seconds=20))
    with (
        patch.multiple(split, _WHOLE=0, _FIRST_PART=100_000),
        pytest.raises(PermanentError, match=r"at least [123] rows of items_parent_fkey lead nowhere, such as \(\d+\)"),
    ):
        back(pair, short)
