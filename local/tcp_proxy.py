"""A link that can be made bad: a TCP proxy on the loopback that cuts, resets, stalls or delays what passes through it.

A fault comes at once, after a time, or after so many bytes in a direction, and lasts until `heal`. What a stalled link
took is delivered once it is healed, the ends of connections among it: a server may get a statement long after its
client has given up. A delay holds back every byte for as long, and none for the sake of another, as distance does.
"""

import asyncio
import sys
from collections.abc import Callable, Coroutine
from threading import Thread
from types import TracebackType
from typing import Any, Self

from local.tcp_link import Fault, Link, Way

__all__ = ["Fault", "Proxy", "Way"]


class Proxy:
    """A bad link to a server on this machine. Use as a context manager; connect to `port` instead.

    Attributes:
        delay_s: How long each byte takes, in either direction: half a round trip.
        fault: What is wrong with it now.
        passed: How many bytes have passed in each direction.
    """

    def __init__(self, host: str, port: int, *, delay_s: float = 0.0) -> None:
        self.server = (host, port)
        self.delay_s = delay_s
        self.fault: Fault | None = None
        self.passed = dict.fromkeys(Way, 0)
        self._bound: dict[Way, tuple[int, Fault]] = {}
        self._links: set[Link] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="tcp proxy", daemon=True)
        self._timer: asyncio.TimerHandle | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        self._listening: asyncio.Server = self._call(self._listen)
        self.port: int = self._listening.sockets[0].getsockname()[1]
        return self

    async def _listen(self) -> asyncio.Server:
        return await self._loop.create_server(
            lambda: Link(self, self._loop).flows[Way.TO_SERVER], "127.0.0.1", 0, backlog=128
        )

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._call(self._close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _close(self) -> None:
        self._listening.close()
        self._break_all(Fault.CUT)
        await self._listening.wait_closed()
        await asyncio.sleep(0)  # transports to the server are closed by the loop's next turn

    def _call(self, ask: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        return asyncio.run_coroutine_threadsafe(ask(), self._loop).result()

    def _now(self, does: Callable[[], None]) -> None:
        """Do it on the loop's thread, and wait for it."""

        async def run() -> None:
            does()

        self._call(run)

    def cut(self) -> None:
        """End all connections in order, now; new ones are ended at once."""
        self._now(lambda: self._strike(Fault.CUT))

    def reset(self) -> None:
        """Tear down all connections, now, and new ones."""
        self._now(lambda: self._strike(Fault.RESET))

    def stall(self) -> None:
        """Take what is sent, and deliver nothing."""
        self._now(lambda: self._strike(Fault.STALL))

    def strike_after_bytes(self, fault: Fault, count: int, way: Way) -> None:
        """Let so many more bytes of all connections pass in a direction, to the byte; then the fault comes."""
        self._now(lambda: self._bound.update({way: (self.passed[way] + count, fault)}))

    def strike_after(self, fault: Fault, after_s: float) -> None:
        """Let the fault come after a time."""

        def arm() -> None:
            self._timer = self._loop.call_later(after_s, self._strike, fault)

        self._now(arm)

    def heal(self) -> None:
        """Let everything pass again, also what was held back; no fault is to come any more."""
        self._now(self._heal)

    def _heal(self) -> None:
        self.fault = None
        self._bound.clear()
        if self._timer is not None:
            self._timer.cancel()
        for link in list(self._links):
            link.healed()

    def _strike(self, fault: Fault) -> None:
        self.fault = fault
        self._bound.clear()
        if fault is not Fault.STALL:
            self._break_all(fault)

    def _break_all(self, fault: Fault) -> None:
        for link in list(self._links):
            link.break_off(fault)

    def joined(self, link: Link) -> None:
        """A client has connected. Called on the loop's thread."""
        self._links.add(link)
        if self.fault in (Fault.CUT, Fault.RESET):
            link.break_off(self.fault)

    def left(self, link: Link) -> None:
        """Both ends of a connection are gone. Called on the loop's thread."""
        self._links.discard(link)

    def count(self, way: Way, data: bytes) -> bytes:
        """Count what passes, and cut it off where a fault is to come. Called on the loop's thread."""
        bound, fault = self._bound.get(way, (sys.maxsize, Fault.CUT))
        some = data[: max(0, bound - self.passed[way])]
        self.passed[way] += len(some)
        if self.passed[way] >= bound:
            self.fault = fault
            self._loop.call_soon(self._strike, fault)  # once these bytes are on their way
        return some
