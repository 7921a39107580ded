"""Stands between the app and one storage service and counts the requests that pass: what Azure bills as transactions.

An entity group transaction is one request and one transaction, however many entities it writes:
https://learn.microsoft.com/rest/api/storageservices/performing-entity-group-transactions
"""

from contextlib import closing
from http.client import HTTPConnection
from threading import Lock
from urllib.parse import urlsplit

from local.loopback import LoopbackServer, Reply, Request

_HOP_BY_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length"})


class CountingProxy(LoopbackServer):
    """A reverse proxy in front of `upstream`, such as `http://127.0.0.1:10002`."""

    def __init__(self, upstream: str) -> None:
        self._upstream = urlsplit(upstream).netloc
        self._lock = Lock()
        self._counted = 0

    def reply(self, request: Request) -> Reply:
        with self._lock:
            self._counted += 1
        with closing(HTTPConnection(self._upstream)) as connection:
            connection.request(request.method, request.path, request.body, dict(request.headers))
            answer = connection.getresponse()
            body = answer.read()
        kept = {name: value for name, value in answer.getheaders() if name.lower() not in _HOP_BY_HOP}
        return Reply(status=answer.status, headers=kept, body=body)

    def take_count(self) -> int:
        """Return how many requests passed since the last call."""
        with self._lock:
            counted, self._counted = self._counted, 0
        return counted
