"""How often it is looked ahead what going back would do."""

from datetime import timedelta

import pytest

from shared.engine.records import CHECKPOINTS
from shared.errors import TransientError
from shared.model.change import ChangeStatus
from shared.model.checkpoint import CheckpointStatus, Foreseen
from shared.model.data_preview import Loss
from tests.fakes.interrupted import Interrupted, Recorded
from tests.unit.engine.kept import Kept

_LOSS = Loss(about="orders.note", what="is not on the source", rows=3)


def test_it_is_looked_ahead_every_minute_when_that_is_quick(changed: Kept) -> None:
    changed.keeper.keep("orders")
    for _ in range(3):
        changed.minute()
    assert changed.rows.previews == 4  # one at the checkpoint, one a minute
    foreseen = changed.one.foreseen
    assert foreseen is not None
    assert (foreseen.at, foreseen.lost) == (changed.clock(), 0)


def test_it_is_not_looked_ahead_for_more_than_a_twentieth_of_the_time(changed: Kept) -> None:
    changed.rows.preview_takes = timedelta(seconds=9)
    changed.keeper.keep("orders")
    begun = changed.clock()
    for _ in range(60):
        changed.minute()
    spent = changed.rows.previews * changed.rows.preview_takes
    assert changed.rows.previews > 10
    assert spent <= (changed.clock() - begun) / 20 + changed.rows.preview_takes


def foreseen(kept: Kept) -> Foreseen:
    found = kept.one.foreseen
    assert found is not None
    return found


@pytest.mark.parametrize("times", [1, 2])
def test_a_look_ahead_is_kept_although_somebody_looked_at_the_checkpoint_meanwhile(changed: Kept, times: int) -> None:
    """A look at how it stands takes a moment, one ahead takes seconds: it must not lose every time."""
    changed.keeper.keep("orders")
    before = foreseen(changed)
    changed.rows.losses = (_LOSS,)

    def looks() -> None:
        changed.clock.forward(1)
        changed.rows.preview_silent = TransientError("not twice at once")
        changed.keeper.keep("orders")
        changed.rows.preview_silent = None

    changed.clock.forward(60)
    changed.keeper_on(Interrupted(changed.ledger, looks, times)).keep("orders")
    assert changed.one.looked_at == changed.clock()
    assert (foreseen(changed).lost == _LOSS.rows) == (times == 1)
    assert (foreseen(changed) == before) == (times == 2)
    assert changed.minute().foreseen != before


def test_what_somebody_foresaw_later_stands(changed: Kept) -> None:
    changed.keeper.keep("orders")

    def looks_ahead() -> None:
        changed.clock.forward(1)
        changed.rows.losses = (_LOSS,)
        changed.keeper.keep("orders")

    changed.clock.forward(60)
    changed.keeper_on(Interrupted(changed.ledger, looks_ahead)).keep("orders")
    assert (foreseen(changed).lost, foreseen(changed).at) == (_LOSS.rows, changed.clock())


def test_what_was_ended_meanwhile_is_not_looked_ahead_for(changed: Kept) -> None:
    changed.keeper.keep("orders")

    def completes() -> None:
        changed.moved(ChangeStatus.COMPLETED)
        changed.keeper.keep("orders")

    changed.clock.forward(60)
    recorded = Recorded(changed.ledger)
    changed.keeper_on(Interrupted(recorded, completes)).keep("orders")
    assert changed.one.status is CheckpointStatus.ENDED
    assert [CHECKPOINTS in keys for keys in recorded.commits] == [True]
