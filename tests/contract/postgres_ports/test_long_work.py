"""Two processes at one pair of databases: one works, the other is told so; what a dead or frozen one held is freed."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from shared.adapters.postgres.server import one_worker
from shared.adapters.postgres.server.one_worker import LOCK
from shared.adapters.postgres.way_back.sync import Sync
from shared.errors import TransientError
from shared.model.sync import SyncRules
from tests.contract.postgres_ports.long_worker import RULES, impatient
from tests.contract.postgres_ports.moved import Moved, rows_of

_WORKER = "tests.contract.postgres_ports.long_worker"
_ROOT = Path(__file__).parents[3]
_ENDS_WITHIN_S = 15.0
_HELD = """
SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND (classid::int8 << 32 | objid::int8) = %s AND granted
"""
_WITH_KEYS = "SELECT count(*) FROM rollback_controller.progress WHERE keys > 0"
_STAGE = "SELECT content ->> 'stage' FROM rollback_controller.note WHERE sync = 'sync' AND name = 'state'"
_IMAGES = "SELECT 'rollback_controller.before_' || 'items'::regclass::oid::int8"


@dataclass(frozen=True, slots=True)
class _Other:
    """Another process that works."""

    process: subprocess.Popen[str]

    def strike(self, kind: signal.Signals) -> None:
        self.process.send_signal(kind)

    def said(self) -> str:
        return self.process.communicate(timeout=_ENDS_WITHIN_S)[0]


@contextmanager
def _other(shop: Moved, fence_s: float = 20, statement_s: float = 60) -> Iterator[_Other]:
    """Another process that has begun, and waits behind the application before the fence."""
    sides = [side.access.conninfo for side in (shop.pair.source, shop.pair.target)]
    command = [
        sys.executable,
        "-m",
        "tests.contract.postgres_ports.long_worker",
        *sides,
        str(fence_s),
        str(statement_s),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=_ROOT) as process:  # noqa: S603  # our own
        try:
            _until(lambda: _stage(shop) == "fence" and bool(_holders(shop)))
            yield _Other(process)
        finally:
            process.kill()


def _until(holds: Callable[[], bool]) -> None:
    ends = time.monotonic() + _ENDS_WITHIN_S
    while not holds():
        assert time.monotonic() < ends
        time.sleep(0.02)


def _stage(shop: Moved) -> str:
    try:
        found = rows_of(shop.pair.source, _STAGE)
    except psycopg.errors.UndefinedTable:
        return ""
    return str(found[0][0]) if found else ""


def _holders(shop: Moved) -> list[int]:
    with shop.pair.source.connect() as side:
        return [pid for (pid,) in side.execute(_HELD, [LOCK]).fetchall()]


def _go_back(shop: Moved, sync: str = "sync", rules: SyncRules = RULES) -> str:
    with ThreadPoolExecutor(4) as pool:
        return Sync(sync, "change", shop.pair.source.access, shop.pair.target.access, rules, pool).work(30).said


@pytest.fixture
def held(shop: Moved) -> Iterator[psycopg.Connection[Any]]:
    """A writer of the application that does not let go of the table before it is told to."""
    shop.begin()
    shop.pair.open_to_writers()
    shop.pair.target.run(
        "UPDATE items SET a = 'written'", "INSERT INTO items (a) SELECT 'new' FROM generate_series(1, 500)"
    )
    with psycopg.connect(shop.pair.target.cluster.dsn(shop.pair.target.name, "app", "made-up")) as app:
        app.execute("UPDATE items SET a = 'late' WHERE id = 1")
        yield app


def _is_done_once(shop: Moved) -> None:
    assert shop.is_same()
    # A row that was written late was copied ahead, too.
    assert rows_of(shop.pair.source, _WITH_KEYS) == [(7,)]
    images = rows_of(shop.pair.source, _IMAGES)[0][0]
    assert rows_of(shop.pair.source, f"SELECT count(*) FROM {images}") == [(521,)]  # noqa: S608  # our own table


def test_the_second_one_is_told_and_nothing_is_done_twice(shop: Moved, held: psycopg.Connection[Any]) -> None:
    with _other(shop) as other:
        for sync in ("sync", "another one"):
            with pytest.raises(TransientError, match="another worker is at it"):
                _go_back(shop, sync)
        held.commit()
        assert "are the same" in other.said()
    assert "are the same" in _go_back(shop)
    _is_done_once(shop)
    assert not _holders(shop)


def test_a_killed_one_holds_nothing(shop: Moved, held: psycopg.Connection[Any]) -> None:
    with _other(shop) as other:
        other.strike(signal.SIGKILL)
        held.commit()
        assert "are the same" in _go_back(shop)
    _is_done_once(shop)


def test_writers_are_let_in_for_good_although_one_still_keeps_them_out(shop: Moved) -> None:
    """It waits at the second table, and must not fence it once nobody wants that any more."""
    shop.begin()
    shop.pair.open_to_writers()
    with psycopg.connect(shop.pair.target.cluster.dsn(shop.pair.target.name, "app", "made-up")) as app:
        app.execute("UPDATE notes SET said = 'late' WHERE id = 1")
        with _other(shop) as other:
            _until(lambda: shop.look().fenced)
            shop.let_go()
            app.commit()
            assert "TransientError" in other.said()
        app.execute("UPDATE items SET a = 'let in' WHERE id = 1")
        app.execute("UPDATE notes SET said = 'let in' WHERE id = 1")
    assert not shop.look().fenced


def test_one_that_stands_still_loses_its_place_and_spoils_nothing(shop: Moved, held: psycopg.Connection[Any]) -> None:
    with _other(shop, fence_s=0.5, statement_s=0.6) as other:
        other.strike(signal.SIGSTOP)
        held.commit()
        _until(lambda: not _holders(shop))
        assert "are the same" in _go_back(shop, rules=impatient(20, 60))
        shop.pair.source.run("UPDATE notes SET said = 'after it' WHERE id = 1")
        other.strike(signal.SIGCONT)
        assert "TransientError" in other.said()
    assert rows_of(shop.pair.source, "SELECT said FROM notes WHERE id = 1") == [("after it",)]
    assert _stage(shop) == "done"


def test_the_place_of_one_that_is_silent_is_taken(
    shop: Moved, held: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its connections stand, as behind a gateway that has not noticed that it is gone."""
    with _other(shop) as other:
        with pytest.raises(TransientError, match="another worker is at it"):
            _go_back(shop)
        other.strike(signal.SIGSTOP)
        held.commit()
        monkeypatch.setattr(one_worker, "_SILENT", timedelta(seconds=0.5))
        _until(lambda: _is_done(shop))
        other.strike(signal.SIGCONT)
        assert "TransientError" in other.said()
    _is_done_once(shop)


def _is_done(shop: Moved) -> bool:
    try:
        return "are the same" in _go_back(shop)
    except TransientError:
        return False
