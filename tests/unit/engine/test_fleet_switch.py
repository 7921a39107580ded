"""The pause of the fleet: everybody who is guarded hears of it, nobody finds it out at night."""

from datetime import timedelta

from shared.engine.fleet import FLEET, PAUSE
from shared.model.event import EventKind
from shared.ports import Put
from tests.fakes.interrupted import BrokenFor
from tests.fakes.policies import policy
from tests.unit.engine.conftest import Engine
from tests.unit.engine.test_views import checks

_SAID = "the fleet is paused by ann: Azure is down"


def test_every_workload_has_it_in_its_history_and_its_people_are_told(engine: Engine) -> None:
    engine.policies["returns"] = policy(("workload: orders", "workload: returns"))
    assert engine.fleet_switch.pause("ann", "Azure is down").untold == ()
    for name in ("orders", "returns"):
        (event,) = engine.events(name)
        assert (event.workload, event.kind, event.sentence) == (name, EventKind.FLEET_PAUSED, _SAID)
    engine.clock.forward(1)
    engine.fleet_switch.resume("bob")
    assert engine.events("returns")[-1].kind is EventKind.FLEET_RESUMED


def test_a_channel_that_workloads_share_is_told_once(engine: Engine) -> None:
    engine.policies["returns"] = policy(("workload: orders", "workload: returns"))
    engine.fleet_switch.pause("ann", "Azure is down")
    assert [ring.ids[0] for ring in engine.doorbell.at("notifications")] == ["orders"]


def test_a_workload_that_cannot_be_told_is_named_and_the_fleet_is_paused_all_the_same(engine: Engine) -> None:
    memory = engine.ledger
    engine.ledger = BrokenFor(memory, "orders")
    (untold,) = engine.fleet_switch.pause("ann", "Azure is down").untold
    assert untold.startswith("orders: ")
    assert memory.read(FLEET, PAUSE) is not None


def test_resuming_what_is_not_paused_says_so_and_tells_nobody(engine: Engine) -> None:
    assert engine.fleet_switch.resume("bob").says == "the fleet was not paused"
    assert engine.events() == []


def test_who_looks_at_the_app_sees_the_pause(guarded: Engine) -> None:
    guarded.cycles(0.0, 2)
    assert guarded.views.workloads()["paused"] is None
    guarded.fleet_switch.pause("ann", "Azure is down")
    said = "the fleet is paused since 2026-03-01 12:00:20 UTC by ann: Azure is down"
    assert str(guarded.views.workloads()["paused"]) == said
    fit, shown = guarded.views.health((), timedelta(0))
    assert not fit
    assert checks((fit, shown))["fleet"] == (False, f"no automatic rollback starts: {said}")
    guarded.ledger.commit(FLEET, [Put(PAUSE, "no such record")])
    unread = checks(guarded.views.health((), timedelta(0)))["fleet"]
    assert not unread[0]
    assert unread[1].startswith("nobody knows whether it is paused: ")
