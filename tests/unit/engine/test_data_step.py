"""Rows go back in a run: slice by slice, before traffic, and whatever ends it early lets writers in again."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.engine.steps.data import SyncRows
from shared.engine.steps.step import Stop
from shared.errors import OutcomeUnknown, PermanentError, TransientError
from shared.model.checkpoint import CheckpointStatus
from shared.model.run import RunStatus, StepPhase
from shared.ports import Put
from tests.fakes.rows import LET_IN, SliceFate
from tests.unit.engine.kept import data_policy
from tests.unit.engine.rows_story import ROWS, SITE, RowsStory, taken, traffic_went_on


def test_rows_go_back_slice_by_slice_and_traffic_after_them() -> None:
    story = RowsStory()
    run = story.tell()
    assert run.status is RunStatus.VERIFIED
    assert story.calls == ["work"] * 3
    assert story.fenced
    assert [step.name for step in run.steps] == ["look_before", ROWS, SITE, "verify:1"]
    ended, started = run.step(ROWS).ended_at, run.step(SITE).started_at
    assert ended is not None
    assert started is not None
    assert ended <= started
    assert run.step(ROWS).evidence == {"done": 3, "fenced": True, "database": "shop"}


def test_it_is_looked_ahead_once_and_not_for_every_slice() -> None:
    story = RowsStory()
    story.tell()
    assert story.rows.previews == 1


def test_a_slice_waits_a_moment_for_the_one_before_it() -> None:
    story = RowsStory()
    story.rows.slices = 20
    run = story.tell()
    assert run.ended_at is not None
    took = run.ended_at - run.created_at
    assert timedelta(seconds=3.8) <= took < timedelta(seconds=30)


_HARMLESS = [fate for fate in SliceFate if fate not in (SliceFate.ENDED, SliceFate.BROKEN)]


@settings(max_examples=40)
@given(st.lists(st.sampled_from(_HARMLESS), max_size=6))
def test_whatever_befalls_a_slice_all_is_proved_in_the_end(fates: Sequence[SliceFate]) -> None:
    story = RowsStory()
    story.fates(*fates)
    run = story.tell()
    assert run.status is RunStatus.VERIFIED
    held = story.way(run)
    assert (held.done, held.fenced) == (3, True)


_ANY = st.lists(st.sampled_from(SliceFate), max_size=8)


@settings(max_examples=60)
@given(_ANY, st.lists(st.sampled_from(_HARMLESS), max_size=2), st.booleans())
def test_it_ends_verified_or_lets_writers_in_and_takes_traffic_back_all_the_same(
    fates: Sequence[SliceFate], letting: Sequence[SliceFate], keeps: bool
) -> None:
    story = RowsStory(data_policy(database=f", keep_fence: {str(keeps).lower()}"))
    story.fates(*fates, letting=letting)
    run = story.tell()
    assert story.slots.served == "b1"
    if run.status is RunStatus.VERIFIED:
        assert run.step(ROWS).phase is StepPhase.DONE
        assert story.fenced
    else:
        assert traffic_went_on(story, run)
        assert not story.fenced or keeps
        assert "let_go" not in story.calls or not keeps


def test_what_ended_it_for_good_is_said_after_writers_were_let_in() -> None:
    story = RowsStory()
    story.fates(SliceFate.DONE, SliceFate.ENDED)
    run = story.tell()
    assert traffic_went_on(story, run)
    assert story.calls == ["work", "work", "let_go"]
    assert run.step(ROWS).phase is StepPhase.FAILED
    assert run.step(ROWS).note == "two rows of the source have one key"
    assert "rows was not taken back: back: two rows of the source have one key" in run.outcome


def test_a_policy_that_keeps_the_fence_is_told_that_writes_stay_stopped() -> None:
    story = RowsStory(data_policy(database=", keep_fence: true"))
    story.fates(SliceFate.DONE, SliceFate.ENDED)
    run = story.tell()
    assert traffic_went_on(story, run)
    assert story.calls == ["work", "work"]
    assert story.fenced
    assert run.step(ROWS).note == "two rows of the source have one key; writes on the target stay stopped"


def test_what_could_not_be_kept_lets_writers_in_where_it_is_found() -> None:
    story = RowsStory()
    story.fates(SliceFate.DONE, SliceFate.BROKEN)
    run = story.tell()
    assert traffic_went_on(story, run)
    assert story.calls == ["work", "work", "let_go"]
    assert run.step(ROWS).note == "the disk of the source is full"


def test_what_cannot_even_begin_stops_nobody_from_writing() -> None:
    story = RowsStory()
    story.fates(SliceFate.BROKEN)
    run = story.tell()
    assert (run.step(ROWS).phase, story.calls, story.fenced) == (StepPhase.FAILED, ["work"], False)


def test_time_that_is_over_lets_writers_in_and_then_fails() -> None:
    story = RowsStory(data_policy(road=", give_up_after: 2m"))
    story.rows.slices, story.rows.slice_takes = 1000, timedelta(seconds=4)
    run = story.tell()
    assert traffic_went_on(story, run)
    assert story.calls[-1] == "let_go"
    assert not story.fenced
    record = run.step(ROWS)
    assert record.ended_at is not None
    assert record.give_up_at is not None
    assert timedelta(seconds=25) < record.give_up_at - record.ended_at < timedelta(seconds=36)
    assert record.note == LET_IN


@pytest.mark.parametrize("dies_after_s", [60, 80, 83, 84, 85, 99, 103])
def test_time_is_over_before_it_is_too_late_for_a_worker_to_die(dies_after_s: int) -> None:
    """The worker of the last slice dies: its lease has to run out before anybody else may let writers in."""
    story = RowsStory(data_policy(road=", give_up_after: 2m"))
    story.rows.slices, story.rows.slice_takes = 10_000, timedelta(seconds=1)
    dies_at = story.clock() + timedelta(seconds=dies_after_s)

    def fate() -> SliceFate:
        return SliceFate.DIES_AFTER if story.clock() >= dies_at and not story.deaths else SliceFate.DONE

    story.rows.fate = fate
    assert traffic_went_on(story, story.tell())
    assert not story.fenced


@pytest.mark.parametrize("fate", [SliceFate.BUSY, SliceFate.LOST_BEFORE, SliceFate.LOST_AFTER, SliceFate.DIES_BEFORE])
def test_letting_in_is_tried_again(fate: SliceFate) -> None:
    story = RowsStory()
    story.fates(SliceFate.DONE, SliceFate.ENDED, letting=[fate])
    run = story.tell()
    assert traffic_went_on(story, run)
    assert not story.fenced


def test_a_database_that_is_silent_is_waited_for_until_the_road_is_given_up() -> None:
    story = RowsStory()
    story.rows.silent = TransientError("the source does not answer")
    run = story.tell()
    assert traffic_went_on(story, run)
    assert run.step(ROWS).note == "given up at its deadline: the source does not answer"


def test_a_look_that_fails_for_good_ends_it_and_traffic_goes_on() -> None:
    story = RowsStory()
    story.rows.silent = PermanentError("password authentication failed")
    run = story.tell()
    assert traffic_went_on(story, run)
    assert run.step(ROWS).note == "password authentication failed"


@pytest.mark.parametrize("status", [CheckpointStatus.REFUSED, CheckpointStatus.WANTED, CheckpointStatus.ENDED])
def test_without_a_checkpoint_it_is_refused_and_says_why(status: CheckpointStatus) -> None:
    story = RowsStory()
    story.keep(taken(status=status))
    run = story.tell()
    assert traffic_went_on(story, run)
    assert run.step(ROWS).phase is StepPhase.REFUSED
    assert run.step(ROWS).note == (
        f"there is no checkpoint of shop that rows could go back to: checkpoint {status.value}"
    )
    assert story.calls == []


def test_a_checkpoint_of_which_nobody_knows_what_was_written_since_is_still_gone_back_to() -> None:
    story = RowsStory()
    story.keep(taken(status=CheckpointStatus.LOST))
    assert story.tell().status is RunStatus.VERIFIED


def test_checkpoints_that_cannot_be_read_any_more_let_writers_in() -> None:
    story = RowsStory()
    run = story.in_its_rows()
    story.ledger.commit("orders", [Put("now:1:checkpoints", "no such record")])
    ended = story.finish(run.id)
    assert traffic_went_on(story, ended)
    assert not story.fenced


def test_it_goes_back_to_the_checkpoint_that_it_began_with() -> None:
    story = RowsStory()
    run = story.in_its_rows()
    story.keep(replace(taken(), id="c2"))
    assert story.finish(run.id).status is RunStatus.VERIFIED
    assert story.way(run).checkpoint == "c1:shop"


_HOLDS = ", verify: {checks: {same: {holds: back}}}"


def test_rows_that_are_still_the_same_are_part_of_the_verification() -> None:
    story = RowsStory(data_policy(level=_HOLDS))
    run = story.tell()
    assert run.status is RunStatus.VERIFIED
    assert run.steps[-1].evidence["checks"]["same"]["note"] == "shop: 3 of 3 slices"


def test_rows_that_were_written_meanwhile_fail_the_verification() -> None:
    story = RowsStory(data_policy(level=_HOLDS))
    run = story.begin()
    while not run.steps[-1].name.startswith("verify"):
        story.clock.now = max(story.clock.now, run.due_at)
        story.advance(run.id)
        run = story.load(run.id)
    (sync,) = story.rows.of(story.database).ways
    story.rows.let_go(story.database, sync, lambda: None)
    assert story.rows.write(story.database)
    assert story.finish(run.id).status is not RunStatus.VERIFIED


def test_a_road_that_moves_no_rows_is_none_of_its_business() -> None:
    story = RowsStory()
    run = story.begin()
    record = replace(run.steps[0], road="slot_swap")
    with pytest.raises(PermanentError, match="slot_swap moves no rows"):
        SyncRows(story.rows, story.rows, story.ledger).observe(story.policy, run, record, story.clock())


def test_the_world_is_only_changed_after_the_fence_of_the_run() -> None:
    story = RowsStory()
    calls: list[str] = []
    step = SyncRows(story.rows, story.rows, story.ledger)
    run = story.begin()
    record = replace(run.steps[0], road="back", name=ROWS)
    look = step.observe(story.policy, run, record, story.clock())
    assert not isinstance(look, Stop)

    def fence() -> None:
        calls.append("fence")
        raise OutcomeUnknown("somebody else acts")

    with pytest.raises(OutcomeUnknown):
        look.effect(fence)  # type: ignore[union-attr]  # it acts
    assert (calls, story.calls) == (["fence"], [])
