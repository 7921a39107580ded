"""Whoever is killed, stopped or cut off: what is said is what is true, and running it again ends well."""

import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import Enum, auto
from random import Random
from threading import Event, Thread
from time import sleep

import pytest

from local.tcp_proxy import Fault, Proxy, Way
from tests.contract.listener import Listener
from tests.contract.postgres_migration.place import Ended, Place, run, until

Printed = pytest.CaptureFixture[str]

_ITEMS = "CREATE TABLE items (id int PRIMARY KEY, name text);\nINSERT INTO items VALUES (1, 'one');\n"
_SLEEPING = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep(9%' AND state = 'active'"
_SESSIONS = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'keeper'"


def test_killed_within_a_script_it_leaves_nothing_and_frees_its_locks(place: Place) -> None:
    place.database.run(_ITEMS)
    place.write(s001_add="ALTER TABLE items ADD price int;\nSELECT pg_sleep(90)")
    process = place.start("apply")
    until(lambda: place.ask(_SLEEPING) == 1)
    process.kill()
    process.communicate()
    until(lambda: place.ask(_SESSIONS) == 0)  # long before the statement would have ended
    assert place.applied() == []
    assert place.ask("SELECT count(*) FROM information_schema.columns WHERE column_name = 'price'") == 0
    assert place.ask("SELECT count(*) FROM rollback_controller.restore_point") == 1


def test_stopped_within_a_script_it_says_that_nothing_is_left(place: Place) -> None:
    place.write(s001_wait="SELECT pg_sleep(90)")
    process = place.start("apply")
    until(lambda: place.ask(_SLEEPING) == 1)
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=20)
    assert process.returncode == 1
    assert "it was stopped; all of it was rolled back" in out


@pytest.mark.parametrize(("rule", "status"), [("1", 0), ("2", 1)])
def test_killed_after_the_commit_the_next_run_begins_with_the_validation(
    place: Place, capsys: Printed, rule: str, status: int
) -> None:
    place.write(s001_items=_ITEMS, s001_items_undo="DROP TABLE items")
    process = place.start("apply", "--settle", "60s")
    until(lambda: place.applied() == ["001_items.sql"])
    process.kill()
    process.communicate()
    until(lambda: place.ask(_SESSIONS) == 0)
    place.expect(one=("SELECT count(*) FROM items", rule))
    place.write(s002_more="CREATE TABLE more (id int)")
    ended = run(place, capsys, "apply")
    assert ended.status == status, ended.says
    assert place.applied() == (["001_items.sql", "002_more.sql"] if rule == "1" else [])


# The first is that of our own tables, the second that of the restore point.
_OF_SCRIPTS = 3
_BREAKS = 4


class Lost(Enum):
    """What becomes of a COMMIT on its way."""

    REPLY = auto()
    REQUEST = auto()
    BOTH_SILENT = auto()


class AtCommit(Listener):
    """A proxy that loses the COMMIT of the scripts, or what it is answered with."""

    def __init__(self, port: int, lost: Lost) -> None:
        self._server = port
        self._lost = lost
        self._commits = 0
        self._kept: list[socket.socket] = []

    def take(self, peer: socket.socket) -> None:
        server = socket.create_connection(("127.0.0.1", self._server))
        silent = Event()
        Thread(target=self._forward, args=(peer, server, silent), daemon=True).start()
        Thread(target=_answer, args=(server, peer, silent), daemon=True).start()

    def _forward(self, client: socket.socket, server: socket.socket, silent: Event) -> None:
        with suppress(OSError):
            while chunk := client.recv(65536):
                self._commits += chunk.endswith(b"COMMIT\0")
                if self._commits == _OF_SCRIPTS and not silent.is_set() and chunk.endswith(b"COMMIT\0"):
                    silent.set()
                    if self._lost is Lost.BOTH_SILENT:  # the server goes on waiting for its client
                        self._kept.append(server)
                        client.close()
                        return
                    if self._lost is Lost.REPLY:
                        server.sendall(chunk)
                        sleep(0.1)
                    break
                server.sendall(chunk)
        for end in (client, server):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def stop(self) -> None:
        super().stop()
        for end in self._kept:
            end.close()


def _answer(server: socket.socket, client: socket.socket, silent: Event) -> None:
    with suppress(OSError):
        while chunk := server.recv(65536):
            if silent.is_set():
                return
            client.sendall(chunk)


@pytest.mark.parametrize("lost", Lost)
def test_a_commit_that_is_not_heard_of_is_read_back(place: Place, capsys: Printed, lost: Lost) -> None:
    place.write(s001_items=_ITEMS)
    place.expect(one=("SELECT count(*) FROM items", "1"))
    with AtCommit(place.database.cluster.port, lost) as proxy:
        ended = run(place, capsys, "apply", port=proxy.port)
        until(lambda: place.ask(_SESSIONS) == 0)
    if lost is Lost.REPLY:
        assert (ended.status, ended.outcome["status"]) == (0, "committed")
        assert place.applied() == ["001_items.sql"]
        return
    assert ended.status == 1
    assert "the connection was lost at the commit; it was read back: it did not take place" in ended.says
    assert place.ask("SELECT to_regclass('items')") is None


def test_killed_at_the_commit_the_next_run_waits_for_what_becomes_of_it(place: Place, capsys: Printed) -> None:
    """The server has the COMMIT and cannot end it: it waits for a standby that is not there."""
    place.write(s001_items=f"{_ITEMS} SELECT pg_sleep(1)")
    process = place.start("apply")
    until(lambda: place.ask(_SLEEPING.replace("9%", "1%")) == 1)
    try:
        _wait_for_standby(place, "nobody")
        until(lambda: place.ask(f"{_SESSIONS} AND wait_event = 'SyncRep'") == 1)
        process.kill()
        process.communicate()
        ended = run(place, capsys, "apply")
        assert ended.status == 1
        assert ended.says.startswith("target database: a migration is under way: rollback-controller since 20")
    finally:
        _wait_for_standby(place, "")
    until(lambda: place.ask(_SESSIONS) == 0)
    ended = run(place, capsys, "apply")
    assert (ended.status, ended.says) == (0, "001_items.sql applied; validations that hold: 0")


def _wait_for_standby(place: Place, name: str) -> None:
    with place.connect() as connection:
        connection.execute(f"ALTER SYSTEM SET synchronous_standby_names = '{name}'".encode())
        connection.execute("SELECT pg_reload_conf()")


def _write_all(place: Place) -> None:
    place.empty()
    place.write(s001_items=_ITEMS, s002_add="ALTER TABLE items ADD price int")
    place.expect(one=("SELECT count(*) FROM items", "1"))


@contextmanager
def healing(proxy: Proxy) -> Iterator[None]:
    """Mend the link a moment after it broke."""
    over = Event()

    def mend() -> None:
        while not over.wait(0.02):
            if proxy.fault is not None:
                sleep(0.2)
                proxy.heal()

    mending = Thread(target=mend)
    mending.start()
    try:
        yield
    finally:
        over.set()
        mending.join()


@pytest.mark.parametrize("way", Way)
@pytest.mark.parametrize("fault", [Fault.CUT, Fault.RESET])
def test_wherever_the_link_breaks_what_is_said_is_true(place: Place, capsys: Printed, fault: Fault, way: Way) -> None:
    random = Random(f"{fault} {way}")
    with Proxy("127.0.0.1", place.database.cluster.port) as proxy:
        _write_all(place)
        assert run(place, capsys, "apply", port=proxy.port).status == 0
        in_all = proxy.passed[way]
        for part in range(_BREAKS):
            _write_all(place)
            at = random.randrange(part * in_all // _BREAKS, (part + 1) * in_all // _BREAKS)
            with healing(proxy):
                proxy.strike_after_bytes(fault, at, way)
                ended = run(place, capsys, "apply", port=proxy.port)
                until(lambda: proxy.fault is None)
            _check(place, ended)
            assert run(place, capsys, "apply").status == 0
            assert place.applied() == ["001_items.sql", "002_add.sql"]
            assert place.ask("SELECT count(*) FROM items WHERE price IS NULL") == 1


def _check(place: Place, ended: Ended) -> None:
    """Compare what was said with what is."""
    if ended.status == 1:
        until(lambda: place.ask(_SESSIONS) == 0)
    there = place.ask("SELECT to_regclass('items') IS NOT NULL")
    assert there == bool(place.applied()), ended
    if ended.status != 2:
        assert there == (ended.status == 0), ended
    else:
        assert "run it again" in ended.says
