"""Triggers that look at what was before, as they are written: what is read, and what is refused and why."""

from datetime import timedelta

import pytest

from shared.errors import PolicyError
from shared.model.conditions.anomaly import Anomaly
from shared.model.conditions.before import Before
from shared.model.conditions.concurrent import Concurrent
from shared.model.conditions.deviation import Worse
from shared.model.conditions.judged import Judged
from shared.model.conditions.more_errors import MoreErrors
from shared.model.policy import Policy
from shared.model.policy_text import read_policy
from shared.model.trigger import Tier

_SITE = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Web/sites/orders"
_POLICY = """
workload: orders
site: {{resource: {site}, url: "https://orders.example", good_slot: last-good}}
signals:
  error_rate: {{probe: /health, share: failed, every: 5s}}
  p95: {{probe: /health, latency: p95, every: 5s}}
  stable_p95: {{probe: /stable, latency: p95, every: 5s}}
  throughput: {{pushed: requests, every: 5m}}
triggers:
  critical:
    - {{name: tried, {trigger}}}
"""


def _policy(trigger: str) -> Policy:
    return read_policy(_POLICY.format(site=_SITE, trigger=trigger), file="orders.yaml", settings={})


def _before(baseline: timedelta, within: timedelta) -> Before:
    return Before(baseline=baseline, within=within)


HOURS = _before(timedelta(hours=1), timedelta(hours=1))


def test_the_default_judgement_takes_signals_and_no_numbers() -> None:
    (rule,) = _policy("judge: [error_rate, p95], falls: [throughput]").rules
    condition = rule.condition
    assert isinstance(condition, Judged)
    assert [(part.signal, part.falls) for part in condition.parts] == [
        ("error_rate", False),
        ("p95", False),
        ("throughput", True),
    ]
    assert condition.before == _before(timedelta(minutes=75), timedelta(hours=1))
    assert (condition.level, condition.by, condition.points) == (0.06, 0.2, 0.003)
    assert rule.tier is Tier.CRITICAL


def test_a_latency_shift_is_the_judgement_of_one_signal() -> None:
    (rule,) = _policy("slower: p95, by: 50%").rules
    assert isinstance(rule.condition, Judged)
    assert rule.condition.inputs == ("p95",)
    assert rule.condition.by == 0.5


@pytest.mark.parametrize(
    ("trigger", "condition"),
    [
        (
            "anomaly: p95, sigmas: 2, worse: up, baseline: 90m",
            Anomaly(
                signal="p95",
                dimension=_policy("slower: p95").signals["p95"].measures.dimension,
                worse=Worse.UP,
                sigmas=2.0,
                by=0.2,
                before=_before(timedelta(minutes=90), timedelta(hours=1)),
            ),
        ),
        (
            "more_errors: error_rate, than: 1%",
            MoreErrors(signal="error_rate", than=0.01, by=0.005, level=0.01, before=HOURS),
        ),
        (
            "more_errors: error_rate, at_least_by: 1%, within: 30m",
            MoreErrors(
                signal="error_rate",
                than=None,
                by=0.01,
                level=0.01,
                before=_before(timedelta(hours=1), timedelta(minutes=30)),
            ),
        ),
        (
            "worse: p95, than: stable_p95",
            Concurrent(
                signal="p95",
                other="stable_p95",
                dimension=_policy("slower: p95").signals["p95"].measures.dimension,
                falls=False,
                by=0.1,
                level=0.01,
                before=HOURS,
            ),
        ),
    ],
)
def test_what_is_written_is_what_is_asked(trigger: str, condition: object) -> None:
    (rule,) = _policy(trigger).rules
    assert rule.condition == condition


@pytest.mark.parametrize(
    ("trigger", "problem"),
    [
        ("judge: []", "judge"),
        ("judge: [p95, p95]", "'p95' stands twice; expected each signal once"),
        ("judge: [p95], falls: [p95]", "'p95' stands twice; expected each signal once"),
        ("judge: [p94]", "unknown signal 'p94'"),
        ("slower: error_rate", "'error_rate' is a share; expected a latency"),
        ("slower: p95, by: 0%", "'0%' is nothing; expected a part such as 20%"),
        ("slower: p95, baseline: 30s", "a baseline of 30s holds too few samples; expected 40s or more"),
        ("slower: p95, within: 5s", "too short to see two samples; expected `within: 10s` or more"),
        ("more_errors: p95", "'p95' is a latency; expected a share of failures"),
        ("more_errors: error_rate, than: 100%", "than"),
        ("worse: p95, than: p95", "'p95' is compared with itself; expected two signals"),
        ("worse: p95, than: error_rate", "'p95' is a latency and 'error_rate' is a share; expected the same"),
        ("anomaly: p95, sigmas: 0.5", "sigmas"),
        ("judge: [error_rate], baseline: 3h", "more samples than are kept"),
    ],
)
def test_what_cannot_be_asked_is_refused(trigger: str, problem: str) -> None:
    with pytest.raises(PolicyError) as refused:
        _policy(trigger)
    assert problem in str(refused.value)


def test_what_is_kept_reaches_back_to_before_the_change() -> None:
    policy = _policy("judge: [error_rate]")
    assert policy.horizon("error_rate") >= timedelta(hours=2)
