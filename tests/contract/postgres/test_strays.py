"""A row of the source, which nobody pinned, holds a unique value that one of the target wants to take."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from local.postgres import NEW, OLD
from shared.adapters.postgres.undo.slices import Undo, UndoStage
from shared.adapters.postgres.way_back.sync import Stage
from shared.errors import PermanentError
from shared.model.sync import Conflicts
from tests.contract.postgres.pairs import Pair, Servers
from tests.contract.postgres.ways import RULES, back, rows, start


@pytest.fixture
def pair(servers: Servers) -> Iterator[Pair]:
    with servers.pair(OLD, NEW) as one:
        one.run(
            "CREATE TABLE items (id int PRIMARY KEY, a text UNIQUE)",
            "CREATE UNIQUE INDEX ON items (upper(a))",
            "INSERT INTO items VALUES (1, 'a'), (2, 'b')",
        )
        one.source.run("INSERT INTO items VALUES (900, 'x'), (901, 'y')")
        start(one)
        one.target.run("INSERT INTO items VALUES (5, 'x')", "UPDATE items SET a = 'Y' WHERE id = 1")
        yield one


def test_it_goes_as_all_do_that_nobody_wrote(pair: Pair) -> None:
    before = rows(pair.source)
    state = back(pair)
    assert state.unexplained == {"public.items": 2}
    assert rows(pair.source) == rows(pair.target)
    assert Undo("sync", pair.source.access, RULES).work(30).stage is UndoStage.DONE
    assert rows(pair.source) == before


def test_it_stops_where_the_policy_does_and_goes_on_by_another_rule(pair: Pair) -> None:
    for _ in range(2):
        with pytest.raises(PermanentError, match=r"nobody wrote them since the checkpoint: 2 of public\.items"):
            back(pair, replace(RULES, unexplained=Conflicts.STOP))
    assert back(pair).stage is Stage.DONE


def test_one_that_stays_is_in_the_way(pair: Pair) -> None:
    before = rows(pair.source)
    with pytest.raises(PermanentError, match="source database: duplicate key value violates unique constraint"):
        back(pair, replace(RULES, unexplained=Conflicts.SOURCE_WINS))
    assert {row[0] for row in rows(pair.source)} >= {900, 901}
    assert len(rows(pair.source)) <= len(before)
