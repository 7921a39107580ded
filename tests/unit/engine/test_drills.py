"""Drills on fakes: all of a level but its effects, or all of it on a safe target; what they show and for whom."""

from dataclasses import replace

import pytest

from shared.engine.drills import Drills
from shared.engine.records import QUARANTINE, REHEARSED, decode, encode
from shared.errors import InvalidInput, PolicyError, Refused, TransientError
from shared.model.policy import Policy
from shared.model.quarantine import Quarantine, Quarantined
from shared.model.readiness import Rehearsal, Rehearsals
from shared.model.readiness_facts import Answered, Told
from shared.model.run import Run, RunKind, RunStatus
from shared.ports import Ledger, Put
from tests.fakes.policies import policy
from tests.fakes.promoting import PromotingShop, promoting_policy

SWAP_ALONE = "levels: {1: {roads: [slot_swap]}}\n"
TAKEN = "drill_target: true\nlevels: {1: {roads: [split, slot_swap]}}\nroads: {split: {slot_traffic: last-good}}\n"


def drills(shop: PromotingShop, **policies: Policy) -> Drills:
    return Drills(shop.ledger, shop.doorbell, lambda: {"orders": shop.chosen, **policies}, shop.clock)


def rehearsed(ledger: Ledger, workload: str = "orders") -> Rehearsal | None:
    row = ledger.read(workload, REHEARSED)
    return decode(Rehearsals, row.body).levels.get(1) if row else None


def drill(shop: PromotingShop) -> Run:
    return shop.end(drills(shop).start("orders", 1, "ann").id)


@pytest.fixture
def shop() -> PromotingShop:
    """Production runs the bad build, the slot the good one: level 1 has something to do."""
    shop = PromotingShop()
    shop.slots.production, shop.slots.slot = "b2", "b1"
    shop.split.share = 0.25
    return shop


def test_a_drill_looks_at_every_road_and_changes_nothing(shop: PromotingShop) -> None:
    run = drill(shop)
    assert [step.name for step in run.steps] == ["look_before", "take:site:split", "take:site:slot_swap"]
    assert (run.kind, run.status) == (RunKind.DRILL, RunStatus.VERIFIED)
    assert (shop.slots.posts, shop.split.given) == ([], [])
    assert "slot_swap: would be done: production runs b2, slot last-good holds b1" in run.outcome
    assert "expected to take 5 s, within its budget of 30 s" in run.outcome
    assert (shop.found.active, shop.found.last, shop.found.quarantine.builds) == (None, None, {})
    found = rehearsed(shop.ledger)
    assert found is not None
    assert (found.ok, found.sentence) == (True, run.outcome)


def test_a_road_that_could_not_be_taken_is_found_out(shop: PromotingShop) -> None:
    shop.slots.slot = "b0"
    run = drill(shop)
    assert run.status is RunStatus.VERIFIED  # the other road is there
    assert "take:site:slot_swap: slot last-good holds b0, not the known-good build b1" in run.outcome
    shop.chosen = promoting_policy("levels: {1: {roads: [slot_swap]}}\n")
    run = drill(shop)
    assert (run.status, run.outcome.startswith("drill of level 1 failed: site could not be taken back")) == (
        RunStatus.FAILED,
        True,
    )
    found = rehearsed(shop.ledger)
    assert found is not None
    assert not found.ok


def test_an_expectation_over_the_budget_is_said(shop: PromotingShop) -> None:
    shop.chosen = promoting_policy("levels: {1: {roads: [slot_swap]}}\n")
    assert "expected to take 60 s, over its budget of 30 s" in drill(shop).outcome


def test_a_rollback_takes_the_place_of_a_drill(shop: PromotingShop) -> None:
    run = drills(shop).start("orders", 1, "ann")
    shop.clock.forward(1)
    back = shop.by_hand.start("orders", 1, "customers complain", "bob")
    assert shop.load(run.id).status is RunStatus.SUPERSEDED
    assert shop.end(back.id).status is RunStatus.VERIFIED
    assert rehearsed(shop.ledger) is None


def test_nothing_is_rehearsed_while_something_runs(shop: PromotingShop) -> None:
    shop.by_hand.start("orders", 1, "customers complain", "bob")
    with pytest.raises(Refused, match=r"no drill: rollback orders.* is still running"):
        drills(shop).start("orders", 1, "ann")


# In normal times production runs the known good, b1, and a swap has nothing to do.
ANSWERED = Answered(reached=True, status=200, build="b1", latency_ms=20.0)


def on_a_normal_day(text: str = SWAP_ALONE, *, slot: str | None = "b1") -> PromotingShop:
    shop = PromotingShop(promoting_policy(text))
    shop.slots.slot = slot
    return shop


def said_of(shop: PromotingShop) -> tuple[bool, str]:
    drill(shop)
    found = rehearsed(shop.ledger)
    assert found is not None
    return found.ok, found.sentence


def test_on_a_normal_day_a_drill_looks_at_what_it_would_go_back_to() -> None:
    ok, sentence = said_of(on_a_normal_day())
    assert ok
    assert "production runs b1; a swap now would put b1 into production, which is ready" in sentence


@pytest.mark.parametrize(
    ("slot", "answers", "why"),
    [
        ("garbage", None, "slot last-good holds garbage, not the known-good build b1"),
        ("", None, "slot last-good holds a build without a name"),
        (None, None, "there is no slot last-good"),
        ("b1", replace(ANSWERED, build="b7"), "slot last-good answers with b7, not with b1"),
        ("b1", replace(ANSWERED, status=503), "slot last-good does not serve"),
        ("b1", replace(ANSWERED, latency_ms=5_001.0), "slot last-good is cold"),
    ],
)
def test_a_slot_with_nothing_to_go_back_to_shows_nothing(slot: str | None, answers: Answered | None, why: str) -> None:
    shop = on_a_normal_day(slot=slot)
    shop.slot_answers = answers
    ok, sentence = said_of(shop)
    assert not ok
    assert f"nothing to take back: it has shown only that production runs b1; {why}" in sentence


def test_a_component_that_is_lost_is_said_as_well() -> None:
    shop = on_a_normal_day(
        "roads: {names: {slot_traffic: other}}\nlevels: {1: {components: {web: [slot_swap], api: [names]}}}\n",
        slot="garbage",
    )
    shop.split.why_not = "it is gone"
    run = drill(shop)
    assert run.status is RunStatus.FAILED
    assert "api could not be taken back" in run.outcome
    assert "nothing to take back: it has shown only that production runs b1" in run.outcome


def test_another_road_does_not_make_up_for_it() -> None:
    shop = on_a_normal_day("roads: {split: {slot_traffic: last-good}}\nlevels: {1: {roads: [split, slot_swap]}}\n")
    assert said_of(shop)[0]
    shop.slots.slot = "garbage"
    assert not said_of(shop)[0]


@pytest.mark.parametrize(
    "answers", [TransientError("reading it: 503"), replace(ANSWERED, reached=False, note="no way")]
)
def test_what_nobody_could_tell_is_asked_again_and_shows_nothing_in_the_end(answers: Told[Answered]) -> None:
    shop = on_a_normal_day()
    shop.slot_answers = answers
    run = drills(shop).start("orders", 1, "ann")
    shop.pass_time(30)
    assert not shop.load(run.id).status.ended
    shop.slot_answers = None
    assert shop.end(run.id).status is RunStatus.VERIFIED
    shop.slot_answers = answers
    assert not said_of(shop)[0]


def test_where_promotions_fill_the_slot_it_holds_a_build_that_is_known() -> None:
    shop = PromotingShop()  # b2 in the slot; nobody has said so yet
    ok, sentence = said_of(shop)
    assert (ok, "slot last-good holds b2, which must not go to people; expected b1" in sentence) == (False, True)
    shop.intake.change("orders", "deployment", "b2")
    assert said_of(shop)[0]
    shop.end(shop.promote().id)
    assert (shop.slots.served, shop.slots.other) == ("b2", "b1")
    ok, sentence = said_of(shop)  # the build before
    assert (ok, "production runs b2; a swap now would put b1 into production" in sentence) == (True, True)


def test_a_build_in_quarantine_is_nothing_to_go_back_to() -> None:
    shop = PromotingShop()
    shop.intake.change("orders", "deployment", "b2")
    bad = Quarantined(since=shop.clock(), rollback_id="orders.20260101T000000000000")
    shop.ledger.commit("orders", [Put(QUARANTINE, encode(Quarantine({"b2": bad})))])
    assert not said_of(shop)[0]


def test_who_asks_is_written_into_the_run(shop: PromotingShop) -> None:
    run = drills(shop).start("orders", 1, "ann", requested_by_id="entra:t:ann")
    assert (run.requested_by, run.requested_by_id) == ("ann", "entra:t:ann")


def live_on_orders() -> Policy:
    """Rehearses its level 1 on `orders`."""
    return policy(
        ("workload: orders", "workload: live"),
        ("notify:", "levels: {1: {roads: [slot_swap], drill: {on: orders}}}\nnotify:"),
    )


@pytest.mark.parametrize("to_do", [True, False])
def test_on_a_safe_target_the_level_is_really_carried_out_and_counts_for_whom_it_is(
    shop: PromotingShop, to_do: bool
) -> None:
    shop.chosen = promoting_policy(TAKEN)
    if not to_do:
        shop.slots.production, shop.slots.slot, shop.split.share = "b1", "b2", 0.0
    run = drills(shop, live=live_on_orders()).start("live", 1, "ann", confirm="orders")
    ended = shop.end(run.id)
    assert (ended.kind, ended.workload, ended.status) == (RunKind.ROLLBACK, "orders", RunStatus.VERIFIED)
    assert (shop.slots.served, shop.split.share) == ("b1", 0.0)
    found = rehearsed(shop.ledger, "live")
    assert found is not None
    assert found.ok is to_do  # one that found nothing to do has shown nothing
    assert rehearsed(shop.ledger, "orders") is None


def test_a_target_that_does_not_agree_is_left_alone(shop: PromotingShop) -> None:
    with pytest.raises(Refused, match=r"live names orders in levels\.1\.drill\.on.*`drill_target: true`.* of orders"):
        drills(shop, live=live_on_orders()).start("live", 1, "ann", confirm="orders")
    assert shop.found.active is None


@pytest.mark.parametrize("typed", ["", "live", "Orders", "orders "])
def test_a_target_is_not_taken_back_by_a_slip(shop: PromotingShop, typed: str) -> None:
    shop.chosen = promoting_policy(TAKEN)
    with pytest.raises(InvalidInput, match=r"confirm: expected orders, the name of the workload"):
        drills(shop, live=live_on_orders()).start("live", 1, "ann", confirm=typed)
    assert shop.found.active is None


def test_a_target_that_is_the_workload_itself_is_refused() -> None:
    with pytest.raises(PolicyError, match="it names this workload itself"):
        promoting_policy("levels: {1: {drill: {on: orders}}}\n")
