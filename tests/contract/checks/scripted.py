"""A site that answers as a test says and writes down what it was asked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that arrived; the names of its headers are in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Says:
    """An answer; a header may stand in it several times."""

    status: int = 200
    body: str = "{}"
    headers: tuple[tuple[str, str], ...] = ()


@dataclass
class ScriptedSite:
    """Serves `pages`, by method and path, while it is entered; what it does not know is 404."""

    pages: dict[str, Says] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def port(self) -> int:
        return self._server.server_address[1]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def lines(self) -> list[str]:
        return [f"{asked.method} {asked.target}" for asked in self.asked]

    def answer(self, asked: Asked) -> Says:
        self.asked.append(asked)
        return self.pages.get(f"{asked.method} {asked.target.partition('?')[0]}", Says(404))

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        site = self

        class Handler(BaseHTTPRequestHandler):
            def _take(self) -> None:
                headers = {name.lower(): value for name, value in self.headers.items()}
                body = self.rfile.read(int(headers.get("content-length", 0)))
                says = site.answer(Asked(self.command, self.path, headers, body))
                self.send_response(says.status)
                for name, value in says.headers:
                    self.send_header(name, value)
                self.send_header("content-length", str(len(says.body.encode())))
                self.end_headers()
                self.wfile.write(says.body.encode())

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _take  # noqa: N815  # the names that http.server calls

            def log_message(self, format: str, *args: Any) -> None:
                """Tests read `asked`, nobody reads a log."""

        return Handler
