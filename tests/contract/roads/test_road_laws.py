"""What holds for every road, whatever it is made of: the engine relies on each of these, for the fake one as well."""

from datetime import timedelta
from typing import Any

import pytest

from shared.errors import LostRace, OutcomeUnknown, PermanentError, TransientError
from tests.contract.roads.app_configuration_world import app_configuration_world
from tests.contract.roads.conftest import Launch
from tests.contract.roads.dns_world import dns_world
from tests.contract.roads.fake_world import fake_world
from tests.contract.roads.front_door_world import front_door_world
from tests.contract.roads.hook_world import hook_world
from tests.contract.roads.slot_traffic_world import slot_traffic_world
from tests.contract.roads.traffic_manager_world import traffic_manager_world
from tests.contract.roads.world import RoadWorld, Worker, wait_until

_WORLDS: dict[str, Launch] = {
    "fake": fake_world,
    "slot_traffic": slot_traffic_world,
    "traffic_manager": traffic_manager_world,
    "front_door": front_door_world,
    "dns": dns_world,
    "app_configuration": app_configuration_world,
    "hook": hook_world,
}


@pytest.fixture(scope="module", params=list(_WORLDS))
def launch(request: pytest.FixtureRequest) -> Launch:
    return _WORLDS[request.param]


@pytest.fixture
def world(world: RoadWorld) -> RoadWorld:
    wait_until(lambda: not Worker(world).look().established)
    return world


@pytest.fixture
def worker(world: RoadWorld) -> Worker:
    return Worker(world)


def bring_back(world: RoadWorld) -> None:
    """Do as the engine does: look, set what is not so, look again, by another worker each time."""

    def there() -> bool:
        picture = Worker(world).look()
        if not picture.established and not picture.busy:
            try:
                Worker(world).establish()
            except TransientError:
                return False
        return picture.established and not picture.busy

    wait_until(there)


def lost() -> None:
    raise LostRace("the lease ran out")


def test_a_look_changes_nothing_and_says_what_is_so(worker: Worker) -> None:
    before = worker.world.effects()
    picture = worker.look()
    assert (picture.established, picture.busy, picture.why_not) == (False, False, None)
    assert worker.look() == picture
    assert worker.world.effects() == before


def test_what_is_established_is_seen_from_outside(world: RoadWorld) -> None:
    bring_back(world)
    wait_until(world.seen_good)


def test_twice_is_as_once(world: RoadWorld, worker: Worker) -> None:
    bring_back(world)
    before = world.effects()
    worker.establish(lambda: pytest.fail("nothing is to be changed"))
    assert world.effects() == before
    assert worker.look().established
    wait_until(world.seen_good)


def test_whoever_lost_the_lease_changes_nothing(worker: Worker) -> None:
    before = worker.world.effects()
    with pytest.raises(LostRace):
        worker.establish(lost)
    assert worker.world.effects() == before
    assert not worker.look().established


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"kind": "status", "status": 403}, PermanentError),
        ({"kind": "status", "status": 429}, TransientError),
        ({"kind": "status", "status": 500}, OutcomeUnknown),
        ({"kind": "status", "status": 503}, OutcomeUnknown),
        ({"kind": "cut_before"}, OutcomeUnknown),
        ({"kind": "cut_after"}, OutcomeUnknown),
    ],
    ids=str,
)
def test_a_write_that_goes_wrong_is_one_call_the_right_error_and_mended_by_another(
    worker: Worker, fault: dict[str, Any], error: type[Exception]
) -> None:
    before = worker.world.effects()
    worker.fault(worker.world.write_api, **fault)
    with pytest.raises(error, match="403" if error is PermanentError else None) as caught:
        worker.establish()
    assert type(caught.value) is error
    assert worker.world.effects() == before + 1
    bring_back(worker.world)
    wait_until(worker.world.seen_good)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"kind": "status", "status": 429}, TransientError),
        ({"kind": "status", "status": 503}, OutcomeUnknown),
        ({"kind": "cut_before"}, OutcomeUnknown),
    ],
    ids=str,
)
def test_what_cannot_be_read_is_not_written_and_read_again_later(
    worker: Worker, fault: dict[str, Any], error: type[Exception]
) -> None:
    before = worker.world.effects()
    for call in (worker.look, worker.establish):
        worker.fault(worker.world.read_api, **fault)
        with pytest.raises(error) as caught:
            call()
        assert type(caught.value) is error
    assert worker.world.effects() == before
    assert worker.look().why_not is None


def test_what_may_not_be_read_is_no_road_to_take(worker: Worker) -> None:
    """A hook says so itself, Azure's services by an error: the engine begins the next road for both."""
    worker.fault(worker.world.read_api, "status", status=403)
    try:
        said = worker.look().why_not or ""
    except PermanentError as error:
        said = str(error)
    assert "403" in said
    assert not worker.look().established


def test_a_refusal_for_now_says_when_to_try_again(worker: Worker) -> None:
    for api, call in ((worker.world.read_api, worker.look), (worker.world.write_api, worker.establish)):
        worker.fault(api, "status", status=429, retry_after_s=7)
        with pytest.raises(TransientError) as caught:
            call()
        assert caught.value.retry_after == timedelta(seconds=7)


def test_the_fence_is_asked_before_every_change(world: RoadWorld) -> None:
    """Never more changes than times the fence was asked."""
    asked = 0
    before = world.effects()

    def fence() -> None:
        nonlocal asked
        asked += 1
        assert world.effects() - before < asked

    def there() -> bool:
        if not Worker(world).look().established:
            try:
                Worker(world).establish(fence)
            except TransientError:
                return False
        return Worker(world).look().established

    wait_until(there)
    assert 0 < world.effects() - before <= asked
