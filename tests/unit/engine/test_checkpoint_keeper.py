"""Checkpoints are taken when a change begins, watched while one may go back to them, and ended with it."""

from dataclasses import replace

import pytest

from shared.engine.records import ACTIVE, Active, encode
from shared.errors import NotFound, PermanentError, TransientError
from shared.model.change import ChangeStatus
from shared.model.checkpoint import CheckpointStatus, held_as
from shared.model.command import Complete, Start
from shared.model.event import EventKind
from shared.model.run import RunKind
from shared.model.sync import Finding, Severity
from shared.ports import Put
from tests.fakes.doorbell import Ring
from tests.fakes.interrupted import BrokenFor, Interrupted, Recorded
from tests.unit.engine.kept import Kept, data_policy

_KEYLESS = Finding(severity=Severity.BLOCKS, about="public.audit", what="has no key")
_LOST_COLUMN = Finding(severity=Severity.LOSES, about="orders.note", what="is not on the source")


def test_a_workload_without_databases_costs_nothing(kept: Kept) -> None:
    ledger = BrokenFor(kept.ledger, "other")
    assert kept.keeper_on(ledger).run() == ["orders: no change, and no checkpoint"]


def test_nothing_is_captured_before_a_change_begins(kept: Kept) -> None:
    assert kept.keeper.keep("orders").by_database == {}
    assert kept.rows.calls == []


def test_a_change_that_starts_or_completes_rings_for_its_checkpoints(kept: Kept) -> None:
    kept.control.obey("orders", Start(build="b2"), "a pipeline")
    assert kept.doorbell.at("checkpoints") == [Ring("checkpoints", ("orders",))]
    kept.control.obey("orders", Complete(), "a pipeline")
    assert len(kept.doorbell.at("checkpoints")) == 2


def test_a_workload_without_databases_is_not_rung_for(kept: Kept) -> None:
    kept.control.obey("other", Start(build="b2"), "a pipeline")
    assert kept.doorbell.at("checkpoints") == []


def test_it_is_taken_by_the_ring(changed: Kept) -> None:
    changed.clock.forward(2)
    one = changed.keeper.keep("orders").by_database["shop"]
    assert (one.status, one.id, one.stands) == (CheckpointStatus.TAKEN, changed.current.id, True)
    assert one.taken_at == changed.clock()
    assert one.sentence == "checkpoint of shop taken 2 s after the change began"
    assert changed.one == one
    assert changed.told == ["checkpoint_taken"]
    assert changed.people_were_told == []


def test_the_timer_takes_it_where_nobody_rang_and_says_how_late_that_is(changed: Kept) -> None:
    changed.clock.forward(90)
    assert changed.keeper.run() == ["orders: checkpoint of shop taken 90 s after the change began"]
    assert changed.one.status is CheckpointStatus.TAKEN


def test_what_would_stay_behind_is_said_with_it(changed: Kept) -> None:
    changed.rows.findings = (_LOST_COLUMN,)
    changed.keeper.keep("orders")
    assert changed.one.sentence.endswith("; would stay behind: orders.note: is not on the source")
    assert changed.one.findings == (_LOST_COLUMN,)


def test_one_that_is_taken_is_not_taken_again(changed: Kept) -> None:
    changed.keeper.keep("orders")
    taken = changed.one
    again = changed.minute()
    assert changed.rows.calls == [("begin", taken.key)]
    assert (again.since, again.taken_at, again.status) == (taken.since, taken.taken_at, taken.status)
    assert changed.told == ["checkpoint_taken"]


def test_what_is_refused_is_told_once_and_again_when_the_reason_changes(changed: Kept) -> None:
    changed.rows.findings = (_KEYLESS,)
    changed.keeper.keep("orders")
    assert (changed.one.status, changed.one.stands) == (CheckpointStatus.REFUSED, False)
    assert changed.one.sentence == "no checkpoint of shop: public.audit: has no key"
    assert changed.one.findings == (_KEYLESS,)
    changed.minute()
    assert changed.people_were_told == ["checkpoint_refused"]
    changed.rows.findings = (_KEYLESS, replace(_KEYLESS, about="public.log"))
    changed.minute()
    changed.minute()
    assert changed.people_were_told == ["checkpoint_refused"] * 2
    changed.rows.findings = ()
    assert changed.minute().status is CheckpointStatus.TAKEN
    assert changed.told == ["checkpoint_refused", "checkpoint_refused", "checkpoint_taken"]


def test_many_reasons_are_named_up_to_five(changed: Kept) -> None:
    changed.rows.findings = tuple(replace(_KEYLESS, about=f"public.t{number}") for number in range(7))
    changed.keeper.keep("orders")
    assert changed.one.sentence.endswith("public.t4: has no key; and 2 more")
    assert len(changed.one.findings) == 7


def test_what_is_lost_is_told_once_and_so_is_that_it_is_back(changed: Kept) -> None:
    changed.keeper.keep("orders")
    changed.rows.lost = "the trigger of public.orders is disabled"
    lost = changed.minute()
    assert (lost.status, lost.stands) == (CheckpointStatus.LOST, True)
    assert lost.sentence.endswith("since its checkpoint: the trigger of public.orders is disabled")
    assert changed.minute().since == lost.since
    assert changed.people_were_told == ["checkpoint_lost"]
    changed.rows.lost = None
    back = changed.minute()
    assert (back.status, back.looked_at) == (CheckpointStatus.TAKEN, changed.clock())
    assert changed.told == ["checkpoint_taken", "checkpoint_lost", "checkpoint_taken"]


def test_what_is_lost_is_told_although_nobody_can_look_ahead(changed: Kept) -> None:
    changed.keeper.keep("orders")
    changed.rows.lost = "the log is gone"
    changed.rows.preview_silent = TransientError("canceling statement due to statement timeout")
    assert changed.minute().status is CheckpointStatus.LOST
    assert changed.people_were_told == ["checkpoint_lost"]


@pytest.mark.parametrize("error", [TransientError("no answer"), PermanentError("password authentication failed")])
def test_a_database_that_does_not_answer_loses_nothing(changed: Kept, error: TransientError | PermanentError) -> None:
    changed.keeper.keep("orders")
    taken = changed.one
    changed.rows.silent = error
    assert changed.minute() == taken
    changed.rows.silent = None
    assert changed.minute().status is CheckpointStatus.TAKEN
    assert changed.told == ["checkpoint_taken"]


def test_one_that_could_not_be_taken_for_lack_of_an_answer_is_still_wanted(changed: Kept) -> None:
    changed.rows.silent = TransientError("no answer")
    changed.keeper.keep("orders")
    assert (changed.one.status, changed.one.sentence) == (
        CheckpointStatus.WANTED,
        "no checkpoint of shop yet: no answer",
    )
    assert changed.told == []
    changed.rows.silent = None
    assert changed.minute().status is CheckpointStatus.TAKEN


def test_a_change_that_is_completed_ends_it(changed: Kept) -> None:
    changed.keeper.keep("orders")
    changed.moved(ChangeStatus.COMPLETED)
    ended = changed.minute()
    assert (ended.status, ended.stands, ended.foreseen) == (CheckpointStatus.ENDED, False, None)
    assert changed.captured == ()
    calls = list(changed.rows.calls)
    assert changed.minute() == ended
    assert changed.rows.calls == calls


def test_one_that_cannot_be_ended_now_is_ended_later(changed: Kept) -> None:
    changed.keeper.keep("orders")
    changed.moved(ChangeStatus.COMPLETED)
    changed.rows.silent = TransientError("no answer")
    assert changed.minute().status is CheckpointStatus.TAKEN
    changed.rows.silent = None
    assert changed.minute().status is CheckpointStatus.ENDED


@pytest.mark.parametrize("status", [ChangeStatus.PAUSED, ChangeStatus.SLOWED])
def test_a_change_that_is_held_up_is_still_watched(changed: Kept, status: ChangeStatus) -> None:
    changed.keeper.keep("orders")
    changed.moved(status)
    assert changed.minute().looked_at == changed.clock()


@pytest.mark.parametrize("status", [ChangeStatus.ROLLED_BACK, ChangeStatus.FAILED])
def test_after_traffic_alone_went_back_it_is_still_watched(changed: Kept, status: ChangeStatus) -> None:
    changed.keeper.keep("orders")
    changed.moved(status)
    seen = changed.minute()
    assert (seen.status, seen.looked_at) == (CheckpointStatus.TAKEN, changed.clock())


def test_none_is_taken_for_a_change_that_was_rolled_back_already(changed: Kept) -> None:
    changed.moved(ChangeStatus.ROLLED_BACK)
    assert changed.keeper.keep("orders").by_database == {}
    assert changed.rows.calls == []


def test_a_new_change_has_a_checkpoint_of_its_own(changed: Kept) -> None:
    changed.keeper.keep("orders")
    first = changed.one
    changed.clock.forward(600)
    second = changed.change("b3")
    assert second.id != first.id
    assert changed.minute().id == second.id
    assert changed.told == ["checkpoint_taken"] * 2


def test_what_an_earlier_change_captured_ends_with_a_later_one_that_nobody_rang_for(changed: Kept) -> None:
    changed.keeper.keep("orders")
    first = changed.one
    changed.change("b3")
    changed.moved(ChangeStatus.COMPLETED)
    ended = changed.minute()
    assert (ended.id, ended.status) == (first.id, CheckpointStatus.ENDED)
    assert changed.rows.calls[-1] == ("end", first.key)


def _running(kept: Kept, kind: RunKind) -> None:
    rank = 2 if kind is RunKind.ROLLBACK else 0
    active = Active(id="orders.20260301T120000000000", rank=rank, promoted="")
    kept.ledger.commit("orders", [Put(ACTIVE, encode(active))])


def test_what_goes_back_now_is_left_alone(changed: Kept) -> None:
    changed.keeper.keep("orders")
    before = changed.one
    _running(changed, RunKind.ROLLBACK)
    changed.moved(ChangeStatus.COMPLETED)
    assert changed.minute() == before


def test_a_drill_keeps_nobody_from_looking(changed: Kept) -> None:
    changed.keeper.keep("orders")
    _running(changed, RunKind.DRILL)
    assert changed.minute().looked_at == changed.clock()


def test_two_workers_at_once_take_one(changed: Kept) -> None:
    interrupted = Interrupted(changed.ledger, lambda: changed.keeper.keep("orders"))
    changed.keeper_on(interrupted).keep("orders")
    assert changed.rows.calls == [("begin", held_as(changed.current.id, "shop"))]
    assert changed.told == ["checkpoint_taken"]


def test_what_is_told_is_in_the_commit_of_what_became_of_it(changed: Kept) -> None:
    recorded = Recorded(changed.ledger)
    changed.rows.findings = (_KEYLESS,)
    changed.keeper_on(recorded).keep("orders")
    (keys,) = recorded.commits
    assert "now:1:checkpoints" in keys
    assert [key.partition(":")[0] for key in keys if not key.startswith("now:1:")] == ["event", "now"]


def test_nothing_new_is_not_written(changed: Kept) -> None:
    changed.rows.findings = (_KEYLESS,)
    changed.keeper.keep("orders")
    recorded = Recorded(changed.ledger)
    changed.keeper_on(recorded).keep("orders")
    assert recorded.commits == []


def test_who_asks_for_a_workload_that_is_not_there_is_told(kept: Kept) -> None:
    with pytest.raises(NotFound):
        kept.keeper.keep("nobody")
    with pytest.raises(NotFound):
        kept.keeper.of("nobody")


def test_looking_changes_nothing(changed: Kept) -> None:
    changed.keeper.keep("orders")
    calls = list(changed.rows.calls)
    assert changed.keeper.of("orders").by_database == {"shop": changed.one}
    assert changed.rows.calls == calls


def test_what_goes_wrong_with_one_workload_disturbs_no_other(changed: Kept) -> None:
    changed.others["broken"] = data_policy().model_copy(update={"workload": "broken"})
    said = changed.keeper_on(BrokenFor(changed.ledger, "broken")).run()
    assert "orders: checkpoint of shop taken 0 s after the change began" in said
    assert "broken: its checkpoints were not looked after: reading: no connection" in said


def test_every_word_of_a_checkpoint_is_of_a_kind_that_people_can_choose(changed: Kept) -> None:
    on = changed.policy.notify.on
    assert {EventKind.CHECKPOINT_REFUSED, EventKind.CHECKPOINT_LOST} <= set(on)
