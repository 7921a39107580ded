"""A probe that looks at dependencies, on the demo site and on sites that answer oddly."""

import json

import pytest

from shared.adapters.outbound import Outbound
from shared.adapters.probe_source import ProbeSource
from shared.errors import ControllerError, OutcomeUnknown, PermanentError
from shared.model.policy import Policy
from shared.model.signal import Sample
from shared.ports import Want
from tests.contract.checks.conftest import RunningShop
from tests.contract.checks.scripted import Says, ScriptedSite
from tests.contract.raw_server import RawServer
from tests.fakes.clock import NOON
from tests.fakes.policies import policy
from tests.fakes.prober import PlayedProber

_SIGNALS = """\
  down: {probe: /health, dependencies: down, timeout: 1s}
  database: {probe: /health, dependency: database, timeout: 1s}
  memory: {alert"""
_NAMED = (("x-build-id", "b1"),)
_GOOD = json.dumps({"dependencies": {"database": "up"}})


def read(url: str) -> dict[str, Sample]:
    """Ask a site for both signals."""
    chosen: Policy = policy(("https://orders.example", url), ("  memory: {alert", _SIGNALS))
    wants = [Want(chosen, name, chosen.signals[name], NOON) for name in ("down", "database")]
    (job,) = ProbeSource(PlayedProber([]), Outbound()).jobs(wants)
    return {one.name: one.samples[0] for one in job.run(NOON)}


@pytest.mark.parametrize(("state", "down", "database"), [("healthy", 0, 1), ("degraded", 0, 1), ("down", 1, 0)])
def test_the_demo_site_says_how_its_database_is_also_with_503(
    shop: RunningShop, state: str, down: float, database: float
) -> None:
    shop.break_with(database=state)
    found = read(shop.url)
    assert {name: sample.value for name, sample in found.items()} == {"down": down, "database": database}


def test_one_answer_is_enough_for_all_that_is_asked_of_it() -> None:
    with ScriptedSite({"GET /health": Says(200, _GOOD, _NAMED)}) as site:
        read(site.url)
        assert site.lines == ["GET /health"]


@pytest.mark.parametrize(
    ("says", "sentence"),
    [
        (Says(404, _GOOD, _NAMED), "the health route answered 404, which says nothing of dependencies"),
        (Says(302, _GOOD, (*_NAMED, ("location", "/signin"))), "the health route answered 302"),
        (Says(200, _GOOD), "the answer names no build"),
        (Says(200, _GOOD, (*_NAMED, ("age", "30"))), "a cache answered for the site"),
        (Says(503, "<html>", _NAMED), "the health route answered 503 with a body that is no JSON"),
        (Says(200, " " * 300_000 + _GOOD, _NAMED), "the health route answered 200 with a body that is too large"),
        (Says(200, "{}", _NAMED), "the answer names no dependencies"),
    ],
)
def test_an_answer_that_says_nothing_of_this_build_is_an_error(says: Says, sentence: str) -> None:
    with ScriptedSite({"GET /health": says}) as site, pytest.raises(PermanentError, match=sentence):
        read(site.url)


def test_a_site_that_keeps_quiet_is_left_at_the_time_out() -> None:
    with RawServer(hold=True) as server, pytest.raises(OutcomeUnknown, match="gave no whole answer: ReadTimeout"):
        read(server.url)


def test_a_site_that_is_not_there_is_an_error() -> None:
    with RawServer() as server:
        url = server.url
    with pytest.raises(ControllerError, match="could not be reached"):
        read(url)


def test_a_fresh_answer_of_a_cache_that_says_so_counts() -> None:
    with ScriptedSite({"GET /health": Says(200, _GOOD, (*_NAMED, ("age", "0")))}) as site:
        assert read(site.url)["database"].value == 1
