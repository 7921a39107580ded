"""DNS on the wire: one address, UDP and TCP (RFC 1035, 4.2). Who answers is given; what cannot be read is dropped."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

import dns.exception
import dns.message

HOST = "127.0.0.1"
_LENGTH_BYTES = 2
_LONGEST_UDP = 512
_LONGEST_TCP = 65_535
_TRIES = 20

type Answering = Callable[..., dns.message.Message | None]


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, answer: Answering) -> None:
        self._answer = answer
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        if answered := _answered(self._answer, data, over_tcp=False):
            self._transport.sendto(answered, addr)


class DnsServer:
    """Listens from `start` to `close`; `port` is the same for both transports."""

    def __init__(self, answer: Answering) -> None:
        self._answer = answer
        self._connections: set[asyncio.StreamWriter] = set()
        self._datagrams: asyncio.BaseTransport | None = None
        self._server: asyncio.Server | None = None
        self.port = 0

    async def start(self) -> None:
        for attempt in range(_TRIES):
            self._server = await asyncio.start_server(self._serve, HOST, 0)
            self.port = self._server.sockets[0].getsockname()[1]
            try:
                await self._listen_for_datagrams()
                return
            except OSError:  # somebody has the port for UDP
                self._server.close()
                if attempt == _TRIES - 1:
                    raise

    async def _listen_for_datagrams(self) -> None:
        loop = asyncio.get_running_loop()
        self._datagrams, _ = await loop.create_datagram_endpoint(
            lambda: _Datagrams(self._answer), local_addr=(HOST, self.port)
        )

    async def close(self) -> None:
        if self._datagrams:
            self._datagrams.close()
        if self._server:
            self._server.close()
        for writer in list(self._connections):
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections.add(writer)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                length = int.from_bytes(await reader.readexactly(_LENGTH_BYTES))
                if answered := _answered(self._answer, await reader.readexactly(length), over_tcp=True):
                    writer.write(len(answered).to_bytes(_LENGTH_BYTES) + answered)
                    await writer.drain()
        self._connections.discard(writer)
        writer.close()


def _answered(answer: Answering, asked: bytes, *, over_tcp: bool) -> bytes:
    """Empty where nothing is to be sent."""
    try:
        query = dns.message.from_wire(asked)
    except dns.exception.DNSException:
        return b""
    response = answer(query, over_tcp=over_tcp) if query.question else None
    if response is None:
        return b""
    most_bytes = _LONGEST_TCP if over_tcp else max(query.payload, _LONGEST_UDP)
    return response.to_wire(max_size=most_bytes, prefer_truncation=True)
