"""The safety envelope on the real watch: budgets, the fleet, quarantine, the ledger of observe-only mode."""

from datetime import timedelta

import pytest

from shared.engine.fleet import FLEET, PAUSE
from shared.engine.records import QUARANTINE, STARTS, WOULD, decode, encode
from shared.errors import Refused
from shared.model.budget import Budget
from shared.model.change import ChangeStatus
from shared.model.quarantine import Quarantine, Quarantined
from shared.model.run import WouldHave
from shared.ports import Put
from tests.fakes.clock import NOON
from tests.fakes.interrupted import BrokenFor
from tests.fakes.policies import policy
from tests.unit.engine.conftest import Engine

_BAD = 0.31
_QUICK = ("notify:", "guards: {cool_down: 1s, budget: 2 per 24h}\nnotify:")


def end(engine: Engine, workload: str = "orders") -> None:
    """Cancel the rollback that runs, so that the next one may start."""
    active = engine.snapshot(workload).active
    assert active is not None
    engine.by_hand.cancel(active.id, "for the test", "ann")


def start_one(engine: Engine) -> None:
    engine.cycles(_BAD, 4)
    end(engine)
    engine.cycles(0.0, 3)


def test_a_start_puts_the_bad_build_in_quarantine_and_counts(guarded: Engine) -> None:
    guarded.cycles(_BAD, 4)
    found = guarded.snapshot()
    assert found.active is not None
    assert list(found.quarantine.builds) == ["b2"]
    assert found.quarantine.builds["b2"].rollback_id == found.active.id
    assert len(found.starts.at) == 1


def test_the_budget_of_a_workload_is_kept(guarded: Engine) -> None:
    guarded.policies["orders"] = policy(_QUICK)
    for _ in range(2):
        start_one(guarded)
    said = guarded.cycles(_BAD, 4)
    assert "not rolled back: the budget of 2 per 1d is used up; automatic again at 2026-03-02" in said[-1]
    guarded.clock.forward(24 * 3600)
    guarded.cycles(0.0, 2)
    assert "roll back to level 1" in " ".join(guarded.cycles(_BAD, 4))


def test_a_rollback_by_hand_costs_nothing_of_the_budget(guarded: Engine) -> None:
    guarded.by_hand.start("orders", 1, "customers complain", "ann")
    assert guarded.ledger.read("orders", STARTS) is None


def test_while_the_fleet_is_paused_nothing_starts_and_people_are_told_why(guarded: Engine) -> None:
    guarded.fleet_switch.pause("ann", "Azure is down")
    said = guarded.cycles(_BAD, 4)
    assert "not rolled back: the fleet is paused since 2026-03-01 12:00:00 UTC by ann: Azure is down" in said[-1]
    assert guarded.kinds().count("held_back") == 1
    assert guarded.snapshot().active is None
    assert guarded.fleet_switch.resume("bob").says == "the fleet is resumed by bob"
    assert "roll back to level 1" in guarded.cycles(_BAD, 1)[0]
    assert [event.sentence for event in guarded.fleet.view()["events"]] == [
        "the fleet is resumed by bob",
        "the fleet is paused by ann: Azure is down",
    ]


def test_a_fleet_record_that_cannot_be_read_lets_nothing_start(guarded: Engine) -> None:
    guarded.ledger.commit(FLEET, [Put(PAUSE, "no such record")])
    assert "not rolled back: the fleet's own record is of no use" in guarded.cycles(_BAD, 4)[-1]


def test_the_fleet_is_asked_only_when_a_rollback_is_due(guarded: Engine) -> None:
    watch = guarded.watch_on(BrokenFor(guarded.ledger, FLEET))
    guarded.source.value = 0.0
    assert watch.run()[0].startswith("orders: healthy")


def test_the_fleets_budget_is_shared_by_all_workloads(guarded: Engine) -> None:
    guarded.fleet_budget = Budget(2, timedelta(hours=1))
    for name in ("second", "third"):
        guarded.policies[name] = policy(("workload: orders", f"workload: {name}"))
        guarded.intake.change(name, "deployment", "b2", "b1")
    guarded.cycles(_BAD, 4)
    running = [name for name in guarded.policies if guarded.snapshot(name).active]
    assert len(running) == 2
    (held_back,) = set(guarded.policies) - set(running)
    limitation = guarded.snapshot(held_back).watch.limitation
    assert limitation == "the fleet's budget of 2 per 1h is used up; automatic again at 2026-03-01 13:00:20 UTC"
    assert len(guarded.fleet.view()["started"]) == 2


def test_going_forward_to_a_quarantined_build_needs_its_name(guarded: Engine) -> None:
    guarded.cycles(_BAD, 4)
    with pytest.raises(Refused, match=r"^build b2 is in quarantine since .* name it in `override`$"):
        guarded.intake.change("orders", "deployment", "b2", "b1")
    with pytest.raises(Refused):
        guarded.intake.change("orders", "deployment", "b2", "b1", override="b3")
    guarded.intake.change("orders", "deployment", "b2", "b1", override="b2")
    assert guarded.snapshot().quarantine.builds == {}
    assert guarded.kinds().count("quarantine_lifted") == 1


def test_a_quarantined_build_is_no_way_back(guarded: Engine) -> None:
    guarded.cycles(_BAD, 4)
    end(guarded)
    for record in (
        lambda: guarded.intake.known_good("orders", "b2", "pipeline"),
        lambda: guarded.intake.change("orders", "deployment", "b3", "b2"),
    ):
        with pytest.raises(Refused, match=r"build b2 .*in quarantine since"):
            record()
    guarded.intake.known_good("orders", "b2", "pipeline", override="b2")
    assert guarded.by_hand.start("orders", 1, "customers complain", "ann").known_good == "b2"


def test_a_target_that_came_into_quarantine_is_refused_to_everybody(guarded: Engine) -> None:
    why = Quarantined(since=NOON, rollback_id="orders.1")
    guarded.ledger.commit("orders", [Put(QUARANTINE, encode(Quarantine({"b1": why})))])
    with pytest.raises(Refused, match="the target is bad too: build b1 is in quarantine"):
        guarded.by_hand.start("orders", 1, "customers complain", "ann")
    assert "the target is bad too: build b1" in guarded.cycles(_BAD, 4)[-1]


def test_a_change_whose_build_proves_good_is_completed_and_never_quarantined(guarded: Engine) -> None:
    guarded.intake.known_good("orders", "b2", "pipeline")
    change = guarded.snapshot().change
    assert change is not None
    assert change.status is ChangeStatus.COMPLETED
    guarded.by_hand.start("orders", 1, "customers complain", "ann")
    assert guarded.snapshot().quarantine.builds == {}


def test_observe_only_notes_what_would_have_been_done_once_each_time(guarded: Engine) -> None:
    guarded.policies["orders"] = policy(("notify:", "guards: {observe_only: true}\nnotify:"))
    guarded.cycles(_BAD, 6)
    guarded.cycles(0.0, 6)
    guarded.cycles(_BAD, 6)
    notes = [decode(WouldHave, row.body) for row in guarded.ledger.scan("orders", WOULD)]
    assert [(note.level, note.known_good, note.bad_build) for note in notes] == [(1, "b1", "b2")] * 2
    assert notes[0].roads == {"site": {"slot_swap": timedelta(seconds=60)}}
    assert "the policy says observe_only; error_rate 0.31 > 0.05" in notes[0].cause
    found = guarded.snapshot()
    assert (found.active, found.quarantine.builds, found.starts.at) == (None, {}, ())
    assert len(guarded.views.workload("orders")["would_have"]) == 2


def test_what_was_bad_before_the_change_is_not_taken_back(engine: Engine) -> None:
    engine.intake.known_good("orders", "b1", "pipeline")
    engine.policies["orders"] = policy(("notify:", "guards: {observe_only: true}\nnotify:"))
    engine.cycles(_BAD, 6)
    engine.policies["orders"] = policy()
    engine.intake.change("orders", "deployment", "b3", None)
    said = engine.cycles(_BAD, 2)[-1]
    assert (
        "not rolled back: it was already bad before the change: errors has held since 2026-03-01 12:00:00 UTC" in said
    )


def test_the_quarantine_forgets_the_oldest_of_many() -> None:
    found = Quarantine()
    for number in range(25):
        found = found.with_build(f"b{number}", Quarantined(since=NOON + timedelta(minutes=number), rollback_id="r"))
    assert list(found.builds) == [f"b{number}" for number in range(5, 25)]
