"""Stands between the app and one storage service and counts the requests that pass: what Azure bills as transactions.

An entity group transaction is one request and one transaction, however many entities it writes:
https://learn.microsoft.com/rest/api/storageservices/performing-entity-group-transactions
"""

from collections import Counter
from contextlib import closing
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Self
from urllib.parse import urlsplit

_METHODS = ("GET", "HEAD", "PUT", "POST", "PATCH", "MERGE", "DELETE")
_HOP_BY_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length"})


class CountingProxy:
    """A reverse proxy in front of `upstream`, such as `http://127.0.0.1:10002`; counts by method."""

    def __init__(self, upstream: str) -> None:
        self._upstream = urlsplit(upstream).netloc
        self._lock = Lock()
        self._counted: Counter[str] = Counter()

    def __enter__(self) -> Self:
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def pass_on(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                proxy.pass_on(self, body)

            def log_message(self, format: str, *args: object) -> None:  # the base class names it so
                """Quiet: what passes is counted, not logged."""

        for method in _METHODS:
            setattr(Handler, f"do_{method}", Handler.pass_on)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def pass_on(self, request: BaseHTTPRequestHandler, body: bytes) -> None:
        """Count a request, send it upstream, and return the answer."""
        with self._lock:
            self._counted[request.command] += 1
        with closing(HTTPConnection(self._upstream)) as connection:
            connection.request(request.command, request.path, body, dict(request.headers))
            answer = connection.getresponse()
            content = answer.read()
        request.send_response_only(answer.status, answer.reason)
        for name, value in answer.getheaders():
            if name.lower() not in _HOP_BY_HOP:
                request.send_header(name, value)
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        request.wfile.write(content)

    def take_count(self) -> Counter[str]:
        """Return what passed since the last call, by method."""
        with self._lock:
            counted, self._counted = self._counted, Counter()
        return counted
