"""Suites of smoke tests as a signal, on the demo shop: a share of what passed, an error where nothing was answered."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from local.demo_site.shop import PASSWORD
from shared.adapters.checks.journeys import JourneyChecker, RequestChecker
from shared.adapters.outbound import Outbound
from shared.adapters.smoke_source import SmokeSource
from shared.errors import PolicyError
from shared.model.policy import Policy
from shared.model.policy_verify import GetCheck, JourneyCheck
from shared.model.signal import Outcome, Sample
from shared.ports import CheckResult, Want
from tests.contract.checks.conftest import RunningShop
from tests.fakes.clock import NOON
from tests.fakes.policies import policy

_LOGIN = f"{{user: ada, password: {PASSWORD}}}"
CHECKS = f"""checks:
  health: {{get: /health, timeout: 2s}}
  login: {{journey: [{{post: /login, body: {_LOGIN}, capture: {{token: token}}}}], timeout: 2s}}
  critical_paths: {{get: /reports, status: 200-499, timeout: 1s}}
  order:
    journey:
      - {{post: /login, body: {_LOGIN}, capture: {{token: token}}}}
      - {{post: /orders, headers: {{authorization: "Bearer {{token}}"}}, body: {{item: hat, quantity: 1}}, status: 201}}
notify:"""
ALL = "health, login, critical_paths, order"


def suite(url: str, names: str = ALL, checks: str = CHECKS) -> Policy:
    signal = f"  suite: {{smoke: [{names}]}}\n  memory: {{alert"
    return policy(("https://orders.example", url), ("  memory: {alert", signal), ("notify:", checks))


@pytest.fixture
def source() -> Iterator[SmokeSource]:
    with ThreadPoolExecutor(8) as pool:
        outbound = Outbound()
        yield SmokeSource({GetCheck: RequestChecker(outbound), JourneyCheck: JourneyChecker(outbound)}, pool)


def asked(source: SmokeSource, chosen: Policy) -> Sample:
    (job,) = source.jobs([Want(chosen, "suite", chosen.signals["suite"], NOON)])
    (found,) = job.run(NOON)
    (sample,) = found.samples
    return sample


def test_all_that_pass_are_a_whole(shop: RunningShop, source: SmokeSource) -> None:
    sample = asked(source, suite(shop.url))
    assert (sample.value, sample.count, sample.at) == (1.0, 4, NOON)


def test_a_part_that_is_broken_is_a_share(shop: RunningShop, source: SmokeSource) -> None:
    shop.break_with(fail_share=1.0, only=["/reports"])
    assert asked(source, suite(shop.url)).value == 0.75
    shop.break_with(fail_share=1.0, status=404, only=["/reports"])
    assert asked(source, suite(shop.url)).value == 1.0, "below 500 passes there"
    shop.break_with(database="down")
    assert asked(source, suite(shop.url)).value == 0.25


def test_what_is_not_answered_says_nothing_and_no_secret_is_told(shop: RunningShop, source: SmokeSource) -> None:
    shop.break_with(hang_share=1.0, only=["/reports"])
    sample = asked(source, suite(shop.url))
    assert (sample.outcome, sample.note) == (
        Outcome.ERROR,
        "no answer to critical_paths: 1 of 4 checks say nothing",
    )


def test_a_site_that_is_not_there_is_blind(source: SmokeSource) -> None:
    sample = asked(source, suite("http://127.0.0.1:1"))
    assert sample.outcome is Outcome.ERROR
    assert PASSWORD not in sample.note


def test_the_checks_are_made_at_once() -> None:
    barrier = Barrier(3, timeout=10)

    class Meeting:
        def check(self, *_: object) -> CheckResult:
            barrier.wait()
            return CheckResult(passed=True, note="")

    with ThreadPoolExecutor(3) as pool:
        source = SmokeSource({GetCheck: Meeting(), JourneyCheck: Meeting()}, pool)
        assert asked(source, suite("http://127.0.0.1:1", "health, login, order")).value == 1.0


@pytest.mark.parametrize(
    ("names", "checks", "sentence"),
    [
        ("sign_in", CHECKS, "unknown check 'sign_in'; expected one of: critical_paths, health, login, order"),
        ("health, health", CHECKS, "'health' stands twice; expected each check once"),
        ("seen", "checks: {seen: {client: fresh}}\nnotify:", "'seen' speaks of a rollback; expected a check of"),
        ("h", "checks: {h: {get: /, build: known_good}}\nnotify:", "'h' expects the known-good build"),
        ("h", 'checks: {h: {get: "/{known_good}"}}\nnotify:', "'h' expects the known-good build"),
        ("h", "checks: {h: {get: 'https://else.example/'}}\nnotify:", "the host else.example is not named"),
        ("h", 'checks: {h: {get: "/{token}"}}\nnotify:', "{token} stands for nothing yet"),
    ],
)
def test_a_suite_that_cannot_be_is_refused(names: str, checks: str, sentence: str) -> None:
    with pytest.raises(PolicyError) as caught:
        suite("https://orders.example/".rstrip("/"), names, checks)
    assert sentence in str(caught.value)


def test_a_suite_may_name_the_checks_of_a_level(shop: RunningShop, source: SmokeSource) -> None:
    levels = "levels: {1: {verify: {checks: {front: {get: /}}}}}\nnotify:"
    assert asked(source, suite(shop.url, "front", levels)).value == 1.0
