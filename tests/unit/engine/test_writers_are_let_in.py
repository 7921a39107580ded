"""A run that was ended from outside leaves the fence standing: whoever looks after databases lets writers in again.

He lowers no fence of a run that goes on, of rows that are back, of another workload, or of people.
"""

import pytest

from shared.engine.records import ACTIVE, Active, encode
from shared.errors import PermanentError, TransientError
from shared.model.change import ChangeStatus
from shared.model.checkpoint import CheckpointStatus, held_as
from shared.model.run import Run, RunStatus, StepPhase
from shared.ports import Put
from tests.fakes.slots import Fate, Reply
from tests.unit.engine.kept import Kept, data_policy, shaped_policy
from tests.unit.engine.rows_story import ROWS, RowsStory, traffic_went_on

_LEVEL_3 = "  3: {roads: [slot_swap], budget: 15m}\n"


@pytest.fixture
def story() -> RowsStory:
    return RowsStory()


def cancelled(story: RowsStory) -> Run:
    """A run that was cancelled in its rows."""
    run = story.in_its_rows()
    story.by_hand.cancel(run.id, "too slow", "ann")
    assert story.fenced
    story.clock.forward(5)
    return run


def let_go(kept: Kept, run: Run) -> int:
    return kept.rows.calls.count(("let_go", held_as(run.id, "shop")))


def test_a_run_that_was_cancelled_in_its_rows_lets_writers_in_once(story: RowsStory) -> None:
    run = cancelled(story)
    story.minutes(3)
    assert (story.fenced, let_go(story, run)) == (False, 1)
    assert story.rows.write(story.database)


def test_also_when_level_1_was_begun_by_hand_meanwhile(story: RowsStory) -> None:
    run = cancelled(story)
    one = story.by_hand.start("orders", 1, "traffic first", "ann")
    assert story.finish(one.id).status is RunStatus.VERIFIED
    assert story.current.status is ChangeStatus.ROLLED_BACK
    story.minute()
    assert (story.fenced, let_go(story, run)) == (False, 1)


def test_also_when_the_change_is_completed_within_the_same_minute(story: RowsStory) -> None:
    cancelled(story)
    story.moved(ChangeStatus.COMPLETED)
    assert story.minute().status is CheckpointStatus.ENDED
    assert (story.fenced, story.captured) == (False, ())


def test_also_when_a_level_that_moves_no_rows_took_its_place() -> None:
    story = RowsStory(data_policy(above=_LEVEL_3))
    run = story.in_its_rows()
    story.clock.forward(1)
    three = story.by_hand.start("orders", 3, "all of it", "ann")
    assert story.load(run.id).status is RunStatus.SUPERSEDED
    story.minute()
    assert story.fenced  # the other one goes back now: it is not meddled with
    assert story.finish(three.id).status is RunStatus.VERIFIED
    story.minute()
    assert not story.fenced


_NO_ANSWER = TransientError("source: connection refused")
_NO_PASSWORD = PermanentError("source: password authentication failed")


@pytest.mark.parametrize("error", [_NO_ANSWER, _NO_PASSWORD], ids=["it is down", "its password was changed"])
def test_a_source_that_is_lost_in_mid_sync_ends_the_rows_and_lets_writers_in(
    story: RowsStory, error: TransientError | PermanentError
) -> None:
    run = story.in_its_rows()
    story.rows.silent = error
    ended = story.finish(run.id)
    assert traffic_went_on(story, ended)
    assert (story.fenced, let_go(story, run)) == (False, 1)
    record = ended.step(ROWS)
    assert (record.phase, record.note) == (StepPhase.FAILED, str(error))


def test_a_source_that_is_back_in_time_is_gone_on_with(story: RowsStory) -> None:
    run = story.in_its_rows(slices=10)
    story.rows.silent = _NO_ANSWER
    for _ in range(5):
        story.clock.now = max(story.clock.now, story.load(run.id).due_at)
        story.advance(run.id)
    assert story.fenced
    story.rows.silent = None
    assert story.finish(run.id).status is RunStatus.VERIFIED


def test_a_policy_that_keeps_writers_out_is_obeyed(story: RowsStory) -> None:
    story.decides(keep_fence=True)
    run = cancelled(story)
    story.minutes(3)
    assert (story.fenced, let_go(story, run)) == (True, 0)


def test_rows_that_are_back_keep_writers_out_although_people_are_not(story: RowsStory) -> None:
    story.slots.fate = lambda: Fate(reply=Reply.FORBIDDEN)
    run = story.tell()
    assert run.status is RunStatus.PARTIAL
    story.minutes(3)
    assert (story.fenced, let_go(story, run)) == (True, 0)


def test_a_run_that_moved_no_rows_leaves_them_alone(story: RowsStory) -> None:
    run = story.begin()
    story.by_hand.cancel(run.id, "never mind", "ann")
    story.minutes(3)
    assert (story.fenced, let_go(story, run)) == (False, 0)


def test_writers_are_let_in_later_when_the_target_does_not_answer_now(story: RowsStory) -> None:
    run = cancelled(story)
    story.rows.target_silent = TransientError("it does not answer")
    story.minute()
    assert let_go(story, run) == 0
    story.rows.target_silent = None
    story.minute()
    assert let_go(story, run) == 1


def test_the_fence_of_a_later_run_is_not_lowered_for_an_earlier_one(story: RowsStory) -> None:
    cancelled(story)
    later = story.in_its_rows()  # it takes the fence over
    story.ledger.commit("orders", [Put(ACTIVE, encode(Active(later.id, 0, "")))])  # as if nothing went back
    story.minutes(3)
    assert story.fenced


@pytest.mark.parametrize("sync_id", ["billing.20260301T120100000000:shop", "by-hand", "?"])
def test_a_fence_that_is_no_business_of_this_workload_stays(story: RowsStory, sync_id: str) -> None:
    story.rows.work(story.database, story.one.key, sync_id, lambda: None)
    story.minutes(3)
    assert story.fenced


def test_a_run_that_begins_while_databases_are_looked_at_keeps_its_fence() -> None:
    """The keeper read that nothing is under way; he asks again right before he lowers a fence."""
    story = RowsStory(shaped_policy("  first: {source: a, target: b}\n  shop: {source: c, target: d}"))
    story.keeper.keep("orders")
    run = cancelled(story)
    begun = Put(ACTIVE, encode(Active("orders.20260301T120200000000", 2, "")))
    story.rows.passes = lambda _: story.ledger.commit("orders", [begun])  # while it is looked ahead of the first
    story.minute()
    assert story.found.rolling_back == "orders.20260301T120200000000"
    assert (story.fenced, let_go(story, run)) == (True, 0)
