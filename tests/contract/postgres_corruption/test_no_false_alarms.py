"""What clients write is never called damage: writers run on both sides while rows are compared over and over."""

import os
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from threading import Event
from time import monotonic, sleep

import psycopg
import pytest

from local.postgres import NEW, OLD
from shared.adapters.postgres.corruption.ground import Ground
from shared.decision.corruption import Round, Side
from shared.errors import ControllerError
from tests.contract.postgres.pairs import Database, Pair, Servers
from tests.contract.postgres.random_world import World, random_world
from tests.contract.postgres.ways import begin
from tests.contract.postgres.writers import drive
from tests.contract.postgres_corruption.planted import damage, keys, look, searching, start

_SECONDS = float(os.environ.get("WRITING_S", "4"))
_FEWEST = 100
"""Comparisons, differences and writes that say something, however slow the machine is."""
_SEEDS = range(int(os.environ.get("WORLDS", "3")))
_TABLES = (
    "CREATE TABLE items (id int PRIMARY KEY, a text)",
    "CREATE TABLE parts (id int, b text, a text, PRIMARY KEY (b, id)) PARTITION BY RANGE (id)",
    "CREATE TABLE low PARTITION OF parts FOR VALUES FROM (MINVALUE) TO (150)",
    "CREATE TABLE rest PARTITION OF parts DEFAULT",
    "INSERT INTO items SELECT n, 'a' FROM generate_series(1, 300) AS n",
    "INSERT INTO parts SELECT n, 'b' || n % 3, 'a' FROM generate_series(1, 300) AS n",
)
_WRITES = (
    "UPDATE {table} SET a = '{said}' WHERE id = {id}",
    "UPDATE {table} SET a = '{said}' WHERE id BETWEEN {id} AND {id} + 20",
    "DELETE FROM {table} WHERE id = {id}",
    "UPDATE {table} SET id = id + 1000 * {writer} WHERE id = {id}",
    "INSERT INTO {table} (id, {b} a) VALUES ({id}, {b_value} '{said}') ON CONFLICT DO NOTHING",
    "DELETE FROM {table} WHERE id = {id}; INSERT INTO {table} (id, {b} a) VALUES ({id}, {b_value} 'a')",
)


@dataclass(slots=True)
class Writing:
    """Clients that write until they are stopped."""

    ended: Event = field(default_factory=Event)
    done: int = 0

    def write(self, database: Database, writer: int) -> None:
        random = Random(writer)
        with database.connect("app") as connection:
            connection.execute("SET lock_timeout = '100ms'")
            while not self.ended.is_set():
                try:
                    with connection.transaction():
                        for _ in range(random.choice((1, 2, 4))):
                            connection.execute(_statement(random, writer))
                        sleep(random.choice((0, 0, 0.002, 0.02)))
                    self.done += 1
                except psycopg.Error:  # another writer was in the way
                    continue


def _statement(random: Random, writer: int) -> str:
    table = random.choice(("items", "parts"))
    has_b = table == "parts"
    return random.choice(_WRITES).format(
        table=table,
        id=random.randint(1, 300),
        said=random.randint(1, 10**6),
        writer=writer,
        b="b," if has_b else "",
        b_value="'b1'," if has_b else "",
    )


@contextmanager
def _writers(pair: Pair, on_target: int, on_source: int) -> Iterator[Writing]:
    writing = Writing()
    sides = [pair.target] * on_target + [pair.source] * on_source
    with ThreadPoolExecutor(len(sides)) as clients:
        running = [clients.submit(writing.write, side, number) for number, side in enumerate(sides, start=1)]
        try:
            yield writing
        finally:
            writing.ended.set()
        for client in running:
            client.result(timeout=10)


@pytest.mark.parametrize("versions", [(OLD, OLD), (OLD, NEW)])
def test_no_write_is_taken_for_damage_in_thousands_of_comparisons(servers: Servers, versions: tuple[str, str]) -> None:
    with servers.pair(*versions) as pair:
        pair.run(*_TABLES)
        pair.open_to_writers()
        late = _begun_before(pair)
        start(pair)
        compared, differed, alarms = 0, 0, []
        with _writers(pair, on_target=3, on_source=2) as writing, searching(pair) as search:
            ground = search.ground()
            assert isinstance(ground, Ground)
            for connection in late:
                with connection:
                    connection.execute("UPDATE items SET a = 'late' WHERE id > 290")
            until = monotonic() + _SECONDS / 2
            while monotonic() < until or min(compared, differed, writing.done) <= _FEWEST:
                for of in ground.tables.values():
                    for side in Side:
                        differing = search.differing(of, ground.by, side, range(8))
                        differed += len(differing)
                        alarms += search.unwritten(of, ground.by, differing)
                        compared += 1
        assert alarms == []
        assert look(pair).value == 0


def _begun_before(pair: Pair) -> list[psycopg.Connection]:
    """Return transactions that have their number when the checkpoint is taken, and have not written yet."""
    late = [side.connect("app") for side in (pair.source, pair.target)]
    for connection in late:
        connection.execute("BEGIN; SELECT pg_current_xact_id()")
    return late


def test_damage_is_found_among_writers(servers: Servers) -> None:
    with servers.pair(OLD, NEW) as pair:
        pair.run(*_TABLES)
        pair.open_to_writers()
        start(pair)
        pair.run("INSERT INTO items SELECT n, 'new' FROM generate_series(500, 600) AS n")
        with _writers(pair, on_target=2, on_source=1):
            damage(pair.source, "INSERT INTO items VALUES (9999, 'damaged')")
            damage(pair.target, "INSERT INTO items VALUES (9998, 'damaged')")
            rounds = [look(pair) for _ in range(5)]
        assert all(keys(found) == {("9999",), ("9998",)} for found in rounds)


def test_a_column_that_came_on_both_sides_has_a_value_of_its_own_on_each(servers: Servers) -> None:
    with servers.pair(OLD, NEW) as pair:
        pair.run(*_TABLES)
        start(pair)
        pair.run(_CHANGES[0].format("items"))
        assert look(pair).value == 0
        damage(pair.target, "UPDATE items SET a = 'damaged' WHERE id = 7")
        assert keys(look(pair)) == {("7",)}


_CHANGES = (
    "ALTER TABLE {0} ADD COLUMN added uuid DEFAULT gen_random_uuid()",
    "ALTER TABLE {0} ALTER COLUMN updated_at TYPE timestamp",
    "VACUUM FULL {0}",
)


@pytest.mark.parametrize("seed", _SEEDS)
def test_no_write_of_a_random_world_is_taken_for_damage(servers: Servers, seed: int) -> None:
    with random_world(servers, seed) as world:
        begin(world.pair.source.access, world.pair.target.access, world.rules, "change")
        ended = Event()
        running = world.pool.submit(_look_until, world, ended)
        try:
            _write(world, running)
        finally:
            ended.set()
        rounds = running.result(timeout=30)
        rounds.append(_look(world))
        assert [found.damaged for found in rounds if found.value] == []
        assert [found.why for found in rounds if found.why] == []
        assert [found.lost for found in rounds if found.lost] == []
        assert rounds[-1].covered == 1.0
        assert len(rounds) > 2


def _write(world: World, running: Future[list[Round]]) -> None:
    target, source = world.lanes("target", 3), world.lanes("source", 2)
    drive(world.random, [*target, *source], world.script, 120)
    table = world.random.choice(world.tables).sql
    # On both sides: a new column has another default on each.
    for side, change in ((world.pair.target, world.random.choice(_CHANGES)), (world.pair.source, _CHANGES[0])):
        side.run(change.format(table))
    drive(world.random, [*target, *source], world.script, 120)
    if running.done():
        running.result()


def _look_until(world: World, ended: Event) -> list[Round]:
    rounds = []
    while not ended.is_set():
        try:
            rounds.append(_look(world))
        except ControllerError:  # a round that a change of the schema got in the way of says so: it is an error
            continue
    return rounds


def _look(world: World) -> Round:
    return look(world.pair, rules=world.rules)
