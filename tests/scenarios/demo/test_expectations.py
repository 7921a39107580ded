"""An expectation that cannot break proves nothing: each is shown to break by exactly what it is there for."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from local.demo.expectations import judge
from local.demo.scenarios import SCENARIOS
from local.demo.scene import GOOD_BUILD, Recording
from local.demo.users import USUAL_KINDS, Kind, Visit
from local.demo.world import LastRollback, SiteView, SwapPost
from tests.scenarios.demo.recordings import BAD_BUILD, EVENTS, TAKEN_BACK, VISITS, at, bent, event

POST = TAKEN_BACK.site.swap_posts[0]


def broken(recording: Recording, scenario: str = "bad-build") -> list[str]:
    return [one.text for one in judge(recording, SCENARIOS[scenario].expects) if not one.held]


def last_visits(kind: Kind, **changes: object) -> tuple[Visit, ...]:
    """The visits with those of one kind changed in the last second."""
    begin_s = TAKEN_BACK.ended_at_s - 1
    return tuple(
        replace(one, **changes) if one.kind is kind and one.at_s >= begin_s else one  # type: ignore[arg-type]  # any field
        for one in VISITS
    )


def site(production_build: str, *posts: SwapPost) -> SiteView:
    return SiteView(production_build=production_build, swap_posts=posts)


def test_a_good_rollback_holds() -> None:
    assert broken(TAKEN_BACK) == []


@pytest.mark.parametrize("count", [0, 2])
def test_swap_posts_are_counted(count: int) -> None:
    assert broken(bent(site=site(GOOD_BUILD, *[POST] * count))) == ["ARM saw exactly 1 swap POST"]


@pytest.mark.parametrize("kind", USUAL_KINDS)
def test_one_client_on_the_bad_build_is_enough(kind: Kind) -> None:
    assert broken(bent(visits=last_visits(kind, build=BAD_BUILD))) == [
        f"production serves {GOOD_BUILD} to fresh, pinned and kept-alive clients"
    ]


def test_a_kind_of_client_that_nobody_heard_of_is_not_served() -> None:
    heard = tuple(one for one in VISITS if one.kind is not Kind.PINNED)
    assert broken(bent(visits=heard)) == [f"production serves {GOOD_BUILD} to fresh, pinned and kept-alive clients"]


def test_arm_must_name_the_build_too() -> None:
    assert broken(bent(site=site(BAD_BUILD, POST))) == [
        f"production serves {GOOD_BUILD} to fresh, pinned and kept-alive clients"
    ]


def test_a_reopened_connection_is_not_kept_alive() -> None:
    assert broken(bent(visits=tuple(replace(one, connection_age_s=1.0) for one in VISITS))) == [
        "one kept-alive connection lived through it all"
    ]


def test_people_who_still_fail_are_not_served() -> None:
    assert "in the end every request is served" in broken(bent(visits=last_visits(Kind.FRESH, served=False)))


@pytest.mark.parametrize(
    ("bend", "text"),
    [
        (lambda: bent(came_to_end=False), "the scenario came to its end"),
        (lambda: bent(told=("decided",)), "people were told: verified"),
        (lambda: bent(events=EVENTS[:-2] + EVENTS[-1:]), "every moment of the story was seen"),
        (
            lambda: bent(app=TAKEN_BACK.app.model_copy(update={"last_rollback": None})),
            "the rollback ended verified",
        ),
    ],
)
def test_what_is_missing_is_named(bend: Callable[[], Recording], text: str) -> None:
    assert broken(bend()) == [text]


@pytest.mark.parametrize("verified_s", [101.0, 94.2])
def test_a_late_rollback_breaks_the_promise(verified_s: float) -> None:
    late = bent(events=(*EVENTS[:-1], event("verified", verified_s, about="run")))
    assert broken(late) == ["verified within 100 s of the fault and 30 s of firing"]


def test_a_decision_is_too_much_where_nothing_may_be_rolled_back() -> None:
    harmless = bent(events=(event("decided", 10),), new_build="2026.11.2-new")
    assert "the app never decided to roll back" in broken(harmless, "healthy")


def test_an_unknown_build_must_meet_nobody() -> None:
    met = (replace(VISITS[0], build="2026.10.7-unknown"), *VISITS[1:])
    refused = TAKEN_BACK.app.model_copy(
        update={"last_rollback": LastRollback(id="run", status="refused", ended_at=at(65))}
    )
    served_bad = tuple(replace(one, build=BAD_BUILD) for one in VISITS)
    calm = bent(site=site(BAD_BUILD), told=("refused",), app=refused, visits=served_bad)
    assert broken(calm, "wrong-slot") == []
    assert broken(replace(calm, visits=(*met[:1], *served_bad)), "wrong-slot") == [
        "nobody was ever served 2026.10.7-unknown"
    ]


def test_a_reply_that_arrived_was_not_lost() -> None:
    assert broken(TAKEN_BACK, "lost-reply") == ["the reply to an accepted swap was lost"]
    lost = POST.model_copy(update={"status": None})
    assert broken(bent(site=site(GOOD_BUILD, lost)), "lost-reply") == []


def test_a_queue_that_doubled_nothing_proves_nothing() -> None:
    assert broken(TAKEN_BACK, "duplicate") == ["queue messages were delivered twice"]
    assert broken(bent(doubled=1), "duplicate") == []
