"""Team C: several services deployed together. Issues are counted, smoke tests take back, the baseline warns."""

from dataclasses import replace

import pytest

from shared.model.decision import Action
from tests.unit.policies.play import Row, example, holds, played

POLICY = "wix-platform"
ISSUES = [
    Row(
        words="count the issues (error rate, response time): at 2 issues roll back, confidence 0.6, gradual",
        trigger="issues",
        fed={"error_rate": (0.1,) * 7, "p95": (3_001,) * 7, "down": (0,) * 7, "availability": (1, 1)},
        edge={"error_rate": (0.1,) * 7, "p95": (3_000,) * 7, "down": (0,) * 7, "availability": (1, 1)},
        count=20,
        level=1,
        says=(
            "roll back to level 1: 2 of 4 issues (min 2; confidence 0.6, gradual): error_rate 0.10 > 0.05, "
            "p95 3001 ms > 3000 ms for 60 s (min 60 s, 460 requests)"
        ),
        before=(
            "2 of 4 issues (min 2; confidence 0.6, gradual): error_rate 0.10 > 0.05, p95 3001 ms > 3000 ms "
            "for 50 s (of 60 s, 380 requests)"
        ),
    ),
    Row(
        words="count the issues (availability, failed dependencies): at 2 issues roll back",
        trigger="issues",
        fed={"error_rate": (0,) * 9, "p95": (200,) * 9, "down": (0.25,) * 9, "availability": (0, 0, 0)},
        edge={"error_rate": (0,) * 9, "p95": (200,) * 9, "down": (0,) * 9, "availability": (0, 0, 0)},
        count=20,
        level=1,
        says=(
            "roll back to level 1: 2 of 4 issues (min 2; confidence 0.6, gradual): availability 0.00 < 1.00, "
            "down 0.25 > 0.00 for 60 s (min 60 s, 480 requests)"
        ),
        before=(
            "2 of 4 issues (min 2; confidence 0.6, gradual): availability 0.00 < 1.00, down 0.25 > 0.00 for "
            "50 s (of 60 s, 400 requests)"
        ),
    ),
    Row(
        words="count the issues: three make a confidence of 0.9, immediate",
        trigger="issues",
        fed={"error_rate": (0.1,) * 7, "p95": (3_001,) * 7, "down": (0.25,) * 7, "availability": (1, 1)},
        edge={"error_rate": (0.05,) * 7, "p95": (3_000,) * 7, "down": (0.25,) * 7, "availability": (1, 1)},
        count=20,
        level=1,
        says=(
            "roll back to level 1: 3 of 4 issues (min 2; confidence 0.9, immediate): error_rate 0.10 > 0.05, "
            "p95 3001 ms > 3000 ms, down 0.25 > 0.00 for 60 s (min 60 s, 460 requests)"
        ),
        before=(
            "3 of 4 issues (min 2; confidence 0.9, immediate): error_rate 0.10 > 0.05, p95 3001 ms > 3000 "
            "ms, down 0.25 > 0.00 for 50 s (of 60 s, 380 requests)"
        ),
    ),
]
OTHERS = [
    Row(
        words="smoke tests against the deployed URLs, roll back on failure",
        trigger="smoke_tests_fail",
        fed={"smoke": (1, 0.8)},
        edge={"smoke": (1, 1)},
        count=5,
        level=1,
        says="roll back to level 1: smoke 0.80 < 1.00 for 0 s (min 0 s, 5 requests)",
        before="smoke 1.00 >= 1.00 (5 requests)",
    ),
    Row(
        words="alert on average response > 3,000 ms over 5 min",
        trigger="slow_on_average",
        fed={"response_time": (*(3_000,) * 5, 3_001)},
        edge={"response_time": (3_000,) * 6},
        does=Action.CONTINUE,
        says="slow_on_average is firing: response_time 3000.2 ms > 3000 ms for 0 s (min 0 s, 5 requests)",
        before="response_time 3.0 s <= 3.0 s (5 requests)",
    ),
    Row(
        words="performance baseline (60 s, 2,000 ms) that warns",
        trigger="slower_than_baseline",
        fed={"p95": (2_001,) * 7},
        edge={"p95": (2_000,) * 7},
        count=20,
        does=Action.CONTINUE,
        says="slower_than_baseline is firing: p95 2001 ms > 2000 ms for 60 s (min 60 s, 140 requests)",
        before="p95 2001 ms > 2000 ms for 50 s (of 60 s, 120 requests)",
    ),
    Row(
        words="performance baseline (60 s, 5 %) that warns",
        trigger="more_errors_than_baseline",
        fed={"error_rate": (0.1,) * 7},
        edge={"error_rate": (0.05,) * 7},
        count=20,
        does=Action.CONTINUE,
        says="more_errors_than_baseline is firing: error_rate 0.10 > 0.05 for 60 s (min 60 s, 140 requests)",
        before="error_rate 0.10 > 0.05 for 50 s (of 60 s, 120 requests)",
    ),
    Row(
        words="no dependency down: healthy; up to half: degraded",
        trigger="degraded",
        fed={"down": (0, 0.5)},
        edge={"down": (0, 0)},
        count=4,
        does=Action.CONTINUE,
        says="degraded is firing: down 0.50 > 0.00 for 0 s (min 0 s, 4 requests)",
        before="down 0.00 <= 0.00 (4 requests)",
    ),
    Row(
        words="more than half down: unhealthy",
        trigger="unhealthy",
        fed={"down": (0.75,) * 4},
        edge={"down": (0.5,) * 4},
        count=4,
        does=Action.PAUSE,
        says="pause the change: down 0.75 > 0.50 for 30 s (min 30 s, 16 requests)",
        before="down 0.75 > 0.50 for 20 s (of 30 s, 12 requests)",
    ),
]
ROWS = [*ISSUES, *OTHERS]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.words)
def test_it_fires_at_the_boundary_and_one_sample(row: Row) -> None:
    holds(POLICY, row)


_ON_CHANGES = [row for row in ROWS if row.does is Action.ROLL_BACK]


@pytest.mark.parametrize("row", _ON_CHANGES, ids=lambda row: row.words)
def test_without_a_deployment_nothing_is_taken_back(row: Row) -> None:
    decision = played(example(POLICY), replace(row, change=False), row.fed).decision
    assert (decision.action, decision.level) == (Action.CONTINUE, None)


def test_smoke_tests_take_a_deployment_back_once() -> None:
    (row,) = (row for row in OTHERS if row.trigger == "smoke_tests_fail")
    decision = played(example(POLICY), replace(row, decided=(row.trigger,)), row.fed).decision
    assert decision.action is Action.CONTINUE
    assert "decided once on this change already: smoke_tests_fail" in decision.sentence


def test_a_build_is_tested_in_its_slot_by_what_is_asked_of_production() -> None:
    policy = example(POLICY)
    assert policy.promotion is not None
    assert policy.promotion.slot == policy.site.good_slot == "staging"
    for name in ("health", "login", "database", "integrations"):
        assert policy.promotion.smoke[name] == policy.checks[name]
