"""A door of this machine that leads where a name leads: the demo's zone is not known to the machine's own resolver.

A connection is led to the site to which the name leads when it is opened, by one resolver after the other, and stays
there for as long as it lives, as that of any client that went by the name itself.
"""

import asyncio
import itertools
from collections.abc import Mapping, Sequence
from contextlib import suppress
from threading import Thread
from typing import Self
from urllib.parse import urlsplit

import dns.asyncquery
import dns.exception

from local.demo.names import first_target, question, where

_LOOK_UP_WITHIN_S = 2.0
_PIECE_BYTES = 65536


class NamedDoor:
    """Listens on a free port while it is entered."""

    def __init__(self, name: str, resolvers: Sequence[str], sites: Mapping[str, str]) -> None:
        """`resolvers` are `address@port`; `sites` are the URLs of the sites by host name."""
        self._name = name
        self._resolvers = itertools.cycle(resolvers)
        self._sites = sites
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        opening = asyncio.start_server(self._lead, "127.0.0.1", 0)
        self._server = asyncio.run_coroutine_threadsafe(opening, self._loop).result()
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def url(self) -> str:
        """Its address, without a path."""
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def _close(self) -> None:
        self._server.close()
        connections = asyncio.all_tasks() - {asyncio.current_task()}
        for connection in connections:
            connection.cancel()
        await asyncio.gather(*connections, return_exceptions=True)

    async def _lead(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection; a name that leads nowhere closes it unanswered."""
        try:
            with suppress(OSError, LookupError, dns.exception.DNSException):
                site = urlsplit(self._sites[await self._looked_up()])
                site_reader, site_writer = await asyncio.open_connection(site.hostname, site.port)
                await asyncio.gather(_pour(reader, site_writer), _pour(site_reader, writer))
        finally:
            writer.close()

    async def _looked_up(self) -> str:
        address, port = where(next(self._resolvers))
        return first_target(
            await dns.asyncquery.udp(question(self._name), address, timeout=_LOOK_UP_WITHIN_S, port=port)
        )


async def _pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Hand on what comes until one side ends."""
    try:
        while piece := await reader.read(_PIECE_BYTES):
            writer.write(piece)
            await writer.drain()
    finally:
        writer.close()
