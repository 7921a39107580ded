"""The demo's witnesses over real HTTP: how each kind of client comes, and what it reports."""

from collections.abc import Iterator
from time import monotonic, sleep

import pytest

from local.demo.users import Kind, Users, Visitor
from local.loopback import LoopbackServer, Reply, Request


class Shop(LoopbackServer):
    """A web server that notes on which connection and with which cookie people come."""

    def __init__(self) -> None:
        self.status = 200
        self.seen: list[tuple[int, str]] = []

    def reply(self, request: Request) -> Reply:
        self.seen.append((request.peer_port, request.headers.get("Cookie", "")))
        return Reply(status=self.status, headers={"x-build-id": "b1"})


@pytest.fixture
def shop() -> Iterator[Shop]:
    with Shop() as running:
        yield running


_COOKIES = {Kind.PINNED: "x-ms-routing-name=self", Kind.HELD: "x-ms-routing-name=candidate"}


@pytest.mark.parametrize("kind", Kind)
def test_only_the_kept_alive_client_keeps_its_connection(shop: Shop, kind: Kind) -> None:
    visitor = Visitor(kind, shop.url)
    visits = [visitor.visit() for _ in range(3)]
    visitor.leave()
    assert all(visit.served and visit.build == "b1" for visit in visits)
    assert len({port for port, _ in shop.seen}) == (1 if kind is Kind.KEPT_ALIVE else 3)
    assert {cookie for _, cookie in shop.seen} == {_COOKIES.get(kind, "")}
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
    with Users(shop.url, Kind) as users:
        sleep(1)
    took_s = monotonic() - begun
    for kind in Kind:
        came = sum(visit.kind is kind for visit in users.visits)
        assert 5 <= came <= 10 * took_s + 2
