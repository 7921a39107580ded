"""`SlotTrafficRouting` against the simulator: which rules go and which stay, who is still on the slot, what is sent."""

from collections.abc import Iterator
from datetime import timedelta
from threading import Thread
from time import monotonic, sleep
from typing import Any

import httpx
import pytest

from shared.adapters.azure_clients import ArmAccess, credential
from shared.adapters.slot_traffic import SlotTrafficRouting
from shared.errors import LostRace, OutcomeUnknown, PermanentError, TransientError
from tests.contract.azure.played_azure import PlayedAzure
from tests.contract.roads.slot_traffic_world import (
    ARM_AUDIENCE,
    HOST,
    SLOT,
    Json,
    Split,
    build_seen,
    builds_seen,
    route,
    rule,
    slot_traffic_world,
)

BETA = rule("beta", "demo-beta.azurewebsites.net", 20.0)
CANDIDATE = rule(SLOT, HOST, 30.0)
_WITHIN_S = 5.0


@pytest.fixture(scope="module")
def running() -> Iterator[Split]:
    with slot_traffic_world() as world:
        credential.cache_clear()  # it keeps tokens, which only the simulator that gave them knows
        yield Split(world)
        credential.cache_clear()


@pytest.fixture
def split(running: Split, monkeypatch: pytest.MonkeyPatch) -> Iterator[Split]:
    for name, value in running.world.environment.items():
        monkeypatch.setenv(name, value)
    route(running.simulator, BETA, CANDIDATE)
    yield running
    running.control("DELETE", "/faults")
    running.control("PUT", "/timings", {"ramp_up_s": 0.0})
    running.control("PUT", "/permissions", {"denied": []})
    running.control("PUT", "/sites/demo/routing", {"pins_outlive_rules": False})


def test_a_look_tells_the_rules_and_what_production_runs(split: Split) -> None:
    picture = split.look()
    assert (picture.established, picture.busy, picture.why_not) == (False, False, None)
    assert picture.shown == {
        "production_build": "b1",
        "rules": [
            {"name": "beta", "host": "demo-beta.azurewebsites.net", "percent": 20.0},
            {"name": SLOT, "host": HOST, "percent": 30.0},
        ],
    }


def test_the_rule_goes_and_every_other_rule_stays_as_it_was(split: Split) -> None:
    stepped = BETA | {"changeStep": 5.0, "minReroutePercentage": 1.0, "unheardOf": "kept"}
    route(split.simulator, stepped, CANDIDATE)
    split.establish()
    assert split.rules() == [stepped]
    assert split.look().established


def test_nothing_but_the_rules_is_sent(split: Split) -> None:
    """Other settings restart the site."""
    split.establish()
    assert split.written()[-1] == {"experiments": {"rampUpRules": [BETA]}}


def test_twice_is_as_once(split: Split) -> None:
    split.establish()
    before = split.world.effects()
    split.establish(fence=lambda: pytest.fail("nothing is to be changed"))
    assert split.world.effects() == before


def test_whoever_was_sent_to_the_slot_has_left_it(split: Split) -> None:
    route(split.simulator, rule(SLOT, HOST, 100))
    with httpx.Client(base_url=split.simulator.front_doors["demo"]) as visitor:
        assert visitor.get("/").headers["x-build-id"] == "b2"
        assert visitor.cookies["x-ms-routing-name"] == SLOT
        split.establish()
        assert visitor.get("/").headers["x-build-id"] == "b1"
    assert builds_seen(split.simulator) == {"b1"}


def test_zero_percent_is_not_enough(split: Split) -> None:
    """Nobody new is sent to the slot, and whoever is there stays there."""
    route(split.simulator, rule(SLOT, HOST, 0))
    assert build_seen(split.simulator) == "b1"
    assert build_seen(split.simulator, pinned_to=SLOT) == "b2"
    assert not split.look().established
    split.establish()
    assert build_seen(split.simulator, pinned_to=SLOT) == "b1"
    assert split.rules() == [], "the last rule goes too"


def test_a_platform_that_honours_the_cookie_without_a_rule_is_seen_from_outside_alone(split: Split) -> None:
    split.control("PUT", "/sites/demo/routing", {"pins_outlive_rules": True})
    split.establish()
    assert split.look().established
    assert build_seen(split.simulator, pinned_to=SLOT) == "b2"


def test_people_follow_when_the_front_end_has_learned_it(split: Split) -> None:
    split.control("PUT", "/timings", {"ramp_up_s": 0.3})
    route(split.simulator, CANDIDATE)
    with httpx.Client(base_url=split.simulator.front_doors["demo"]) as visitor:
        visitor.cookies.set("x-ms-routing-name", SLOT)
        split.establish()
        assert split.look().established
        builds, until = [visitor.get("/").headers["x-build-id"]], monotonic() + _WITHIN_S
        while builds[-1] != "b1" and monotonic() < until:
            builds.append(visitor.get("/").headers["x-build-id"])
    assert (builds[0], builds[-1]) == ("b2", "b1")


@pytest.mark.parametrize(
    "leading",
    [
        rule(SLOT, None, 10.0),
        rule("CANDIDATE", HOST, 10.0),
        rule("Stg", HOST.upper(), 10.0),
        rule(None, HOST, 10.0),
        rule(SLOT, "candidate.azurewebsites.net", 10.0),
    ],
    ids=str,
)
def test_a_rule_leads_to_the_slot_by_its_name_or_by_its_host(split: Split, leading: Json) -> None:
    route(split.simulator, BETA, leading)
    assert not split.look().established
    split.establish()
    assert split.rules() == [BETA]


def test_a_slot_whose_name_begins_alike_is_another_one(split: Split) -> None:
    other = rule("candidate-2", "demo-candidate-2.azurewebsites.net", 5.0)
    route(split.simulator, other)
    assert split.look().established


def test_without_the_slot_there_is_nothing_to_do_unless_a_rule_outlived_it(split: Split) -> None:
    gone = split.road.model_copy(update={"slot_traffic": "retired"})
    assert split.routing.look(split.world.policy, gone, split.world.aim).established
    route(split.simulator, BETA, rule("x", "demo-retired.azurewebsites.net", 50.0))
    assert not split.routing.look(split.world.policy, gone, split.world.aim).established
    split.routing.establish(split.world.policy, gone, split.world.aim, lambda: None)
    assert split.rules() == [BETA]


def test_production_that_runs_another_build_is_a_reason_not_to_go(split: Split) -> None:
    aim = type(split.world.aim)(rollback_id="r1", component="site", known_good="b0")
    assert split.routing.look(split.world.policy, split.road, aim).why_not == (
        "production itself runs b1, not b0: keeping people off slot candidate would not help"
    )


def test_a_production_without_a_name_is_a_reason_not_to_go(split: Split) -> None:
    split.fault("app_settings", "empty", times=1)
    assert str(split.look().why_not).startswith("production itself runs a build without a name, not b1")


def test_somebody_elses_change_between_look_and_write_is_kept(split: Split) -> None:
    split.look()
    changed = BETA | {"reroutePercentage": 77.0}
    route(split.simulator, changed, CANDIDATE)
    split.establish()
    assert split.rules() == [changed]


def test_the_rules_are_read_last_before_the_write(split: Split) -> None:
    """The slower the slot is told, the more may have changed meanwhile."""
    split.fault("site_read", "delay", delay_s=0.4, times=1)
    writer = Thread(target=split.establish)
    writer.start()
    sleep(0.1)
    changed = BETA | {"reroutePercentage": 55.0}
    route(split.simulator, changed, CANDIDATE)
    writer.join()
    assert split.rules() == [changed]


_WRITE_ERRORS: list[tuple[dict[str, Any], type[Exception]]] = [
    ({"kind": "status", "status": 400}, PermanentError),
    ({"kind": "forbidden"}, PermanentError),
    ({"kind": "conflict_in_progress"}, TransientError),
    ({"kind": "conflict_preview"}, TransientError),
    ({"kind": "status", "status": 429}, TransientError),
    ({"kind": "status", "status": 500}, OutcomeUnknown),
    ({"kind": "status", "status": 503}, OutcomeUnknown),
    ({"kind": "cut_before"}, OutcomeUnknown),
    ({"kind": "cut_after"}, OutcomeUnknown),
]


@pytest.mark.parametrize(("fault", "error"), _WRITE_ERRORS, ids=str)
def test_a_write_that_goes_wrong_is_one_call_and_the_right_error(
    split: Split, fault: dict[str, Any], error: type[Exception]
) -> None:
    before = split.world.effects()
    split.fault("web_config_write", **fault)
    with pytest.raises(error) as caught:
        split.establish()
    assert type(caught.value) is error
    assert split.world.effects() == before + 1
    assert split.look().established is (fault["kind"] == "cut_after"), "what a lost reply said is read back"


@pytest.mark.parametrize("api", ["web_config", "app_settings", "site_read"])
@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"kind": "forbidden"}, PermanentError),
        ({"kind": "status", "status": 429}, TransientError),
        ({"kind": "status", "status": 503}, OutcomeUnknown),
        ({"kind": "cut_before"}, OutcomeUnknown),
    ],
    ids=str,
)
def test_a_look_that_goes_wrong_is_the_right_error(
    split: Split, api: str, fault: dict[str, Any], error: type[Exception]
) -> None:
    split.fault(api, **fault, times=1)
    with pytest.raises(error) as caught:
        split.look()
    assert type(caught.value) is error
    assert not split.look().established


def test_the_pause_that_azure_asks_for_is_kept(split: Split) -> None:
    split.fault("web_config_write", "status", status=429, retry_after_s=17, times=1)
    with pytest.raises(TransientError) as caught:
        split.establish()
    assert caught.value.retry_after == timedelta(seconds=17)


def test_a_configuration_that_comes_back_empty_is_never_established(split: Split) -> None:
    for call in (split.look, split.establish):
        split.fault("web_config", "empty", times=1)
        with pytest.raises(OutcomeUnknown, match="the answer has no list of them"):
            call()
    assert split.rules() == [BETA, CANDIDATE]


def test_a_site_that_does_not_exist_is_a_permanent_error(split: Split) -> None:
    site = split.world.policy.site.model_copy(update={"resource": split.world.policy.site.resource + "-gone"})
    with pytest.raises(PermanentError, match="404"):
        split.routing.look(split.world.policy.model_copy(update={"site": site}), split.road, split.world.aim)


def test_the_role_is_needed_and_its_want_is_said_without_azures_text(split: Split) -> None:
    split.control("PUT", "/permissions", {"denied": ["Microsoft.Web/sites/config/write"]})
    sentence = r"^closing slot candidate of site demo to production's traffic: 403 AuthorizationFailed$"
    with pytest.raises(PermanentError, match=sentence):
        split.establish()


def test_a_lost_lease_passes_through_and_nothing_is_sent(split: Split) -> None:
    def fence() -> None:
        raise LostRace("the lease ran out")

    before = split.world.effects()
    with pytest.raises(LostRace):
        split.establish(fence)
    assert split.world.effects() == before


@pytest.mark.parametrize(
    "answer",
    [
        None,
        "soon",
        [],
        {},
        {"properties": "soon"},
        {"properties": {"experiments": {"rampUpRules": "soon"}}},
        {"properties": {"experiments": {"rampUpRules": [None]}}},
    ],
    ids=str,
)
def test_an_answer_without_sense_is_never_established(split: Split, answer: Any) -> None:
    with PlayedAzure() as played:
        played.answer = lambda _: answer
        odd = SlotTrafficRouting(ArmAccess(played.url, ARM_AUDIENCE))
        with pytest.raises(OutcomeUnknown):
            odd.look(split.world.policy, split.road, split.world.aim)
