"""The road is made ready while the clock of a critical trigger runs, and for nothing else."""

from shared.engine.warm import WarmUp
from tests.fakes.clock import FakeClock
from tests.fakes.policies import policy
from tests.fakes.slots import FakeSlotPair
from tests.unit.engine.conftest import Engine

_BAD = 0.31


def test_a_pending_critical_trigger_warms_its_road_once(guarded: Engine) -> None:
    guarded.cycles(0.0, 2)
    assert guarded.doorbell.warmed == []
    guarded.cycles(_BAD, 3)
    assert guarded.doorbell.warmed == [("orders", 1)]


def test_what_only_asks_warms_nothing(guarded: Engine) -> None:
    guarded.policies["orders"] = policy(("  critical:", "  warning:"))
    guarded.cycles(_BAD, 2)
    assert "pending" in guarded.kinds()
    assert guarded.doorbell.warmed == []


def test_a_queue_that_does_not_answer_does_not_disturb_the_watch(guarded: Engine) -> None:
    guarded.doorbell.broken = True
    assert guarded.cycles(_BAD, 3)[-1].startswith("orders: roll back to level 1")


def test_warming_reads_and_changes_nothing() -> None:
    slots = FakeSlotPair(FakeClock())
    said = WarmUp(slots, {}, lambda _: policy()).run("orders")
    assert said == "level 1 of orders is warm: slot_swap would put b1 of slot last-good in place of b2"
    assert slots.posts == []
