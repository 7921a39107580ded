"""What a person can end although something is wrong with it: a run without a policy, and one that nobody can read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from shared.engine.records import ACTIVE, RECEIPT, Active, encode, load_run, run_key
from shared.engine.steps.step import LEASE
from shared.errors import LostRace, NotFound, PermanentError, Refused, TransientError
from shared.model.run import Run, RunStatus, StepPhase, StepRecord
from shared.ports import Delete, Ledger, Put, Replace, Row, Write
from tests.fakes.interrupted import Interrupted
from tests.fakes.policies import policy
from tests.unit.engine.conftest import Engine

_TWO_LEVELS = "levels: {1: {}, 2: {roads: [slot_swap], budget: 5m}}\nnotify:"
_NONSENSE = '{"id": "of another version"}'


@dataclass(slots=True)
class Damaged:
    """A ledger with a record that cannot even be unpacked."""

    ledger: Ledger
    key: str

    def read(self, workload: str, key: str) -> Row | None:
        if key == self.key:
            raise PermanentError(f"record {key} of {workload} is damaged")
        return self.ledger.read(workload, key)

    def scan(self, workload: str, prefix: str, *, limit: int = 1000) -> list[Row]:
        return self.ledger.scan(workload, prefix, limit=limit)

    def commit(self, workload: str, writes: Sequence[Write]) -> Mapping[str, str]:
        return self.ledger.commit(workload, writes)


def start(engine: Engine, *steps: StepRecord) -> Run:
    run = engine.by_hand.start("orders", 1, "customers complain", "ann")
    run = replace(run, steps=(*run.steps, *steps))
    engine.ledger.commit("orders", [Put(run_key(run.id), encode(run))])
    return run


def damage(engine: Engine, run: Run) -> None:
    engine.ledger.commit("orders", [Put(run_key(run.id), _NONSENSE)])


def load(engine: Engine, run: Run) -> Run:
    found = load_run(engine.ledger, "orders", run.id)
    assert found is not None
    return found[0]


@pytest.fixture
def unread(guarded: Engine) -> tuple[Engine, Run]:
    """A run that is active, with a record that no version reads."""
    guarded.policies["orders"] = policy(("notify:", _TWO_LEVELS))
    run = start(guarded)
    damage(guarded, run)
    guarded.clock.forward(5)
    return guarded, run


def test_a_run_is_cancelled_while_its_policy_is_refused_and_nobody_is_told(guarded: Engine) -> None:
    run = start(guarded)
    told = len(guarded.deliveries())
    guarded.policies.clear()
    ended = guarded.by_hand.cancel(run.id, "the policy is broken", "bob")
    assert ended.outcome == "level 1 cancelled: by bob: the policy is broken; it had not done anything yet"
    assert load(guarded, run) == ended
    assert guarded.snapshot().active is None
    assert guarded.kinds().count("cancelled") == 1
    assert len(guarded.deliveries()) == told


_ROADS = [
    (StepPhase.PENDING, 0, 0, False),
    (StepPhase.PENDING, 1, 1, False),
    (StepPhase.INTENDED, 1, 0, True),
    (StepPhase.ACTED, 1, 0, True),
    (StepPhase.FAILED, 2, 1, True),
    (StepPhase.DONE, 1, 0, False),
]


@pytest.mark.parametrize(("phase", "acts", "refused", "in_doubt"), _ROADS)
@pytest.mark.parametrize("without", ["a policy", "the road"])
def test_a_road_that_no_policy_knows_any_more_may_have_been_a_swap(
    guarded: Engine, without: str, phase: StepPhase, acts: int, refused: int, in_doubt: bool
) -> None:
    at = guarded.clock()
    step = StepRecord(
        name="take:site:gone", component="site", road="gone", phase=phase, acts=acts, refused=refused, intended_at=at
    )
    run = start(guarded, step)
    if without == "a policy":
        guarded.policies.clear()
    guarded.by_hand.cancel(run.id, "the policy is broken", "bob")
    last = guarded.snapshot().last
    assert last is not None
    assert last.swap_sent_at == (at if in_doubt else None)


def test_a_run_that_cannot_be_read_is_ended_by_its_id_and_says_so(unread: tuple[Engine, Run]) -> None:
    engine, run = unread
    ended = engine.by_hand.cancel(run.id, "it is broken", "bob")
    assert ended.outcome == (
        "cancelled: by bob: it is broken; its record could not be read: nobody knows what it did, and all of that stays"
    )
    assert engine.snapshot().active is None
    (event,) = [event for event in engine.events() if event.kind == "cancelled"]
    assert (event.about, event.sentence) == (run.id, ended.outcome)
    assert [out.event for out in engine.deliveries()] == [event]
    assert engine.ledger.read("orders", f"{RECEIPT}{run.id}") is not None


def test_no_version_takes_it_up_again_and_what_was_found_is_kept(unread: tuple[Engine, Run]) -> None:
    engine, run = unread
    ended = engine.by_hand.cancel(run.id, "it is broken", "bob")
    assert load(engine, run) == ended
    assert (ended.status, ended.created_at, ended.ended_at) == (RunStatus.CANCELLED, run.created_at, engine.clock())
    told = engine.views.rollback(run.id)
    assert (told["status"], told["took_s"]) == ("cancelled", 5.0)
    assert told["steps"][0]["evidence"] == {"text": _NONSENSE}
    with pytest.raises(Refused, match="has ended: cancelled: by bob"):
        engine.by_hand.cancel(run.id, "again", "bob")


def test_whoever_comes_next_reckons_with_all_that_it_may_have_done(unread: tuple[Engine, Run]) -> None:
    engine, run = unread
    engine.by_hand.cancel(run.id, "it is broken", "bob")
    at = engine.clock()
    assert "ended cancelled less than 15 min ago" in engine.cycles(1.0, 6)[-1]
    engine.clock.now = at + timedelta(seconds=1)
    again = engine.by_hand.start("orders", 1, "customers complain", "ann")
    assert (again.swap_sent_at, again.due_at) == (at, at + LEASE)


def test_a_record_that_is_damaged_below_its_text_or_gone_locks_nobody_out(guarded: Engine) -> None:
    for number, way in enumerate(("damaged", "gone")):
        run = start(guarded)
        guarded.clock.forward(1)
        if way == "gone":
            guarded.ledger.commit("orders", [Delete(run_key(run.id))])
        ledger = Damaged(guarded.ledger, run_key(run.id)) if way == "damaged" else guarded.ledger
        ended = replace(guarded.by_hand, ledger=ledger).cancel(run.id, "it is broken", "bob")
        assert (load(guarded, run), guarded.snapshot().active) == (ended, None)
        assert guarded.kinds().count("cancelled") == number + 1
        guarded.clock.forward(1)


def test_a_run_that_cannot_be_read_and_does_not_run_is_left_alone(unread: tuple[Engine, Run]) -> None:
    engine, old = unread
    engine.ledger.commit("orders", [Delete(ACTIVE)])
    running = start(engine)
    before = engine.ledger.read("orders", run_key(old.id))
    with pytest.raises(NotFound, match="here that runs or can be read"):
        engine.by_hand.cancel(old.id, "it is broken", "bob")
    assert engine.snapshot().active == Active(running.id)
    assert engine.ledger.read("orders", run_key(old.id)) == before


def test_another_run_that_takes_its_place_meanwhile_keeps_it(unread: tuple[Engine, Run]) -> None:
    engine, old = unread
    newer = Active("orders.20260301T130000000000")

    def take_its_place() -> None:
        engine.ledger.commit("orders", [Put(ACTIVE, encode(newer))])

    by_hand = replace(engine.by_hand, ledger=Interrupted(engine.ledger, take_its_place))
    with pytest.raises(NotFound):
        by_hand.cancel(old.id, "it is broken", "bob")
    assert engine.snapshot().active == newer


def test_a_worker_that_can_still_read_it_loses_the_race(unread: tuple[Engine, Run]) -> None:
    engine, run = unread
    row = engine.ledger.read("orders", run_key(run.id))
    assert row is not None
    engine.by_hand.cancel(run.id, "it is broken", "bob")
    with pytest.raises(LostRace):
        engine.ledger.commit("orders", [Replace(row.key, row.body, row.version)])


def test_whoever_starts_another_one_is_told_to_cancel_it_first(unread: tuple[Engine, Run]) -> None:
    engine, run = unread
    for level in (1, 2):
        with pytest.raises(Refused) as caught:
            engine.by_hand.start("orders", level, "all of it", "bob")
        assert str(caught.value) == (
            f"not rolled back: a stored Run cannot be read by this version; cancel rollback {run.id} first"
        )


def test_the_watch_says_what_to_do_and_does_all_the_rest(unread: tuple[Engine, Run]) -> None:
    engine, run = unread
    engine.fleet_switch.pause("ann", "Azure is down")
    engine.clock.forward(5)
    engine.doorbell.rings.clear()
    with pytest.raises(TransientError) as caught:
        engine.cycles(0.31, 1)
    assert f"rollback {run.id} runs and nobody can advance it" in str(caught.value)
    assert "cancel it to free the workload" in str(caught.value)
    (told,) = engine.deliveries()
    assert [ring.ids for ring in engine.doorbell.rings] == [("orders", told.id)]
    assert engine.doorbell.warmed == [("orders", 1)]
