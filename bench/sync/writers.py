"""What capture costs those who write on the target: the same writes into a table that is watched and into one that is
not, in short turns, so that both meet the same machine. A third one has the least trigger that could log keys at all:
it stands by nothing that may happen to a table, and says what of the cost is PostgreSQL's own.
"""

import random
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import Executor, ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from time import perf_counter
from typing import Any

import psycopg
from psycopg import Connection

from bench.sync.servers import TARGET, Servers
from bench.sync.world import PLAIN, write
from shared.adapters.postgres.capture.key_log import install_capture, install_schema
from shared.adapters.postgres.server.catalogue import read_catalogue

WATCHED, FREE, LEAST = "watched", "free", "least"
_LEAST = """
CREATE TABLE written_keys (id bigint NOT NULL, at xid8 NOT NULL DEFAULT pg_current_xact_id());
CREATE FUNCTION note_keys() RETURNS trigger LANGUAGE plpgsql
AS 'BEGIN INSERT INTO written_keys (id) SELECT id FROM written; RETURN NULL; END';
CREATE TRIGGER note_keys AFTER UPDATE ON items REFERENCING NEW TABLE AS written
FOR EACH STATEMENT EXECUTE FUNCTION note_keys()
"""
_CLIENTS = 4
_START_TOGETHER_S = 0.15
_UPDATE = b"UPDATE items SET n = n + 1, updated_at = clock_timestamp() WHERE id = $1"


@dataclass(frozen=True, slots=True)
class _Turn:
    """What one client does: as many updates as it can between two times of the clock."""

    dsn: str
    rows: int
    seed: int
    begins_s: float
    ends_s: float


def _updates(turn: _Turn) -> int:
    """Update single rows, each in a transaction of its own, by a prepared statement; return how many."""
    chosen, done = random.Random(turn.seed), 0
    with psycopg.connect(turn.dsn, autocommit=True) as connection:
        raw = connection.pgconn
        raw.prepare(b"update", _UPDATE)
        while time.time() < turn.begins_s:
            time.sleep(0.001)
        while time.time() < turn.ends_s:
            raw.exec_prepared(b"update", [str(chosen.randint(1, turn.rows)).encode()])
            done += 1
    return done


def _make_anew(servers: Servers, databases: Iterable[str]) -> None:
    """Make the tables anew, of the same rows on the same pages."""
    for database in databases:
        servers.create(TARGET, database, PLAIN)
        with servers.connect(TARGET, database) as target:
            if database == WATCHED:
                _watch(target)
            elif database == LEAST:
                target.execute(_LEAST)
    servers.run(TARGET, "CHECKPOINT")


def _watch(target: Connection[tuple[Any, ...]]) -> None:
    install_schema(target)
    for table in read_catalogue(target).tables.values():
        install_capture(target, table)


def single_rows(servers: Servers, rows: int, turns: int, turn_s: float) -> dict[str, list[float]]:
    """Return updates a second of several clients, by table and turn."""
    found: dict[str, list[float]] = {WATCHED: [], FREE: [], LEAST: []}
    _make_anew(servers, found)
    with ProcessPoolExecutor(_CLIENTS, get_context("spawn")) as pool:
        _rate(pool, servers, FREE, rows, 0.1)  # the processes start
        for turn in range(turns):
            for database in _in_turn(found, turn):
                found[database].append(_rate(pool, servers, database, rows, turn_s))
    return found


def _in_turn(of: Mapping[str, object], turn: int) -> list[str]:
    """Who comes first alternates: the machine may get slower or faster meanwhile."""
    return list(of) if turn % 2 else list(reversed(list(of)))


def _rate(pool: Executor, servers: Servers, database: str, rows: int, turn_s: float) -> float:
    begins_s = time.time() + _START_TOGETHER_S
    dsn = servers.dsn(TARGET, database)
    turns = [_Turn(dsn, rows, seed, begins_s, begins_s + turn_s) for seed in range(_CLIENTS)]
    return sum(pool.map(_updates, turns)) / turn_s


def batches(servers: Servers, rows: int, rounds: int) -> dict[str, list[float]]:
    """Return the seconds that the whole change set takes, in transactions of a hundred rows, by table and round."""
    found: dict[str, list[float]] = {WATCHED: [], FREE: []}
    for turn in range(rounds):
        _make_anew(servers, found)
        for database in _in_turn(found, turn):
            with servers.connect(TARGET, database) as target:
                target.execute("SELECT sum(length(a)) FROM items")
                began = perf_counter()
                write(target, rows)
                found[database].append(perf_counter() - began)
    return found
