"""Clients that do not stop while a change begins, nor while the fence goes up, and what they were told."""

# ruff: noqa: S608  # statements are made up here; names in them are quoted
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from time import sleep
from typing import Any

import psycopg
from psycopg import Connection, Rollback

from tests.contract.postgres.pairs import Database, Pair

TABLES = (
    "CREATE TABLE items (id int PRIMARY KEY, said int, at timestamptz DEFAULT now())",
    "CREATE TABLE parts (id int PRIMARY KEY, said int, at timestamptz DEFAULT now()) PARTITION BY RANGE (id)",
    "CREATE TABLE low PARTITION OF parts FOR VALUES FROM (MINVALUE) TO (4000)",
    "CREATE TABLE high PARTITION OF parts FOR VALUES FROM (4000) TO (MAXVALUE)",
)
NAMES = ("items", "parts")
_PUT = """
INSERT INTO {} (id, said) VALUES (%s, %s) ON CONFLICT (id) DO UPDATE SET said = excluded.said
RETURNING pg_current_xact_id()::text
"""


@dataclass(slots=True)
class Writer:
    """One client of the application, on rows of its own.

    Attributes:
        told: By table and key: the value that was committed last, `None` for no row, with its transaction.
        ended_by: What its last statement was refused with.
    """

    number: int
    told: dict[tuple[str, int], tuple[int | None, str]] = field(default_factory=dict)
    ended_by: str | None = None
    stopped: bool = False

    def write_until_refused(self, database: Database) -> None:
        random = Random(self.number)
        with database.connect("app") as connection:
            said = 0
            while not self.stopped:
                said += 1
                try:
                    done = _transaction(connection, random, self.number, said)
                except psycopg.Error as error:
                    self.ended_by = error.sqlstate
                    return
                self.told |= done

    def gone_or_there(self, table: str) -> dict[int, int | None]:
        return {key: said for (name, key), (said, _) in self.told.items() if name == table}


def _transaction(
    connection: Connection[Any], random: Random, writer: int, said: int
) -> dict[tuple[str, int], tuple[int | None, str]]:
    """Write in one transaction; return what was committed."""
    done: dict[tuple[str, int], tuple[int | None, str]] = {}
    with connection.transaction():
        connection.execute("SELECT pg_current_xact_id()")
        for _ in range(random.choice((1, 2, 5))):
            with connection.transaction():  # a savepoint
                change = _change(connection, random, writer, said)
                if random.random() < 0.1:
                    raise Rollback
                done |= change
        if random.random() < 0.05:
            sleep(random.choice((0.01, 0.2)))
        if random.random() < 0.1:
            done = {}
            raise Rollback
    return done


def _change(
    connection: Connection[Any], random: Random, writer: int, said: int
) -> dict[tuple[str, int], tuple[int | None, str]]:
    table, key = random.choice(NAMES), writer * 1_000 + random.randint(0, 300)
    if random.random() < 0.2:
        connection.execute(f"DELETE FROM {table} WHERE id = %s", [key])
        row = connection.execute("SELECT pg_current_xact_id()::text").fetchone()
        assert row is not None
        return {(table, key): (None, row[0])}
    row = connection.execute(_PUT.format(table), [key, said]).fetchone()
    assert row is not None
    return {(table, key): (said, row[0])}


@contextmanager
def writing(target: Database, clients: int) -> Iterator[Sequence[Writer]]:
    """Let so many clients write until they are refused, or until the end."""
    writers = [Writer(number) for number in range(clients)]
    target.run(*TABLES)
    target.open_to_writers()
    with ThreadPoolExecutor(clients) as pool:
        running = [pool.submit(writer.write_until_refused, target) for writer in writers]
        try:
            yield writers
        finally:
            for writer in writers:
                writer.stopped = True
        for client in running:
            client.result(timeout=10)


def all_that_was_told_is_on_the_source(pair: Pair, writers: Sequence[Writer], snapshot: str, logged: int = 1) -> None:
    """Show that nothing is lost, and that capture has lost nothing either.

    Args:
        logged: The last round whose keys the log gave; those of later ones only the proof found.
    """
    assert {writer.ended_by for writer in writers} == {"RB001"}
    for table in NAMES:
        told = {key: said for writer in writers for key, said in writer.gone_or_there(table).items()}
        assert _rows(pair.source, table) == {key: said for key, said in told.items() if said is not None}
    assert _unseen(pair, writers, snapshot, logged) == []


def _rows(side: Database, table: str) -> dict[int, int]:
    with side.connect() as connection:
        return dict(connection.execute(f"SELECT id, said FROM {table}").fetchall())


def _unseen(pair: Pair, writers: Iterable[Writer], snapshot: str, logged: int) -> list[tuple[str, int]]:
    """Return the rows that only the proof found, and that were written after the checkpoint: what capture has lost."""
    last = {place: xid for writer in writers for place, (_, xid) in writer.told.items()}
    with pair.target.connect() as target:
        late = []
        for table in NAMES:
            oid = target.execute("SELECT %s::regclass::oid::int8", [table]).fetchone()
            assert oid is not None
            pinned = f"rollback_controller.pinned_{oid[0]}"
            found = target.execute(f"SELECT id FROM {pinned} WHERE rollback_round > %s", [logged]).fetchall()
            late += [(table, key) for (key,) in found if not _visible(target, last[table, key], snapshot)]
        return late


def _visible(target: Connection[Any], xid: str, snapshot: str) -> bool:
    row = target.execute("SELECT pg_visible_in_snapshot(%s::xid8, %s::pg_snapshot)", [xid, snapshot]).fetchone()
    return row is not None and bool(row[0])
