"""What people do to rollbacks: start, supersede, cancel; and what is said of what cannot be taken back."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.engine.records import Active, encode, load_run, run_key
from shared.errors import NotFound, Refused
from shared.model.run import Run, RunStatus, StepPhase, StepRecord
from shared.ports import Put
from tests.fakes.clock import NOON
from tests.fakes.interrupted import Interrupted
from tests.fakes.policies import policy
from tests.unit.engine.conftest import Engine

_TWO_LEVELS = "levels: {1: {}, 2: {roads: [slot_swap], budget: 5m}}\nnotify:"


def test_a_rollback_by_hand_starts_at_once_and_is_rung_for(guarded: Engine) -> None:
    guarded.policies["orders"] = policy(("notify:", "guards: {observe_only: true}\nnotify:"))
    run = guarded.by_hand.start("orders", 1, "customers complain", "ann")
    assert (run.known_good, run.cause, run.requested_by) == ("b1", "customers complain", "ann")
    active = guarded.snapshot().active
    assert active == Active(run.id)
    assert [ring.ids for ring in guarded.doorbell.at("rollback-level-1")] == [(run.id,)]
    told = [event.sentence for event in guarded.events()]
    assert "level 1 rollback to build b1 started by ann: customers complain" in told


def test_a_rollback_by_hand_is_refused_with_the_reason(guarded: Engine) -> None:
    run = guarded.by_hand.start("orders", 1, "customers complain", "ann")
    with pytest.raises(Refused) as caught:
        guarded.by_hand.start("orders", 1, "me too", "bob")
    assert str(caught.value) == f"not rolled back: rollback {run.id} is still running"


def test_a_rollback_by_hand_without_a_known_good_is_refused(engine: Engine) -> None:
    with pytest.raises(Refused) as caught:
        engine.by_hand.start("orders", 1, "customers complain", "ann")
    assert str(caught.value) == "not rolled back: no known-good build is recorded for this workload"


def test_a_person_knows_better_than_what_was_seen_a_moment_ago(guarded: Engine) -> None:
    guarded.source.build_seen = "b1"
    guarded.watch.run()
    assert guarded.by_hand.start("orders", 1, "customers complain", "ann").known_good == "b1"


def test_of_two_rollbacks_started_in_the_same_moment_one_is_refused(guarded: Engine) -> None:
    by_hand = replace(guarded.by_hand, ledger=Interrupted(guarded.ledger, _start(guarded)))
    with pytest.raises(Refused) as caught:
        by_hand.start("orders", 1, "customers complain", "ann")
    assert str(caught.value) == f"not rolled back: rollback {guarded.snapshot().active_id} is still running"
    assert guarded.kinds().count("started") == 1


def _start(engine: Engine) -> Callable[[], object]:
    return lambda: engine.by_hand.start("orders", 1, "me too", "bob")


def load(engine: Engine, rollback_id: str) -> Run:
    found = load_run(engine.ledger, "orders", rollback_id)
    assert found is not None
    return found[0]


def with_step(engine: Engine, run: Run, phase: StepPhase, lease_s: float | None = None) -> Run:
    """The run as it is when its swap is in a phase."""
    lease = None if lease_s is None else engine.clock() + timedelta(seconds=lease_s)
    step = StepRecord(
        name="take:site:slot_swap", component="site", road="slot_swap", phase=phase, acts=1, lease_until=lease
    )
    run = replace(run, steps=(*run.steps, step))
    engine.ledger.commit("orders", [Put(run_key(run.id), encode(run))])
    return run


@pytest.fixture
def levelled(guarded: Engine) -> Engine:
    guarded.policies["orders"] = policy(("notify:", _TWO_LEVELS))
    return guarded


def test_a_level_that_is_not_there_is_not_found(guarded: Engine) -> None:
    with pytest.raises(NotFound, match=r"^orders has no level 2$"):
        guarded.by_hand.start("orders", 2, "all of it", "ann")


def test_a_higher_level_takes_the_place_of_a_lower_one_in_one_commit(levelled: Engine) -> None:
    lower = with_step(levelled, levelled.by_hand.start("orders", 1, "customers complain", "ann"), StepPhase.ACTED)
    levelled.clock.forward(1)
    higher = levelled.by_hand.start("orders", 2, "it is worse than that", "bob")
    ended = load(levelled, lower.id)
    assert (ended.status, ended.ended_at) == (RunStatus.SUPERSEDED, levelled.clock())
    assert ended.outcome == (
        "level 1 superseded: a rollback of level 2 takes its place, started by bob: it is worse than that; "
        "what it did stays: take:site:slot_swap was accepted and is under way"
    )
    assert levelled.snapshot().active == Active(higher.id, rank=2)
    assert {"superseded", "started"} <= set(levelled.kinds())


def test_it_waits_for_the_lease_of_whoever_may_still_be_acting(levelled: Engine) -> None:
    lower = levelled.by_hand.start("orders", 1, "customers complain", "ann")
    with_step(levelled, lower, StepPhase.INTENDED, lease_s=12)
    levelled.clock.forward(1)
    higher = levelled.by_hand.start("orders", 2, "it is worse than that", "bob")
    assert higher.due_at == NOON + timedelta(seconds=12)


def test_whoever_starts_again_after_a_cancellation_waits_for_it_too(guarded: Engine) -> None:
    run = guarded.by_hand.start("orders", 1, "customers complain", "ann")
    with_step(guarded, run, StepPhase.INTENDED, lease_s=12)
    guarded.clock.forward(1)
    guarded.by_hand.cancel(run.id, "a false alarm", "bob")
    guarded.clock.forward(1)
    again = guarded.by_hand.start("orders", 1, "it was none", "ann")
    assert again.due_at == NOON + timedelta(seconds=12)
    (ring,) = [ring for ring in guarded.doorbell.at("rollback-level-1") if ring.ids == (again.id,)]
    assert ring.after == timedelta(seconds=10)


def test_a_run_that_was_still_waiting_for_it_hands_the_wait_on(levelled: Engine) -> None:
    run = levelled.by_hand.start("orders", 1, "customers complain", "ann")
    with_step(levelled, run, StepPhase.INTENDED, lease_s=12)
    for _ in range(3):
        levelled.clock.forward(1)
        levelled.by_hand.cancel(run.id, "a false alarm", "bob")
        levelled.clock.forward(1)
        run = levelled.by_hand.start("orders", 1, "it was none", "ann")
    levelled.clock.forward(1)
    higher = levelled.by_hand.start("orders", 2, "all of it", "ann")
    assert (run.due_at, higher.due_at) == (NOON + timedelta(seconds=12),) * 2


@pytest.mark.parametrize("phase", [phase for phase in StepPhase if phase is not StepPhase.INTENDED])
def test_nobody_waits_for_a_step_that_nobody_carries_out(guarded: Engine, phase: StepPhase) -> None:
    run = with_step(guarded, guarded.by_hand.start("orders", 1, "customers complain", "ann"), phase)
    guarded.clock.forward(1)
    guarded.by_hand.cancel(run.id, "a false alarm", "bob")
    guarded.clock.forward(1)
    assert guarded.by_hand.start("orders", 1, "it was none", "ann").due_at == guarded.clock()


def test_a_lease_that_ran_out_is_not_waited_for(guarded: Engine) -> None:
    run = guarded.by_hand.start("orders", 1, "customers complain", "ann")
    with_step(guarded, run, StepPhase.INTENDED, lease_s=12)
    guarded.clock.forward(13)
    guarded.by_hand.cancel(run.id, "a false alarm", "bob")
    last = guarded.snapshot().last
    assert last is not None
    assert last.lease_until is None


def test_a_level_does_not_take_the_place_of_its_own_kind_or_of_a_higher_one(levelled: Engine) -> None:
    running = levelled.by_hand.start("orders", 2, "all of it", "ann")
    for level in (1, 2):
        with pytest.raises(Refused, match=f"rollback {running.id} is still running"):
            levelled.by_hand.start("orders", level, "me too", "bob")


_SAID = [
    (StepPhase.PENDING, "it had not done anything yet"),
    (StepPhase.INTENDED, "what it did stays: take:site:slot_swap may have been sent, or may be within seconds"),
    (StepPhase.ACTED, "what it did stays: take:site:slot_swap was accepted and is under way"),
    (StepPhase.DONE, "what it did stays: take:site:slot_swap was established"),
    (StepPhase.FAILED, "what it did stays: take:site:slot_swap was tried and failed"),
]


@pytest.mark.parametrize(("phase", "said"), _SAID, ids=[phase for phase, _ in _SAID])
def test_a_cancelled_rollback_says_what_it_cannot_take_back(guarded: Engine, phase: StepPhase, said: str) -> None:
    run = with_step(guarded, guarded.by_hand.start("orders", 1, "customers complain", "ann"), phase)
    guarded.clock.forward(1)
    ended = guarded.by_hand.cancel(run.id, "a false alarm", "bob")
    assert ended.outcome == f"level 1 cancelled: by bob: a false alarm; {said}"
    assert load(guarded, run.id) == ended
    found = guarded.snapshot()
    assert found.active is None
    assert found.last is not None
    assert (found.last.id, found.last.status) == (run.id, RunStatus.CANCELLED)
    assert guarded.kinds().count("cancelled") == 1


def test_after_a_cancellation_the_watch_cools_down(guarded: Engine) -> None:
    run = guarded.by_hand.start("orders", 1, "customers complain", "ann")
    guarded.by_hand.cancel(run.id, "a false alarm", "bob")
    said = guarded.cycles(1.0, 6)
    assert "ended cancelled less than 15 min ago" in said[-1]


def test_what_has_ended_or_never_was_is_not_cancelled(guarded: Engine) -> None:
    run = guarded.by_hand.start("orders", 1, "customers complain", "ann")
    guarded.by_hand.cancel(run.id, "a false alarm", "bob")
    with pytest.raises(Refused, match=f"^not cancelled: rollback {run.id} has ended: level 1 cancelled"):
        guarded.by_hand.cancel(run.id, "again", "bob")
    for nobody in ("orders.20010101T000000000000", "shop.20010101T000000000000", "../x", ""):
        with pytest.raises(NotFound):
            guarded.by_hand.cancel(nobody, "again", "bob")


def test_a_run_that_is_advanced_meanwhile_is_cancelled_as_it_is_then(guarded: Engine) -> None:
    run = guarded.by_hand.start("orders", 1, "customers complain", "ann")
    advance = Interrupted(guarded.ledger, lambda: with_step(guarded, run, StepPhase.ACTED))
    ended = replace(guarded.by_hand, ledger=advance).cancel(run.id, "a false alarm", "bob")
    assert "take:site:slot_swap was accepted" in ended.outcome
