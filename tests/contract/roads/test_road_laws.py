"""What holds for every road, whatever it is made of: the engine relies on each of these, for the fake one as well."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import timedelta
from time import monotonic, sleep

import pytest

from shared.adapters.azure_clients import credential
from shared.errors import LostRace, OutcomeUnknown, PermanentError, TransientError
from shared.ports import RoadPicture
from tests.contract.roads.app_configuration_world import app_configuration_world
from tests.contract.roads.dns_world import dns_world
from tests.contract.roads.fake_world import fake_world
from tests.contract.roads.front_door_world import front_door_world
from tests.contract.roads.hook_world import hook_world
from tests.contract.roads.slot_traffic_world import slot_traffic_world
from tests.contract.roads.traffic_manager_world import traffic_manager_world
from tests.contract.roads.world import RoadWorld

_WORLDS: dict[str, Callable[[], AbstractContextManager[RoadWorld]]] = {
    "fake": fake_world,
    "slot_traffic": slot_traffic_world,
    "traffic_manager": traffic_manager_world,
    "front_door": front_door_world,
    "dns": dns_world,
    "app_configuration": app_configuration_world,
    "hook": hook_world,
}
_SOON_S = 10.0


@pytest.fixture(scope="module", params=list(_WORLDS))
def running(request: pytest.FixtureRequest) -> Iterator[RoadWorld]:
    credential.cache_clear()  # it keeps tokens, which only the simulator that gave them knows
    with _WORLDS[request.param]() as world:
        yield world
    credential.cache_clear()


@pytest.fixture
def world(running: RoadWorld, monkeypatch: pytest.MonkeyPatch) -> Iterator[RoadWorld]:
    for name, value in running.environment.items():
        monkeypatch.setenv(name, value)
    running.steer_away()
    wait_until(lambda: not look(running).established)
    yield running
    running.simulator.control("DELETE", "/faults")


def wait_until(holds: Callable[[], bool]) -> None:
    until = monotonic() + _SOON_S
    while not holds():
        assert monotonic() < until, "it never came to be"
        sleep(0.02)


def look(world: RoadWorld) -> RoadPicture:
    return world.new_routing().look(world.policy, world.road, world.aim)


def establish(world: RoadWorld, fence: Callable[[], None] = lambda: None) -> None:
    world.new_routing().establish(world.policy, world.road, world.aim, fence)


def fault(world: RoadWorld, api: str, kind: str, **more: object) -> None:
    world.simulator.control("POST", "/faults", {"api": api, "kind": kind, "times": 1, **more})


def bring_back(world: RoadWorld) -> None:
    """Do as the engine does: look, set what is not so, look again, by another worker each time."""

    def there() -> bool:
        picture = look(world)
        if not picture.established and not picture.busy:
            try:
                establish(world)
            except TransientError:
                return False
        return picture.established and not picture.busy

    wait_until(there)


def test_a_look_changes_nothing_and_says_what_is_so(world: RoadWorld) -> None:
    before = world.effects()
    picture = look(world)
    assert (picture.established, picture.why_not) == (False, None)
    assert look(world) == picture
    assert world.effects() == before


def test_what_is_established_is_seen_from_outside(world: RoadWorld) -> None:
    bring_back(world)
    wait_until(world.seen_good)


def test_twice_is_as_once(world: RoadWorld) -> None:
    bring_back(world)
    before = world.effects()
    establish(world)
    assert world.effects() == before
    picture = look(world)
    assert picture.established
    wait_until(world.seen_good)


def test_whoever_lost_the_lease_changes_nothing(world: RoadWorld) -> None:
    def fence() -> None:
        raise LostRace("the lease ran out")

    before = world.effects()
    with pytest.raises(LostRace):
        establish(world, fence)
    assert world.effects() == before
    assert not look(world).established


@pytest.mark.parametrize("kind", ["cut_after", "cut_before"])
def test_a_reply_that_is_lost_leaves_the_outcome_unknown_and_setting_it_again_is_safe(
    world: RoadWorld, kind: str
) -> None:
    fault(world, world.write_api, kind)
    with pytest.raises(OutcomeUnknown):
        establish(world)
    bring_back(world)
    wait_until(world.seen_good)


def test_a_server_error_may_have_taken_effect(world: RoadWorld) -> None:
    fault(world, world.write_api, "status", status=500)
    with pytest.raises(OutcomeUnknown):
        establish(world)
    bring_back(world)


def test_a_refusal_for_now_says_when_to_try_again(world: RoadWorld) -> None:
    fault(world, world.write_api, "status", status=429, retry_after_s=7)
    with pytest.raises(TransientError) as caught:
        establish(world)
    assert not isinstance(caught.value, OutcomeUnknown)
    if type(world.new_routing()).__module__.startswith("shared."):
        assert caught.value.retry_after == timedelta(seconds=7)
    bring_back(world)


def test_a_missing_role_is_permanent(world: RoadWorld) -> None:
    fault(world, world.write_api, "status", status=403)
    with pytest.raises(PermanentError, match="403"):
        establish(world)
    assert not look(world).established


def test_what_may_not_be_read_is_no_road_to_take(world: RoadWorld) -> None:
    """A hook says so itself, Azure's services by an error: the engine begins the next road for both."""
    fault(world, world.read_api, "status", status=403)
    try:
        said = look(world).why_not or ""
    except PermanentError as error:
        said = str(error)
    assert "403" in said
    assert not look(world).established


def test_a_read_that_fails_is_tried_again(world: RoadWorld) -> None:
    fault(world, world.read_api, "status", status=503)
    with pytest.raises(TransientError):
        look(world)
    assert look(world).why_not is None


def test_the_fence_is_asked_before_every_change(world: RoadWorld) -> None:
    """Never more changes than times the fence was asked."""
    asked = 0
    before = world.effects()

    def fence() -> None:
        nonlocal asked
        asked += 1
        assert world.effects() - before < asked

    def there() -> bool:
        if not look(world).established:
            try:
                world.new_routing().establish(world.policy, world.road, world.aim, fence)
            except TransientError:
                return False
        return look(world).established

    wait_until(there)
    assert 0 < world.effects() - before <= asked
