"""Team D: two job processors behind a percentage. The score, the error rates, what work costs, what goes wrong."""

from dataclasses import replace

import pytest

from shared.decision.plans import plan_of
from shared.model.decision import Action
from shared.model.trigger import Verdict
from tests.unit.policies.play import Row, example, holds, played, reading_of

POLICY = "hybrid-rollout"
# Of the score the error rate is worth 40, processors 30, the queue 20, repositories 10.
HEALTH = [
    Row(
        words="health: act < 50, sustained 30 min",
        trigger="health_lost",
        fed={"job_errors": (0.1,) * 9, "processors": (1,) * 9, "queue": (1,) * 9, "repositories": (0,) * 9},
        edge={"job_errors": (0.1,) * 9, "processors": (1,) * 9, "queue": (0,) * 9, "repositories": (0,) * 9},
        count=10,
        level=1,
        strategy="stop",
        says="roll back to level 1 (stop): health 49.9 < 50 for 30 min (min 30 min, 3 samples)",
        before="health 49.9 < 50 for 15 min (of 30 min, 2 samples)",
    ),
    Row(
        words="health: warn < 70",
        trigger="health_low",
        fed={"job_errors": (0.075,) * 6, "processors": (1,) * 6, "queue": (0, 0, 0, 1, 1, 1), "repositories": (1,) * 6},
        edge={"job_errors": (0.075,) * 6, "processors": (1,) * 6, "queue": (0,) * 6, "repositories": (1,) * 6},
        count=10,
        does=Action.CONTINUE,
        says="health_low is firing: health 69.9 < 70 for 0 s (min 0 s, 1 sample)",
        before="health 70 >= 70 (1 sample)",
    ),
]
ERRORS = [
    Row(
        words="error rate: warn 2.5 %",
        trigger="more_errors",
        fed={"job_errors": (0.025, 0.026)},
        edge={"job_errors": (0.025, 0.025)},
        count=1000,
        does=Action.CONTINUE,
        says="more_errors is firing: job_errors 0.026 > 0.025 for 0 s (min 0 s, 1,000 requests)",
        before="job_errors 0.03 <= 0.03 (1,000 requests)",
    ),
    Row(
        words="error rate: act 5 % with more than 10 active jobs",
        trigger="errors",
        fed={"job_errors": (0.05, 0.1), "active_jobs": (11, 11)},
        edge={"job_errors": (0.05, 0.05), "active_jobs": (11, 11)},
        count=20,
        alone=("active_jobs",),
        level=1,
        strategy="stop",
        says=(
            "roll back to level 1 (stop): 2 of 2 issues (min 2; confidence 0.6, gradual): job_errors 0.10 > "
            "0.05, active_jobs 11 > 10 for 0 s (min 0 s, 21 requests)"
        ),
        before="1 of 2 issues (min 2; confidence 0.3, monitor): active_jobs 11 > 10 (21 requests)",
    ),
    Row(
        words="error rate: act 5 % with more than 10 active jobs, not with 10",
        trigger="errors",
        fed={"job_errors": (0.1, 0.1), "active_jobs": (10, 11)},
        edge={"job_errors": (0.1, 0.1), "active_jobs": (10, 10)},
        count=20,
        alone=("active_jobs",),
        level=1,
        strategy="stop",
        says=(
            "roll back to level 1 (stop): 2 of 2 issues (min 2; confidence 0.6, gradual): job_errors 0.10 > "
            "0.05, active_jobs 11 > 10 for 0 s (min 0 s, 21 requests)"
        ),
        before="1 of 2 issues (min 2; confidence 0.3, monitor): job_errors 0.10 > 0.05 (21 requests)",
    ),
    Row(
        words="error rate: critical 10 %",
        trigger="many_errors",
        fed={"job_errors": (0.1, 0.11)},
        edge={"job_errors": (0.1, 0.1)},
        count=100,
        level=1,
        strategy="stop",
        says="roll back to level 1 (stop): job_errors 0.11 > 0.10 for 0 s (min 0 s, 100 requests)",
        before="job_errors 0.10 <= 0.10 (100 requests)",
    ),
    Row(
        words="early warning when errors rise by more than 50 %",
        trigger="errors_rise",
        fed={"job_errors": (*(0.04,) * 12, *(0.06,) * 12, 0.1)},
        edge={"job_errors": (*(0.04,) * 12, *(0.06,) * 12)},
        count=100,
        does=Action.CONTINUE,
        says=(
            "errors_rise is firing: job_errors 0.0633333333 > 0.0625 in 1h (0.04 in the 1h before) for 0 s "
            "(min 0 s, 1,200 requests)"
        ),
        before="job_errors 0.06 <= 0.06 in 1h (0.04 in the 1h before) (1,200 requests)",
    ),
]
OTHERS = [
    Row(
        words="connection lost acts",
        trigger="connection_lost",
        fed={"connection": (1, 0)},
        edge={"connection": (1, 1)},
        level=1,
        strategy="stop",
        says="roll back to level 1 (stop): connection 0 < 1 for 0 s (min 0 s, 1 sample)",
        before="connection 1 >= 1 (1 sample)",
    ),
    Row(
        words="queue backlog acts",
        trigger="queue_backlog",
        fed={"queue": (100, 101)},
        edge={"queue": (100, 100)},
        level=1,
        strategy="stop",
        says="roll back to level 1 (stop): queue 101 > 100 for 0 s (min 0 s, 1 sample)",
        before="queue 100 <= 100 (1 sample)",
    ),
    Row(
        words="cost off by > 25 % warns",
        trigger="too_dear",
        fed={"spent": (*(12.5,) * 23, 12.6), "jobs": (10,) * 24, "planned_cost": (1, 1)},
        edge={"spent": (12.5,) * 24, "jobs": (10,) * 24, "planned_cost": (1, 1)},
        does=Action.CONTINUE,
        says=(
            "too_dear is firing: cost_per_job 1.250833333: 25.08 % above planned_cost 1 (allowed 25 %) for 0 "
            "s (min 0 s, 120 samples)"
        ),
        before="cost_per_job 1.25: 25 % above planned_cost 1 (allowed 25 %) (120 samples)",
    ),
    Row(
        words="cost off by > 50 % acts",
        trigger="far_too_dear",
        fed={"spent": (*(15,) * 23, 15.1), "jobs": (10,) * 24, "planned_cost": (1, 1)},
        edge={"spent": (15,) * 24, "jobs": (10,) * 24, "planned_cost": (1, 1)},
        level=1,
        strategy="stop",
        says=(
            "roll back to level 1 (stop): cost_per_job 1.500833333: 50.08 % above planned_cost 1 (allowed 50 "
            "%) for 0 s (min 0 s, 120 samples)"
        ),
        before="cost_per_job 1.5: 50 % above planned_cost 1 (allowed 50 %) (120 samples)",
    ),
    Row(
        words="processor issues: stuck jobs",
        trigger="stuck_jobs",
        fed={"stuck_jobs": (0, 1)},
        edge={"stuck_jobs": (0, 0)},
        does=Action.CONTINUE,
        says="stuck_jobs is firing: stuck_jobs 1 > 0 for 0 s (min 0 s, 1 sample)",
        before="stuck_jobs 0 <= 0 (1 sample)",
    ),
    Row(
        words="processor issues: latency",
        trigger="slow_jobs",
        fed={"job_time": (300_000, 301_000)},
        edge={"job_time": (300_000, 300_000)},
        does=Action.CONTINUE,
        says="slow_jobs is firing: job_time 301.0 s > 300.0 s for 0 s (min 0 s, 1 request)",
        before="job_time 300.0 s <= 300.0 s (1 request)",
    ),
    Row(
        words="processor issues: rate limit (warn)",
        trigger="rate_limited",
        fed={"rate_limited": (1,)},
        does=Action.CONTINUE,
        says="rate_limited is firing: rate_limited 1 > 0 for 0 s (min 0 s, 1 sample)",
        before="rate_limited has no measured sample yet",
    ),
]
ROWS = [*HEALTH, *ERRORS, *OTHERS]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.words)
def test_it_fires_at_the_boundary_and_one_sample(row: Row) -> None:
    holds(POLICY, row)


_OF_JOBS = [row for row in ERRORS if row.trigger in ("more_errors", "errors", "many_errors")]


@pytest.mark.parametrize("row", _OF_JOBS, ids=lambda row: row.words)
def test_fewer_than_ten_jobs_are_no_verdict(row: Row) -> None:
    newest = {name: values[-1:] for name, values in row.fed.items()}
    for jobs, verdict in ((9, Verdict.BLIND), (10, Verdict.UNHEALTHY)):
        cycle = played(example(POLICY), replace(row, count=jobs), newest)
        assert reading_of(cycle, row.trigger).verdict is verdict


@pytest.mark.parametrize(("jobs", "verdict"), [(0.75, Verdict.BLIND), (1, Verdict.UNHEALTHY)])
def test_what_nine_jobs_cost_in_an_hour_is_no_verdict(jobs: float, verdict: Verdict) -> None:
    """Nine are three quarters of a job in each of twelve samples."""
    (row,) = (row for row in OTHERS if row.trigger == "far_too_dear")
    cycle = played(example(POLICY), row, {"spent": (5,) * 12, "jobs": (jobs,) * 12, "planned_cost": (1,)})
    assert reading_of(cycle, row.trigger).verdict is verdict


@pytest.mark.parametrize(("strategy", "share"), [("stop", 0.0), ("quarter", 0.25)])
def test_to_act_is_to_set_the_percentage(strategy: str, share: float) -> None:
    plan = plan_of(example(POLICY), strategy)
    assert plan is not None
    assert (plan.level, plan.road, plan.share) == (1, "percentage", share)
