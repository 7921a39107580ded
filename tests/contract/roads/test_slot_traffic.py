"""`SlotTrafficRouting` against the simulator: which rules go and which stay, who is still on the slot, what is sent."""

from collections.abc import Iterator
from dataclasses import replace
from threading import Thread
from time import sleep
from typing import Any

import httpx
import pytest

from shared.adapters.slot_traffic import SlotTrafficRouting
from shared.errors import Busy, OutcomeUnknown, PermanentError, TransientError
from shared.model.policy_roads import SlotTrafficRoad
from tests.contract.azure.played_azure import PlayedAzure
from tests.contract.roads.conftest import Launch
from tests.contract.roads.slot_traffic_world import (
    HOST,
    SLOT,
    Split,
    build_seen,
    builds_seen,
    route,
    rule,
    slot_traffic_world,
)
from tests.contract.roads.world import Json, RoadWorld, arm_at, wait_until

BETA = rule("beta", "demo-beta.azurewebsites.net", 20.0)
CANDIDATE = rule(SLOT, HOST, 30.0)


@pytest.fixture(scope="module")
def launch() -> Launch:
    return slot_traffic_world


@pytest.fixture
def split(world: RoadWorld[SlotTrafficRoad]) -> Iterator[Split]:
    route(world.simulator, BETA, CANDIDATE)
    yield Split(world)
    world.simulator.control("PUT", "/sites/demo/routing", {"pins_outlive_rules": False})


def test_a_look_tells_the_rules_and_what_production_runs(split: Split) -> None:
    assert split.look().shown == {
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
    assert split.written()[-1][1] == {"experiments": {"rampUpRules": [BETA]}}


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
    split.timings(ramp_up_s=0.3)
    route(split.simulator, CANDIDATE)
    with httpx.Client(base_url=split.simulator.front_doors["demo"]) as visitor:
        visitor.cookies.set("x-ms-routing-name", SLOT)
        split.establish()
        assert split.look().established
        assert visitor.get("/").headers["x-build-id"] == "b2"
        wait_until(lambda: visitor.get("/").headers["x-build-id"] == "b1")


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
    assert split.look(slot_traffic="retired").established
    route(split.simulator, BETA, rule("x", "demo-retired.azurewebsites.net", 50.0))
    assert not split.look(slot_traffic="retired").established
    split.establish(slot_traffic="retired")
    assert split.rules() == [BETA]


def test_production_that_runs_another_build_is_a_reason_not_to_go(split: Split) -> None:
    split.aim = replace(split.aim, known_good="b0")
    assert split.look().why_not == (
        "production itself runs b1, not b0: keeping people off slot candidate would not help"
    )


def test_a_production_without_a_name_is_a_reason_not_to_go(split: Split) -> None:
    split.fault("app_settings", "empty")
    assert str(split.look().why_not).startswith("production itself runs a build without a name, not b1")


def test_somebody_elses_change_between_look_and_write_is_kept(split: Split) -> None:
    split.look()
    changed = BETA | {"reroutePercentage": 77.0}
    route(split.simulator, changed, CANDIDATE)
    split.establish()
    assert split.rules() == [changed]


def test_the_rules_are_read_last_before_the_write(split: Split) -> None:
    """The slower the slot is told, the more may have changed meanwhile."""
    split.fault("site_read", "delay", delay_s=0.4)
    writer = Thread(target=split.establish)
    writer.start()
    sleep(0.1)
    changed = BETA | {"reroutePercentage": 55.0}
    route(split.simulator, changed, CANDIDATE)
    writer.join()
    assert split.rules() == [changed]


@pytest.mark.parametrize("kind", ["conflict_in_progress", "conflict_preview"])
def test_a_site_that_is_busy_with_a_swap_is_tried_again_later(split: Split, kind: str) -> None:
    split.fault("web_config_write", kind)
    with pytest.raises(TransientError) as caught:
        split.establish()
    assert type(caught.value) is Busy
    assert split.rules() == [BETA, CANDIDATE]


def test_builds_and_rules_that_cannot_be_kept_are_told_by_others(split: Split) -> None:
    """The same answer to the slot, the rules and the settings."""
    rules = {"rampUpRules": [rule("\ud800", "x" * 5_000, 1)]}
    with PlayedAzure() as played:
        played.answer = lambda _: {"properties": {"experiments": rules, "BUILD_ID": "\ud800" * 5_000}}
        split.routing = SlotTrafficRouting(arm_at(played.url))
        picture = split.look()
    assert picture.shown["production_build"] == "?" * 200
    assert picture.shown["rules"] == [{"name": "?", "host": "x" * 200, "percent": 1}]
    assert str(picture.why_not).startswith(f"production itself runs {'?' * 200}, not b1: ")


@pytest.mark.parametrize("api", ["app_settings", "site_read"])
@pytest.mark.parametrize(("status", "error"), [(403, PermanentError), (429, TransientError), (503, OutcomeUnknown)])
def test_a_look_needs_the_builds_and_the_slot_as_well(
    split: Split, api: str, status: int, error: type[Exception]
) -> None:
    split.fault(api, "status", status=status)
    with pytest.raises(error) as caught:
        split.look()
    assert type(caught.value) is error


def test_a_configuration_that_comes_back_empty_is_never_established(split: Split) -> None:
    for call in (split.look, split.establish):
        split.fault("web_config", "empty")
        with pytest.raises(OutcomeUnknown, match="the answer has no list of them"):
            call()
    assert split.rules() == [BETA, CANDIDATE]


def test_a_site_that_does_not_exist_is_a_permanent_error(split: Split) -> None:
    site = split.policy.site.model_copy(update={"resource": split.policy.site.resource + "-gone"})
    split.policy = split.policy.model_copy(update={"site": site})
    with pytest.raises(PermanentError, match="404"):
        split.look()


def test_the_role_is_needed_and_its_want_is_said_without_azures_text(split: Split) -> None:
    split.deny("Microsoft.Web/sites/config/write")
    sentence = r"^giving slot candidate of site demo 0% of production's traffic: 403 AuthorizationFailed$"
    with pytest.raises(PermanentError, match=sentence):
        split.establish()


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
        split.routing = SlotTrafficRouting(arm_at(played.url))
        with pytest.raises(OutcomeUnknown):
            split.look()


@pytest.mark.parametrize("before", [[BETA], [BETA, CANDIDATE], [BETA, rule("other", HOST, 5.0), CANDIDATE]])
def test_a_share_is_one_rule_with_just_that_share_beside_the_others(split: Split, before: list[Json]) -> None:
    route(split.simulator, *before)
    for share, percent in ((0.05, 5.0), (0.333, 33.3)):
        assert not split.look(share=share).established
        split.establish(share=share)
        assert split.look(share=share).established
        leading = [(found["actionHostName"], found["reroutePercentage"]) for found in split.rules() if found != BETA]
        assert leading == [(HOST, percent)]
        assert BETA in split.rules()
    split.establish()
    assert split.rules() == [BETA]


def test_a_share_that_is_given_already_is_not_written_again(split: Split) -> None:
    split.establish(share=0.3)
    split.establish(lambda: pytest.fail("nothing is to be changed"), share=0.3)


def test_a_share_is_what_users_get(split: Split) -> None:
    split.establish(share=0.5)
    seen = [build_seen(split.simulator) for _ in range(100)]
    assert 20 <= seen.count("b2") <= 60  # 20 % of the rest goes to beta
