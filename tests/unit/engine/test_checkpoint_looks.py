"""How often it is looked ahead what going back would do."""

from datetime import timedelta

from tests.unit.engine.kept import Kept


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
