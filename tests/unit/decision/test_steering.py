"""Triggers hold a change up; it goes on by a person's word, or by itself where the policy says so."""

from dataclasses import replace

import pytest

from shared.decision.steering import steered
from shared.model.change import Change, ChangeStatus
from shared.model.decision import Action, Decision
from shared.model.policy import Policy
from shared.model.trigger import Tier, TriggerReading, Verdict
from tests.fakes.policies import policy
from tests.unit.decision.build import NOON, at, blind, firing, reading

CHANGE = Change(id="orders.change.1", kind="migration", build="b2", started_at=at(-600))
MEMORY = firing(Tier.INVESTIGATION, name="memory")
QUIET = reading(Tier.INVESTIGATION, name="memory")
BY_ITSELF = policy(
    ("notify:", "control: {resume: by_itself}\nnotify:"), ("when: memory >= 1", "when: memory >= 1, for: 30s")
)


def decided(action: Action, trigger: TriggerReading | None = MEMORY) -> Decision:
    sentence = f"{action} as {trigger.name} says" if trigger else "healthy"
    return Decision(action=action, verdict=Verdict.HEALTHY, sentence=sentence, trigger=trigger)


PAUSE, SLOW = decided(Action.PAUSE), decided(Action.SLOW)
GOING_ON = decided(Action.CONTINUE, None)


def in_status(status: ChangeStatus, trigger: str = "") -> Change:
    return CHANGE.moved(status, "because", at(-30), by="watch" if trigger else "ann", trigger=trigger)


@pytest.mark.parametrize(
    ("before", "decision", "after"),
    [
        (ChangeStatus.ACTIVE, PAUSE, ChangeStatus.PAUSED),
        (ChangeStatus.SLOWED, PAUSE, ChangeStatus.PAUSED),
        (ChangeStatus.PAUSED, PAUSE, ChangeStatus.PAUSED),
        (ChangeStatus.ACTIVE, SLOW, ChangeStatus.SLOWED),
        (ChangeStatus.SLOWED, SLOW, ChangeStatus.SLOWED),
        (ChangeStatus.PAUSED, SLOW, ChangeStatus.PAUSED),
        *((over, word, over) for over in list(ChangeStatus)[3:] for word in (PAUSE, SLOW)),
        *((status, GOING_ON, status) for status in ChangeStatus),
        *((status, decided(Action.ROLL_BACK), status) for status in ChangeStatus),
    ],
)
def test_what_a_decision_makes_of_a_change(before: ChangeStatus, decision: Decision, after: ChangeStatus) -> None:
    change = in_status(before)
    found = steered(policy(), change, decision, [MEMORY], NOON)
    assert found.status is after
    assert (found is change) == (before is after)


def test_a_change_that_is_held_up_names_its_trigger() -> None:
    held = steered(policy(), CHANGE, PAUSE, [MEMORY], NOON)
    assert (held.sentence, held.since, held.by, held.trigger) == (PAUSE.sentence, NOON, "watch", "memory")
    assert steered(policy(), held, PAUSE, [MEMORY], at(5)) is held


def test_what_a_person_holds_up_stays_that_persons() -> None:
    change = in_status(ChangeStatus.PAUSED)
    assert steered(BY_ITSELF, change, PAUSE, [MEMORY], NOON) is change
    assert steered(BY_ITSELF, change, GOING_ON, [QUIET], at(900)) is change


def test_it_does_not_go_on_by_itself_unless_the_policy_says_so() -> None:
    change = in_status(ChangeStatus.PAUSED, "memory")
    assert steered(policy(), change, GOING_ON, [QUIET], at(900)) is change


def played(by: Policy, change: Change, *steps: tuple[float, Decision, TriggerReading]) -> list[str]:
    said = []
    for seconds, decision, one in steps:
        change = steered(by, change, decision, [one], at(seconds))
        said.append(change.status.value)
    return said


def test_it_does_not_go_on_by_itself_beside_what_people_only_want_not_to_be_taken_back() -> None:
    change = in_status(ChangeStatus.PAUSED, "memory")
    said_no = replace(GOING_ON, settled=("errors",))
    steps = (0, said_no, QUIET), (900, said_no, QUIET), (910, GOING_ON, QUIET)
    assert played(BY_ITSELF, change, *steps) == ["paused", "paused", "active"]


def test_it_goes_on_once_its_trigger_has_been_quiet_for_its_own_time() -> None:
    change = in_status(ChangeStatus.PAUSED, "memory")
    assert played(BY_ITSELF, change, (0, GOING_ON, QUIET), (29, GOING_ON, QUIET), (30, GOING_ON, QUIET)) == [
        "paused",
        "paused",
        "active",
    ]


@pytest.mark.parametrize(
    ("decision", "between"),
    [
        (PAUSE, MEMORY),
        (GOING_ON, blind(Tier.INVESTIGATION, name="memory")),
        (GOING_ON, replace(QUIET, verdict=None)),
        (decided(Action.PAUSE, firing(Tier.INVESTIGATION, name="doubt")), QUIET),
    ],
    ids=["fired again", "blind", "nothing heard", "another trigger holds it"],
)
def test_the_quiet_must_be_heard_and_unbroken(decision: Decision, between: TriggerReading) -> None:
    change = in_status(ChangeStatus.PAUSED, "memory")
    steps = (0, GOING_ON, QUIET), (20, decision, between), (31, GOING_ON, QUIET), (60, GOING_ON, QUIET)
    assert played(BY_ITSELF, change, *steps) == ["paused"] * 4


def test_it_does_not_go_on_while_anything_else_is_decided() -> None:
    change = in_status(ChangeStatus.PAUSED, "memory")
    steps = (0, GOING_ON, QUIET), (40, decided(Action.ASK), QUIET), (45, GOING_ON, QUIET)
    assert played(BY_ITSELF, change, *steps) == ["paused", "paused", "active"]


def test_a_trigger_that_left_the_policy_lets_nothing_go_on() -> None:
    change = in_status(ChangeStatus.PAUSED, "gone")
    assert steered(BY_ITSELF, change, GOING_ON, [QUIET], at(900)) is change


def test_a_trigger_is_overruled_until_it_was_quiet() -> None:
    change = replace(CHANGE, overruled=("memory",))
    assert steered(policy(), change, GOING_ON, [MEMORY], NOON) is change
    assert steered(policy(), change, GOING_ON, [QUIET], NOON).overruled == ()


def test_what_decides_once_is_remembered_when_it_decides() -> None:
    once = policy(("when: memory >= 1", "when: memory >= 1, once: change"))
    assert steered(once, CHANGE, decided(Action.CONTINUE), [MEMORY], NOON).decided == ()
    for action in (Action.ROLL_BACK, Action.ASK, Action.PAUSE):
        assert steered(once, CHANGE, decided(action), [MEMORY], NOON).decided == ("memory",)
    assert steered(policy(), CHANGE, PAUSE, [MEMORY], NOON).decided == ()
    over = in_status(ChangeStatus.ROLLED_BACK)
    assert steered(once, over, decided(Action.ASK), [MEMORY], NOON).decided == ("memory",)
