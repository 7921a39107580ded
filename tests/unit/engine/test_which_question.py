"""Which question people are asked: there is one of a workload, and no trigger that asks is swallowed by it."""

import pytest

from shared.engine.records import KNOWN_GOOD
from shared.model.ask import Ask, AskStatus
from shared.model.policy import Policy
from shared.ports import Delete
from tests.fakes.policies import policy
from tests.unit.engine.conftest import Engine
from tests.unit.engine.test_people_are_asked import ANN, BOB, ask_for, over, question, running

_BAD, _WORSE = 0.08, 0.31
_ERRORS = "    - {name: errors, when: error_rate > 5%, for: 20s, at_least: 20 requests}\n"
_OUTAGE = "    - {name: outage, when: error_rate > 20%, for: 20s, at_least: 20 requests}\n"


def asking(
    critical: str = "", warning: str = "", level_1: str = "", level_2: str = "", level_3: str = "", more: str = ""
) -> Policy:
    tiers = "".join(f"  {tier}:\n{text}" for tier, text in (("critical", critical), ("warning", warning)) if text)
    levels = f"levels: {{1: {{{level_1}}}, 2: {{roads: [split]{level_2}}}, 3: {{roads: [split]{level_3}}}}}\n"
    roads = "roads: {split: {slot_traffic: last-good}}\n"
    return policy((f"  critical:\n{_ERRORS}", tiers), ("notify:", f"{roads}{levels}{more}notify:"))


@pytest.fixture
def people(guarded: Engine) -> Engine:
    guarded.asks_people = True
    return guarded


_BY_LEVEL_1 = asking(critical=_ERRORS, level_1="approval: {ttl: 5m}", level_3=", approval: {ttl: 2m}")


def puts(engine: Engine) -> list[str]:
    """What was told of questions, oldest first."""
    return [event.sentence for event in engine.events() if event.kind.value == "asked"]


def test_a_trigger_is_asked_about_once_a_question_for_more_is_over(people: Engine) -> None:
    people.policies["orders"] = _BY_LEVEL_1
    higher = ask_for(people, 3)
    people.cycles(_BAD, 6)
    assert (question(people).id, question(people).given) == (higher.id, ())
    too = [sentence for sentence in puts(people) if sentence.startswith("errors fires too: error_rate 0.08 > 0.05")]
    assert len(too) == 1
    assert "if it still fires then, level 1 is asked for" in too[0]
    people.cycles(_BAD, 8)
    assert over(people, higher.id).status is AskStatus.EXPIRED
    assert (question(people).level, question(people).trigger) == (1, "errors")


@pytest.mark.parametrize("end", ["reject", "withdraw"])
def test_also_when_people_say_no_to_the_other(people: Engine, end: str) -> None:
    people.policies["orders"] = _BY_LEVEL_1
    higher = ask_for(people, 3)
    people.cycles(_BAD, 4)
    (people.asks.reject if end == "reject" else people.asks.withdraw)(higher.id, ANN)
    people.cycles(_BAD, 1)
    assert (question(people).level, question(people).trigger) == (1, "errors")


def test_a_critical_trigger_takes_the_place_of_a_warnings_question_and_of_its_approvals(people: Engine) -> None:
    people.policies["orders"] = asking(critical=_OUTAGE, warning=_ERRORS, level_1="approval: {ttl: 5m, quorum: 2}")
    people.cycles(_BAD, 4)
    warning = question(people)
    people.asks.approve(warning.id, BOB, warning.digest)
    people.cycles(_WORSE, 4)
    critical = question(people)
    assert (warning.trigger, critical.trigger, critical.missing) == ("errors", "outage", 2)
    assert over(people, warning.id).status is AskStatus.SUPERSEDED
    assert "it takes the place of the question for level 1: error_rate" in puts(people)[-1]


def test_a_critical_trigger_takes_the_place_of_a_persons_question_of_its_level(people: Engine) -> None:
    people.policies["orders"] = _BY_LEVEL_1
    person = ask_for(people, 1)
    people.cycles(_BAD, 4)
    assert question(people).trigger == "errors"
    assert over(people, person.id).status is AskStatus.SUPERSEDED


def test_two_that_ask_for_the_same_do_not_take_the_place_of_each_other(people: Engine) -> None:
    """An approval of one would never count, were it asked anew every few seconds for the sake of the other."""
    several = _ERRORS + _OUTAGE
    people.policies["orders"] = asking(warning=several, more="approvals: {warning: {quorum: 2}}\n")
    people.cycles(_WORSE, 4)
    first = question(people)
    people.asks.approve(first.id, BOB, first.digest)
    for value in (_BAD, _WORSE, _WORSE, _WORSE, _WORSE, _BAD):
        people.cycles(value, 1)
    assert (question(people).id, question(people).missing) == (first.id, 1)


def test_a_question_is_not_put_again_for_what_people_said_no_to(people: Engine) -> None:
    people.policies["orders"] = asking(warning=_ERRORS)
    people.cycles(_BAD, 4)
    ask = question(people)
    people.asks.reject(ask.id, BOB, "it is the network")
    people.cycles(_BAD, 30)
    assert people.snapshot().ask is None
    people.cycles(0.0, 4)
    people.cycles(_BAD, 4)
    assert question(people).id != ask.id


def test_no_to_one_trigger_is_no_answer_to_another(people: Engine) -> None:
    people.policies["orders"] = asking(critical=_OUTAGE, warning=_ERRORS, level_1="approval: {ttl: 5m}")
    people.cycles(_BAD, 4)
    people.asks.reject(question(people).id, BOB)
    people.cycles(_WORSE, 4)
    assert question(people).trigger == "outage"


def test_what_was_held_as_the_policy_says_is_not_asked_again(people: Engine) -> None:
    people.policies["orders"] = asking(warning=_ERRORS, more="approvals: {warning: {ttl: 1m}}\n")
    people.cycles(_BAD, 30)
    assert people.snapshot().ask is None
    assert len(puts(people)) == 1


def test_what_was_to_be_done_and_was_not_is_asked_again(people: Engine) -> None:
    """The silence of people was no answer: the policy wanted it done."""
    people.policies["orders"] = asking(warning=_ERRORS, more="approvals: {warning: {ttl: 1m, on_expiry: act}}\n")
    people.fleet_switch.pause("ann", "Azure is down")
    people.cycles(_BAD, 4)
    first = question(people)
    people.cycles(_BAD, 8)
    assert "it was not begun: the fleet is paused" in over(people, first.id).sentence
    assert question(people).id != first.id
    people.fleet_switch.resume("ann")
    people.cycles(_BAD, 8)
    assert running(people).requested_by_id == "watch"


def test_a_trigger_of_a_lower_level_leaves_a_question_that_climbed_alone(people: Engine) -> None:
    climbs = "approvals: {warning: {ttl: 1m, on_expiry: climb}}\n"
    people.policies["orders"] = asking(warning=_ERRORS, level_2=", approval: {ttl: 10m}", more=climbs)
    people.cycles(_BAD, 30)
    assert (question(people).level, question(people).trigger) == (2, "errors")
    assert len(puts(people)) == 2


@pytest.mark.parametrize("known", [True, False])
def test_a_warning_reaches_people_also_where_nothing_can_be_asked(people: Engine, known: bool) -> None:
    people.policies["orders"] = asking(warning=_ERRORS)
    if not known:
        people.ledger.commit("orders", [Delete(KNOWN_GOOD)])
    people.cycles(_BAD, 6)
    assert (people.snapshot().ask is not None) == known
    (told,) = [one.event.sentence for one in people.deliveries() if one.event.kind.value == "asked"]
    assert told.startswith("may a level 1" if known else "ask whether to roll back to level 1")


def test_a_warning_reaches_its_own_people_also_while_more_is_asked_of_others(people: Engine) -> None:
    people.policies["orders"] = asking(warning=_ERRORS, level_3=', approval: {to: ["webhook:lead"]}')
    ask_for(people, 3)
    people.cycles(_BAD, 4)
    told = [(one.channel, one.event.sentence.partition(":")[0]) for one in people.deliveries()]
    assert ("webhook:ops", "ask whether to roll back to level 1") in told
    assert ("webhook:lead", "errors fires too") in told


def test_answers_are_told_as_such(people: Engine) -> None:
    people.policies["orders"] = asking(warning=_ERRORS, more="approvals: {warning: {quorum: 2}}\n")
    ends: list[Ask] = []
    for answer in (people.asks.reject, people.asks.withdraw):
        people.cycles(_BAD, 4)
        ask = question(people)
        people.asks.approve(ask.id, BOB, ask.digest)
        ends.append(answer(ask.id, ANN))
        people.cycles(0.0, 4)
    answered = [event for event in people.events() if event.kind.value == "answered"]
    assert [event.about for event in answered] == [ends[0].id] * 2 + [ends[1].id] * 2
    assert [event.sentence.split()[0] for event in answered] == ["approved", "rejected", "approved", "withdrawn"]
    assert len([one for one in people.deliveries() if one.event.kind.value == "answered"]) == 4


_DATA = "    - {name: data, when: error_rate > 5%, for: 10s, at_least: 20 requests, strategy: data}\n"
_STRATEGY = "strategies: {data: {level: 2}}\n"


def test_what_begins_by_itself_waits_for_nothing_that_people_are_asked_about(people: Engine) -> None:
    """Also when that has fired for longer."""
    people.policies["orders"] = asking(critical=_DATA + _OUTAGE, level_2=", approval: {ttl: 10m}", more=_STRATEGY)
    people.cycles(_BAD, 4)
    ask = question(people)
    assert (ask.level, ask.trigger) == (2, "data")
    people.cycles(_WORSE, 4)
    assert (running(people).level, running(people).trigger) == (1, "outage")


def test_no_to_what_fired_first_does_not_keep_the_next_one_from_being_asked_about(people: Engine) -> None:
    people.policies["orders"] = asking(critical=_ERRORS + _OUTAGE, level_1="approval: {ttl: 10m}")
    people.cycles(_BAD, 4)
    assert question(people).trigger == "errors"
    people.asks.reject(question(people).id, BOB, "they are used to that")
    people.cycles(_WORSE, 4)
    assert question(people).trigger == "outage"


def test_no_to_a_critical_one_does_not_keep_a_warning_from_being_asked_about(people: Engine) -> None:
    people.policies["orders"] = asking(critical=_ERRORS, warning=_OUTAGE, level_1="approval: {ttl: 10m}")
    people.cycles(_BAD, 4)
    people.asks.reject(question(people).id, BOB, "they are used to that")
    (said,) = people.cycles(_BAD, 1)
    assert said.startswith("orders: unhealthy: error_rate 0.08 > 0.05")
    assert said.endswith("; people said no to errors, or did not answer")
    said = people.cycles(_WORSE, 4)[-1]
    assert question(people).trigger == "outage"
    assert said.startswith("orders: ask whether to roll back to level 1: error_rate 0.31 > 0.20")


def test_nor_an_investigation_from_pausing_the_change(people: Engine) -> None:
    """Whether people said no, or nothing."""
    approval = "levels: {1: {approval: {ttl: 1m}}}\nnotify:"
    slow = "  investigation:\n    - {name: slow, when: error_rate > 20%, for: 20s, at_least: 20 requests}\n"
    people.policies["orders"] = policy(("  investigation:\n", slow), ("notify:", approval))
    people.intake.change("orders", "deployment", "b2", "b1")
    people.cycles(_BAD, 12)
    assert people.snapshot().ask is None
    people.cycles(_WORSE, 4)
    change = people.snapshot().change
    assert change is not None
    assert (change.status.value, change.trigger) == ("paused", "slow")
    assert len([sentence for sentence in puts(people) if sentence.startswith("may a")]) == 1
