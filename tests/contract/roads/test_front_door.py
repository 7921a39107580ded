"""`FrontDoorRouting` against the simulator: what it sees, what it writes in which order, and what it says is wrong."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from itertools import count
from threading import enumerate as enumerate_threads
from time import monotonic
from typing import Any

import pytest

from shared.adapters.front_door import FrontDoorRouting
from shared.errors import Busy, LostRace, OutcomeUnknown, PermanentError, TransientError
from shared.model.policy_roads import FrontDoorRoad
from tests.contract.azure.played_azure import PlayedAzure
from tests.contract.roads.conftest import Launch
from tests.contract.roads.front_door_world import FrontDoor, front_door_world
from tests.contract.roads.world import Json, RoadWorld, arm_at, wait_until

ENABLED = ("blue", {"enabledState": "Enabled", "weight": 1000})
DISABLED = ("green", {"enabledState": "Disabled"})


@pytest.fixture(scope="module")
def launch() -> Launch:
    return front_door_world


@pytest.fixture
def front(world: RoadWorld[FrontDoorRoad]) -> Iterator[FrontDoor]:
    front = FrontDoor(world)
    yield front
    world.reset()
    front.control("PUT", "/afd/edge", {"reports_deployment": False})
    wait_until(lambda: not front.is_updating())


def test_a_look_tells_every_origin(front: FrontDoor) -> None:
    assert {name: origin["enabled"] for name, origin in front.look().shown["origins"].items()} == {
        "blue": "Disabled",
        "green": "Enabled",
        "spare": "Disabled",
    }


@pytest.mark.parametrize("order", [("blue", "green"), ("green", "blue")], ids=str)
def test_the_good_origin_is_enabled_before_the_bad_one_is_disabled(front: FrontDoor, order: tuple[str, ...]) -> None:
    before, calls = len(front.written()), []
    origins = {name: front.road.origins[name] for name in order}
    front.establish(lambda: calls.append(len(front.written()) - before), origins=origins)
    assert front.written()[before:] == [ENABLED, DISABLED]
    assert calls == [0, 1], "the fence stands right before each of the two"


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
    front.establish(origins={"blue": 900, "green": 100})
    origins = front.origins()
    assert {name: (each["enabledState"], each["weight"]) for name, each in origins.items() if name != "spare"} == {
        "blue": ("Enabled", 900),
        "green": ("Enabled", 100),
    }
    assert origins["spare"] == spare


def test_names_count_in_any_case(front: FrontDoor) -> None:
    others: Json = {
        "front_door": front.road.front_door.replace("/web", "/WEB"),
        "origins": {"BLUE": 1000, "Green": "disabled"},
    }
    front.establish(**others)
    assert front.look(**others).established


def test_an_origin_that_does_not_exist_is_a_reason_not_to_go(front: FrontDoor) -> None:
    origins, before = {"blue": 1000, "grün": "disabled"}, front.world.effects()
    picture = front.look(origins=origins)
    assert picture.why_not == "origin group web has no origin grün; there is: blue, green, spare"
    assert not picture.established
    with pytest.raises(PermanentError, match="no origin grün"):
        front.establish(origins=origins)
    assert front.world.effects() == before


@pytest.mark.parametrize("part", ["/profiles/edge", "/originGroups/web"])
def test_a_group_that_does_not_exist_is_a_permanent_error(front: FrontDoor, part: str) -> None:
    gone = front.road.front_door.replace(part, part + "-gone")
    for call in (front.look, front.establish):
        with pytest.raises(PermanentError, match="404 ParentResourceNotFound"):
            call(front_door=gone)


def test_the_bad_origin_stays_until_the_good_one_is_enabled(front: FrontDoor) -> None:
    front.timings(afd_update_s=0.3)
    before = len(front.written())
    with pytest.raises(OutcomeUnknown, match="origin green is disabled when another one is seen enabled in its place"):
        front.establish()
    assert front.look().busy
    wait_until(lambda: not front.look().busy)
    assert not front.look().established
    front.establish()
    assert front.written()[before:] == [ENABLED, DISABLED]
    wait_until(lambda: front.look().established and not front.look().busy)


def test_an_origin_that_could_not_be_enabled_takes_nobodys_place(front: FrontDoor) -> None:
    front.fault("afd_write", "ends_failed")
    with pytest.raises(OutcomeUnknown):
        front.establish()
    wait_until(lambda: not front.look().busy)
    front.fault("afd_write", "ends_failed")
    with pytest.raises(OutcomeUnknown):
        front.establish()
    assert front.origins()["green"]["enabledState"] == "Enabled"


def test_a_profile_that_carries_out_a_change_refuses_the_next_and_takes_it_later(front: FrontDoor) -> None:
    front.control("PUT", "/afd/edge/web/blue", {"enabled": "Enabled", "weight": 7})
    front.timings(afd_update_s=0.3)
    before = len(front.written())
    with pytest.raises(OutcomeUnknown, match="setting origin green to disabled: 409 Conflict"):
        front.establish()
    wait_until(lambda: not front.look().busy)
    front.establish()
    assert front.written()[before:] == [ENABLED, DISABLED]


def test_somebody_elses_change_under_way_means_that_nothing_happened(front: FrontDoor) -> None:
    front.timings(afd_update_s=0.3)
    front.establish(origins={"green": 999})
    assert front.look().busy
    with pytest.raises(TransientError) as caught:
        front.establish()
    assert type(caught.value) is Busy


def test_establishing_never_waits(front: FrontDoor) -> None:
    front.fault("afd_write", "stuck")
    begun = monotonic()
    with pytest.raises(OutcomeUnknown):
        front.establish()
    assert front.look().busy
    assert monotonic() - begun < 2.0
    assert not [thread for thread in enumerate_threads() if "LROPoller" in thread.name], "nor does the SDK behind it"


def test_a_change_that_failed_is_not_established_and_is_made_again(front: FrontDoor) -> None:
    front.fault("afd_write", "ends_failed")
    front.establish(origins={"blue": 1000})
    wait_until(lambda: not front.look().busy)
    front.control("PUT", "/afd/edge/web/green", {"enabled": "Disabled"})
    failed = front.look()
    assert failed.shown["origins"]["blue"]["provisioning"] == "Failed"
    assert (failed.shown["origins"]["blue"]["enabled"], failed.established) == ("Enabled", False)
    front.establish()
    wait_until(lambda: front.look().established)


def test_a_deployment_that_is_told_keeps_the_road_busy(front: FrontDoor) -> None:
    front.control("PUT", "/afd/edge", {"reports_deployment": True})
    front.establish()
    assert front.look().busy
    wait_until(lambda: not front.look().busy)
    assert front.world.seen_good()


@pytest.mark.parametrize("kind", ["cut_before", "cut_after", "conflict"])
def test_people_are_served_whatever_becomes_of_the_first_write(front: FrontDoor, kind: str) -> None:
    fault = {"kind": "status", "status": 409} if kind == "conflict" else {"kind": kind}
    front.fault("afd_write", **fault)
    with pytest.raises(TransientError) as caught:
        front.establish()
    assert type(caught.value) is (Busy if kind == "conflict" else OutcomeUnknown)
    assert front.origins()["green"]["enabledState"] == "Enabled"


def test_a_change_whose_reply_is_lost_is_not_made_again(front: FrontDoor) -> None:
    before = len(front.written())
    front.fault("afd_write", "cut_after")
    with pytest.raises(OutcomeUnknown):
        front.establish()
    wait_until(lambda: not front.look().busy)
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
        front.establish(fence)
    assert (type(caught.value), caught.value.retry_after) == (error, timedelta(seconds=17))


def test_a_refusal_for_good_of_the_second_write_says_that_the_first_was_made(front: FrontDoor) -> None:
    writes = count(1)

    def fence() -> None:
        if next(writes) == 2:
            front.fault("afd_write", "status", status=403)

    said = r"^setting origin green to disabled: 403 .*; set before it: origin blue to weight 1000$"
    with pytest.raises(PermanentError, match=said):
        front.establish(fence)


def test_a_fence_that_cannot_tell_after_the_first_write_leaves_a_doubt(front: FrontDoor) -> None:
    passes = iter([True])

    def fence() -> None:
        if not next(passes, False):
            raise TransientError("nothing was sent: the storage does not answer")

    with pytest.raises(OutcomeUnknown, match=r"nothing was sent: .*; set before it: origin blue to weight 1000"):
        front.establish(fence)


def test_names_that_cannot_be_written_are_told_by_others(front: FrontDoor) -> None:
    with PlayedAzure() as played:
        played.answer = lambda _: {"value": [{"name": "\ud800", "properties": {"enabledState": "\udfff"}}]}
        front.routing = FrontDoorRouting(arm_at(played.url))
        picture = front.look()
        assert str(picture.why_not).endswith("there is: ?")
        assert picture.shown["origins"]["?"]["enabled"] == "?"
        with pytest.raises(PermanentError, match=r"there is: \?$"):
            front.establish()


def test_the_role_is_needed_and_its_want_is_said_without_azures_text(front: FrontDoor) -> None:
    front.deny("Microsoft.Cdn/profiles/originGroups/origins/write")
    with pytest.raises(PermanentError, match=r"^setting origin blue to weight 1000: 403 AuthorizationFailed$"):
        front.establish()


def test_a_lost_lease_passes_through_and_nothing_more_is_sent(front: FrontDoor) -> None:
    before, passes = front.world.effects(), iter([True, False])

    def fence() -> None:
        if not next(passes):
            raise LostRace("the lease ran out")

    with pytest.raises(LostRace):
        front.establish(fence)
    assert front.world.effects() == before + 1


@pytest.mark.parametrize(
    "answer", [None, "soon", 5, [], {}, {"value": None}, {"value": [None]}, {"value": ["x"]}], ids=str
)
def test_an_answer_without_sense_is_never_established(front: FrontDoor, answer: Any) -> None:
    with PlayedAzure() as played:
        played.answer = lambda _: answer
        front.routing = FrontDoorRouting(arm_at(played.url))
        with suppress(OutcomeUnknown):
            picture = front.look()
            assert (picture.established, picture.why_not is None) == (False, False)


def test_origins_without_properties_are_not_established(front: FrontDoor) -> None:
    with PlayedAzure() as played:
        played.answer = lambda _: {"value": [{"name": "blue"}, {"name": "green", "properties": {}}]}
        front.routing = FrontDoorRouting(arm_at(played.url))
        picture = front.look()
        assert (picture.established, picture.why_not) == (False, None)
