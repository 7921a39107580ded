"""Stands between the app and its storage and keeps the requests that pass: what Azure bills as transactions.

An entity group transaction is one request and one transaction, however many entities it writes:
https://learn.microsoft.com/rest/api/storageservices/performing-entity-group-transactions
"""

import re
from contextlib import ExitStack, closing
from http.client import HTTPConnection
from urllib.parse import urlsplit

from local.loopback import LoopbackServer, Reply, Request

_HOP_BY_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length"})
_ENDPOINT = re.compile(r"((?:Table|Queue)Endpoint)=(http://[^/]+)")


class CountingProxy(LoopbackServer):
    """A reverse proxy in front of one service; `seen` gets every request in the order in which they arrive."""

    def __init__(self, upstream: str, seen: list[Request]) -> None:
        """`upstream` is such as `http://127.0.0.1:10002`."""
        self._upstream = urlsplit(upstream).netloc
        self._seen = seen

    def reply(self, request: Request) -> Reply:
        self._seen.append(request)
        with closing(HTTPConnection(self._upstream)) as connection:
            connection.request(request.method, request.path, request.body, dict(request.headers))
            answer = connection.getresponse()
            body = answer.read()
        kept = {name: value for name, value in answer.getheaders() if name.lower() not in _HOP_BY_HOP}
        return Reply(status=answer.status, headers=kept, body=body)


def through_proxies(storage: str, seen: list[Request], stack: ExitStack) -> str:
    """Return a connection string whose tables and queues are reached through proxies that last as long as the stack."""

    def replaced(endpoint: re.Match[str]) -> str:
        return f"{endpoint[1]}={stack.enter_context(CountingProxy(endpoint[2], seen)).url}"

    return _ENDPOINT.sub(replaced, storage)
