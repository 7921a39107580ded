"""How checkpoints end: by hand, with their change, with a later one, and where the policy names their database no more.

Whatever was begun is ended by somebody, or said for as long as nobody can: nothing may be captured for ever unseen.
"""

import pytest

from shared.errors import TransientError
from shared.functions.answers import CheckpointsView
from shared.model.change import ChangeStatus, Do
from shared.model.checkpoint import CheckpointStatus, held_as
from shared.model.sync import Finding, Severity
from tests.fakes.policies import policy
from tests.unit.engine.kept import Kept, shaped_policy

_SHOP = '{source: "host=a dbname=shop", target: "host=b dbname=shop"}'
_OTHER = '{source: "host=a dbname=stock", target: "host=b dbname=stock"}'
_SAID = "shop is not in the policy any more, and still captured: put it back until it has ended (docs/databases.md)"
_OVER = [ChangeStatus.ROLLED_BACK, ChangeStatus.FAILED]


@pytest.fixture
def taken() -> Kept:
    """With the checkpoint of a change."""
    kept = Kept(shaped_policy(f"  shop: {_SHOP}"))
    kept.change()
    kept.keeper.keep("orders")
    kept.rows.calls.clear()
    return kept


def names(kept: Kept) -> list[str]:
    return list(kept.found.checkpoints.by_database)


def left(kept: Kept) -> str:
    """What is said of checkpoints to whoever looks."""
    return CheckpointsView.of(kept.keeper.of("orders")).says


@pytest.mark.parametrize("status", _OVER)
def test_one_that_people_ended_has_ended_and_pages_nobody(taken: Kept, status: ChangeStatus) -> None:
    taken.moved(status)
    taken.rows.end(taken.database, taken.one.key)
    assert taken.minute().status is CheckpointStatus.ENDED
    taken.minutes(3)
    assert (taken.one.status, taken.captured) == (CheckpointStatus.ENDED, ())
    assert (taken.told, taken.people_were_told) == (["checkpoint_taken"], [])


@pytest.mark.parametrize("status", _OVER)
def test_what_an_earlier_change_began_is_ended_with_the_later_one(taken: Kept, status: ChangeStatus) -> None:
    """Capture of a side ends with the last of its checkpoints: the earlier one must not be forgotten."""
    first = taken.one
    taken.moved(status)
    taken.clock.forward(600)
    taken.change("b3")
    second = taken.minute()
    assert (second.earlier, taken.captured) == ((first.key,), (first.key, second.key))
    taken.moved(ChangeStatus.COMPLETED)
    assert taken.minute().earlier == ()
    assert taken.captured == ()


def test_what_cannot_be_ended_now_is_ended_later_whole(taken: Kept) -> None:
    taken.change("b3")
    taken.minute()
    taken.moved(ChangeStatus.COMPLETED)
    taken.rows.silent = TransientError("no answer")
    assert len(taken.minute().earlier) == 1
    taken.rows.silent = None
    taken.minute()
    assert taken.captured == ()


def test_one_whose_database_left_the_policy_is_kept_and_said(taken: Kept) -> None:
    shop, captured = taken.database, taken.captured
    taken.policy = shaped_policy(f"  stock: {_OTHER}")
    taken.minutes(2)
    taken.moved(ChangeStatus.COMPLETED)
    taken.minutes(2)
    assert taken.one.sentence == _SAID
    assert _SAID in left(taken)
    assert taken.rows.of(shop).captured == captured
    assert taken.found.checkpoints.by_database["stock"].status is CheckpointStatus.ENDED


def test_where_the_policy_has_no_databases_left_it_is_said_to_whoever_looks_or_asks(taken: Kept) -> None:
    taken.policy = policy()
    assert left(taken) == _SAID
    assert [one.sentence for one in taken.keeper.keep("orders").by_database.values()] == [_SAID]
    assert taken.one.sentence == _SAID
    assert taken.keeper.run() == []


def test_one_that_is_back_in_the_policy_is_looked_after_again(taken: Kept) -> None:
    before = taken.policy
    taken.policy = shaped_policy(f"  stock: {_OTHER}")
    taken.minute()
    taken.policy = before
    assert taken.minute().looked_at == taken.clock()
    taken.moved(ChangeStatus.COMPLETED)
    taken.minute()
    assert taken.captured == ()


def test_one_that_the_policy_calls_otherwise_is_ended_with_the_change(taken: Kept) -> None:
    shop = taken.database
    taken.policy = shaped_policy(f"  store: {_SHOP}")
    taken.minute()
    change = taken.current.id
    assert names(taken) == ["store", "shop"]
    assert taken.rows.of(shop).captured == (held_as(change, "shop"), held_as(change, "store"))
    taken.moved(ChangeStatus.COMPLETED)
    taken.clock.forward(60)
    taken.keeper.run()
    assert (names(taken), taken.rows.of(shop).captured) == (["store"], ())


def test_one_that_has_ended_is_forgotten_with_its_name(taken: Kept) -> None:
    taken.moved(ChangeStatus.COMPLETED)
    taken.minute()
    taken.policy = shaped_policy(f"  stock: {_OTHER}")
    taken.clock.forward(60)
    taken.keeper.run()
    assert names(taken) == []


def test_one_that_was_refused_captured_nothing_and_is_forgotten() -> None:
    kept = Kept(shaped_policy(f"  shop: {_SHOP}"))
    kept.rows.findings = (Finding(severity=Severity.BLOCKS, about="public.audit", what="has no key"),)
    kept.change()
    assert kept.minute().status is CheckpointStatus.REFUSED
    kept.policy = policy()
    assert kept.keeper.keep("orders").by_database == {}


def test_a_database_of_which_nobody_knows_holds_no_change_up_once_it_left_the_policy(taken: Kept) -> None:
    taken.rows.lost = "the log is gone"
    assert taken.minute().status is CheckpointStatus.LOST
    taken.policy = shaped_policy(f"  stock: {_OTHER}")
    taken.rows.lost = None
    taken.clock.forward(60)
    taken.keeper.run()
    assert taken.does is Do.RUN


def test_what_is_kept_past_its_time_is_dropped_though_nobody_watches_any_more(taken: Kept) -> None:
    """Once a day, as long as there may be something; a server that is gone by then disturbs nobody."""
    taken.moved(ChangeStatus.COMPLETED)
    assert taken.minute().status is CheckpointStatus.ENDED
    taken.rows.calls.clear()
    days = []
    for day in range(20):
        taken.clock.forward(86_400)
        taken.rows.silent = TransientError("it is gone") if day == 3 else None
        taken.minutes(3)
        days += [day] * len(taken.rows.calls)
        taken.rows.calls.clear()
    assert days == [day for day in range(15) if day != 3]
    assert (taken.one.status, taken.people_were_told) == (CheckpointStatus.ENDED, [])
