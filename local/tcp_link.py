"""One connection through a bad link: what each end sends, held back until it is due and nothing is wrong."""

import asyncio
import socket
import struct
from collections import deque
from contextlib import suppress
from enum import StrEnum
from typing import Any, Protocol

# As much as one direction of a connection holds back; then its sender has to wait.
_MOST_HELD = 32 * 1024 * 1024
# Close with RST instead of FIN.
_ABORTIVE = struct.pack("ii", 1, 0)


class Fault(StrEnum):
    """What happens to a link: its connections end in order, are torn down, or nothing passes."""

    CUT = "cut"
    RESET = "reset"
    STALL = "stall"


class Way(StrEnum):
    """A direction."""

    TO_SERVER = "to server"
    TO_CLIENT = "to client"

    @property
    def back(self) -> "Way":
        return Way.TO_CLIENT if self is Way.TO_SERVER else Way.TO_SERVER


class Passage(Protocol):
    """What all connections of a proxy have in common; called on its loop's thread.

    Attributes:
        server: Where they lead.
        delay_s: How long each byte takes.
        fault: What is wrong now.
    """

    server: tuple[str, int]
    delay_s: float
    fault: Fault | None

    def joined(self, link: "Link") -> None:
        """Take note of a new connection."""
        ...

    def left(self, link: "Link") -> None:
        """Take note that both ends of a connection are gone."""
        ...

    def count(self, way: Way, data: bytes) -> bytes:
        """Count what passes; return what does before a fault."""
        ...


class Flow(asyncio.Protocol):
    """What one end of a connection sends, on its way to the other end."""

    def __init__(self, link: "Link", way: Way) -> None:
        self._link = link
        self._way = way
        self._held: deque[tuple[float, bytes]] = deque()
        self._held_bytes = 0
        self._ended = False
        self._sent_end = False
        self._reader: asyncio.Transport | None = None
        self._sink: asyncio.Transport | None = None
        self._sink_is_full = False
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101  # of a TCP socket: tells the type checker
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._reader = transport
        self._link.came(self._way, transport)

    def leads_to(self, sink: asyncio.Transport) -> None:
        self._sink = sink
        self.pump()

    def data_received(self, data: bytes) -> None:
        self._held.append((self._link.due(), data))
        self._held_bytes += len(data)
        if self._held_bytes > _MOST_HELD and self._reader is not None:
            self._reader.pause_reading()
        self.pump()

    def eof_received(self) -> bool:
        self.end()
        return True  # the other direction may go on

    def connection_lost(self, exc: Exception | None) -> None:
        self._link.lost(self._way)

    def end(self) -> None:
        """Nothing comes any more: once all is delivered, the other end learns of it."""
        self._ended = True
        self.pump()

    def pump(self) -> None:
        """Deliver what is due."""
        now = self._link.now()
        while self._held and self._held[0][0] <= now and self._may_write():
            data = self._link.proxy.count(self._way, self._held[0][1])
            self._took(len(data))
            if data and self._sink is not None:
                self._sink.write(data)
        if self._held and self._held[0][0] > now and self._timer is None:
            self._timer = self._link.loop.call_at(self._held[0][0], self._again)
        if self._ended and not self._held and self._may_write():
            self._send_end()

    def _may_write(self) -> bool:
        return self._sink is not None and not self._sink.is_closing() and not self._sink_is_full and self._link.open

    def _took(self, size: int) -> None:
        due, data = self._held.popleft()
        if size < len(data):  # a fault came in the midst of it
            self._held.appendleft((due, data[size:]))
        self._held_bytes -= size
        if self._held_bytes <= _MOST_HELD and self._reader is not None and not self._reader.is_closing():
            self._reader.resume_reading()

    def _send_end(self) -> None:
        if not self._sent_end and self._sink is not None and self._sink.can_write_eof():
            self._sent_end = True
            with suppress(OSError):  # the peer was faster
                self._sink.write_eof()
            self._link.delivered_end()

    def _again(self) -> None:
        self._timer = None
        self.pump()

    def pause_writing(self) -> None:
        """The transport that this reads from is also where the other direction leads to."""
        self._link.flows[self._way.back].full(is_full=True)

    def resume_writing(self) -> None:
        self._link.flows[self._way.back].full(is_full=False)

    def full(self, *, is_full: bool) -> None:
        self._sink_is_full = is_full
        self.pump()


class Link:
    """One connection through the proxy."""

    def __init__(self, proxy: Passage, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.proxy = proxy
        self.flows = {way: Flow(self, way) for way in Way}
        self._transports: dict[Way, asyncio.Transport] = {}
        self._connecting: asyncio.Task[Any] | None = None
        self._ends = 0

    @property
    def open(self) -> bool:
        return self.proxy.fault is None

    def now(self) -> float:
        return self.loop.time()

    def due(self) -> float:
        return self.loop.time() + self.proxy.delay_s

    def came(self, way: Way, transport: asyncio.Transport) -> None:
        self._transports[way] = transport
        if way is Way.TO_SERVER:
            self.proxy.joined(self)
            if not transport.is_closing():
                self._connecting = self.loop.create_task(self._connect())
            return
        self.flows[Way.TO_SERVER].leads_to(transport)
        self.flows[Way.TO_CLIENT].leads_to(self._transports[Way.TO_SERVER])

    async def _connect(self) -> None:
        try:
            await self.loop.create_connection(lambda: self.flows[Way.TO_CLIENT], *self.proxy.server)
        except OSError:
            self.break_off(Fault.RESET)

    def delivered_end(self) -> None:
        """An end was delivered; after both, nothing is left to pass."""
        self._ends += 1
        if self._ends == len(Way):
            for transport in self._transports.values():
                transport.close()

    def lost(self, way: Way) -> None:
        """One end is gone, in order or not: the other one is told when all that came before is delivered."""
        self.flows[way].end()
        other = self._transports.get(way.back)
        if other is None or other.is_closing():
            self.proxy.left(self)
        elif self.open:
            self.loop.call_later(self.proxy.delay_s, other.close)

    def healed(self) -> None:
        for flow in self.flows.values():
            flow.pump()
        ends = list(self._transports.values())
        if any(end.is_closing() for end in ends):
            for end in ends:
                end.close()

    def break_off(self, fault: Fault) -> None:
        if self._connecting is not None:
            self._connecting.cancel()
        for end in self._transports.values():
            if not end.is_closing():
                _close(end.get_extra_info("socket"), fault)
            end.abort()
        self.proxy.left(self)


def _close(end: socket.socket, fault: Fault) -> None:
    if fault is Fault.RESET:
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORTIVE)
        return
    with suppress(OSError):  # the peer was faster
        end.shutdown(socket.SHUT_WR)
