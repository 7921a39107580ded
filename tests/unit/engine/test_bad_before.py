"""A fix of what has been bad for long is not taken back, however long that lasts, and people hear of it once."""

import pytest

from tests.unit.engine.conftest import Engine

_BAD = 0.31


@pytest.mark.parametrize("minutes", [1, 10, 60])
def test_what_was_bad_before_the_change_is_never_the_changes_doing(engine: Engine, minutes: int) -> None:
    engine.source.build_seen = "b1"
    engine.intake.known_good("orders", "b1", "pipeline")
    engine.cycles(_BAD, 60)
    engine.intake.change("orders", "deployment", "b2", "b1")
    engine.source.build_seen = "b2"
    began = engine.snapshot().watch.readings[0].since
    said = engine.cycles(_BAD, 6 * minutes)
    assert "not rolled back: it was already bad before the change" in said[-1]
    assert engine.snapshot().watch.readings[0].since == began
    assert engine.kinds().count("held_back") == 2  # production ran the known good; then the change began


def test_what_was_well_for_a_moment_after_the_change_is_taken_back(engine: Engine) -> None:
    engine.source.build_seen = "b1"
    engine.cycles(_BAD, 60)
    engine.intake.change("orders", "deployment", "b2", "b1")
    engine.source.build_seen = "b2"
    engine.cycles(_BAD, 30)
    engine.cycles(0.0, 1)
    assert "roll back to level 1" in " ".join(engine.cycles(_BAD, 4))
