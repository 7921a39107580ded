"""What people hear of checkpoints, and when: what waits too long, what warns, what is lost, what is only observed."""

from datetime import timedelta

import pytest

from shared.engine.previews import LookAhead
from shared.errors import PermanentError
from shared.functions.answers import CheckpointsView
from shared.model.change import ChangeStatus, Do
from shared.model.checkpoint import CheckpointStatus, held_as
from tests.fakes.at_once import AtOnce
from tests.unit.engine.kept import Kept, data_policy, shaped_policy
from tests.unit.engine.rows_story import RowsStory

_NO_PASSWORD = PermanentError('source: password authentication failed for user "keeper"')


def test_one_that_is_waited_for_is_told_once_after_three_minutes(changed: Kept) -> None:
    changed.rows.silent = _NO_PASSWORD
    changed.keeper.keep("orders")
    changed.minutes(2)
    assert (changed.one.status, changed.people_were_told) == (CheckpointStatus.WANTED, [])
    changed.minutes(5)
    assert changed.people_were_told == ["checkpoint_refused"]
    assert changed.one.sentence == f"no checkpoint of shop yet: {_NO_PASSWORD}"
    changed.rows.silent = None
    assert changed.minute().status is CheckpointStatus.TAKEN


def test_it_waits_since_it_was_first_wanted_whatever_is_said_meanwhile(changed: Kept) -> None:
    for minute in range(4):
        changed.rows.silent = PermanentError(f"reason {minute}")
        changed.minute()
    assert changed.people_were_told == ["checkpoint_refused"]


def test_a_warning_is_shown_for_as_long_as_it_holds(changed: Kept) -> None:
    changed.keeper.keep("orders")
    changed.rows.warning = "the slot may be dropped soon (it holds back 900 MB of the target's log)"
    changed.minute()
    assert changed.rows.warning in CheckpointsView.of(changed.keeper.of("orders")).says
    assert (changed.one.status, changed.people_were_told) == (CheckpointStatus.TAKEN, [])
    changed.rows.warning = None
    assert changed.minute().warning == ""


def test_whoever_asks_for_one_that_is_lost_is_told_what_to_do(changed: Kept) -> None:
    changed.keeper.keep("orders")
    changed.rows.lost = "the trigger of public.orders is disabled"
    changed.minute()
    asked = CheckpointsView.of(changed.keeper.keep("orders"), asked=True)
    assert asked.says == (
        "nobody knows what was written to shop since its checkpoint: the trigger of public.orders is disabled; "
        "shop: rows can go back all the same, but all of them are compared, which takes longer; put right what is "
        "named, and it counts again; where that cannot be, complete this change and start another"
    )
    assert "complete this change" not in CheckpointsView.of(changed.keeper.of("orders")).says


def test_whoever_only_observes_changes_no_database_and_holds_no_change() -> None:
    kept = Kept(data_policy(more="guards: {observe_only: true}\n"))
    kept.change()
    kept.minutes(2)
    assert (kept.rows.calls, kept.found.checkpoints.by_database) == ([], {})
    assert kept.does is Do.RUN


def test_else_a_change_is_held_until_there_is_one(changed: Kept) -> None:
    held = changed.does
    changed.minute()
    assert (held, changed.does) == (Do.PAUSE, Do.RUN)


@pytest.mark.parametrize("over", [ChangeStatus.ROLLED_BACK, ChangeStatus.FAILED])
def test_once_the_change_is_over_it_is_looked_ahead_hourly(changed: Kept, over: ChangeStatus) -> None:
    changed.keeper.keep("orders")
    changed.moved(over)
    before = changed.rows.previews
    changed.minutes(6 * 60)
    assert 5 <= changed.rows.previews - before <= 6
    assert changed.one.looked_at == changed.clock()  # that is looked at every minute all the same


def test_two_databases_of_one_pair_have_names_of_their_own() -> None:
    """Of `b` nothing was copied: it is not proved by what was done for `a`."""
    kept = Kept(shaped_policy("  shop: {source: a, target: b}\n  stock: {source: c, target: b}"))
    change = kept.change()
    kept.keeper.keep("orders")
    held = kept.rows.of(kept.database)
    assert list(held.checkpoints) == [held_as(change.id, "shop"), held_as(change.id, "stock")]
    for _ in range(3):
        kept.rows.work(kept.database, held_as(change.id, "shop"), held_as("r1", "shop"), lambda: None)
    assert kept.rows.look(kept.database, held_as("r1", "shop")).proved
    assert not kept.rows.look(kept.policy.databases["stock"], held_as("r1", "stock")).begun


def test_what_people_agree_to_is_named_where_it_is_looked_ahead() -> None:
    story = RowsStory()
    story.foresees()
    found = LookAhead(story.ledger, story.rows, story.policies, AtOnce()).of("orders", 2)
    (shop,) = found.databases
    assert shop.preview is not None
    assert (shop.behind, shop.preview.takes) == ((), timedelta(seconds=20))
