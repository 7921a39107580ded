"""Writers that do not stop while a slot is installed and a checkpoint is taken: no write of theirs is missing."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from time import sleep

import psycopg
import pytest
from psycopg import Connection

from local.postgres import NEW, OLD
from shared.adapters.postgres.checkpoint.begin import take
from shared.adapters.postgres.checkpoint.ending import end_capture
from shared.adapters.postgres.server.catalogue import read_catalogue
from shared.adapters.postgres.server.fence import raise_fence
from shared.adapters.postgres.server.sides import read_sides
from shared.adapters.postgres.slot import drain as slot_drain
from shared.adapters.postgres.slot.drain import drain
from shared.adapters.postgres.slot.log import KeyLog
from shared.adapters.postgres.way_back.sync import Stage
from shared.decision.sync_plan import sync_plan
from shared.model.policy_data import Capture
from shared.model.sync import SyncRules
from tests.contract.postgres.pairs import Database, Pair, Servers
from tests.contract.postgres.racing import NAMES, TABLES, Writer, all_that_was_told_is_on_the_source, writing
from tests.contract.postgres.ways import back
from tests.contract.postgres_slot.slots import Slotted, slotted

_WRITERS = 6
_ALL = "SELECT id::text, said FROM {}"


@pytest.mark.parametrize("target", [OLD, NEW], indirect=True)
def test_every_write_after_the_checkpoint_is_in_the_log(target: Database) -> None:
    with slotted(target, install=False) as slot:
        with writing(target, _WRITERS) as writers:
            sleep(0.2)
            seen = slot.install(*(_ALL.format(table) for table in NAMES))
            for _ in range(3):
                sleep(0.1)
                drain(slot.connection, slot.name, 0)
            _fence(slot)
        slot.drain()
        with target.connect() as whole:
            for table, was in zip(NAMES, seen, strict=True):
                now: dict[str, int] = dict(whole.execute(_ALL.format(table)).fetchall())
                late = {key for key in was.keys() | now.keys() if was.get(key) != now.get(key)}
                late |= _put_late(whole, writers, table, slot.snapshot)
                assert late - {key for (key,) in slot.keys(f"public.{table}")} == set()
                assert len(late) > 50
            assert _rolled_back(slot, whole) == []


@pytest.mark.parametrize("version", [OLD, NEW])
def test_every_write_that_was_acknowledged_is_on_the_source_afterwards(servers: Servers, version: str) -> None:
    with servers.pair(OLD, version) as pair:
        pair.source.run(*TABLES)
        with writing(pair.target, _WRITERS) as writers:
            sleep(0.2)
            snapshot = _begin(pair)
            sleep(0.3)
            assert back(pair, SyncRules(chunk=100)).stage is Stage.DONE
        all_that_was_told_is_on_the_source(pair, writers, snapshot, logged=2)
        _end_capture(pair.target)


def _begin(pair: Pair) -> str:
    wait = timedelta(seconds=20)
    with pair.source.access.connected(statement=wait) as source, pair.target.access.connected(statement=wait) as target:
        return take(read_sides(source, target, SyncRules()), SyncRules(), "change", Capture.SLOT)[1].snapshot


def _end_capture(target: Database) -> None:
    with target.connect("keeper") as connection:
        end_capture(connection, "change")
        left = connection.execute("SELECT count(*) FROM pg_replication_slots WHERE database = current_database()")
        assert left.fetchone() == (0,)


def _fence(slot: Slotted) -> None:
    catalogue = read_catalogue(slot.connection)
    raise_fence(slot.connection, sync_plan(catalogue, catalogue, SyncRules()).tables, 10)


def _put_late(whole: Connection, writers: Iterable[Writer], table: str, snapshot: str) -> set[str]:
    """Return the keys that were last put by a transaction that the checkpoint did not see."""
    told = [
        (str(key), xid)
        for writer in writers
        for (name, key), (said, xid) in writer.told.items()
        if name == table and said is not None
    ]
    found = whole.execute(
        "SELECT key FROM unnest(%s::text[], %s::xid8[]) AS told (key, xid)"
        " WHERE NOT pg_visible_in_snapshot(xid, %s::pg_snapshot)",
        [[key for key, _ in told], [xid for _, xid in told], snapshot],
    )
    return {key for (key,) in found.fetchall()}


def _rolled_back(slot: Slotted, whole: Connection) -> list[tuple[object, ...]]:
    """Return logged transactions that were not committed: what is logged is the writer's own transaction."""
    oids = [table.oid for name, table in slot.tables.items() if name.removeprefix("public.") in NAMES]
    return [
        row
        for oid in oids
        for row in whole.execute(
            f"SELECT DISTINCT rollback_xid FROM rollback_controller.log_{oid}"  # noqa: S608  # a number
            " WHERE pg_xact_status(rollback_xid) <> 'committed'"
        ).fetchall()
    ]


def test_killed_before_the_slot_is_moved_on_nothing_is_missing_nor_twice(
    target: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    target.run("CREATE TABLE items (id int PRIMARY KEY)")
    with slotted(target) as slot:
        target.run("INSERT INTO items VALUES (1)")
        with monkeypatch.context() as patched:
            patched.setattr(slot_drain, "_advance", lambda connection, _: _kill(connection))
            with pytest.raises(psycopg.OperationalError):
                _drain_apart(target, slot)
        assert slot.keys("public.items") == {("1",)}
        target.run("INSERT INTO items VALUES (2)")
        assert slot.drain().changes == 1
        assert slot.keys("public.items") == {("1",), ("2",)}


def test_killed_while_it_is_stored_all_is_drained_again(target: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    target.run("CREATE TABLE items (id int PRIMARY KEY)")
    with slotted(target) as slot:
        target.run("INSERT INTO items SELECT generate_series(1, 9)")
        with monkeypatch.context() as patched:
            patched.setattr(KeyLog, "store", _store_and_kill)
            with pytest.raises(psycopg.OperationalError):
                _drain_apart(target, slot)
        assert slot.keys("public.items") == set()
        assert slot.drain().changes == 9
        assert len(slot.keys("public.items")) == 9


def test_two_that_drain_at_once_are_one_after_the_other(target: Database) -> None:
    target.run("CREATE TABLE items (id int PRIMARY KEY)")
    with slotted(target) as slot, ThreadPoolExecutor(2) as pool:
        for start in range(5):
            target.run(f"INSERT INTO items SELECT n + {start * 100} FROM generate_series(1, 100) AS n")  # noqa: S608
            drains = [pool.submit(_drain_apart, target, slot) for _ in range(2)]
            assert sum(one.result() for one in drains) == 100
        assert len(slot.keys("public.items")) == 500
        assert slot.drain().lost is None


_store = KeyLog.store


def _store_and_kill(log: KeyLog, connection: Connection) -> int:
    stored = _store(log, connection)
    _kill(connection)
    return stored


def _drain_apart(target: Database, slot: Slotted) -> int:
    with target.connect("keeper") as connection:
        return drain(connection, slot.name, 20).changes


def _kill(connection: Connection) -> None:
    """End the server's side of a connection, as a crash of ours would."""
    with psycopg.connect(connection.info.dsn, password=connection.info.password) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [connection.info.backend_pid])
    connection.execute("SELECT 1")
