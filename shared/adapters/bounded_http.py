"""An HTTP connection whose exchanges end at a deadline, whatever the other side does.

HTTP clients bound each wait on its own, so that a peer that sends a byte now and then holds them for ever. Here every
connect, handshake, read and write waits for what is left of the whole exchange. Looking a host name up is bounded by
the resolver alone. Nothing is decoded, no redirect is followed and no proxy is used.
https://www.encode.io/httpcore/network-backends/
"""

import ssl
import time
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from socket import SOCK_STREAM, getaddrinfo
from typing import Any, Self

import httpcore
import httpx

ADDRESS_ERRORS = (httpx.InvalidURL, UnicodeError)
# What an exchange may raise. `httpcore.ReadTimeout` alone means that the request was sent and the answer was not, or
# not wholly, there in time.
EXCHANGE_ERRORS = (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError, *ADDRESS_ERRORS)

# Says of an address why no connection may be made to it, or `None`.
Judge = Callable[[str], str | None]

_LAST_PORT = 65_535
_SOCKET_OPTION = tuple[int, int, int] | tuple[int, int, bytes | bytearray] | tuple[int, int, None, int]


class AddressRefused(httpcore.ConnectError):
    """The host leads to an address that was judged unfit: nothing was sent. The message is the judge's sentence."""


class Connection:
    """At most one connection to a host, opened when it is needed. One exchange at a time; not for many threads."""

    def __init__(
        self,
        *,
        keep: timedelta = timedelta(0),
        clock: Callable[[], float] = time.monotonic,
        judge: Judge | None = None,
    ) -> None:
        """Prepare it.

        Args:
            keep: How long an idle connection may be used again.
            judge: Asked about every address of a host before a connection is made to any of them.
        """
        self._deadline = _Deadline(clock)
        self._network = _Network(self._deadline, judge)
        self._pool = httpcore.ConnectionPool(
            ssl_context=_tls(),
            max_connections=1,
            max_keepalive_connections=1,
            keepalive_expiry=keep.total_seconds(),
            network_backend=self._network,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.close()

    @property
    def age_s(self) -> float:
        """How long ago the present connection, or the last one, was opened."""
        return self._deadline.clock() - self._network.opened_at

    @contextmanager
    def exchange(
        self, method: str, url: str, *, headers: Mapping[str, str], within: timedelta, body: bytes | None = None
    ) -> Iterator[httpcore.Response]:
        """Send a request and yield the answer, its body unread.

        Raises:
            EXCHANGE_ERRORS
        """
        self._deadline.ends_at = self._deadline.clock() + within.total_seconds()
        address = parse_address(url)
        target = httpcore.URL(
            scheme=address.raw_scheme, host=address.raw_host, port=address.port, target=address.raw_path
        )
        all_headers = [*headers.items(), *_credentials(address).items()]
        sent = [(name.encode("ascii"), value.encode("ascii")) for name, value in all_headers]
        with self._pool.stream(method, target, headers=sent, content=body) as answer:
            yield answer


def parse_address(url: str) -> httpx.URL:
    """Return the address of a host that HTTP can reach.

    Raises:
        ADDRESS_ERRORS
    """
    address = httpx.URL(url)
    if address.scheme not in ("http", "https") or not address.host or (address.port or 0) > _LAST_PORT:
        raise httpx.InvalidURL("expected an http or https address")
    address.raw_host.decode().encode("idna")  # what the resolver does first; it refuses empty and overlong labels
    return address


def header(answer: httpcore.Response, name: str) -> str:
    """Return a header of an answer, or the empty text."""
    return str(httpx.Headers(answer.headers).get(name, ""))


def _credentials(address: httpx.URL) -> dict[str, str]:
    """Return what `https://name:secret@host/` asks for (RFC 7617)."""
    if not address.userinfo:
        return {}
    pair = f"{address.username}:{address.password}".encode()
    return {"Authorization": f"Basic {b64encode(pair).decode()}"}


@cache
def _tls() -> ssl.SSLContext:
    """Build the TLS context once: reading the certificates takes tens of milliseconds."""
    return httpx.create_ssl_context()


@dataclass(slots=True)
class _Deadline:
    """When the exchange that is under way ends."""

    clock: Callable[[], float]
    ends_at: float = 0.0

    def left_s(self, late: type[httpcore.TimeoutException]) -> float:
        left_s = self.ends_at - self.clock()
        if left_s <= 0:
            raise late("the exchange did not end in time")
        return left_s


class _Network(httpcore.NetworkBackend):
    """Opens connections that keep to the deadline. The waits that httpcore would choose are not looked at."""

    def __init__(self, deadline: _Deadline, judge: Judge | None) -> None:
        self._deadline = deadline
        self._judge = judge
        self._sockets = httpcore.SyncBackend()
        self.opened_at = 0.0

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[_SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        untried = _addresses(host, port)
        self._judge_all(untried)
        while True:
            # An address that swallows packets must leave time for the next one.
            share_s = self._deadline.left_s(httpcore.ConnectTimeout) / len(untried)
            try:
                opened = self._sockets.connect_tcp(untried.pop(0), port, share_s, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if not untried:
                    raise
            else:
                self.opened_at = self._deadline.clock()
                return _Stream(opened, self._deadline)

    def _judge_all(self, addresses: Iterable[str]) -> None:
        """Refuse a host for one bad address: whoever answers for its name may choose which of them is used."""
        for address in addresses:
            if self._judge is not None and (why := self._judge(address)):
                raise AddressRefused(why)


def _addresses(host: str, port: int) -> list[str]:
    try:
        found = getaddrinfo(host, port, type=SOCK_STREAM)
    except OSError as error:
        raise httpcore.ConnectError("the host name has no address") from error
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class _Stream(httpcore.NetworkStream):
    """A connection that keeps to the deadline of the exchange that uses it."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: _Deadline) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._deadline.left_s(httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._deadline.left_s(httpcore.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left_s = self._deadline.left_s(httpcore.ConnectTimeout)
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, left_s), self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
