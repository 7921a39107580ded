"""The demo's witnesses over real HTTP: how each kind of client comes, and what it reports."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from time import monotonic, sleep

import pytest

from local.demo.users import Kind, Users, Visitor


@dataclass
class Shop:
    """A web server that notes on which connection and with which cookie people come."""

    status: int = 200
    seen: list[tuple[int, str]] = field(default_factory=list)
    url: str = ""


@pytest.fixture
def shop() -> Iterator[Shop]:
    shop = Shop()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            shop.seen.append((self.client_address[1], self.headers.get("Cookie", "")))
            self.send_response(shop.status)
            self.send_header("x-build-id", "b1")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    shop.url = f"http://127.0.0.1:{server.server_address[1]}"
    yield shop
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(("kind", "connections"), [(Kind.FRESH, 3), (Kind.PINNED, 3), (Kind.KEPT_ALIVE, 1)])
def test_only_the_kept_alive_client_keeps_its_connection(shop: Shop, kind: Kind, connections: int) -> None:
    visitor = Visitor(kind, shop.url)
    visits = [visitor.visit() for _ in range(3)]
    visitor.leave()
    assert all(visit.served and visit.build == "b1" for visit in visits)
    assert len({port for port, _ in shop.seen}) == connections
    assert {cookie for _, cookie in shop.seen} == {"x-ms-routing-name=self" if kind is Kind.PINNED else ""}
    assert (visits[-1].connection_age_s > 0) == (kind is Kind.KEPT_ALIVE)


def test_an_error_names_the_build_that_made_it(shop: Shop) -> None:
    shop.status = 500
    visitor = Visitor(Kind.FRESH, shop.url)
    visit = visitor.visit()
    assert (visit.served, visit.build) == (False, "b1")


@pytest.mark.parametrize("kind", Kind)
def test_silence_is_a_failed_visit(kind: Kind) -> None:
    visit = Visitor(kind, "http://127.0.0.1:1").visit()
    assert (visit.served, visit.build) == (False, "")


def test_every_kind_comes_about_ten_times_a_second(shop: Shop) -> None:
    begun = monotonic()
    with Users(shop.url) as users:
        sleep(1)
    took_s = monotonic() - begun
    for kind in Kind:
        came = sum(visit.kind is kind for visit in users.visits)
        assert 5 <= came <= 10 * took_s + 2
