"""How a checkpoint goes from one state to the next, whatever is seen of it."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.decision.checkpoints import begun, ended, looked_at, postponed, wanted
from shared.engine.records import decode, encode
from shared.model.change import Change, ChangeStatus
from shared.model.checkpoint import Begun, Checkpoints, CheckpointStatus, DatabaseCheckpoint, Foreseen, Watched
from shared.model.sync import Finding, Severity
from tests.fakes.clock import NOON

_BLOCKS = Finding(severity=Severity.BLOCKS, about="public.audit", what="has no key")
_LATER = NOON + timedelta(minutes=1)


def change(status: ChangeStatus = ChangeStatus.ACTIVE, change_id: str = "c1") -> Change:
    return Change(id=change_id, kind="deployment", build="b2", started_at=NOON, status=status)


def one(status: CheckpointStatus = CheckpointStatus.TAKEN, checkpoint_id: str = "c1") -> DatabaseCheckpoint:
    return DatabaseCheckpoint(database="shop", id=checkpoint_id, status=status, since=NOON, sentence="as it is")


_IN_PROGRESS = (ChangeStatus.ACTIVE, ChangeStatus.SLOWED, ChangeStatus.PAUSED)
_OF = [None, *(one(status, name) for status in CheckpointStatus for name in ("c1", "c0"))]


@pytest.mark.parametrize("before", _OF, ids=str)
def test_a_change_in_progress_wants_its_own(before: DatabaseCheckpoint | None) -> None:
    assert {wanted(change(status), before) for status in _IN_PROGRESS} == {"c1"}


@pytest.mark.parametrize("before", _OF, ids=str)
def test_without_a_change_nothing_is_wanted(before: DatabaseCheckpoint | None) -> None:
    assert wanted(None, before) is None


@pytest.mark.parametrize("status", CheckpointStatus)
@pytest.mark.parametrize("name", ["c1", "c0"])
def test_a_change_that_is_completed_wants_an_end_of_what_is_left(status: CheckpointStatus, name: str) -> None:
    left = None if status is CheckpointStatus.ENDED else name
    assert wanted(change(ChangeStatus.COMPLETED), one(status, name)) == left


@pytest.mark.parametrize("status", CheckpointStatus)
@pytest.mark.parametrize("over", [ChangeStatus.ROLLED_BACK, ChangeStatus.FAILED])
def test_after_a_bad_end_one_that_stands_is_kept(status: CheckpointStatus, over: ChangeStatus) -> None:
    found = one(status)
    assert wanted(change(over), found) == ("c1" if found.stands else None)
    assert wanted(change(over), one(status, "c0")) is None
    assert wanted(change(over), None) is None


def test_taken_says_how_late() -> None:
    taken = begun(None, "shop", "c1", Begun(taken_at=_LATER), NOON, _LATER)
    assert (taken.status, taken.taken_at, taken.since) == (CheckpointStatus.TAKEN, _LATER, _LATER)
    assert taken.sentence == "checkpoint of shop taken 60 s after the change began"


def test_refused_for_the_same_reason_is_refused_since_then() -> None:
    refused = begun(None, "shop", "c1", Begun(taken_at=None, findings=(_BLOCKS,)), NOON, NOON)
    again = begun(refused, "shop", "c1", Begun(taken_at=None, findings=(_BLOCKS,)), NOON, _LATER)
    assert again == refused
    other = replace(_BLOCKS, about="public.log")
    changed = begun(refused, "shop", "c1", Begun(taken_at=None, findings=(other,)), NOON, _LATER)
    assert (changed.since, changed.findings) == (_LATER, (other,))


def test_refused_for_another_change_is_refused_anew() -> None:
    refused = begun(None, "shop", "c1", Begun(taken_at=None, findings=(_BLOCKS,)), NOON, NOON)
    other = begun(refused, "shop", "c2", Begun(taken_at=None, findings=(_BLOCKS,)), NOON, _LATER)
    assert (other.id, other.since) == ("c2", _LATER)


@pytest.mark.parametrize("status", [CheckpointStatus.TAKEN, CheckpointStatus.LOST])
def test_no_answer_takes_nothing_away_from_one_that_stands(status: CheckpointStatus) -> None:
    assert postponed(one(status), "shop", "c1", "no answer", _LATER) == one(status)


def test_no_answer_is_said_of_one_that_is_wanted_still() -> None:
    first = postponed(None, "shop", "c1", "no answer", NOON)
    assert (first.status, first.stands) == (CheckpointStatus.WANTED, False)
    assert postponed(first, "shop", "c1", "no answer", _LATER) == first
    assert postponed(one(checkpoint_id="c0"), "shop", "c1", "no answer", _LATER).id == "c1"


@given(st.lists(st.sampled_from([None, "the log is gone", "a trigger is disabled"]), min_size=1))
def test_lost_is_what_it_is_for_as_long_as_it_is(seen: list[str | None]) -> None:
    found, lost_since, now = one(), None, NOON
    for lost in seen:
        now += timedelta(minutes=1)
        found = looked_at(found, Watched(lost=lost, keys=7), now)
        lost_since = None if lost is None else lost_since or now
        assert (found.status, found.looked_at, found.keys) == (_status(lost), now, 7)
        assert found.stands
        if lost is not None:
            assert found.since == lost_since
            assert lost in found.sentence


def _status(lost: str | None) -> CheckpointStatus:
    return CheckpointStatus.TAKEN if lost is None else CheckpointStatus.LOST


def test_ended_forgets_what_was_foreseen() -> None:
    over = ended(replace(one(), foreseen=_foreseen()), _LATER)
    assert (over.status, over.stands, over.foreseen, over.since) == (CheckpointStatus.ENDED, False, None, _LATER)


def _foreseen(at: datetime = NOON) -> Foreseen:
    span = timedelta(seconds=1)
    return Foreseen(at=at, digest="a" * 16, says="ü", lost=3, why_not=None, takes=span, cost=span)


def test_it_reads_back_as_it_was_written() -> None:
    kept = replace(one(), findings=(_BLOCKS,), keys=3, looked_at=_LATER, taken_at=NOON, foreseen=_foreseen())
    checkpoints = Checkpoints(by_database={"shop": kept, "stock": one(CheckpointStatus.REFUSED)})
    assert decode(Checkpoints, encode(checkpoints)) == checkpoints
