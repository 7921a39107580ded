"""`TrafficManagerRouting` against the simulator: what it sees, what it writes and in which order, what goes wrong."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from azure.mgmt.trafficmanager.models import Profile, ProfileProperties
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from shared.adapters.azure_clients import ArmAccess, ArmClients, credential
from shared.adapters.traffic_manager import traffic_manager_client
from shared.errors import LostRace, OutcomeUnknown, PermanentError, TransientError
from tests.contract.roads.lookup import answer_of, first_of, looked_up
from tests.contract.roads.traffic_manager_world import (
    ARM_AUDIENCE,
    NAME,
    QUICK,
    Shop,
    endpoints_of,
    set_endpoint,
    traffic_manager_world,
)

_PARTS = st.one_of(st.just("disabled"), st.integers(1, 1000))
_STATES = st.tuples(st.sampled_from(["Enabled", "Disabled"]), st.integers(1, 1000))


@pytest.fixture(scope="module")
def running() -> Iterator[Shop]:
    with traffic_manager_world() as world:
        credential.cache_clear()  # it keeps tokens, which only the simulator that gave them knows
        yield Shop(world)
        credential.cache_clear()


@pytest.fixture
def shop(running: Shop, monkeypatch: pytest.MonkeyPatch) -> Shop:
    for name, value in running.world.environment.items():
        monkeypatch.setenv(name, value)
    running.simulator.control("DELETE", "/faults")
    running.simulator.control("PUT", "/permissions", {"denied": []})
    running.timings(**QUICK.model_dump())
    for name, status, weight in (("green", "Enabled", 10), ("blue", "Disabled", 5), ("spare", "Disabled", 3)):
        set_endpoint(running.simulator, name, status=status, weight=weight, health="Online")
    running.simulator.control("DELETE", "/resolvers/caches")
    return running


def test_a_look_tells_what_is_set_and_changes_nothing(shop: Shop) -> None:
    before = shop.world.effects()
    picture = shop.look()
    assert (picture.established, picture.busy, picture.why_not) == (False, False, None)
    assert picture.shown["endpoints"]["green"] == {
        "status": "Enabled",
        "weight": 10,
        "health": "Online",
        "target": "green.example.net",
    }
    assert (picture.shown["routing"], shop.world.effects()) == ("Weighted", before)


def test_the_good_side_is_enabled_before_the_bad_one_is_disabled(shop: Shop) -> None:
    before = len(shop.changes())
    shop.establish()
    assert shop.changes()[before:] == [
        ("blue", {"endpointStatus": "Enabled", "weight": 1000}),
        ("green", {"endpointStatus": "Disabled"}),
    ]
    assert shop.look().established
    assert endpoints_of(shop.simulator)["spare"]["weight"] == 3
    shop.wait_until_seen({"blue.example.net"})


def test_what_is_as_wanted_is_not_written_again(shop: Shop) -> None:
    shop.establish()
    set_endpoint(shop.simulator, "blue", weight=7)
    before, fences = shop.world.effects(), []
    for _ in range(2):
        shop.routing.establish(shop.world.policy, shop.road, shop.world.aim, lambda: fences.append(1))
    assert (shop.world.effects() - before, len(fences)) == (1, 1)
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
    road, before = shop.wanting(blue=parts[0], green=parts[1]), len(shop.changes())
    shop.establish(road)
    enabled = {name for name, (status, _) in states.items() if status == "Enabled"}
    for name, properties in shop.changes()[before:]:
        enabled = enabled | {name} if properties["endpointStatus"] == "Enabled" else enabled - {name}
        assert enabled
    assert shop.look(road).established
    assert endpoints_of(shop.simulator)["spare"]["status"] == states["spare"][0]


def test_an_endpoint_that_does_not_exist_is_why_not(shop: Shop) -> None:
    before = shop.world.effects()
    road = shop.wanting(blue=1, bleu=1, green="disabled")
    picture = shop.look(road)
    assert not picture.established
    assert picture.why_not == "Traffic Manager profile shop has no endpoint bleu; it has blue, green, spare"
    with pytest.raises(PermanentError, match="no endpoint bleu"):
        shop.establish(road)
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
        shop.wait_until_seen(set())
    finally:
        _patch_profile(shop, profile_status="Enabled")
    assert shop.look().established


def _patch_profile(shop: Shop, **properties: Any) -> None:
    clients = ArmClients(ArmAccess(shop.simulator.url, ARM_AUDIENCE), traffic_manager_client)
    parts = shop.road.traffic_manager.split("/")
    wanted = Profile(properties=ProfileProperties(**properties))
    clients.of(shop.road.traffic_manager).profiles.update(parts[4], parts[8], wanted)


def test_a_profile_that_does_not_exist_is_a_permanent_error(shop: Shop) -> None:
    gone = shop.road.model_copy(update={"traffic_manager": shop.road.traffic_manager + "-gone"})
    for call in (shop.look, shop.establish):
        with pytest.raises(PermanentError, match="404"):
            call(gone)


def test_ids_are_taken_in_any_case(shop: Shop) -> None:
    shouted = shop.road.model_copy(update={"traffic_manager": shop.road.traffic_manager.upper()})
    shop.establish(shouted)
    assert shop.look(shouted).established


@pytest.mark.parametrize("kind", ["azureEndpoints", "nestedEndpoints"])
def test_endpoints_of_every_type_are_written_where_they_are(shop: Shop, kind: str) -> None:
    mixed = shop.wanting(**{kind: 9}).model_copy(
        update={"traffic_manager": shop.road.traffic_manager.replace("/shop", "/mixed")}
    )
    shop.establish(mixed)
    state = shop.simulator.control("GET", "/state")["traffic_manager"]["mixed"]["endpoints"][kind]
    assert (state["type"], state["weight"]) == (kind, 9)


_ERRORS: list[tuple[dict[str, Any], type[Exception], bool]] = [
    ({"kind": "status", "status": 400}, PermanentError, False),
    ({"kind": "forbidden"}, PermanentError, False),
    ({"kind": "status", "status": 404}, PermanentError, False),
    ({"kind": "status", "status": 409}, TransientError, False),
    ({"kind": "status", "status": 429}, TransientError, False),
    ({"kind": "status", "status": 500}, OutcomeUnknown, False),
    ({"kind": "status", "status": 503}, OutcomeUnknown, False),
    ({"kind": "cut_before"}, OutcomeUnknown, False),
    ({"kind": "cut_after"}, OutcomeUnknown, True),
]


@pytest.mark.parametrize(("fault", "error", "carried_out"), _ERRORS, ids=str)
def test_a_write_that_goes_wrong_is_one_call_the_right_error_and_mended_by_another(
    shop: Shop, fault: dict[str, Any], error: type[Exception], carried_out: bool
) -> None:
    before = shop.world.effects()
    shop.fault("traffic_manager_write", **fault)
    with pytest.raises(error) as caught:
        shop.establish()
    assert type(caught.value) is error
    assert shop.world.effects() == before + 1
    assert (endpoints_of(shop.simulator)["blue"]["status"] == "Enabled") is carried_out
    assert endpoints_of(shop.simulator)["green"]["status"] == "Enabled"
    shop.simulator.control("DELETE", "/faults")
    shop.establish()
    assert shop.look().established


@pytest.mark.parametrize(("asked_s", "kept_s"), [(17, 17), (3600, 300)])
def test_the_pause_that_azure_asks_for_is_kept_within_reason(shop: Shop, asked_s: int, kept_s: int) -> None:
    for api, call in (("traffic_manager_read", shop.look), ("traffic_manager_write", shop.establish)):
        shop.fault(api, "status", status=429, retry_after_s=asked_s, times=1)
        with pytest.raises(TransientError) as caught:
            call()
        assert caught.value.retry_after == timedelta(seconds=kept_s)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"kind": "forbidden"}, PermanentError),
        ({"kind": "status", "status": 503}, OutcomeUnknown),
        ({"kind": "cut_before"}, OutcomeUnknown),
        ({"kind": "empty"}, OutcomeUnknown),
    ],
    ids=str,
)
def test_what_cannot_be_read_is_not_written(shop: Shop, fault: dict[str, Any], error: type[Exception]) -> None:
    before = shop.world.effects()
    shop.fault("traffic_manager_read", **fault)
    for call in (shop.look, shop.establish):
        with pytest.raises(error):
            call()
    assert shop.world.effects() == before


def test_an_answer_without_a_profile_is_said_to_be_one(shop: Shop) -> None:
    shop.fault("traffic_manager_read", "empty")
    with pytest.raises(OutcomeUnknown, match="the answer names no profile"):
        shop.look()


def test_without_the_role_to_write_endpoints_the_sentence_says_which_and_nothing_else(shop: Shop) -> None:
    denied = "Microsoft.Network/trafficManagerProfiles/externalEndpoints/write"
    shop.simulator.control("PUT", "/permissions", {"denied": [denied]})
    with pytest.raises(PermanentError, match=r"^setting endpoint blue .* to 1000: 403 AuthorizationFailed$"):
        shop.establish()


@pytest.mark.parametrize("passes", [0, 1])
def test_who_has_lost_the_race_writes_no_more(shop: Shop, passes: int) -> None:
    left = iter([None] * passes)

    def fence() -> None:
        if next(left, LostRace) is LostRace:
            raise LostRace("another worker leads")

    before = shop.world.effects()
    with pytest.raises(LostRace):
        shop.routing.establish(shop.world.policy, shop.road, shop.world.aim, fence)
    assert shop.world.effects() == before + passes
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
