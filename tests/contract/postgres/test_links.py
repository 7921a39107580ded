"""Bad links, and workers that come too late: nobody waits for ever, and nothing is changed that is not to be."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from psycopg import Connection, OperationalError
from psycopg.conninfo import make_conninfo
from psycopg.pq import TransactionStatus
from psycopg.sql import SQL

from local.postgres import NEW, OLD
from local.tcp_proxy import Proxy
from shared.adapters.postgres.copying.chunks import Chunk, Effects, apply_chunk
from shared.adapters.postgres.server.session import Access, Rows, at_once
from shared.adapters.postgres.server.sides import read_sides
from shared.adapters.postgres.way_back.sync import Stage
from shared.errors import PermanentError, TransientError
from shared.model.sync import Pass
from tests.contract.postgres.pairs import Pair, Servers
from tests.contract.postgres.ways import RULES, back, rows, start

_STATEMENT = timedelta(seconds=0.3)
_WAITS = {"statement": timedelta(seconds=10)}


@pytest.fixture
def pair(servers: Servers) -> Iterator[Pair]:
    with servers.pair(OLD, NEW) as made:
        made.run("CREATE TABLE items (id int PRIMARY KEY, name text)")
        made.run("INSERT INTO items SELECT n FROM generate_series(1, 9) n")
        yield made


def _through(access: Access, proxy: Proxy) -> Access:
    """Reach it through a proxy; in the clear, as a stalled end of encryption is one more wait."""
    return replace(access, conninfo=make_conninfo(access.conninfo, port=proxy.port, sslmode="disable"))


def test_a_link_that_stalls_is_given_up_by_the_name_of_its_side(pair: Pair) -> None:
    with Proxy("127.0.0.1", pair.target.cluster.port) as proxy:
        began = time.monotonic()
        with pytest.raises(TransientError, match=r"^target database: no answer in time$"):
            _ask_when_stalled(pair, proxy)
        assert time.monotonic() - began < 4


def _ask_when_stalled(pair: Pair, proxy: Proxy) -> None:
    with (
        pair.source.access.connected(**_WAITS) as source,
        _through(pair.target.access, proxy).connected(statement=_STATEMENT) as target,
    ):
        source.execute("SELECT 1")
        proxy.stall()
        target.execute("SELECT 1")


def test_a_statement_with_a_limit_of_its_own_is_waited_for(pair: Pair) -> None:
    with pair.source.access.connected(statement=_STATEMENT, answer=timedelta(seconds=5)) as source:
        source.execute("SET statement_timeout = '5s'")
        assert source.execute("SELECT 1 FROM pg_sleep(2.5)").fetchone() == (1,)


def test_a_transaction_that_was_left_alone_for_too_long_may_be_tried_again(pair: Pair) -> None:
    with pytest.raises(TransientError, match=r"^source database: terminating connection due to idle-in-transaction"):
        _leave_alone(pair)


def _leave_alone(pair: Pair) -> None:
    with pair.source.access.connected(**_WAITS, idle=timedelta(seconds=0.2)) as source:
        source.execute("BEGIN")
        time.sleep(0.4)
        source.execute("SELECT 1")


def test_statements_of_one_message_are_done_all_or_not_at_all(pair: Pair) -> None:
    adding, late = SQL("INSERT INTO items VALUES (10)"), SQL("INSERT INTO items VALUES (11)")
    with (
        pytest.raises(PermanentError, match=r"^source database: duplicate key value violates .*items_pkey"),
        pair.source.access.connected(**_WAITS) as source,
        pair.target.access.connected(**_WAITS),
    ):
        at_once(source, [adding, adding, late])
    assert rows(pair.source, "SELECT count(*) FROM items") == [(9,)]
    with pair.source.access.connected(**_WAITS) as source:
        assert [one.rowcount for one in at_once(source, [adding, late]).results()] == [1, 1]
    assert rows(pair.source, "SELECT count(*) FROM items") == [(11,)]


def _at_the_copy(pair: Pair, stage: str = "copy", copied: int = 0) -> None:
    """A way back that is done, but for what says so; and clients have written again."""
    start(pair)
    pair.target.run("UPDATE items SET name = 'target' WHERE id = 1")
    assert back(pair).stage is Stage.DONE
    said = json.dumps({"stage": stage, "copied": copied})
    pair.source.run(
        "UPDATE items SET name = 'written since' WHERE id = 1",
        "DELETE FROM rollback_controller.progress",
        f"UPDATE rollback_controller.note SET content = content || '{said}' WHERE name = 'state'",  # noqa: S608  # ours
    )


def _chunk(source: Connection[Rows], target: Connection[Rows]) -> Chunk:
    (of,) = read_sides(source, target, RULES).plan.tables
    return Chunk(sync="sync", of=of, round=1, does=Pass.MOVE, number=0)


_LATE = {
    "the way back is done": ("done", 0, None),
    "it was taken back": ("undone", 0, None),
    "this round was copied": ("copy", 1, None),
    "it is its turn": ("copy", 0, Effects(updated=1)),
}


@pytest.mark.parametrize("case", _LATE)
def test_a_chunk_is_applied_only_while_its_round_is_copied(pair: Pair, case: str) -> None:
    """A worker stood still before it claimed it, and its progress tells nothing."""
    stage, copied, effects = _LATE[case]
    _at_the_copy(pair, stage, copied)
    with pair.source.access.connected(**_WAITS) as source, pair.target.access.connected(**_WAITS) as target:
        chunk = _chunk(source, target)
        assert apply_chunk(target, source, chunk, replica_role=True) == effects
        assert apply_chunk(target, source, chunk, replica_role=True) is None
    assert rows(pair.source, "SELECT name FROM items WHERE id = 1") == [("target" if effects else "written since",)]
    assert rows(pair.source, "SELECT count(*) FROM rollback_controller.progress") == [(1 if effects else 0,)]


def test_who_waits_for_rows_of_a_chunk_stands_in_nobodys_way(pair: Pair) -> None:
    _at_the_copy(pair)
    with (
        Proxy("127.0.0.1", pair.target.cluster.port) as proxy,
        _through(pair.target.access, proxy).connected(statement=_STATEMENT) as stalled,
        pair.source.access.connected(**_WAITS) as one,
        pair.target.access.connected(**_WAITS) as target,
        pair.source.access.connected(**_WAITS, lock=_STATEMENT) as other,
        ThreadPoolExecutor(1) as pool,
    ):
        chunk = _chunk(one, target)
        proxy.stall()
        waits = pool.submit(apply_chunk, stalled, one, chunk, replica_role=True)
        while one.info.transaction_status != TransactionStatus.INTRANS:
            time.sleep(0.01)
        assert apply_chunk(target, other, chunk, replica_role=True) == Effects(updated=1)
        assert not waits.done()
        assert isinstance(waits.exception(), OperationalError)
    assert rows(pair.source, "SELECT name FROM items WHERE id = 1") == [("target",)]
