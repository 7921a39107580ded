"""A user with a browser: connections that are kept open, and the routing cookie that the front end gave out.

HTTP/1.1 by hand: a client library would take more of the machine than the site that it asks.
"""

import asyncio
from contextlib import suppress
from http.cookies import SimpleCookie
from typing import NamedTuple
from urllib.parse import urlsplit

_TIMEOUT_S = 10.0
_BUILD_HEADER = "x-build-id"
# What a connection may break with; a reader that finds its end in the middle of an answer raises EOFError.
_BROKEN = (OSError, EOFError, TimeoutError)

type Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Answer(NamedTuple):
    """`status` is 0 and `build` empty when nothing answered."""

    status: int
    build: str


class User:
    """Asks for the front page; a request that finds every connection busy opens one more, as browsers do."""

    def __init__(self, url: str, name: str) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "", parts.port
        self._head = f"GET / HTTP/1.1\r\nHost: {parts.netloc}\r\nUser-Agent: load/1 ({name})\r\n"
        self._cookies = SimpleCookie()
        self._idle: list[Connection] = []

    async def ask(self) -> Answer:
        """A connection that broke while it was kept open is a failure, too: nobody asks again here."""
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                connection = self._idle.pop() if self._idle else await asyncio.open_connection(self._host, self._port)
                answer = await self._exchange(*connection)
        except _BROKEN:
            return Answer(0, "")
        self._idle.append(connection)
        return answer

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Answer:
        try:
            writer.write(f"{self._head}{self._cookie_line}\r\n".encode())
            status_line, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
            await reader.readexactly(int(headers["content-length"]))
        except BaseException:  # it cannot be used again, whoever ends it
            writer.close()
            raise
        if "set-cookie" in headers:
            self._cookies.load(headers["set-cookie"])
        return Answer(int(status_line.split(" ")[1]), headers.get(_BUILD_HEADER, ""))

    @property
    def _cookie_line(self) -> str:
        pairs = "; ".join(f"{name}={morsel.value}" for name, morsel in self._cookies.items())
        return f"Cookie: {pairs}\r\n" if pairs else ""

    async def leave(self) -> None:
        """Close what is open."""
        for _, writer in self._idle:
            writer.close()
            with suppress(*_BROKEN):
                await writer.wait_closed()
