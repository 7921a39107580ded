"""From an alert of Azure Monitor to what is done: by the name of its rule, to the strategy of the policy."""

from datetime import timedelta

import pytest

from shared.engine.records import Active, load_run
from shared.model.alert import Alert, read_alert
from shared.model.change import ChangeStatus
from shared.model.run import Run
from tests.fakes.clock import NOON
from tests.unit.alerts.payloads import common, metric
from tests.unit.engine.conftest import Engine
from tests.unit.policies.play import example

WORKLOAD = "pantry-migration"


@pytest.fixture
def moving(engine: Engine) -> Engine:
    """The CRM, while its database moves."""
    engine.policies = {WORKLOAD: example(WORKLOAD)}
    engine.intake.change(WORKLOAD, "migration", "postgresql", "sqlite")
    engine.clock.forward(60)
    return engine


def alert(engine: Engine, rule: str, *, target: str = "") -> Alert:
    """An alert that fires now; without a target it concerns whoever watches its rule."""
    targets = [target or "/subscriptions/s/resourceGroups/g/providers/microsoft.insights/components/c"]
    at = engine.clock()
    told = common(metric(), alertRule=rule, alertTargetIDs=targets, alertId=f"/alerts/{rule}/{at:%H%M%S}")
    told["data"]["essentials"]["firedDateTime"] = at.isoformat()
    return read_alert(told, received_at=at)


def after(engine: Engine, *alerts: Alert) -> Run | None:
    """Return the rollback that is under way after alerts and a cycle of the watch."""
    for one in alerts:
        engine.intake.alert(one)
    engine.clock.forward(10)
    engine.watch.evaluate()
    active = engine.snapshot(WORKLOAD).active
    found = load_run(engine.ledger, WORKLOAD, active.id) if isinstance(active, Active) else None
    return found[0] if found else None


@pytest.mark.parametrize(
    ("rule", "strategy", "confidence", "roads"),
    [
        ("CriticalErrors", "full", 0.9, ["reads", "writes", "interactions"]),
        ("criticalerrors", "full", 0.9, ["reads", "writes", "interactions"]),
        ("LowConfidence", "partial", 0.7, ["reads"]),
    ],
)
def test_a_rule_takes_back_by_its_strategy(
    moving: Engine, rule: str, strategy: str, confidence: float, roads: list[str]
) -> None:
    run = after(moving, alert(moving, rule))
    assert run is not None
    assert (run.strategy, run.level, list(run.expected)) == (strategy, 1, roads)
    assert f"({strategy}, confidence {confidence})" in run.cause


def test_a_rule_may_only_pause_what_changes(moving: Engine) -> None:
    assert after(moving, alert(moving, "MemoryPressure")) is None
    change = moving.snapshot(WORKLOAD).change
    assert change is not None
    assert change.status is ChangeStatus.PAUSED
    assert change.sentence.startswith("pause the change (confidence 0.5): alert_memory 1 >= 1")


@pytest.mark.parametrize("on_its_site", [True, False])
def test_an_unknown_rule_is_written_down_and_never_executed(moving: Engine, on_its_site: bool) -> None:
    target = moving.policies[WORKLOAD].site.resource if on_its_site else ""
    unknown = alert(moving, "DropEverything", target=target)
    assert after(moving, unknown) is None
    change = moving.snapshot(WORKLOAD).change
    assert change is not None
    assert change.status is ChangeStatus.ACTIVE
    told = [event.sentence for event in moving.events(WORKLOAD) if event.about == "DropEverything"]
    assert [sentence.endswith("no signal names this rule, so that nothing follows") for sentence in told] == (
        [True] if on_its_site else []
    )
    kept_for = WORKLOAD if on_its_site else "unclaimed"
    assert moving.ledger.read(kept_for, f"alert:{unknown.identity}") is not None


def test_a_delivery_that_repeats_takes_back_once(moving: Engine) -> None:
    fired = alert(moving, "CriticalErrors")
    first = after(moving, fired, fired)
    again = after(moving, fired)
    assert first is not None
    assert again is not None
    assert first.id == again.id


def test_without_a_migration_nothing_is_taken_back(engine: Engine) -> None:
    engine.policies = {WORKLOAD: example(WORKLOAD)}
    engine.intake.known_good(WORKLOAD, "sqlite", "pipeline")
    assert after(engine, alert(engine, "CriticalErrors"), alert(engine, "LowConfidence")) is None


def test_an_alert_from_before_the_migration_is_not_its_doing(engine: Engine) -> None:
    engine.policies = {WORKLOAD: example(WORKLOAD)}
    early = alert(engine, "CriticalErrors")
    engine.clock.forward(60)
    assert engine.clock() > NOON + timedelta(seconds=30)
    engine.intake.change(WORKLOAD, "migration", "postgresql", "sqlite")
    assert after(engine, early) is None
