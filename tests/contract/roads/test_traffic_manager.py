"""`TrafficManagerRouting` against the simulator: what it sees, what it writes and in which order, what goes wrong."""

from collections import Counter
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from azure.mgmt.trafficmanager.models import Profile, ProfileProperties
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from shared.adapters.azure_clients import ArmClients
from shared.adapters.traffic_manager import TrafficManagerRouting, traffic_manager_client
from shared.errors import LostRace, OutcomeUnknown, PermanentError, TransientError
from shared.model.policy_roads import TrafficManagerRoad
from shared.ports import Fence
from tests.contract.azure.played_azure import PlayedAzure
from tests.contract.roads.conftest import Launch
from tests.contract.roads.lookup import answer_of, first_of, looked_up
from tests.contract.roads.traffic_manager_world import NAME, endpoints_of, set_endpoint, traffic_manager_world
from tests.contract.roads.world import RoadWorld, Worker, arm_at, wait_until

_PARTS = st.one_of(st.just("disabled"), st.integers(1, 1000))
_STATES = st.tuples(st.sampled_from(["Enabled", "Disabled"]), st.integers(1, 1000))

type Shop = Worker[TrafficManagerRoad]


@pytest.fixture(scope="module")
def launch() -> Launch:
    return traffic_manager_world


@pytest.fixture
def shop(world: RoadWorld[TrafficManagerRoad]) -> Shop:
    for name, status, weight in (("green", "Enabled", 10), ("blue", "Disabled", 5), ("spare", "Disabled", 3)):
        set_endpoint(world.simulator, name, status=status, weight=weight, health="Online")
    world.simulator.control("DELETE", "/resolvers/caches")
    return Worker(world)


def test_a_look_tells_what_is_set(shop: Shop) -> None:
    picture = shop.look()
    assert picture.shown["endpoints"]["green"] == {
        "status": "Enabled",
        "weight": 10,
        "health": "Online",
        "target": "green.example.net",
    }
    assert picture.shown["routing"] == "Weighted"


def test_the_good_side_is_enabled_before_the_bad_one_is_disabled(shop: Shop) -> None:
    before = len(shop.written())
    shop.establish()
    assert shop.written()[before:] == [
        ("blue", {"endpointStatus": "Enabled", "weight": 1000}),
        ("green", {"endpointStatus": "Disabled"}),
    ]
    assert shop.look().established
    assert endpoints_of(shop.simulator)["spare"]["weight"] == 3
    wait_until(lambda: looked_up(shop.simulator, NAME) == {"blue.example.net"})


def test_only_what_is_not_as_wanted_is_written(shop: Shop) -> None:
    shop.establish()
    set_endpoint(shop.simulator, "blue", weight=7)
    before = shop.world.effects()
    shop.establish()
    assert shop.world.effects() == before + 1
    assert endpoints_of(shop.simulator)["blue"]["weight"] == 1000


def test_a_change_by_somebody_else_is_seen_and_taken_back(shop: Shop) -> None:
    shop.establish()
    for drift in ({"status": "Disabled"}, {"weight": 1}):
        set_endpoint(shop.simulator, "blue", **drift)
        assert not shop.look().established
        shop.establish()
        assert shop.look().established


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(starts=st.tuples(_STATES, _STATES, _STATES), parts=st.tuples(_PARTS, _PARTS))
def test_whatever_is_wanted_of_whatever_there_is_something_always_serves(
    shop: Shop, starts: tuple[tuple[str, int], ...], parts: tuple[int | str, int | str]
) -> None:
    assume(parts != ("disabled", "disabled"))
    states = dict(zip(("blue", "green", "spare"), starts, strict=True))
    for name, (status, weight) in states.items():
        set_endpoint(shop.simulator, name, status=status, weight=weight)
    wanted, before = {"blue": parts[0], "green": parts[1]}, len(shop.written())
    shop.establish(endpoints=wanted)
    enabled = {name for name, (status, _) in states.items() if status == "Enabled"}
    for name, properties in shop.written()[before:]:
        enabled = enabled | {name} if properties["endpointStatus"] == "Enabled" else enabled - {name}
        assert enabled
    assert shop.look(endpoints=wanted).established
    assert endpoints_of(shop.simulator)["spare"]["status"] == states["spare"][0]


def test_words_that_cannot_be_kept_are_told_by_others(shop: Shop) -> None:
    endpoint = {"name": "\ud800", "type": "x/externalEndpoints", "properties": {"target": "\udfff" * 5_000}}
    with PlayedAzure() as played:
        played.answer = lambda _: {"properties": {"profileStatus": "Enabled", "endpoints": [endpoint]}}
        shop.routing = TrafficManagerRouting(arm_at(played.url))
        picture = shop.look()
        assert picture.shown["endpoints"]["?"]["target"] == "?" * 200
        assert str(picture.why_not).endswith("it has ?")
        with pytest.raises(PermanentError, match=r"it has \?$"):
            shop.establish()


def test_an_endpoint_that_does_not_exist_is_why_not(shop: Shop) -> None:
    before = shop.world.effects()
    wanted = {"blue": 1, "bleu": 1, "green": "disabled"}
    picture = shop.look(endpoints=wanted)
    assert not picture.established
    assert picture.why_not == "Traffic Manager profile shop has no endpoint bleu; it has blue, green, spare"
    with pytest.raises(PermanentError, match="no endpoint bleu"):
        shop.establish(endpoints=wanted)
    assert shop.world.effects() == before


@pytest.mark.parametrize("health", ["Degraded", "Stopped"])
def test_when_all_that_would_serve_is_down_nothing_is_changed(shop: Shop, health: str) -> None:
    shop.establish()
    set_endpoint(shop.simulator, "blue", health=health)
    set_endpoint(shop.simulator, "green", status="Enabled")
    before = shop.world.effects()
    why_not = shop.look().why_not
    assert why_not == f"nothing that would serve in Traffic Manager profile shop is healthy: blue is {health}"
    with pytest.raises(PermanentError, match=f"blue is {health}"):
        shop.establish()
    assert shop.world.effects() == before


def test_one_healthy_endpoint_is_enough_even_one_that_is_not_named(shop: Shop) -> None:
    shop.establish()
    set_endpoint(shop.simulator, "blue", health="Degraded")
    set_endpoint(shop.simulator, "spare", status="Enabled")
    assert shop.look().why_not is None


def test_an_endpoint_whose_health_is_not_known_yet_is_not_down(shop: Shop) -> None:
    shop.timings(first_probe_s=60.0)
    set_endpoint(shop.simulator, "blue", health="Degraded")
    assert shop.look().why_not is None
    shop.establish()
    picture = shop.look()
    assert (picture.shown["endpoints"]["blue"]["health"], picture.why_not) == ("CheckingEndpoint", None)
    assert picture.established


def test_a_profile_that_is_disabled_is_why_not(shop: Shop) -> None:
    shop.establish()
    _patch_profile(shop, profile_status="Disabled")
    try:
        picture = shop.look()
        assert not picture.established
        assert "is disabled" in str(picture.why_not)
        wait_until(lambda: looked_up(shop.simulator, NAME) == set())
    finally:
        _patch_profile(shop, profile_status="Enabled")
    assert shop.look().established


def _patch_profile(shop: Shop, **properties: Any) -> None:
    clients = ArmClients(arm_at(shop.simulator.url), traffic_manager_client)
    parts = shop.road.traffic_manager.split("/")
    wanted = Profile(properties=ProfileProperties(**properties))
    clients.of(shop.road.traffic_manager).profiles.update(parts[4], parts[8], wanted)


def test_a_profile_that_does_not_exist_is_a_permanent_error(shop: Shop) -> None:
    for call in (shop.look, shop.establish):
        with pytest.raises(PermanentError, match="404"):
            call(traffic_manager=shop.road.traffic_manager + "-gone")


def test_ids_are_taken_in_any_case(shop: Shop) -> None:
    shouted = shop.road.traffic_manager.upper()
    shop.establish(traffic_manager=shouted)
    assert shop.look(traffic_manager=shouted).established


@pytest.mark.parametrize("kind", ["azureEndpoints", "nestedEndpoints"])
def test_endpoints_of_every_type_are_written_where_they_are(shop: Shop, kind: str) -> None:
    shop.establish(traffic_manager=shop.road.traffic_manager.replace("/shop", "/mixed"), endpoints={kind: 9})
    state = shop.simulator.control("GET", "/state")["traffic_manager"]["mixed"]["endpoints"][kind]
    assert (state["type"], state["weight"]) == (kind, 9)


def test_an_answer_without_a_profile_is_said_to_be_one(shop: Shop) -> None:
    for call in (shop.look, shop.establish):
        shop.fault("traffic_manager_read", "empty")
        with pytest.raises(OutcomeUnknown, match="the answer names no profile"):
            call()


@pytest.mark.parametrize("kind", ["cut_before", "cut_after"])
def test_people_are_served_whatever_becomes_of_the_first_write(shop: Shop, kind: str) -> None:
    shop.fault("traffic_manager_write", kind)
    with pytest.raises(OutcomeUnknown):
        shop.establish()
    assert endpoints_of(shop.simulator)["green"]["status"] == "Enabled"
    assert (endpoints_of(shop.simulator)["blue"]["status"] == "Enabled") is (kind == "cut_after")


@pytest.mark.parametrize(("refused", "error"), [(1, TransientError), (2, OutcomeUnknown)])
def test_a_refusal_for_now_of_the_second_write_is_not_as_if_nothing_happened(
    shop: Shop, refused: int, error: type[TransientError]
) -> None:
    with pytest.raises(TransientError, match="429") as caught:
        shop.establish(_refusing(shop, refused, status=429, retry_after_s=17))
    assert (type(caught.value), caught.value.retry_after) == (error, timedelta(seconds=17))
    assert (endpoints_of(shop.simulator)["blue"]["status"] == "Enabled") is (refused == 2)


def test_a_refusal_for_good_of_the_second_write_says_that_the_first_was_made(shop: Shop) -> None:
    said = r"^setting endpoint green .* to disabled: 403 .*; set before it: endpoint blue to 1000$"
    with pytest.raises(PermanentError, match=said):
        shop.establish(_refusing(shop, 2, status=403))


def _refusing(shop: Shop, refused: int, **answer: Any) -> Fence:
    """A fence after which Azure refuses the write with that number, from 1."""
    writes = count(1)

    def fence() -> None:
        if next(writes) == refused:
            shop.fault("traffic_manager_write", "status", **answer)

    return fence


def test_without_the_role_to_write_endpoints_the_sentence_says_which_and_nothing_else(shop: Shop) -> None:
    shop.deny("Microsoft.Network/trafficManagerProfiles/externalEndpoints/write")
    with pytest.raises(PermanentError, match=r"^setting endpoint blue .* to 1000: 403 AuthorizationFailed$"):
        shop.establish()


def test_who_loses_the_race_between_two_writes_writes_no_more(shop: Shop) -> None:
    passes = iter([True])

    def fence() -> None:
        if not next(passes, False):
            raise LostRace("another worker leads")

    before = shop.world.effects()
    with pytest.raises(LostRace):
        shop.establish(fence)
    assert shop.world.effects() == before + 1
    assert endpoints_of(shop.simulator)["green"]["status"] == "Enabled"


def test_a_name_leads_to_endpoints_by_their_weight(shop: Shop) -> None:
    set_endpoint(shop.simulator, "blue", status="Enabled", weight=300)
    set_endpoint(shop.simulator, "green", status="Enabled", weight=100)
    seen = Counter(first_of(answer_of(shop.simulator.resolvers[0], NAME))[0] for _ in range(200))
    assert 0.6 < seen["blue.example.net"] / seen.total() < 0.9
    set_endpoint(shop.simulator, "blue", health="Degraded")
    assert looked_up(shop.simulator, NAME) == {"green.example.net"}
    set_endpoint(shop.simulator, "green", status="Disabled")
    assert looked_up(shop.simulator, NAME) == {"blue.example.net"}  # nothing is healthy: all that is enabled
