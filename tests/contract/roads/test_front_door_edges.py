"""The simulated Front Door is as mean as Azure's: edges learn late, one by one, and the last origin stays enabled."""

import random
from collections import Counter
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from azure.core.exceptions import HttpResponseError
from azure.mgmt.cdn import CdnManagementClient
from azure.mgmt.cdn.models import AFDOriginUpdateParameters, AFDOriginUpdatePropertiesParameters
from hypothesis import given
from hypothesis import strategies as st

from local.azure_simulator.afd.edges import Backend, GroupRouting
from shared.adapters.azure_clients import NO_WAITING, credential, policies_for
from tests.contract.roads.conftest import Launch
from tests.contract.roads.front_door_world import builds_seen, front_door_world, group_state
from tests.contract.roads.world import ARM_AUDIENCE, RoadWorld

GROUP = ("demo-rg", "edge", "web")


class Edges:
    def __init__(self, world: RoadWorld) -> None:
        simulator = world.simulator
        self.world = world
        self.control = simulator.control
        self.url = simulator.afd_endpoints["shop"]
        self.origins = CdnManagementClient(
            credential(None),
            world.policy.site.resource.split("/")[2],
            base_url=simulator.url,
            credential_scopes=[f"{ARM_AUDIENCE}/.default"],
            per_call_policies=policies_for(simulator.url),
            polling_interval=0.05,
        ).afd_origins

    def update(self, origin: str, **properties: Any) -> Any:
        wanted = AFDOriginUpdateParameters(properties=AFDOriginUpdatePropertiesParameters(**properties))
        return self.origins.begin_update(*GROUP, origin, wanted, **NO_WAITING)

    def set(self, origin: str, **change: Any) -> None:
        self.control("PUT", f"/afd/edge/web/{origin}", change)


@pytest.fixture(scope="module")
def launch() -> Launch:
    return front_door_world


@pytest.fixture
def edges(world: RoadWorld) -> Iterator[Edges]:
    edges = Edges(world)
    edges.origins.get(*GROUP, "blue")  # a token for what a test measures
    for origin in ("blue", "green"):
        edges.set(origin, enabled="Enabled", weight=1000, priority=1, healthy=True)
    yield edges
    edges.control("PUT", "/afd/edge/web", {"session_affinity": False})
    edges.set("spare", enabled="Disabled")


def seen(visitor: httpx.Client) -> tuple[str, str]:
    """The edge that answered, and the build."""
    answer = visitor.get("/")
    return answer.headers["x-azure-ref"], answer.headers["x-build-id"]


def test_a_change_is_a_long_running_operation_as_the_sdk_follows_it(edges: Edges) -> None:
    edges.control("PUT", "/timings", {"afd_update_s": 0.1})
    poller = edges.update("green", enabled_state="Disabled", weight=5)
    assert (poller.status(), edges.origins.get(*GROUP, "green").provisioning_state) == ("InProgress", "Updating")
    updated = poller.result()
    assert (updated.enabled_state, updated.weight, updated.provisioning_state) == ("Disabled", 5, "Succeeded")
    assert updated.origin_group_name == "web"


def test_edges_learn_one_after_another_and_connections_stay_at_theirs(edges: Edges) -> None:
    edges.control("PUT", "/timings", {"afd_propagation_s": 0.0, "afd_propagation_step_s": 1.0})
    edges.set("green", enabled="Disabled")
    with httpx.Client(base_url=edges.url) as one, httpx.Client(base_url=edges.url) as other:
        assert {seen(one)[1], seen(other)[1]} == {"b1"}
        edges.update("green", enabled_state="Enabled", priority=1).result()
        edges.update("blue", enabled_state="Disabled").result()
        # The change to blue begins when the one to green has arrived everywhere.
        told: dict[str, list[str]] = {}
        while {seen(one)[1], seen(other)[1]} != {"b2"}:
            for edge, build in map(seen, (one, other)):
                told.setdefault(edge, []).append(build)
        assert set(told) == {"edge-1", "edge-2"}
        assert len({told[edge].count("b1") for edge in told}) == 2, "one of them learned it later"


def test_a_connection_stays_at_its_edge(edges: Edges) -> None:
    with httpx.Client(base_url=edges.url) as one, httpx.Client(base_url=edges.url) as other:
        landed = [seen(one)[0], seen(other)[0]]
        assert set(landed) == {"edge-1", "edge-2"}
        assert [{seen(visitor)[0] for _ in range(3)} for visitor in (one, other)] == [{edge} for edge in landed]


def test_a_change_on_its_way_is_known_to_the_first_edge_alone_and_the_next_waits_for_it(edges: Edges) -> None:
    edges.control("PUT", "/timings", {"afd_propagation_s": 0.0, "afd_propagation_step_s": 60.0})
    edges.update("green", enabled_state="Disabled").result()
    edges.update("spare", enabled_state="Enabled").result()
    state = edges.control("GET", "/state")["afd"]["edge"]["edges"]
    assert (set(state["edge-1"]["web"]), set(state["edge-2"]["web"])) == ({"blue"}, {"blue", "green"})


def test_the_last_enabled_origin_cannot_be_disabled(edges: Edges) -> None:
    edges.set("green", enabled="Disabled")
    with pytest.raises(HttpResponseError, match="Cannot disable or delete the last origin") as refused:
        edges.update("blue", enabled_state="Disabled")
    assert refused.value.status_code == 400
    assert group_state(edges.world.simulator)["origins"]["blue"]["enabledState"] == "Enabled"


@pytest.mark.parametrize("wrong", [{"weight": 0}, {"weight": 1001}, {"priority": 6}, {"enabled_state": "Off"}], ids=str)
def test_what_is_out_of_range_is_refused(edges: Edges, wrong: dict[str, Any]) -> None:
    with pytest.raises(HttpResponseError) as refused:
        edges.update("blue", **wrong)
    assert refused.value.status_code == 400


def test_what_nobody_here_knows_is_kept(edges: Edges) -> None:
    edges.update("spare", origin_host_header="elsewhere.example.com").result()
    assert edges.origins.get(*GROUP, "spare").origin_host_header == "elsewhere.example.com"


def test_priority_goes_before_weight_and_health_before_both(edges: Edges) -> None:
    edges.set("green", priority=2)
    assert builds_seen(edges.world.simulator) == {"b1"}
    edges.set("blue", healthy=False)
    assert builds_seen(edges.world.simulator) == {"b2"}
    edges.set("green", healthy=False)
    assert builds_seen(edges.world.simulator) == {"b1"}, "when all are ill, all count as well"


def test_affinity_keeps_a_client_as_long_as_its_origin_is_enabled(edges: Edges) -> None:
    edges.control("PUT", "/afd/edge/web", {"session_affinity": True})
    with httpx.Client(base_url=edges.url) as visitor:
        first = visitor.get("/").headers["x-build-id"]
        assert "ASLBSA" in visitor.cookies
        assert {seen(visitor)[1] for _ in range(10)} == {first}
        edges.set("blue" if first == "b1" else "green", enabled="Disabled")
        assert seen(visitor)[1] != first


def test_without_affinity_there_is_no_cookie(edges: Edges) -> None:
    assert "set-cookie" not in httpx.get(edges.url).headers


backends = st.builds(
    Backend,
    origin=st.sampled_from("abcdef"),
    weight=st.integers(1, 1000),
    priority=st.integers(1, 5),
)


@given(
    st.lists(backends, min_size=1, unique_by=lambda each: each.origin), st.sets(st.sampled_from("abcdef")), st.randoms()
)
def test_nobody_is_sent_to_an_origin_that_is_ill_or_comes_later(
    known: list[Backend], ill: set[str], chance: random.Random
) -> None:
    chosen = GroupRouting(tuple(known), session_affinity=False).choose(lambda name: name not in ill, bool, chance)
    well = [each for each in known if each.origin not in ill] or known
    assert chosen in well
    assert chosen.priority == min(each.priority for each in well)


def test_weights_are_shares() -> None:
    routing = GroupRouting((Backend("a", 900, 1), Backend("b", 100, 1)), session_affinity=False)
    chance = random.Random(1)
    drawn = [routing.choose(lambda _: True, lambda _: False, chance) for _ in range(1000)]
    assert 860 <= Counter(each.origin for each in drawn if each)["a"] <= 940
