"""Team A: a database moves on a B1. Every alert rule, every deployed rule and every row of the decision matrix."""

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.decision.commands import at_start
from shared.decision.cycle import Cycle, Known, next_cycle
from shared.decision.plans import plan_of
from shared.engine.news import Answers, news_of
from shared.engine.records import Arrived
from shared.model.alert import Alert, AlertCondition
from shared.model.decision import Action
from shared.model.policy_signals import PushedSignal
from shared.model.trigger import TriggerState
from shared.model.watch import WatchState
from tests.fakes.clock import NOON
from tests.unit.policies.play import CHANGE, GOOD, Row, example, holds, played, reading_of

INACTIVE = TriggerState.INACTIVE
POLICY = "pantry-migration"
MATRIX = [
    Row(
        words=">= 5 critical errors -> full (confidence 0.9)",
        trigger="five_critical_errors",
        fed={"critical_errors": (4, 5)},
        edge={"critical_errors": (4, 4)},
        level=1,
        strategy="full",
        says="roll back to level 1 (full, confidence 0.9): critical_errors 5 >= 5 for 0 s (min 0 s, 1 sample)",
        before="critical_errors 4 < 5 (1 sample)",
    ),
    Row(
        words="average confidence < 3.0 -> partial (0.7)",
        trigger="no_confidence",
        fed={"average_confidence": (3.0, 2.99)},
        edge={"average_confidence": (3.0, 3.0)},
        level=1,
        strategy="partial",
        says=(
            "roll back to level 1 (partial, confidence 0.7): average_confidence 2.99 < 3 for 0 s (min 0 s, 1 sample)"
        ),
        before="average_confidence 3 >= 3 (1 sample)",
    ),
    Row(
        words="memory > 90 % -> checkpoint (0.6)",
        trigger="memory_full",
        fed={"memory": (0.9, 0.901)},
        edge={"memory": (0.9, 0.9)},
        level=2,
        strategy="checkpoint",
        says="roll back to level 2 (checkpoint, confidence 0.6): memory 0.901 > 0.9 for 0 s (min 0 s, 1 request)",
        before="memory 0.90 <= 0.90 (1 request)",
    ),
]
RULES = [
    Row(
        words="DatabaseConnectionFailure, 0 within 5 min, 1, every 1 min, roll back, critical",
        trigger="database_connection_failure",
        fed={"postgresql": (*(1,) * 10, 0)},
        edge={"postgresql": (1,) * 11},
        level=1,
        strategy="full",
        says="roll back to level 1 (full): postgresql < 1 in 1 samples of 5m (min 1) for 0 s (min 0 s, 10 samples)",
        before="postgresql < 1 in 0 samples of 5m (min 1) (10 samples)",
    ),
    Row(
        words="HighErrorRate, > 10 migration exceptions in 10 min, alert the team, high",
        trigger="high_error_rate",
        fed={"exceptions_of_migration": (*(1,) * 10, 2)},
        edge={"exceptions_of_migration": (1,) * 11},
        does=Action.CONTINUE,
        says="high_error_rate is firing: exceptions_of_migration sum 11 > 10 in 10m for 0 s (min 0 s, 10 samples)",
        before="exceptions_of_migration sum 10 <= 10 in 10m (10 samples)",
    ),
    Row(
        words="LowConfidenceScore, average < 5 in 15 min, partial rollback, high",
        trigger="low_confidence_score",
        fed={"confidence": (*(5,) * 15, 4.9)},
        edge={"confidence": (5,) * 16},
        level=1,
        strategy="partial",
        says=(
            "roll back to level 1 (partial, confidence 0.7): confidence 4.993333333 < 5 for 0 s (min 0 s, 15 samples)"
        ),
        before="confidence 5 >= 5 (15 samples)",
    ),
    Row(
        words="MemoryPressure, > 90 % in 5 min, every 1 min, pause, warning",
        trigger="memory_pressure",
        fed={"memory": (*(0.9,) * 10, 0.91)},
        edge={"memory": (0.9,) * 11},
        decided=("memory_full",),
        does=Action.PAUSE,
        says="pause the change: memory 0.901 > 0.9 for 0 s (min 0 s, 10 requests)",
        before="memory 0.90 <= 0.90 (10 requests)",
    ),
    Row(
        words="PerformanceDegradation, > 5 answers over 5,000 ms in 10 min, slow down, medium",
        trigger="performance_degradation",
        fed={"response_time": (*(900,) * 5, *(5001,) * 6)},
        edge={"response_time": (*(900,) * 5, *(5000,) * 6)},
        does=Action.SLOW,
        says="slow the change: response_time > 5.0 s in 6 samples of 10m (min 6) for 0 s (min 0 s, 10 requests)",
        before="response_time > 5.0 s in 5 samples of 10m (min 6) (10 requests)",
    ),
    Row(
        words="as deployed: CriticalErrors (> 3 exceptions of severity >= 3 in 5 min, sev 0)",
        trigger="severe_exceptions",
        fed={"severe_exceptions": (0, 1, 1, 1, 0, 1)},
        edge={"severe_exceptions": (0, 1, 1, 1, 0, 0)},
        level=1,
        strategy="full",
        says=(
            "roll back to level 1 (full, confidence 0.9): severe_exceptions sum 4 > 3 in 5m for 0 s (min 0 "
            "s, 5 samples)"
        ),
        before="severe_exceptions sum 3 <= 3 in 5m (5 samples)",
    ),
    Row(
        words="as deployed: LowConfidence (2 of 3 periods of 15 min, sev 1)",
        trigger="low_confidence",
        fed={"confidence": (*(5,) * 15, *(4.9,) * 30)},
        edge={"confidence": (5,) * 45},
        decided=("low_confidence_score",),
        level=1,
        strategy="partial",
        says=(
            "roll back to level 1 (partial, confidence 0.7): confidence < 5 in 2 of 3 periods of 15m (min 2, "
            "newest 4.9) for 0 s (min 0 s, 45 samples)"
        ),
        before="confidence < 5 in 1 of 3 periods of 15m (min 2, others unknown, newest 4.9)",
    ),
]
ALERTS = [
    Row(
        words="alerts map by rule name: CriticalErrors full 0.9",
        trigger="alert_critical_errors",
        fed={"alert_critical_errors": (0, 1)},
        edge={"alert_critical_errors": (0, 0)},
        level=1,
        strategy="full",
        says="roll back to level 1 (full, confidence 0.9): alert_critical_errors 1 >= 1 for 0 s (min 0 s, 1 sample)",
        before="alert_critical_errors 0 < 1 (1 sample)",
    ),
    Row(
        words="alerts map by rule name: LowConfidence partial 0.7",
        trigger="alert_low_confidence",
        fed={"alert_low_confidence": (0, 1)},
        edge={"alert_low_confidence": (0, 0)},
        level=1,
        strategy="partial",
        says=(
            "roll back to level 1 (partial, confidence 0.7): alert_low_confidence 1 >= 1 for 0 s (min 0 s, 1 sample)"
        ),
        before="alert_low_confidence 0 < 1 (1 sample)",
    ),
    Row(
        words="alerts map by rule name: MemoryPressure pause 0.5",
        trigger="alert_memory",
        fed={"alert_memory": (0, 1)},
        edge={"alert_memory": (0, 0)},
        does=Action.PAUSE,
        strategy="pause",
        says="pause the change (confidence 0.5): alert_memory 1 >= 1 for 0 s (min 0 s, 1 sample)",
        before="alert_memory 0 < 1 (1 sample)",
    ),
]
ROWS = [*MATRIX, *RULES, *ALERTS]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.words)
def test_it_fires_at_the_boundary_and_one_sample(row: Row) -> None:
    holds(POLICY, row)


_TAKE_BACK = [row for row in ROWS if row.does is not Action.CONTINUE]


@pytest.mark.parametrize("row", _TAKE_BACK, ids=lambda row: row.words)
def test_without_an_active_migration_nothing_follows(row: Row) -> None:
    cycle = played(example(POLICY), replace(row, change=False), row.fed)
    assert cycle.decision.action is Action.CONTINUE
    assert row.trigger not in cycle.decision.sentence


@pytest.mark.parametrize("row", [row for row in ROWS if row.does is Action.ROLL_BACK], ids=lambda row: row.words)
def test_it_is_taken_back_once_in_a_migration(row: Row) -> None:
    cycle = played(example(POLICY), replace(row, decided=(*row.decided, row.trigger)), row.fed)
    assert cycle.decision.action is Action.CONTINUE
    _, said, names = cycle.decision.sentence.partition("; decided once on this change already: ")
    assert said
    assert row.trigger in names.split(", ")


@pytest.mark.parametrize(("sqlite", "does"), [((1,) * 4, Action.ROLL_BACK), ((0,) * 4, Action.CONTINUE)])
def test_nothing_goes_back_to_a_database_that_cannot_be_reached(sqlite: tuple[int, ...], does: Action) -> None:
    row = replace(MATRIX[0], every=timedelta(seconds=30))
    cycle = played(example(POLICY), row, {"critical_errors": (5, 5, 5, 5), "sqlite": sqlite})
    assert cycle.decision.action is does
    assert ("the other build is bad as well" in cycle.decision.sentence) is (does is Action.CONTINUE)


def test_no_checkpoint_counts_as_a_confidence_of_ten() -> None:
    policy = example(POLICY)
    pushed = {signal.pushed for signal in policy.signals.values() if isinstance(signal, PushedSignal)}
    begins = at_start([name for name in pushed if name.startswith("change.")])
    assert begins["change.confidence.average"] == 10
    assert begins["change.errors.critical"] == 0
    (row,) = (row for row in MATRIX if row.trigger == "no_confidence")
    assert reading_of(played(policy, row, {"average_confidence": (10,)}), "no_confidence").state is INACTIVE


@pytest.mark.parametrize(
    ("name", "level", "components", "does"),
    [
        ("full", 1, None, None),
        ("partial", 1, ("reads",), None),
        ("table", 1, ("interactions",), None),
        ("checkpoint", 2, None, None),
        ("pause", None, None, Action.PAUSE),
    ],
)
def test_strategies_are_plans_by_name(
    name: str, level: int | None, components: tuple[str, ...] | None, does: Action | None
) -> None:
    plan = plan_of(example(POLICY), name)
    assert plan is not None
    assert (plan.level, plan.components, plan.does) == (level, components, does)


def test_a_strategy_that_nobody_wrote_is_no_plan() -> None:
    assert plan_of(example(POLICY), "everything") is None


_RULES = {
    "CriticalErrors": "roll back to level 1 (full, confidence 0.9): alert_critical_errors 1 >= 1",
    "criticalerrors": "roll back to level 1 (full, confidence 0.9): alert_critical_errors 1 >= 1",
    "LowConfidence": "roll back to level 1 (partial, confidence 0.7): alert_low_confidence 1 >= 1",
    "MemoryPressure": "pause the change (confidence 0.5): alert_memory 1 >= 1",
}


@pytest.mark.parametrize(("rule", "said"), _RULES.items(), ids=_RULES.keys())
def test_an_alert_maps_by_the_name_of_its_rule(rule: str, said: str) -> None:
    assert _cycle_of(_alert(rule)).decision.sentence == f"{said} for 60 s (min 0 s, 1 sample)"


@pytest.mark.parametrize("rule", ["DiskFull", "CriticalErrors2", "Critical Errors", "LowConfidenceScore", ""])
def test_an_unknown_rule_is_never_executed(rule: str) -> None:
    cycle = _cycle_of(_alert(rule))
    assert cycle.decision.action is Action.CONTINUE
    assert not cycle.state.series["alert_critical_errors"]


def test_an_alert_that_is_resolved_asks_for_nothing() -> None:
    fired = _alert("CriticalErrors")
    resolved = replace(fired, condition=AlertCondition.RESOLVED, resolved_at=NOON + timedelta(seconds=30))
    assert _cycle_of(fired, resolved).decision.action is Action.CONTINUE


def test_an_alert_from_before_the_migration_is_not_its_doing() -> None:
    before = replace(_alert("CriticalErrors"), fired_at=CHANGE.started_at - timedelta(minutes=1))
    decision = _cycle_of(before).decision
    assert decision.action is Action.CONTINUE
    assert decision.sentence.startswith("not rolled back: it was already bad before the change: alert_critical_errors")


def _alert(rule: str) -> Alert:
    return Alert(
        rule=rule,
        condition=AlertCondition.FIRED,
        severity=0,
        signal_type="Log",
        fired_at=NOON,
        resolved_at=None,
        targets=(),
        alert_id=f"/subscriptions/s1/alerts/{rule}",
        description="",
        essence="4 exceptions > 3",
        schema="common",
    )


def _cycle_of(*alerts: Alert) -> Cycle:
    policy = example(POLICY)
    news = news_of(policy, Answers(), [Arrived({}, alert) for alert in alerts])
    known = Known(state=WatchState(), known_good=GOOD, change=CHANGE, swaps_only=policy.swaps_only)
    return next_cycle(policy, known, news, NOON + timedelta(minutes=1))
