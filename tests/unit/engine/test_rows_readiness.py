"""Whether rows could go back now: in which sentence readiness says that they could not."""

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.engine.records import CHECKPOINTS
from shared.engine.rows_readiness import RowsReadiness
from shared.errors import PermanentError, TransientError
from shared.model.change import ChangeStatus
from shared.model.checkpoint import CheckpointStatus, DatabaseCheckpoint, Foreseen
from shared.model.policy import Policy
from shared.model.policy_roads import DataSyncRoad
from shared.model.run import RunStatus
from shared.model.sync import Finding, Severity
from shared.ports import Delete
from tests.fakes.clock import NOON
from tests.unit.engine.kept import data_policy
from tests.unit.engine.rows_story import RowsStory, taken

_BLOCKS = Finding(severity=Severity.BLOCKS, about="public.audit", what="has no key")
_FENCED = Finding(
    severity=Severity.BLOCKS,
    about="target",
    what="writers are still kept off public.orders by the fence of a rollback",
)
_LOSES = Finding(severity=Severity.LOSES, about="orders.note", what="is not on the source")
_FORESEEN = Foreseen(
    at=NOON,
    digest="0" * 16,
    says="shop: 10 rows inserted",
    lost=0,
    why_not=None,
    takes=timedelta(seconds=20),
    cost=timedelta(seconds=1),
)


def why_not(story: RowsStory) -> str | None:
    road = story.policy.all_roads["back"]
    assert isinstance(road, DataSyncRoad)
    seen = RowsReadiness(story.ledger, story.rows, story.clock)(story.policy, road)
    assert (seen.established, seen.busy) == (False, False)
    return seen.why_not


def kept(checkpoint: DatabaseCheckpoint, policy: Policy | None = None) -> RowsStory:
    story = RowsStory(policy or data_policy())
    story.keep(checkpoint)
    return story


def foreseeing(policy: Policy | None = None, **changes: object) -> RowsStory:
    return kept(taken(foreseen=replace(_FORESEEN, **changes)), policy)  # type: ignore[arg-type]  # any field


def test_without_a_change_it_is_looked_whether_a_checkpoint_could_be_taken() -> None:
    story = RowsStory()
    story.ledger.commit("orders", [Delete(CHECKPOINTS)])
    assert why_not(story) is None
    story.rows.findings = (_BLOCKS, _LOSES)
    assert why_not(story) == "public.audit: has no key"


def test_one_that_has_ended_is_as_if_there_were_none() -> None:
    story = kept(taken(status=CheckpointStatus.ENDED))
    assert why_not(story) is None
    story.rows.findings = (_BLOCKS,)
    assert why_not(story) == "public.audit: has no key"


@pytest.mark.parametrize("status", [CheckpointStatus.WANTED, CheckpointStatus.REFUSED, CheckpointStatus.LOST])
def test_a_checkpoint_that_is_not_taken_says_why(status: CheckpointStatus) -> None:
    assert why_not(kept(taken(status=status))) == f"checkpoint {status}"


def test_before_anybody_looked_ahead_nobody_knows() -> None:
    assert why_not(kept(taken())) == "checkpoint taken; nobody has looked yet what going back would do"


def test_what_was_foreseen_just_now_is_good() -> None:
    story = foreseeing()
    assert why_not(story) is None
    assert story.rows.previews == 0


def test_a_look_ahead_that_is_too_old_says_nothing_any_more() -> None:
    story = foreseeing()
    story.clock.forward(4 * 60)
    assert why_not(story) is None
    story.clock.forward(1)
    assert why_not(story) == "what going back would do was last looked at 241 s ago"


def test_one_that_costs_much_is_taken_less_often_and_is_good_for_longer() -> None:
    story = foreseeing(cost=timedelta(seconds=30))
    story.clock.forward(12 * 60)
    assert why_not(story) is None


def test_what_stands_against_it_is_said() -> None:
    assert why_not(foreseeing(why_not="public.audit: has no key")) == "public.audit: has no key"


@pytest.mark.parametrize(("above", "says"), [("ask", None), ("refuse", "the policy lets 5 rows stay behind: ")])
def test_loss_counts_where_nobody_can_agree_to_it(above: str, says: str | None) -> None:
    policy = data_policy(database=f", loss: {{rows: 5, above: {above}}}")
    assert why_not(foreseeing(policy, lost=5)) is None
    found = why_not(foreseeing(policy, lost=6))
    assert found == (f"{says}shop: 10 rows inserted" if says else None)


def test_what_would_not_be_done_in_time_is_said() -> None:
    """The road is given up after 240 s; the last 35 of them are for letting writers in."""
    assert why_not(foreseeing(takes=timedelta(seconds=205))) is None
    assert why_not(foreseeing(takes=timedelta(seconds=206))) == "it would take 206 s, and is given up after 205 s"


@pytest.mark.parametrize("takes_s", [205, 206])
def test_what_readiness_calls_in_time_is_done_in_time(takes_s: int) -> None:
    """One slice a second: as many as it says that it takes, less the moment between two of them."""
    story = foreseeing(takes=timedelta(seconds=takes_s))
    story.rows.slice_takes = timedelta(seconds=1)
    story.rows.slices = int(takes_s / 1.2)
    assert (story.tell().status is RunStatus.VERIFIED) or why_not(story) is not None


@pytest.mark.parametrize("status", [ChangeStatus.ROLLED_BACK, ChangeStatus.FAILED, ChangeStatus.COMPLETED])
def test_once_the_change_is_over_it_is_looked_whether_the_next_one_could_have_a_checkpoint(
    status: ChangeStatus,
) -> None:
    """Also what the fence of a way back that is proved stands against: preflight names it."""
    story = foreseeing()
    story.moved(status)
    assert why_not(story) is None
    story.rows.findings = (_FENCED,)
    assert why_not(story) == "target: writers are still kept off public.orders by the fence of a rollback"


@pytest.mark.parametrize("error", [TransientError("no answer"), PermanentError("no password")])
def test_a_database_that_does_not_answer_is_told_as_that(error: TransientError | PermanentError) -> None:
    story = RowsStory()
    story.ledger.commit("orders", [Delete(CHECKPOINTS)])
    story.rows.silent = error
    with pytest.raises(type(error)):
        why_not(story)
