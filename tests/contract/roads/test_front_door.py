"""`FrontDoorRouting` against the simulator: what it sees, what it writes in which order, and what it says is wrong."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from itertools import count
from threading import enumerate as enumerate_threads
from time import monotonic
from typing import Any

import pytest

from shared.adapters.azure_clients import ArmAccess, credential
from shared.adapters.front_door import FrontDoorRouting
from shared.errors import LostRace, OutcomeUnknown, PermanentError, TransientError
from shared.model.policy_roads import FrontDoorRoad
from tests.contract.azure.played_azure import PlayedAzure
from tests.contract.roads.front_door_world import ARM_AUDIENCE, QUICK, FrontDoor, front_door_world


@pytest.fixture(scope="module")
def running() -> Iterator[FrontDoor]:
    with front_door_world() as world:
        credential.cache_clear()  # it keeps tokens, which only the simulator that gave them knows
        yield FrontDoor(world)
        credential.cache_clear()


@pytest.fixture
def front(running: FrontDoor, monkeypatch: pytest.MonkeyPatch) -> Iterator[FrontDoor]:
    for name, value in running.world.environment.items():
        monkeypatch.setenv(name, value)
    running.world.steer_away()
    yield running
    running.control("DELETE", "/faults")
    running.control("PUT", "/timings", QUICK.model_dump())
    running.control("PUT", "/permissions", {"denied": []})
    running.control("PUT", "/afd/edge", {"reports_deployment": False})
    running.wait_until(lambda: not running.control("GET", "/state")["afd"]["edge"]["updating"])


ENABLED = ("blue", {"enabledState": "Enabled", "weight": 1000})
DISABLED = ("green", {"enabledState": "Disabled"})


def test_a_look_tells_every_origin(front: FrontDoor) -> None:
    picture = front.look()
    assert (picture.established, picture.busy, picture.why_not) == (False, False, None)
    assert {name: origin["enabled"] for name, origin in picture.shown["origins"].items()} == {
        "blue": "Disabled",
        "green": "Enabled",
        "spare": "Disabled",
    }


def test_people_are_served_the_good_origin(front: FrontDoor) -> None:
    assert not front.world.seen_good()
    front.establish()
    assert front.look().established
    front.wait_until(front.world.seen_good)


@pytest.mark.parametrize("order", [("blue", "green"), ("green", "blue")], ids=str)
def test_the_good_origin_is_enabled_before_the_bad_one_is_disabled(front: FrontDoor, order: tuple[str, ...]) -> None:
    before, calls = len(front.written()), []
    road = front.road.model_copy(update={"origins": {name: front.road.origins[name] for name in order}})
    front.establish(road, fence=lambda: calls.append(len(front.written()) - before))
    assert front.written()[before:] == [ENABLED, DISABLED]
    assert calls == [0, 1], "the fence stands right before each of the two"


def test_twice_is_as_once(front: FrontDoor) -> None:
    front.establish()
    before = front.world.effects()
    front.establish(fence=lambda: pytest.fail("nothing is to be changed"))
    assert front.world.effects() == before


def test_only_what_somebody_else_changed_is_written_again(front: FrontDoor) -> None:
    front.establish()
    for origin, change, again in (("blue", {"weight": 7}, ENABLED), ("green", {"enabled": "Enabled"}, DISABLED)):
        front.control("PUT", f"/afd/edge/web/{origin}", change)
        assert not front.look().established
        before = len(front.written())
        front.establish()
        assert front.written()[before:] == [again]


def test_weights_are_set_and_what_is_not_named_stays(front: FrontDoor) -> None:
    spare = front.origins()["spare"]
    front.establish(front.road.model_copy(update={"origins": {"blue": 900, "green": 100}}))
    origins = front.origins()
    assert {name: (each["enabledState"], each["weight"]) for name, each in origins.items() if name != "spare"} == {
        "blue": ("Enabled", 900),
        "green": ("Enabled", 100),
    }
    assert origins["spare"] == spare


def test_names_count_in_any_case(front: FrontDoor) -> None:
    road = FrontDoorRoad(
        front_door=front.road.front_door.replace("/web", "/WEB"),
        url=front.road.url,
        origins={"BLUE": 1000, "Green": "disabled"},
    )
    front.establish(road)
    assert front.look(road).established


def test_an_origin_that_does_not_exist_is_a_reason_not_to_go(front: FrontDoor) -> None:
    road = front.road.model_copy(update={"origins": {"blue": 1000, "grün": "disabled"}})
    before = front.world.effects()
    picture = front.look(road)
    assert picture.why_not == "origin group web has no origin grün; there is: blue, green, spare"
    assert not picture.established
    with pytest.raises(PermanentError, match="no origin grün"):
        front.establish(road)
    assert front.world.effects() == before


@pytest.mark.parametrize("part", ["/profiles/edge", "/originGroups/web"])
def test_a_group_that_does_not_exist_is_a_permanent_error(front: FrontDoor, part: str) -> None:
    road = front.road.model_copy(update={"front_door": front.road.front_door.replace(part, part + "-gone")})
    for call in (front.look, front.establish):
        with pytest.raises(PermanentError, match="404 ParentResourceNotFound"):
            call(road)


def test_the_bad_origin_stays_until_the_good_one_is_enabled(front: FrontDoor) -> None:
    front.control("PUT", "/timings", {"afd_update_s": 0.3})
    before = len(front.written())
    with pytest.raises(OutcomeUnknown, match="origin green is disabled when another one is seen enabled in its place"):
        front.establish()
    assert front.look().busy
    front.wait_until(lambda: not front.look().busy)
    assert not front.look().established
    front.establish()
    assert front.written()[before:] == [ENABLED, DISABLED]
    front.wait_until(lambda: front.look().established and not front.look().busy)


def test_an_origin_that_could_not_be_enabled_takes_nobodys_place(front: FrontDoor) -> None:
    front.fault("afd_write", "ends_failed", times=1)
    with pytest.raises(OutcomeUnknown):
        front.establish()
    front.wait_until(lambda: not front.look().busy)
    front.fault("afd_write", "ends_failed", times=1)
    with pytest.raises(OutcomeUnknown):
        front.establish()
    assert front.origins()["green"]["enabledState"] == "Enabled"


def test_a_profile_that_carries_out_a_change_refuses_the_next_and_takes_it_later(front: FrontDoor) -> None:
    front.control("PUT", "/afd/edge/web/blue", {"enabled": "Enabled", "weight": 7})
    front.control("PUT", "/timings", {"afd_update_s": 0.3})
    before = len(front.written())
    with pytest.raises(OutcomeUnknown, match="setting origin green to disabled: 409 Conflict"):
        front.establish()
    front.wait_until(lambda: not front.look().busy)
    front.establish()
    assert front.written()[before:] == [ENABLED, DISABLED]


def test_somebody_elses_change_under_way_means_that_nothing_happened(front: FrontDoor) -> None:
    front.control("PUT", "/timings", {"afd_update_s": 0.3})
    front.establish(front.road.model_copy(update={"origins": {"green": 999}}))
    assert front.look().busy
    with pytest.raises(TransientError) as caught:
        front.establish()
    assert type(caught.value) is TransientError


def test_establishing_never_waits(front: FrontDoor) -> None:
    front.fault("afd_write", "stuck", times=1)
    begun = monotonic()
    with pytest.raises(OutcomeUnknown):
        front.establish()
    assert front.look().busy
    assert monotonic() - begun < 2.0
    assert not [thread for thread in enumerate_threads() if "LROPoller" in thread.name], "nor does the SDK behind it"


def test_a_change_that_failed_is_not_established_and_is_made_again(front: FrontDoor) -> None:
    front.fault("afd_write", "ends_failed", times=1)
    front.establish(front.road.model_copy(update={"origins": {"blue": 1000}}))
    front.wait_until(lambda: not front.look().busy)
    front.control("PUT", "/afd/edge/web/green", {"enabled": "Disabled"})
    failed = front.look()
    assert failed.shown["origins"]["blue"]["provisioning"] == "Failed"
    assert (failed.shown["origins"]["blue"]["enabled"], failed.established) == ("Enabled", False)
    front.establish()
    front.wait_until(lambda: front.look().established)


def test_a_deployment_that_is_told_keeps_the_road_busy(front: FrontDoor) -> None:
    front.control("PUT", "/afd/edge", {"reports_deployment": True})
    front.establish()
    assert front.look().busy
    front.wait_until(lambda: not front.look().busy)
    assert front.world.seen_good()


_WRITE_ERRORS: list[tuple[dict[str, Any], type[Exception]]] = [
    ({"kind": "status", "status": 400}, PermanentError),
    ({"kind": "forbidden"}, PermanentError),
    ({"kind": "status", "status": 404}, PermanentError),
    ({"kind": "status", "status": 409}, TransientError),
    ({"kind": "status", "status": 429}, TransientError),
    ({"kind": "status", "status": 500}, OutcomeUnknown),
    ({"kind": "status", "status": 503}, OutcomeUnknown),
    ({"kind": "cut_before"}, OutcomeUnknown),
    ({"kind": "cut_after"}, OutcomeUnknown),
]


@pytest.mark.parametrize(("fault", "error"), _WRITE_ERRORS, ids=str)
def test_a_write_that_goes_wrong_is_one_call_and_the_right_error(
    front: FrontDoor, fault: dict[str, Any], error: type[Exception]
) -> None:
    before = front.world.effects()
    front.fault("afd_write", **fault)
    with pytest.raises(error) as caught:
        front.establish()
    assert type(caught.value) is error
    assert front.world.effects() == before + 1
    assert front.origins()["green"]["enabledState"] == "Enabled", "nobody is served if the good one was not enabled"


@pytest.mark.parametrize(("fault", "error"), _WRITE_ERRORS[:-1], ids=str)
def test_a_look_that_goes_wrong_is_one_call_and_the_right_error(
    front: FrontDoor, fault: dict[str, Any], error: type[Exception]
) -> None:
    front.fault("afd_read", **fault)
    with pytest.raises(error) as caught:
        front.look()
    assert type(caught.value) is error
    assert front.control("GET", "/faults")["faults"][-1]["hits"] == 1


def test_a_reply_that_is_lost_is_read_back(front: FrontDoor) -> None:
    before = len(front.written())
    front.fault("afd_write", "cut_after", times=1)
    with pytest.raises(OutcomeUnknown):
        front.establish()
    front.wait_until(lambda: not front.look().busy)
    front.establish()
    assert front.written()[before:] == [ENABLED, DISABLED]


@pytest.mark.parametrize(("refused", "error"), [(1, TransientError), (2, OutcomeUnknown)])
def test_the_pause_that_azure_asks_for_is_kept_whichever_write_it_refuses(
    front: FrontDoor, refused: int, error: type[Exception]
) -> None:
    writes = count(1)

    def fence() -> None:
        if next(writes) == refused:
            front.fault("afd_write", "status", status=429, retry_after_s=17)

    with pytest.raises(TransientError) as caught:
        front.establish(fence=fence)
    assert (type(caught.value), caught.value.retry_after) == (error, timedelta(seconds=17))


def test_the_role_is_needed_and_its_want_is_said_without_azures_text(front: FrontDoor) -> None:
    front.control("PUT", "/permissions", {"denied": ["Microsoft.Cdn/profiles/originGroups/origins/write"]})
    with pytest.raises(PermanentError, match=r"^setting origin blue to weight 1000: 403 AuthorizationFailed$"):
        front.establish()


def test_a_lost_lease_passes_through_and_nothing_more_is_sent(front: FrontDoor) -> None:
    before, passes = front.world.effects(), iter([True, False])

    def fence() -> None:
        if not next(passes):
            raise LostRace("the lease ran out")

    with pytest.raises(LostRace):
        front.establish(fence=fence)
    assert front.world.effects() == before + 1


@pytest.mark.parametrize(
    "answer", [None, "soon", 5, [], {}, {"value": None}, {"value": [None]}, {"value": ["x"]}], ids=str
)
def test_an_answer_without_sense_is_never_established(front: FrontDoor, answer: Any) -> None:
    with PlayedAzure() as played:
        played.answer = lambda _: answer
        odd = FrontDoorRouting(ArmAccess(played.url, ARM_AUDIENCE))
        with suppress(OutcomeUnknown):
            picture = odd.look(front.world.policy, front.road, front.world.aim)
            assert (picture.established, picture.why_not is None) == (False, False)


def test_origins_without_properties_are_not_established(front: FrontDoor) -> None:
    with PlayedAzure() as played:
        played.answer = lambda _: {"value": [{"name": "blue"}, {"name": "green", "properties": {}}]}
        odd = FrontDoorRouting(ArmAccess(played.url, ARM_AUDIENCE))
        picture = odd.look(front.world.policy, front.road, front.world.aim)
        assert (picture.established, picture.why_not) == (False, None)
