"""Where no SQL Server is: the real driver on ports that hang, refuse or answer garbage. Each is an error in time.

Without libltdl7, which the driver needs of the system, every call is the error that names it.
"""

import ctypes
import itertools
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from threading import Event, Thread

import pytest

from shared.adapters.azure_sql import AzureSqlAdvisor, AzureSqlSource
from shared.errors import ControllerError, PermanentError, TransientError
from shared.ports import Want
from tests.contract.raw_server import RawServer
from tests.fakes.clock import NOON
from tests.fakes.policies import policy


def driver_works() -> bool:
    try:
        ctypes.CDLL("libltdl.so.7")
    except OSError:
        return False
    return True


@contextmanager
def refusing() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    yield port


@contextmanager
def answering(*pieces: bytes, hold: bool = False) -> Iterator[int]:
    with RawServer(*pieces, hold=hold) as server:
        yield server.port


def ask(port: int) -> ControllerError:
    """Ask a port for two measures; returns the error that it must be."""
    place = f"server: 127.0.0.1, port: {port}, database: orders, timeout: 2s"
    signals = f"  dtu: {{sql: dtu, {place}}}\n  users: {{sql: connections, {place}}}\n  memory: {{alert"
    chosen = policy(("  memory: {alert", signals))
    wants = [Want(chosen, name, chosen.signals[name], NOON - timedelta(minutes=5)) for name in ("dtu", "users")]
    (job,) = AzureSqlSource(lambda: "t0ken-of-the-app").jobs(wants)
    with pytest.raises(ControllerError) as caught:
        job.run(NOON)
    assert "t0ken" not in str(caught.value)
    return caught.value


_PLACES: list[Callable[[], AbstractContextManager[int]]] = [
    refusing,
    lambda: answering(hold=True),
    lambda: answering(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
    lambda: answering(b"\x04\x01\x00\x08\x00\x00\x01\x00"),
    lambda: answering(b"\xff" * 4096),
    answering,
]


@pytest.mark.parametrize("place", _PLACES, ids=["refuses", "hangs", "http", "half a packet", "garbage", "closes"])
def test_it_is_an_error_within_the_time_out(place: Callable[[], AbstractContextManager[int]]) -> None:
    with place() as port:
        begun = time.monotonic()
        error = ask(port)
        took_s = time.monotonic() - begun
    assert took_s < 10
    if driver_works():
        assert isinstance(error, TransientError)
        assert str(error) == "connecting to the database: OperationalError"
    else:
        assert isinstance(error, PermanentError)
        assert str(error) == "the driver of Azure SQL lacks a library of the system (libltdl7)"


def test_a_server_that_hangs_keeps_no_other_thread_from_working() -> None:
    done, ticks = Event(), [time.monotonic()]

    def tick() -> None:
        while not done.wait(0.05):
            ticks.append(time.monotonic())

    ticking = Thread(target=tick)
    with answering(hold=True) as port:
        ticking.start()
        ask(port)
        done.set()
        ticking.join()
    assert max((later - earlier for earlier, later in itertools.pairwise(ticks)), default=0.0) < 1


def test_advice_is_refused_in_the_same_way() -> None:
    with refusing() as port:
        written = f"  dtu: {{sql: dtu, server: 127.0.0.1, port: {port}, database: o}}\n  memory: {{alert"
        chosen = policy(("  memory: {alert", written))
        signal = chosen.signals["dtu"]
        with pytest.raises(ControllerError):
            AzureSqlAdvisor(lambda: "t0ken").index_use(signal)  # type: ignore[arg-type]  # it is one of SQL
