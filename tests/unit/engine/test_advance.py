"""A rollback from its start to its end on a fake site: the usual story, each way in which it ends, and what is kept.

What happens when messages and workers misbehave is in `tests/scenarios/schedules`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from shared.engine.advance import Runs
from shared.engine.by_hand import ByHand
from shared.engine.commit import commit_and_ring
from shared.engine.intake import Intake
from shared.engine.levels import Steps
from shared.engine.records import CHANGE, EVENT, decode, encode, load_run, snapshot
from shared.engine.start import new_rollback, starting_writes
from shared.errors import NotFound, TransientError
from shared.functions.advancing import advance
from shared.model.change import Change, ChangeStatus
from shared.model.event import Event
from shared.model.policy import Policy
from shared.model.policy_verify import Client, ClientCheck
from shared.model.run import RoadTimes, Run, RunStatus, StepPhase
from shared.ports import Put
from tests.fakes.at_once import AtOnce
from tests.fakes.clients import FakeClients
from tests.fakes.clock import FakeClock
from tests.fakes.doorbell import MemoryDoorbell
from tests.fakes.interrupted import BrokenFor, Interrupted
from tests.fakes.ledger import MemoryLedger
from tests.fakes.policies import policy
from tests.fakes.runs import new_run
from tests.fakes.slots import FakeSlotPair, Fate, Reply


@dataclass(slots=True)
class Story:
    """One rollback on fakes; whoever advances it waits as long as it asks to."""

    policy: Policy = field(default_factory=policy)
    clock: FakeClock = field(default_factory=FakeClock)
    ledger: MemoryLedger = field(default_factory=MemoryLedger)
    doorbell: MemoryDoorbell = field(default_factory=MemoryDoorbell)
    fates: list[Fate] = field(default_factory=list)
    slots: FakeSlotPair = field(init=False)
    clients: FakeClients = field(init=False)

    def __post_init__(self) -> None:
        self.slots = FakeSlotPair(self.clock, fate=lambda: self.fates.pop(0) if self.fates else Fate())
        self.clients = FakeClients(lambda: self.slots.served)

    @property
    def engine(self) -> Runs:
        steps = Steps.of_level(self.slots, {}, {ClientCheck: self.clients}, AtOnce())
        return Runs(self.ledger, self.doorbell, steps, lambda _: self.policy, self.clock)

    def begin(self) -> Run:
        run = new_run(self.policy, self.clock())
        commit_and_ring(self.ledger, self.doorbell, "orders", starting_writes(self.policy, run))
        return run

    def load(self, run: Run) -> Run:
        found = load_run(self.ledger, "orders", run.id)
        assert found is not None
        return found[0]

    def passes(self, run: Run) -> Iterator[Run]:
        """Advance whenever the run is due, until it ends; yields it after every pass."""
        while not run.status.ended:
            self.clock.now = max(self.clock.now, run.due_at)
            advance(self.engine, run.id)
            run = self.load(run)
            yield run

    def tell(self) -> Run:
        """Begin a rollback and take it to its end."""
        return list(self.passes(self.begin()))[-1]

    def kinds(self) -> list[str]:
        return [decode(Event, row.body).kind.value for row in reversed(self.ledger.scan("orders", EVENT))]


@pytest.fixture
def story() -> Story:
    return Story()


def test_the_usual_story(story: Story) -> None:
    run = story.tell()
    assert run.outcome.startswith("level 1 verified: 3 of 3 checks passed in 2 looks in a row; ")
    assert run.outcome.endswith("within its budget of 30 s")
    assert (len(story.slots.posts), story.slots.served) == (1, "b1")
    assert [step.phase for step in run.steps] == [StepPhase.DONE] * 3
    assert [step.acts for step in run.steps] == [0, 1, 0]
    assert sorted(set(story.kinds())) == ["effect_accepted", "started", "step_done", "verified"]


def test_every_wait_is_rung_for_when_it_is_over(story: Story) -> None:
    run = story.begin()
    for advanced in story.passes(run):
        if not advanced.status.ended:
            assert story.doorbell.rings[-1].after == advanced.due_at - story.clock()


def test_the_receipt_shows_the_world_before_and_after(story: Story) -> None:
    looked, swapped, verified = story.tell().steps
    assert [seen["build"] for seen in looked.evidence["checks"]["slot_swap.fresh"]["requests"]] == ["b2"]
    assert swapped.before["production_build"] == "b2"
    assert swapped.evidence["production_build"] == "b1"
    assert [check["passed"] for check in verified.evidence["checks"].values()] == [True] * 3


def test_the_change_is_marked_rolled_back(story: Story) -> None:
    intake = Intake(story.ledger, story.doorbell, lambda: {"orders": story.policy}, story.clock)
    intake.change("orders", "deployment", "b2", "b1")
    run = story.tell()
    found = snapshot(story.ledger, "orders")
    assert found.change is not None
    assert (found.change.status, found.change.sentence) == (ChangeStatus.ROLLED_BACK, run.outcome)
    assert found.last is not None
    assert (found.last.id, found.active) == (run.id, None)


def test_a_slot_that_holds_another_build_is_refused(story: Story) -> None:
    story.slots.slot = "b0"
    run = story.tell()
    assert (run.status, story.slots.posts) == (RunStatus.REFUSED, [])
    assert "slot last-good holds b0, not the known-good build b1: nothing unknown is swapped in" in run.outcome


def test_a_slot_that_is_not_there_is_refused(story: Story) -> None:
    story.slots.slot = None
    run = story.tell()
    assert (run.status, story.slots.posts) == (RunStatus.REFUSED, [])
    assert "there is no slot last-good" in run.outcome


def test_production_that_runs_the_known_good_already_is_verified_without_a_swap(story: Story) -> None:
    story.slots.production, story.slots.slot = "b1", "b2"
    run = story.tell()
    assert (run.status, story.slots.posts) == (RunStatus.VERIFIED, [])


def test_steps_that_end_in_the_same_instant_are_all_in_the_history(story: Story) -> None:
    story.slots.production, story.slots.slot = "b1", "b2"
    story.tell()
    assert story.kinds().count("step_done") == 2


def test_clients_that_stay_behind_make_it_partial(story: Story) -> None:
    story.clients.pinned_to = {Client.PINNED: "b2"}
    run = story.tell()
    assert run.status is RunStatus.PARTIAL
    assert "after 120 s 2 of 3 checks passed; slot_swap.pinned: sees b2" in run.outcome


@pytest.mark.parametrize("status", [500, 503, None])
def test_a_known_good_that_serves_nobody_is_a_failure(story: Story, status: int | None) -> None:
    story.clients.status = status
    run = story.tell()
    assert run.status is RunStatus.FAILED
    assert "after 120 s 0 of 3 checks passed" in run.outcome


def test_a_swap_that_the_platform_fails_ends_the_run(story: Story) -> None:
    story.fates = [Fate(works=False)]
    run = story.tell()
    assert run.status is RunStatus.FAILED
    assert "the swap failed: Failed" in run.outcome
    assert len(story.slots.posts) == 1


def test_a_missing_role_ends_the_run_with_its_reason(story: Story) -> None:
    story.fates = [Fate(reply=Reply.FORBIDDEN)]
    run = story.tell()
    assert run.outcome.startswith("level 1 failed: swapping: 403 AuthorizationFailed")


def test_a_refusal_for_now_is_tried_again(story: Story) -> None:
    story.fates = [Fate(reply=Reply.BUSY)] * 2
    run = story.tell()
    assert (run.status, len(story.slots.posts), run.steps[1].acts) == (RunStatus.VERIFIED, 3, 3)


@pytest.mark.parametrize("reply", [Reply.LOST_AFTER, Reply.LOST_BEFORE, Reply.LATE])
def test_a_lost_reply_is_found_out_about_and_production_changes_once(story: Story, reply: Reply) -> None:
    story.fates = [Fate(reply=reply, late=timedelta(seconds=12))]
    run = story.tell()
    assert (run.status, len(story.slots.switched_at)) == (RunStatus.VERIFIED, 1)


@pytest.mark.parametrize("takes_s", [3, 20, 28, 29.5, 31, 45, 58, 120])
@pytest.mark.parametrize("late_status", [True, False], ids=["all of it stale", "settings stale"])
def test_reads_from_before_the_swap_never_make_a_second_one(story: Story, takes_s: float, late_status: bool) -> None:
    """The control plane answers from before the swap for some seconds after it; nobody heard that it was accepted."""
    story.fates = [
        Fate(
            reply=Reply.LOST_AFTER,
            takes=timedelta(seconds=takes_s),
            hidden=timedelta(seconds=2),
            stale=timedelta(seconds=10),
            stale_swap_status=late_status,
        )
    ]
    run = story.tell()
    assert (run.status, len(story.slots.switched_at)) == (RunStatus.VERIFIED, 1)


def test_a_swap_by_hand_that_ends_as_we_look_is_not_taken_back(story: Story) -> None:
    """Somebody else's swap to the same build is under way; right after it the control plane answers from before it."""
    by_hand = Fate(takes=timedelta(seconds=9), stale=timedelta(seconds=8), stale_swap_status=True)
    story.fates = [by_hand]
    story.slots.swap(story.policy.site, "last-good")
    run = story.tell()
    assert (run.status, story.slots.served, len(story.slots.posts)) == (RunStatus.VERIFIED, "b1", 1)


def test_an_operation_result_that_expired_is_no_failure(story: Story) -> None:
    story.slots.operations_expire = True
    story.fates = [Fate(stale=timedelta(seconds=15))]
    assert story.tell().status is RunStatus.VERIFIED


def test_what_takes_too_long_is_handed_to_people(story: Story) -> None:
    story.fates = [Fate(takes=timedelta(hours=2))]
    run = story.tell()
    assert run.status is RunStatus.FAILED
    assert "after 20 min production still runs b2, not b1" in run.outcome
    assert len(story.slots.posts) == 1


def test_a_ring_that_is_early_late_or_for_nobody_changes_nothing(story: Story) -> None:
    run = story.begin()
    with pytest.raises(NotFound, match=r"^there is no rollback 'orders\.20010101T000000000000'$"):
        advance(story.engine, "orders.20010101T000000000000")
    waiting = next(iter(story.passes(run)))
    assert advance(story.engine, run.id).startswith(f"rollback {run.id} is not due before")
    assert story.load(run) == waiting
    ended = list(story.passes(waiting))[-1]
    assert advance(story.engine, run.id) == f"rollback {run.id} has ended: {ended.outcome}"
    assert story.load(run) == ended


def test_storage_that_does_not_answer_fails_the_message(story: Story) -> None:
    run = story.begin()
    engine = story.engine
    broken = Runs(BrokenFor(story.ledger, "orders"), engine.doorbell, engine.steps, engine.policy_of, story.clock)
    with pytest.raises(TransientError):
        advance(broken, run.id)
    assert list(story.passes(run))[-1].status is RunStatus.VERIFIED


def _announced(story: Story) -> Change:
    intake = Intake(story.ledger, story.doorbell, lambda: {"orders": story.policy}, story.clock)
    return intake.change("orders", "deployment", "b2", "b1")


def _refused(story: Story) -> None:
    story.slots.slot = "b0"


def _failed(story: Story) -> None:
    story.fates = [Fate(works=False)]


def _partial(story: Story) -> None:
    story.clients.pinned_to = {Client.PINNED: "b2"}


@pytest.mark.parametrize("bend", [_refused, _failed, _partial])
def test_only_a_verified_rollback_marks_the_change(story: Story, bend: object) -> None:
    assert callable(bend)
    change = _announced(story)
    bend(story)
    assert story.tell().status is not RunStatus.VERIFIED
    assert snapshot(story.ledger, "orders").change == change


@pytest.mark.parametrize(
    ("status", "after"),
    [
        (ChangeStatus.PAUSED, ChangeStatus.ROLLED_BACK),
        (ChangeStatus.COMPLETED, ChangeStatus.COMPLETED),
        (ChangeStatus.FAILED, ChangeStatus.FAILED),
    ],
)
def test_a_paused_change_is_rolled_back_and_one_that_is_over_stays(
    story: Story, status: ChangeStatus, after: ChangeStatus
) -> None:
    story.ledger.commit("orders", [Put(CHANGE, encode(replace(_announced(story), status=status)))])
    story.tell()
    found = snapshot(story.ledger, "orders").change
    assert found is not None
    assert found.status is after


def test_a_change_that_begins_as_a_rollback_ends_is_not_overwritten(story: Story) -> None:
    newer = replace(_announced(story), build="b3")
    run = next(run for run in story.passes(story.begin()) if run.steps[-1].evidence.get("good_looks") == 1)
    begins = Interrupted(story.ledger, lambda: story.ledger.commit("orders", [Put(CHANGE, encode(newer))]))
    story.clock.now = run.due_at
    advance(replace(story.engine, ledger=begins), run.id)
    assert list(story.passes(story.load(run)))[-1].status is RunStatus.VERIFIED
    found = snapshot(story.ledger, "orders").change
    assert found is not None
    assert found.build == "b3"


def _by_hand(story: Story) -> ByHand:
    return ByHand(story.ledger, story.doorbell, lambda: {"orders": story.policy}, story.clock)


def _doubtful(takes_s: float, late_s: float) -> Fate:
    """The reply is lost, the operation is never shown, and the control plane answers from before for a while."""
    takes = timedelta(seconds=takes_s)
    return Fate(
        reply=Reply.LATE,
        late=timedelta(seconds=late_s),
        takes=takes,
        hidden=timedelta(seconds=8),
        stale=timedelta(seconds=12),
        stale_swap_status=True,
    )


@pytest.mark.parametrize("takes_s", [0.5, 3, 8, 30])
@pytest.mark.parametrize("late_s", [1, 10, 16.5])
@pytest.mark.parametrize("again_s", [1, 5, 12, 25, 40])
def test_a_swap_in_doubt_is_known_to_whoever_starts_again_after_a_cancellation(
    story: Story, takes_s: float, late_s: float, again_s: float
) -> None:
    _announced(story)
    story.fates = [_doubtful(takes_s, late_s)]
    run = story.begin()
    while not story.slots.posts:
        story.clock.now = max(story.clock.now, run.due_at)
        advance(story.engine, run.id)
        run = story.load(run)
    by_hand = _by_hand(story)
    by_hand.cancel(run.id, "a false alarm", "ann")
    story.clock.forward(again_s)
    again = by_hand.start("orders", 1, "it was none", "ann")
    assert again.swap_sent_at == run.steps[1].intended_at
    ended = list(story.passes(story.load(again)))[-1]
    assert (ended.status, len(story.slots.switched_at), story.slots.served) == (RunStatus.VERIFIED, 1, "b1")


def test_a_swap_whose_end_was_seen_is_forgotten(story: Story) -> None:
    _announced(story)
    story.tell()
    last = snapshot(story.ledger, "orders").last
    assert last is not None
    assert last.swap_sent_at is None


def test_a_swap_of_long_ago_is_forgotten(story: Story) -> None:
    old = new_run(story.policy, story.clock())
    sent_at = story.clock()
    story.clock.forward(3600)
    again = new_rollback(
        story.policy,
        level=1,
        known_good="b1",
        cause="",
        requested_by="ann",
        trigger="",
        times=RoadTimes(),
        now=story.clock(),
        swap_sent_at=sent_at,
    )
    assert (old.swap_sent_at, again.swap_sent_at) == (None, None)
