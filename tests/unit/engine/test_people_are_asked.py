"""The watch asks people, goes by their answer, and does what the policy says when nobody answers."""

from datetime import timedelta

import pytest

from shared.engine.change_control import ChangeControl
from shared.engine.records import ASKED, decode, load_run
from shared.engine.requests import Request, Requests
from shared.errors import Forbidden, Refused
from shared.model.ask import Ask, AskStatus
from shared.model.caller import Caller, Proof, Role
from shared.model.run import Run
from tests.fakes.policies import policy
from tests.unit.engine.conftest import Engine

_BAD = 0.31
_ERRORS = "    - {name: errors, when: error_rate > 5%,"
_WARNING = (f"  critical:\n{_ERRORS}", f"  warning:\n{_ERRORS}")
_ROADS = "roads: {split: {slot_traffic: last-good}}\n"
ANN = Caller(id="entra:t:ann", name="Ann", roles=frozenset({Role.APPROVER, Role.OPERATOR}), proof=Proof.TOKEN)
BOB = Caller(id="entra:t:bob", name="Bob", roles=frozenset({Role.APPROVER}), proof=Proof.TOKEN)
CHO = Caller(id="entra:t:cho", name="Cho", roles=frozenset({Role.APPROVER}), proof=Proof.TOKEN)


@pytest.fixture
def asked(guarded: Engine) -> Engine:
    """A warning fires, and people are asked."""
    guarded.asks_people = True
    guarded.policies["orders"] = policy(_WARNING)
    guarded.cycles(_BAD, 4)
    return guarded


def question(engine: Engine) -> Ask:
    found = engine.snapshot().ask
    assert found is not None
    return found


def over(engine: Engine, ask_id: str) -> Ask:
    row = engine.ledger.read("orders", f"{ASKED}{ask_id}")
    assert row is not None
    return decode(Ask, row.body)


def running(engine: Engine) -> Run:
    active = engine.snapshot().active
    assert active is not None
    loaded = load_run(engine.ledger, "orders", active.id)
    assert loaded is not None
    return loaded[0]


def test_a_warning_asks_once_and_says_until_when(asked: Engine) -> None:
    asked.cycles(_BAD, 5)
    ask = question(asked)
    assert (ask.level, ask.build, ask.bad_build, ask.requested_by_id) == (1, "b1", "b2", "watch")
    assert ask.cause.startswith("error_rate 0.31 > 0.05 for 20 s")
    assert asked.kinds().count("asked") == 1
    assert asked.snapshot().active is None


def test_what_was_approved_begins_under_the_id_that_was_asked(asked: Engine) -> None:
    ask = question(asked)
    ended = asked.asks.approve(ask.id, BOB, ask.digest, "go")
    assert ended.status is AskStatus.APPROVED
    run = running(asked)
    assert (run.id, run.level, run.known_good) == (ask.id, 1, "b1")
    assert "approved by Bob" in run.cause
    assert asked.snapshot().ask is None
    with pytest.raises(Refused):
        asked.asks.approve(ask.id, BOB, ask.digest)


def test_nobody_answers_and_it_is_held(asked: Engine) -> None:
    ask = question(asked)
    asked.cycles(_BAD, 61)
    assert over(asked, ask.id).status is AskStatus.EXPIRED
    assert (asked.snapshot().ask, asked.snapshot().active) == (None, None)


def test_nobody_answers_and_the_policy_says_act(asked: Engine) -> None:
    asked.policies["orders"] = policy(_WARNING, ("notify:", "approvals: {warning: {on_expiry: act, ttl: 1m}}\nnotify:"))
    asked.asks.withdraw(question(asked).id, ANN)
    asked.cycles(0.0, 3)
    asked.cycles(_BAD, 4)
    ask = question(asked)
    asked.cycles(_BAD, 7)
    assert running(asked).id == ask.id
    assert over(asked, ask.id).status is AskStatus.EXPIRED


def test_a_critical_rollback_never_waits_for_a_question(asked: Engine) -> None:
    ask = question(asked)
    asked.policies["orders"] = policy()
    asked.cycles(_BAD, 1)
    assert running(asked).requested_by == "watch"
    assert over(asked, ask.id).status is AskStatus.SUPERSEDED


def test_a_rollback_by_hand_ends_the_question(asked: Engine) -> None:
    ask = question(asked)
    asked.clock.forward(1)
    asked.by_hand.start("orders", 1, "customers complain", "bob")
    assert over(asked, ask.id).status is AskStatus.SUPERSEDED


_LEVEL_3 = f"{_ROADS}levels: {{1: {{roads: [slot_swap]}}, 3: {{roads: [split]}}}}\nnotify:"


def _requests(engine: Engine) -> Requests:
    control = ChangeControl(engine.ledger, engine.doorbell, lambda: engine.policies, engine.clock)
    return Requests(engine.by_hand, engine.asking, control, lambda: engine.policies)


def _request(level: int | None = None, strategy: str = "") -> Request:
    return Request(workload="orders", level=level, strategy=strategy, reason="worse", by="Ann", caller=ANN)


def ask_for(engine: Engine, level: int) -> Ask:
    """Ann asks for a level that takes an approval."""
    ask = _requests(engine).roll_back(_request(level))
    assert isinstance(ask, Ask)
    return ask


def test_level_3_is_asked_for_and_not_approved_by_who_asked(guarded: Engine) -> None:
    guarded.asks_people = True
    guarded.policies["orders"] = policy(("notify:", _LEVEL_3))
    ask = ask_for(guarded, 3)
    with pytest.raises(Forbidden):
        guarded.asks.approve(ask.id, ANN, ask.digest)
    guarded.asks.approve(ask.id, BOB, ask.digest)
    assert (running(guarded).level, running(guarded).requested_by_id) == (3, ANN.id)


def test_the_known_good_is_never_taken_back(guarded: Engine) -> None:
    """What of data or platform is bad may be bad although production runs the known good."""
    guarded.asks_people = True
    guarded.policies["orders"] = policy(("notify:", _LEVEL_3))
    guarded.source.build_seen = "b1"
    guarded.intake.known_good("orders", "b1", "ann")
    guarded.intake.change("orders", "deployment", "b1")
    guarded.cycles(0.0, 2)
    ask = ask_for(guarded, 3)
    assert (ask.build, ask.bad_build) == ("b1", "")
    guarded.asks.approve(ask.id, BOB, ask.digest)
    assert guarded.snapshot().quarantine.builds == {}


def test_what_is_named_bad_is_asked_about_where_nobody_has_seen_it(guarded: Engine) -> None:
    guarded.asks_people = True
    guarded.policies["orders"] = policy(("notify:", _LEVEL_3))
    assert ask_for(guarded, 3).bad_build == "b2"


def test_what_is_bad_when_it_begins_is_put_in_quarantine_and_not_what_was_when_it_was_asked(guarded: Engine) -> None:
    guarded.asks_people = True
    guarded.policies["orders"] = policy(("notify:", _LEVEL_3))
    guarded.cycles(0.0, 2)
    ask = ask_for(guarded, 3)
    assert ask.bad_build == "b2"
    guarded.source.build_seen = "b3"
    guarded.cycles(0.0, 2)
    guarded.asks.approve(ask.id, BOB, ask.digest)
    assert list(guarded.snapshot().quarantine.builds) == ["b3"]


def test_what_became_the_known_good_is_not_said_to_be_taken_back(guarded: Engine) -> None:
    guarded.asks_people = True
    guarded.policies["orders"] = policy(("notify:", _LEVEL_3))
    guarded.cycles(0.0, 2)
    ask = ask_for(guarded, 3)
    guarded.intake.known_good("orders", "b2", "ann")
    with pytest.raises(Refused, match="the known good is build b2 by now, not b1"):
        guarded.asks.approve(ask.id, BOB, ask.digest)
    assert (question(guarded).build, question(guarded).bad_build) == ("b2", "")


def test_level_1_by_hand_is_not_asked_for(guarded: Engine) -> None:
    guarded.asks_people = True
    assert isinstance(_requests(guarded).roll_back(_request(1)), Run)


def test_a_strategy_takes_its_components_alone(guarded: Engine) -> None:
    text = (
        f"{_ROADS}levels: {{1: {{components: {{web: [slot_swap], jobs: [split]}}}}}}\n"
        "strategies: {partial: {level: 1, components: [web]}, hold: {does: pause}}\nnotify:"
    )
    guarded.policies["orders"] = policy(("notify:", text))
    run = _requests(guarded).roll_back(_request(strategy="partial"))
    assert isinstance(run, Run)
    assert (run.strategy, sorted(run.expected)) == ("partial", ["slot_swap"])
    with pytest.raises(Refused, match="rolls nothing back"):
        _requests(guarded).roll_back(_request(strategy="hold"))
    with pytest.raises(Refused, match="which nobody knows"):
        _requests(guarded).roll_back(_request(strategy="table"))
    assert "unknown_strategy" in guarded.kinds()
    assert run.due_at - run.created_at == timedelta(0)
