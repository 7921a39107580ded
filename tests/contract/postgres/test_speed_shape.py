"""What makes a way back fast wherever the servers are: how often it waits for an answer, and how many work at it."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

import pytest
from psycopg.conninfo import make_conninfo

from local.postgres import NEW, OLD
from local.tcp_proxy import Proxy
from shared.adapters.postgres.capture import pinning
from shared.adapters.postgres.capture.pinning import pin_more, pin_written
from shared.adapters.postgres.capture.records import prepare_source, prepare_target, save_state
from shared.adapters.postgres.copying.chunks import Chunk, apply_chunk, prepare_images, workers_for
from shared.adapters.postgres.server import session
from shared.adapters.postgres.server.catalogue import read_catalogue
from shared.adapters.postgres.server.sides import read_sides
from shared.adapters.postgres.way_back.stages import Stages
from shared.adapters.postgres.way_back.state import Stage, State
from shared.adapters.postgres.way_back.sync import Sync
from shared.model.sync import Pass
from tests.contract.postgres.pairs import Pair, Servers
from tests.contract.postgres.waits import waits
from tests.contract.postgres.ways import RULES, back, rows, start

_ROWS = 1_000
# Begin and make the staging table; begin to send rows, and end it; claim and apply; count and commit.
_ANSWERS_A_CHUNK = 5
# Each some hundred rows that are sent are one more wait, that takes no answer.
_WRITES = _ROWS // 200 + 1


def _filled(pair: Pair) -> str:
    """Return a snapshot of the target before all rows of it were written."""
    pair.run("CREATE TABLE items (id int PRIMARY KEY, name text)")
    start(pair)
    snapshot = str(rows(pair.target, "SELECT pg_current_snapshot()::text")[0][0])
    pair.target.run(f"INSERT INTO items SELECT n FROM generate_series(1, {_ROWS}) n")  # noqa: S608  # a number
    return snapshot


def test_keys_and_chunks_cost_few_answers_however_many_rows_they_have(servers: Servers) -> None:
    with servers.pair(OLD, NEW) as pair:
        snapshot = _filled(pair)
        with (
            pair.source.access.connected(statement=RULES.statement_timeout) as source,
            pair.target.access.connected(statement=RULES.statement_timeout) as target,
        ):
            (of,) = read_sides(source, target, RULES).plan.tables
            prepare_source(source)
            prepare_target(target)
            with waits() as counted:
                pin_written(target, "sync", of, snapshot, 5_000)
                pin_more(target, "sync", of, 1, [], 5_000)
            assert counted == {"target": 2}
            prepare_images(source, of)
            save_state(source, "sync", State(stage=Stage.COPY))
            with waits() as counted:
                chunk = Chunk(sync="sync", of=of, round=1, does=Pass.MOVE, number=0)
                apply_chunk(target, source, chunk, replica_role=True)
            assert counted["source"] <= _ANSWERS_A_CHUNK + _WRITES
        assert rows(pair.source) == rows(pair.target)


@contextmanager
def _waits_by_stage() -> Iterator[dict[str, Counter[str]]]:
    """Count waits by stage; what is asked between two of them, such as both catalogues, is in none."""
    by_stage: dict[str, Counter[str]] = {}
    plain = Sync._timed
    with waits() as counted:

        def timed(self: Sync, stages: Stages, state: State, until: float) -> State:
            before = Counter(counted)
            then = plain(self, stages, state, until)
            by_stage[state.stage] = counted - before
            return then

        with patch.object(Sync, "_timed", timed):
            yield by_stage


# By stage: on the source and on the target, and what each table more adds to that.
_MOST = {
    Stage.PREPARE: ((13, 10), (7, 1)),  # with whether it can go ahead of the fence
    Stage.PIN: ((20, 14), (2, 2)),
    Stage.SETTLE: ((0, 0), (0, 0)),
    Stage.JUDGE: ((11, 4), (2, 3)),
}


@pytest.mark.parametrize("tables", [1, 3])
def test_each_stage_waits_for_few_answers(servers: Servers, tables: int) -> None:
    with servers.pair(OLD, NEW) as pair:
        for number in range(tables):
            pair.run(f"CREATE TABLE items_{number} (id int PRIMARY KEY, name text)")
        start(pair)
        for number in range(tables):
            pair.target.run(f"INSERT INTO items_{number} VALUES (1, 'written')")  # noqa: S608  # a number
        with _waits_by_stage() as counted:
            assert back(pair).stage is Stage.DONE
        for stage, (first, more) in _MOST.items():
            here, there = (once + each * (tables - 1) for once, each in zip(first, more, strict=True))
            assert counted[stage] <= Counter(source=here, target=there), stage


def test_a_catalogue_is_one_answer(servers: Servers) -> None:
    with servers.pair(OLD, NEW) as pair:
        pair.run("CREATE TABLE items (id int PRIMARY KEY, name text)")
        with pair.source.access.connected(statement=RULES.statement_timeout) as source, waits() as counted:
            assert len(read_catalogue(source).tables) == 1
        assert counted == {"source": 1}


def test_more_work_where_an_answer_takes_long(servers: Servers) -> None:
    with servers.pair(OLD, NEW) as pair, Proxy("127.0.0.1", pair.source.cluster.port, delay_s=0.002) as far:
        access = pair.source.access
        conninfo = make_conninfo(access.conninfo, port=far.port, sslmode="disable")
        within = {"statement": RULES.statement_timeout}
        with access.connected(**within) as near:
            assert workers_for(near, 5) == 5
        with session.Access("source", conninfo, verified=False).connected(**within) as away:
            assert (workers_for(away, 2), workers_for(away, 6)) == (4, 6)


def test_a_chunk_of_wide_rows_has_fewer_of_them(servers: Servers) -> None:
    with servers.pair(OLD, NEW) as pair, patch.object(pinning, "_CHUNK_BYTES", 100_000):
        snapshot = _filled(pair)
        wide = "string_agg(md5(random()::text), '')"  # nothing to compress
        pair.target.run(f"UPDATE items SET name = (SELECT {wide} FROM generate_series(1, 60) WHERE id > 0)")  # noqa: S608  # ours
        with (
            pair.source.access.connected(statement=RULES.statement_timeout) as source,
            pair.target.access.connected(statement=RULES.statement_timeout) as target,
        ):
            (of,) = read_sides(source, target, RULES).plan.tables
            prepare_target(target)
            assert pin_written(target, "sync", of, snapshot, 5_000).chunks == pytest.approx(_ROWS / 50, rel=0.2)
        assert back(pair).stage is Stage.DONE
        assert rows(pair.source) == rows(pair.target)
