"""Answers to questions: which count, which are refused, and that what was asked for begins once and only then."""

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.engine.records import KNOWN_GOOD, encode
from shared.errors import Forbidden, NotFound, OutcomeUnknown, Refused
from shared.model.ask import AskStatus
from shared.model.caller import Caller, Proof, Role
from shared.model.change import KnownGood
from shared.model.policy_approval import Approval
from shared.model.trigger import TriggerState, Verdict
from shared.ports import Put
from tests.fakes.clock import NOON
from tests.fakes.late import Late
from tests.unit.engine.asked import ANN, BOB, CHO, QUIET, WARNING, Asked, approver, by_link

TWO = Approval(quorum=2)
NOBODY = Caller(id="key", name="function key", roles=frozenset({Role.OPERATOR, Role.VIEWER}), proof=Proof.KEY)


@pytest.fixture
def asked() -> Asked:
    return Asked()


def test_an_approval_begins_what_was_asked_for_and_ends_the_question_in_one_commit(asked: Asked) -> None:
    ask = asked.ask()
    ended = asked.asks.approve(ask.id, ANN, ask.digest, "users complain, too")
    assert (ended.status, ended.sentence) == (
        AskStatus.APPROVED,
        "approved by ann (1 of 1): users complain, too",
    )
    assert asked.begun(ask)
    assert asked.current is None
    assert asked.over(ask) == ended
    assert [ring.ids for ring in asked.doorbell.at("rollback-level-1")] == [(ask.id,)]


def test_who_is_asked_hears_what_is_asked_until_when_and_what_happens_otherwise(asked: Asked) -> None:
    asked.ask()
    (delivery,) = asked.deliveries
    assert delivery.channel == "webhook:ops"
    assert delivery.event.sentence == (
        f"may a level 1 rollback to build b1 begin? {WARNING}; "
        "it takes one approver by 2026-03-01 12:10:00 UTC, otherwise nothing is done"
    )


def test_the_same_is_not_asked_twice(asked: Asked) -> None:
    ask = asked.ask()
    asked.clock.forward(60)
    assert asked.ask() == ask


def test_a_higher_level_takes_the_place_of_the_question(asked: Asked) -> None:
    lower = asked.ask()
    asked.clock.forward(60)
    assert asked.ask(level=2).level == 2
    assert (asked.over(lower).status, asked.over(lower).sentence) == (
        AskStatus.SUPERSEDED,
        "level 2 is asked for instead",
    )


def test_a_replayed_approval_is_told_what_became_of_it(asked: Asked) -> None:
    ask = asked.ask()
    asked.asks.approve(ask.id, ANN, ask.digest)
    with pytest.raises(Refused, match=r"^it is over: approved by ann \(1 of 1\)$"):
        asked.asks.approve(ask.id, ANN, ask.digest)
    assert asked.runs == 1


def test_an_approval_whose_reply_was_lost_is_taken_once(asked: Asked) -> None:
    ask = asked.ask()
    late = replace(asked.asks, ledger=Late(asked.ledger, calls_later=0))
    with pytest.raises(OutcomeUnknown):
        late.approve(ask.id, ANN, ask.digest)
    with pytest.raises(Refused, match=r"^it is over: approved by ann \(1 of 1\)$"):
        late.approve(ask.id, ANN, ask.digest)
    assert asked.runs == 1


def test_an_approval_of_something_else_is_stale(asked: Asked) -> None:
    ask = asked.ask()
    with pytest.raises(Refused, match=r"^not approved: what would be done has changed since; look again$"):
        asked.asks.approve(ask.id, ANN, "0" * 64)
    assert not asked.begun(ask)


def test_another_known_good_is_asked_again(asked: Asked) -> None:
    ask = asked.ask()
    good = KnownGood(build="b0", recorded_at=asked.clock(), recorded_by="a pipeline")
    asked.ledger.commit("orders", [Put(KNOWN_GOOD, encode(good))])
    with pytest.raises(Refused, match=r"^not approved: the known good is build b0 by now, not b1; look again$"):
        asked.asks.approve(ask.id, ANN, ask.digest)
    assert asked.open.build == "b0"
    assert asked.open.digest != ask.digest
    asked.asks.approve(ask.id, ANN, asked.open.digest)
    assert asked.begun(ask)


def test_another_policy_is_asked_again_and_its_quorum_holds(asked: Asked) -> None:
    ask = asked.ask()
    asked.policy, asked.warned = asked.policy.of_version("v2"), TWO
    with pytest.raises(Refused, match=r"^not approved: the policy has changed; look again$"):
        asked.asks.approve(ask.id, ANN, ask.digest)
    assert asked.open.quorum == 2


def test_a_rule_that_is_gone_leaves_the_question_as_it_was_put(asked: Asked) -> None:
    asked.own = {2: TWO}
    ask = asked.ask(2, by=ANN)
    asked.policy, asked.own = asked.policy.of_version("v2"), {}
    with pytest.raises(Refused, match=r"the policy has changed; look again$"):
        asked.asks.approve(ask.id, BOB, ask.digest)
    assert (asked.open.quorum, asked.open.policy_version) == (2, "v2")


def test_the_approval_of_one_question_is_worth_nothing_for_another(asked: Asked) -> None:
    """Cross-run: the same workload, level and builds; only the run is another one."""
    first = asked.ask()
    asked.asks.reject(first.id, ANN)
    asked.clock.forward(60)
    second = asked.ask()
    with pytest.raises(Refused, match="look again"):
        asked.asks.approve(second.id, ANN, first.digest)
    with pytest.raises(Refused, match=r"^it is over: rejected by ann$"):
        asked.asks.approve(first.id, ANN, second.digest)
    assert asked.runs == 0


@pytest.mark.parametrize(
    "ask_id", ["orders.20260301T120000000001", "billing.20260301T120000000000", "orders", "", "../x"]
)
def test_a_question_that_nobody_asked_is_not_found(asked: Asked, ask_id: str) -> None:
    ask = asked.ask()
    with pytest.raises(NotFound):
        asked.asks.approve(ask_id, ANN, ask.digest)


_WITHOUT_A_RIGHT = [
    (1, NOBODY, "function key has not the role approver"),
    (1, approver("vic", roles=frozenset({Role.VIEWER, Role.OPERATOR})), "vic has not the role approver"),
    (1, by_link("webhook:other"), "this question is not put to this recipient"),
    (3, by_link(), "level 3 takes signed-in approvers, never a link"),
    (3, approver("kim", proof=Proof.KEY), "level 3 takes signed-in approvers, never a key"),
]


@pytest.mark.parametrize(("level", "caller", "why"), _WITHOUT_A_RIGHT)
def test_who_has_no_right_to_is_refused(asked: Asked, level: int, caller: Caller, why: str) -> None:
    ask = asked.ask(level)
    with pytest.raises(Forbidden, match=f"^not approved: {why}$"):
        asked.asks.approve(ask.id, caller, ask.digest, nonce="n1")
    with pytest.raises(Forbidden, match=f"^not rejected: {why}$"):
        asked.asks.reject(ask.id, caller, nonce="n1")
    assert asked.open == ask


@pytest.mark.parametrize(("level", "rule"), [(3, Approval()), (2, Approval(four_eyes=True))])
def test_who_asks_does_not_approve_where_it_takes_four_eyes(asked: Asked, level: int, rule: Approval) -> None:
    asked.own = {level: rule}
    ask = asked.ask(level, by=ANN)
    with pytest.raises(Forbidden, match=f"^not approved: ann asked for it: a level {level} rollback takes another"):
        asked.asks.approve(ask.id, ANN, ask.digest)
    asked.asks.approve(ask.id, approver("bob", Proof.EASY_AUTH), ask.digest)
    assert asked.begun(ask)


def test_a_level_of_one_pair_of_eyes_may_be_approved_by_who_asks(asked: Asked) -> None:
    asked.own = {2: Approval()}
    ask = asked.ask(2, by=ANN)
    assert asked.asks.approve(ask.id, ANN, ask.digest).status is AskStatus.APPROVED


def test_what_is_healthy_by_now_is_asked_again(asked: Asked) -> None:
    asked.warned = TWO
    ask = asked.ask()
    asked.asks.approve(ask.id, BOB, ask.digest)
    asked.clock.forward(90)
    asked.heal()
    says = f"not approved: it is healthy by now: {QUIET}; approve again if you still want it"
    with pytest.raises(Refused) as caught:
        asked.asks.approve(ask.id, ANN, ask.digest)
    assert str(caught.value) == says
    again = asked.open
    assert again.healthy_since == NOON + timedelta(seconds=90)
    assert (again.digest != ask.digest, again.missing) == (True, 2)
    with pytest.raises(Refused, match="look again"):
        asked.asks.approve(ask.id, CHO, ask.digest)
    for one in (ANN, BOB):
        asked.asks.approve(ask.id, one, again.digest)
    assert asked.begun(ask)


@pytest.mark.parametrize(
    ("state", "verdict"),
    [
        (TriggerState.FIRING, Verdict.UNHEALTHY),
        (TriggerState.PENDING, Verdict.UNHEALTHY),
        (TriggerState.PENDING, Verdict.BLIND),
        (TriggerState.INACTIVE, Verdict.BLIND),
        (TriggerState.INACTIVE, None),
    ],
)
def test_what_is_not_known_to_be_healthy_is_taken(asked: Asked, state: TriggerState, verdict: Verdict | None) -> None:
    ask = asked.ask()
    asked.see(state, verdict, "something else")
    asked.asks.approve(ask.id, ANN, ask.digest)
    assert asked.begun(ask)


def test_one_no_is_enough(asked: Asked) -> None:
    asked.warned = TWO
    ask = asked.ask()
    asked.asks.approve(ask.id, ANN, ask.digest)
    assert asked.asks.reject(ask.id, BOB, "not\nnow").sentence == "rejected by bob: not now"
    assert (asked.current, asked.begun(ask)) == (None, False)


def test_who_asked_takes_it_back_and_nobody_else_but_an_operator(asked: Asked) -> None:
    ask = asked.ask(3, by=ANN)
    with pytest.raises(Forbidden, match=r"^not withdrawn: bob did not ask and has not the role operator$"):
        asked.asks.withdraw(ask.id, BOB)
    assert asked.asks.withdraw(ask.id, ANN).sentence == "withdrawn by ann"
    asked.clock.forward(1)
    second = asked.ask(3, by=ANN)
    assert asked.asks.withdraw(second.id, NOBODY, "a mistake").sentence == "withdrawn by function key: a mistake"


def test_an_answer_after_the_time_is_too_late_even_before_the_default_was_applied(asked: Asked) -> None:
    ask = asked.ask()
    asked.clock.forward(600)
    with pytest.raises(Refused, match=r"^not approved: it expired at 2026-03-01 12:10:00 UTC$"):
        asked.asks.approve(ask.id, ANN, ask.digest)
    with pytest.raises(Refused, match=r"^not rejected: it expired at 2026-03-01 12:10:00 UTC$"):
        asked.asks.reject(ask.id, ANN)
    assert asked.runs == 0


def test_what_must_not_begin_now_leaves_the_question_open(asked: Asked) -> None:
    ask = asked.ask()
    asked.why_not = "the fleet is paused by ann"
    with pytest.raises(Refused, match=r"^not begun, although it was approved: the fleet is paused by ann$"):
        asked.asks.approve(ask.id, ANN, ask.digest)
    asked.why_not = ""
    asked.asks.approve(ask.id, ANN, ask.digest)
    assert asked.begun(ask)


def test_a_link_answers_once_and_a_recipient_has_one_vote(asked: Asked) -> None:
    asked.warned = TWO
    ask = asked.ask()
    asked.asks.approve(ask.id, by_link(), ask.digest, nonce="n1")
    with pytest.raises(Refused, match=r"^not approved: this link was used$"):
        asked.asks.approve(ask.id, by_link(), ask.digest, nonce="n1")
    with pytest.raises(Refused, match=r"^not rejected: this link was used$"):
        asked.asks.reject(ask.id, by_link(), nonce="n1")
    with pytest.raises(Refused, match=r"^not approved: webhook:ops approved it already"):
        asked.asks.approve(ask.id, by_link(), ask.digest, nonce="n2")
    assert asked.runs == 0


def test_what_an_approver_must_see_is_shown_with_its_digest(asked: Asked) -> None:
    asked.own, asked.warned = {2: TWO}, TWO
    ask = asked.ask(2)
    asked.asks.approve(ask.id, ANN, ask.digest, "users complain")
    asked.clock.forward(180)
    shown = asked.asks.view(ask.id)
    assert (shown["digest"], shown["missing"], shown["status"]) == (ask.digest, 1, "open")
    assert shown["waiting"] == "asked 3 min ago; the level's budget is 5 min"
    assert shown["approvals"] == [{"by": "ann", "at": NOON, "proof": "token", "reason": "users complain"}]
    assert "used" not in shown
