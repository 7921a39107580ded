"""Migrations beside others: writers that hold locks, writers that come later, and another migration."""

from collections.abc import Iterator
from contextlib import contextmanager
from subprocess import Popen
from threading import Event, Thread
from time import monotonic, sleep

import psycopg
import pytest

from tests.contract.postgres_migration.place import Place, run, until

Printed = pytest.CaptureFixture[str]
_SLEEPING = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep(1.5%'"
_ADD = "ALTER TABLE items ADD price int"
_QUICK = ("--pause", "100ms", "--lock-timeout", "100ms")


@pytest.fixture
def items(place: Place) -> Place:
    place.database.run("CREATE TABLE items (id int PRIMARY KEY)", "INSERT INTO items VALUES (1)")
    place.database.open_to_writers()
    place.write(s001_add=_ADD)
    return place


@contextmanager
def holding(place: Place) -> Iterator[psycopg.Connection]:
    """Hold a table as a writer does that does not end."""
    with place.database.connect("app") as connection, connection.transaction():
        connection.execute("UPDATE items SET id = id")
        yield connection


def test_a_writer_that_does_not_end_is_named_and_left_alone(items: Place, capsys: Printed) -> None:
    with holding(items) as writer:
        ended = run(items, capsys, "apply", "--tries", "3", *_QUICK)
        writer.execute("UPDATE items SET id = id")  # it was not ended
    assert ended.status == 1
    said = "001_add.sql:1: canceling statement due to lock timeout (try 3 of 3; who holds locks on tables: "
    assert ended.says.startswith(f"{said}app (process ")
    assert items.applied() == []


def test_it_begins_again_until_the_writer_lets_go(items: Place, capsys: Printed) -> None:
    free = Event()

    def hold() -> None:
        with holding(items):
            free.set()
            sleep(0.8)

    writer = Thread(target=hold)
    writer.start()
    free.wait()
    ended = run(items, capsys, "apply", *_QUICK)
    writer.join()
    assert ended.status == 0
    assert ended.outcome["tries"] >= 2
    assert 0.3 < ended.outcome["waited_s"] < 5
    assert items.applied() == ["001_add.sql"]


def test_nobody_waits_long_behind_a_migration_that_waits(items: Place, capsys: Printed) -> None:
    """A reader of the table that comes while the migration waits for it is through within one wait of it."""
    waits: list[float] = []
    ended = Event()

    def read() -> None:
        with items.database.connect("app") as connection:
            while not ended.is_set():
                began = monotonic()
                connection.execute("SELECT FROM items")
                waits.append(monotonic() - began)
                sleep(0.01)

    reader = Thread(target=read)
    with holding(items):
        reader.start()
        run(items, capsys, "apply", "--tries", "4", "--pause", "200ms", "--lock-timeout", "150ms")
        ended.set()
        reader.join()
    assert max(waits) < 1.2  # a wait of the usual length would be longer
    assert max(waits) > 0.05  # it did wait behind it, so that the test can fail


def test_two_migrations_never_run_at_once(items: Place, capsys: Printed) -> None:
    items.write(s001_add=f"{_ADD}; SELECT pg_sleep(1.5)")
    first: Popen[str] = items.start("apply")
    until(lambda: bool(items.ask(_SLEEPING)))
    second = run(items, capsys, "apply")
    assert second.status == 1
    assert second.says.startswith("target database: a migration is under way: rollback-controller since 20")
    out, _ = first.communicate(timeout=30)
    assert first.returncode == 0, out
    assert run(items, capsys, "apply").says == "nothing is left to apply; validations that hold: 0"
