"""What a run may lose: what the policy lets, and what people saw and agreed to; a drill says it beforehand."""

from dataclasses import replace

import pytest

from shared.engine.drills import Drills
from shared.engine.records import CHECKPOINTS
from shared.errors import TransientError
from shared.model.change import ChangeStatus
from shared.model.checkpoint import CheckpointStatus
from shared.model.data_preview import Loss
from shared.model.run import Run, RunKind, RunStatus, StepPhase
from shared.model.sync import Finding, Severity
from shared.ports import Delete
from tests.fakes.rows import SliceFate
from tests.unit.engine.kept import data_policy
from tests.unit.engine.rows_story import LOSS, ROWS, RowsStory, taken, traffic_went_on


def test_more_loss_than_the_policy_lets_is_refused_when_nobody_agreed() -> None:
    story = RowsStory()
    story.rows.losses = (LOSS,)
    run = story.tell()
    assert traffic_went_on(story, run)
    assert (run.step(ROWS).phase, story.calls) == (StepPhase.REFUSED, [])
    assert run.step(ROWS).note == (
        "the policy lets 0 stay behind, and nobody agreed to more: orders.note: is not on the source (100)"
    )


def test_it_is_done_as_people_agreed() -> None:
    story = RowsStory()
    digest = story.foresees(LOSS)
    run = story.tell(agreed=(digest,))
    assert run.status is RunStatus.VERIFIED
    assert run.agreed == (digest,)


@pytest.mark.parametrize(("rows", "status"), [(128, RunStatus.VERIFIED), (129, RunStatus.PARTIAL)])
def test_an_agreement_covers_up_to_the_next_power_of_two(rows: int, status: RunStatus) -> None:
    story = RowsStory()
    digest = story.foresees(LOSS)
    story.rows.losses = (replace(LOSS, rows=rows),)
    run = story.tell(agreed=(digest,))
    assert run.status is status
    if status is RunStatus.PARTIAL:
        assert "what people agreed to was less, or something else" in run.step(ROWS).note


def test_what_a_policy_refuses_nobody_can_agree_to() -> None:
    story = RowsStory(data_policy(database=", loss: {rows: 50, above: refuse}"))
    digest = story.foresees(LOSS)
    run = story.tell(agreed=(digest,))
    assert traffic_went_on(story, run)
    note = "the policy lets 50 stay behind: orders.note: is not on the source (100)"
    assert run.step(ROWS).note == note


def test_within_the_limit_nobody_has_to_agree() -> None:
    story = RowsStory(data_policy(database=", loss: {rows: 100}"))
    story.rows.losses = (LOSS,)
    assert story.tell().status is RunStatus.VERIFIED


def test_what_stands_against_it_is_refused_whatever_people_agreed_to() -> None:
    story = RowsStory()
    story.rows.findings = (Finding(severity=Severity.BLOCKS, about="public.orders", what="has no key"),)
    run = story.tell(agreed=("0" * 16,))
    assert run.step(ROWS).note == "public.orders: has no key"
    assert run.step(ROWS).phase is StepPhase.REFUSED


def test_nothing_is_looked_ahead_at_once_it_has_begun() -> None:
    """What is lost after the fence was set was lost before: it would be of no use to stop half-way."""
    story = RowsStory()
    story.rows.slices = 20
    story.rows.fate = lambda: _loses(story)
    assert story.tell().status is RunStatus.VERIFIED


def _loses(story: RowsStory) -> SliceFate:
    story.rows.losses = (Loss(about="public.orders", what="gone", rows=1),)
    return SliceFate.DONE


def test_a_drill_changes_nothing_and_says_what_would_be_done() -> None:
    story = RowsStory(data_policy(site=False))
    run = drilled(story)
    assert (run.kind, run.status) == (RunKind.DRILL, RunStatus.VERIFIED)
    assert (story.calls, story.fenced) == ([], False)
    said = "would be done: shop: 10 rows inserted, 0 updated, 0 deleted on the source; nothing stays behind; about 20 s"
    assert run.step(ROWS).note == said
    assert said in run.outcome


def test_a_drill_of_what_would_be_refused_fails_and_says_why() -> None:
    story = RowsStory(data_policy(site=False))
    story.rows.losses = (LOSS,)
    run = drilled(story)
    assert run.status is RunStatus.FAILED
    assert "rows could not be taken back" in run.outcome
    assert "nobody agreed to more" in run.outcome


def drilled(story: RowsStory) -> Run:
    drills = Drills(story.ledger, story.doorbell, story.policies, story.clock)
    return story.finish(drills.start("orders", 2, "ann").id)


@pytest.mark.parametrize("status", [ChangeStatus.COMPLETED, None])
def test_a_drill_without_a_change_tells_whether_a_checkpoint_could_be_taken(status: ChangeStatus | None) -> None:
    story = RowsStory(data_policy(site=False))
    story.keep(taken(status=CheckpointStatus.ENDED)) if status else story.ledger.commit("orders", [Delete(CHECKPOINTS)])
    run = drilled(story)
    assert (run.status, story.calls) == (RunStatus.VERIFIED, [])
    said = "no change is in progress; a checkpoint of shop could be taken on both sides"
    assert run.step(ROWS).note == said


def test_a_drill_without_a_change_fails_where_none_could_be_taken() -> None:
    story = RowsStory(data_policy(site=False))
    story.ledger.commit("orders", [Delete(CHECKPOINTS)])
    story.rows.findings = (Finding(severity=Severity.BLOCKS, about="public.audit", what="has no key"),)
    run = drilled(story)
    assert run.status is RunStatus.FAILED
    assert run.step(ROWS).note == "no checkpoint of shop could be taken: public.audit: has no key"


_SLOW = TransientError("canceling statement due to statement timeout")


def foreseen_and_slow(*losses: Loss) -> tuple[RowsStory, str]:
    """It takes longer to look ahead than the step has time for; the keeper, who has more, has done it."""
    story = RowsStory()
    digest = story.foresees(*losses)
    story.rows.preview_silent = _SLOW
    return story, digest


def test_where_looking_ahead_takes_too_long_what_was_foreseen_lately_counts() -> None:
    story, _ = foreseen_and_slow()
    story.clock.forward(4 * 60)
    assert story.tell().status is RunStatus.VERIFIED


def test_also_what_people_agreed_to_of_it() -> None:
    story, digest = foreseen_and_slow(LOSS)
    refused = story.tell()
    assert refused.step(ROWS).phase is StepPhase.REFUSED
    story, digest = foreseen_and_slow(LOSS)
    assert story.tell(agreed=(digest,)).status is RunStatus.VERIFIED


def test_what_was_foreseen_long_ago_does_not() -> None:
    story, _ = foreseen_and_slow()
    story.clock.forward(5 * 60 + 1)
    run = story.tell()
    assert traffic_went_on(story, run)
    assert run.step(ROWS).note == f"given up at its deadline: {_SLOW}"
    assert story.calls == []
