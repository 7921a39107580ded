"""Team B: a product leaves Supabase. Every critical, warning and investigation row, and the metrics of Prometheus."""

from datetime import timedelta

import pytest

from shared.model.decision import Action
from tests.unit.policies.play import Row, example, holds, played

POLICY = "platform-neutrality"
CRITICAL = [
    Row(
        words="error rate > 5 % for 60 s",
        trigger="errors",
        fed={"error_rate": (0.1,) * 7},
        edge={"error_rate": (0.05,) * 7},
        count=20,
        level=1,
        says="roll back to level 1: error_rate 0.10 > 0.05 for 60 s (min 60 s, 140 requests)",
        before="error_rate 0.10 > 0.05 for 50 s (of 60 s, 120 requests)",
    ),
    Row(
        words="p95 > 10 s for 3 min",
        trigger="very_slow",
        fed={"p95": (10_001,) * 19},
        edge={"p95": (10_000,) * 19},
        count=20,
        level=1,
        says="roll back to level 1: p95 10001 ms > 10000 ms for 180 s (min 180 s, 380 requests)",
        before="p95 10001 ms > 10000 ms for 170 s (of 180 s, 360 requests)",
    ),
    Row(
        words="any data corruption at once",
        trigger="corruption",
        fed={"corruption": (0, 1)},
        edge={"corruption": (0, 0)},
        level=1,
        says="roll back to level 1: corruption 1 > 0 for 0 s (min 0 s, 1 sample)",
        before="corruption 0 <= 0 (1 sample)",
    ),
    Row(
        words="authentication failures > 10 % for 2 min",
        trigger="auth_failures",
        fed={"auth_failures": (0.15,) * 3},
        edge={"auth_failures": (0.1,) * 3},
        count=20,
        level=1,
        says="roll back to level 1: auth_failures 0.15 > 0.10 for 120 s (min 120 s, 60 requests)",
        before="auth_failures 0.15 > 0.10 for 60 s (of 120 s, 40 requests)",
    ),
    Row(
        words="half of the system failing for 30 s",
        trigger="half_down",
        fed={"systems_down": (0.5,) * 4},
        edge={"systems_down": (0.25,) * 4},
        count=4,
        level=1,
        says="roll back to level 1: systems_down 0.50 >= 0.50 for 30 s (min 30 s, 16 requests)",
        before="systems_down 0.50 >= 0.50 for 20 s (of 30 s, 12 requests)",
    ),
]
WARNING = [
    Row(
        words="p95 > 2 s for 10 min (level 2 with approval)",
        trigger="slow",
        fed={"p95": (2_001,) * 61},
        edge={"p95": (2_000,) * 61},
        count=20,
        does=Action.ASK,
        level=2,
        strategy="data",
        says=(
            "ask whether to roll back to level 2 (data): p95 2001 ms > 2000 ms for 10 min (min 10 min, 1,220 requests)"
        ),
        before="p95 2001 ms > 2000 ms for 590 s (of 10 min, 1,200 requests)",
    ),
    Row(
        words="errors > 2 % for 5 min (level 2 with approval)",
        trigger="more_errors",
        fed={"error_rate": (0.05,) * 31},
        edge={"error_rate": (0.02,) * 31},
        count=20,
        does=Action.ASK,
        level=2,
        strategy="data",
        says="ask whether to roll back to level 2 (data): error_rate 0.05 > 0.02 for 300 s (min 300 s, 620 requests)",
        before="error_rate 0.05 > 0.02 for 290 s (of 300 s, 600 requests)",
    ),
    Row(
        words="resources > 90 % for 10 min (level 2 with approval)",
        trigger="resources",
        fed={"cpu": (0.4,) * 11, "memory": (0.901,) * 11, "storage": (0.2,) * 11},
        edge={"cpu": (0.9,) * 11, "memory": (0.9,) * 11, "storage": (0.9,) * 11},
        does=Action.ASK,
        level=2,
        strategy="data",
        says="ask whether to roll back to level 2 (data): resources 0.901 > 0.9 for 10 min (min 10 min, 11 requests)",
        before="resources 0.901 > 0.9 for 540 s (of 10 min, 10 requests)",
    ),
    Row(
        words="5 customer complaints in 30 min (level 2 with approval)",
        trigger="complaints",
        fed={"complaints": (1,) * 5},
        edge={"complaints": (1,) * 4},
        every=timedelta(minutes=7),
        does=Action.ASK,
        level=2,
        strategy="data",
        says="ask whether to roll back to level 2 (data): complaints sum 5 >= 5 in 30m for 0 s (min 0 s, 5 samples)",
        before="complaints sum 4 < 5 in 30m (4 samples)",
    ),
]
INVESTIGATION = [
    Row(
        words="p95 > 1.5 s for 20 min (pause)",
        trigger="rather_slow",
        fed={"p95": (1_501,) * 121},
        edge={"p95": (1_500,) * 121},
        count=20,
        does=Action.PAUSE,
        says="pause the change: p95 1501 ms > 1500 ms for 20 min (min 20 min, 2,420 requests)",
        before="p95 1501 ms > 1500 ms for 19.8 min (of 20 min, 2,400 requests)",
    ),
    Row(
        words="errors > 1 % for 10 min (pause)",
        trigger="some_errors",
        fed={"error_rate": (0.02,) * 61},
        edge={"error_rate": (0.01,) * 61},
        count=100,
        does=Action.PAUSE,
        says="pause the change: error_rate 0.02 > 0.01 for 10 min (min 10 min, 6,100 requests)",
        before="error_rate 0.02 > 0.01 for 590 s (of 10 min, 6,000 requests)",
    ),
]
_USUAL = (200, 210) * 180  # an hour of p95 before the change, whose median is 205 ms
INVESTIGATION += [
    Row(
        words="an anomaly detected (pause)",
        trigger="anomaly",
        fed={"p95": (*_USUAL, *(247,) * 19)},
        edge={"p95": (*_USUAL, *(245,) * 19)},
        began=timedelta(hours=1),
        count=20,
        does=Action.PAUSE,
        says="pause the change: p95 247 ms, usually 205 ms (5.2 sigmas > 3) for 180 s (min 180 s, 380 requests)",
        before="p95 247 ms, usually 205 ms (5.2 sigmas > 3) for 170 s (of 180 s, 360 requests)",
    ),
]
METRICS = [
    Row(
        words="5xx rate > 5 % critical",
        trigger="server_errors",
        fed={"server_errors": (0.05, 0.051)},
        edge={"server_errors": (0.05, 0.05)},
        count=1000,
        level=1,
        says="roll back to level 1: server_errors 0.051 > 0.05 for 0 s (min 0 s, 1,000 requests)",
        before="server_errors 0.05 <= 0.05 (1,000 requests)",
    ),
    Row(
        words="p95 > 5 s critical",
        trigger="api_very_slow",
        fed={"api_p95": (5_000, 5_001)},
        edge={"api_p95": (5_000, 5_000)},
        count=1000,
        level=1,
        says="roll back to level 1: api_p95 5001 ms > 5000 ms for 0 s (min 0 s, 1,000 requests)",
        before="api_p95 5.0 s <= 5.0 s (1,000 requests)",
    ),
    Row(
        words="sync lag > 300 s warning (pause)",
        trigger="sync_behind",
        fed={"sync_lag": (300_000, 300_500)},
        edge={"sync_lag": (300_000, 300_000)},
        does=Action.PAUSE,
        says="pause the change: sync_lag 300.5 s > 300.0 s for 0 s (min 0 s, 1 request)",
        before="sync_lag 300.0 s <= 300.0 s (1 request)",
    ),
    Row(
        words="database connection success < 99 % critical",
        trigger="database_failing",
        fed={"database_success": (0.99, 0.989)},
        edge={"database_success": (0.99, 0.99)},
        level=1,
        says="roll back to level 1: database_success 0.989 < 0.99 for 0 s (min 0 s, 1 request)",
        before="database_success 0.99 >= 0.99 (1 request)",
    ),
    Row(
        words="authentication success < 95 % for 2 min critical (roll back)",
        trigger="auth_failing",
        fed={"auth_success": (0.949,) * 5},
        edge={"auth_success": (0.95,) * 5},
        level=1,
        says="roll back to level 1: auth_success 0.949 < 0.95 for 120 s (min 120 s, 5 requests)",
        before="auth_success 0.949 < 0.95 for 90 s (of 120 s, 4 requests)",
    ),
    Row(
        words="AI query success < 98 % warning",
        trigger="ai_failing",
        fed={"ai_success": (0.98, 0.979)},
        edge={"ai_success": (0.98, 0.98)},
        does=Action.ASK,
        level=2,
        strategy="data",
        says="ask whether to roll back to level 2 (data): ai_success 0.979 < 0.98 for 0 s (min 0 s, 1 request)",
        before="ai_success 0.98 >= 0.98 (1 request)",
    ),
]
ROWS = [*CRITICAL, *WARNING, *INVESTIGATION, *METRICS]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.words)
def test_it_fires_at_the_boundary_and_one_sample(row: Row) -> None:
    holds(POLICY, row)


def test_traffic_goes_back_by_itself_and_data_with_approval() -> None:
    levels = example(POLICY).levels.by_number
    assert {number: level.budget.total_seconds() for number, level in levels.items()} == {1: 30, 2: 300}
    assert levels[1].approval is None
    assert levels[2].approval is not None
    assert "data" in levels[2].steered
    assert set(levels[2].steered) - {"data"} == set(levels[1].steered)


@pytest.mark.parametrize(("platform", "does"), [((1,), Action.ROLL_BACK), ((0.5,), Action.CONTINUE)])
def test_nothing_is_taken_back_while_the_platform_itself_is_bad(platform: tuple[float, ...], does: Action) -> None:
    (row,) = (row for row in CRITICAL if row.trigger == "errors")
    decision = played(example(POLICY), row, {**row.fed, "platform": platform}).decision
    assert decision.action is does
    assert ("the platform is bad too: azure since" in decision.sentence) is (does is Action.CONTINUE)
