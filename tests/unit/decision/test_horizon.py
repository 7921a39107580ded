"""What a series keeps is enough: a trigger that a policy allows can fire, however long it has to hold."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.errors import PolicyError
from shared.model.policy import Policy
from shared.model.policy_text import read_policy
from shared.model.signal import measured, merge
from shared.model.trigger import TriggerState
from tests.unit.decision.build import assess, at

_POLICY = """
workload: orders
site: {{resource: /subscriptions/s/resourceGroups/g/providers/Microsoft.Web/sites/orders,
  url: "https://orders.example", good_slot: last-good}}
signals: {{error_rate: {{probe: /health, share: failed, {signal}}}}}
triggers: {{critical: [{{name: errors, when: error_rate > 5%, {entry}}}]}}
"""
_ALERT = "{alert: HighErrorRate}"


def _policy(signal: str, entry: str) -> Policy:
    return read_policy(_POLICY.format(signal=signal, entry=entry), file="orders.yaml", settings={})


def _fires(policy: Policy, *, rhythm_s: int, for_s: int) -> bool:
    """Tell whether bad samples fire to the last moment before they are stale, on what is kept until then."""
    (rule,) = policy.rules
    bad = [measured(at(elapsed_s), 1.0, 5) for elapsed_s in range(0, for_s + 1, rhythm_s)]
    now = bad[-1].at + rule.delay + rule.stale_after
    series = merge((), bad, now=now, keep=policy.horizon("error_rate"))
    return assess(rule, series, now).state is TriggerState.FIRING


@settings(max_examples=60)
@given(st.integers(1, 60), st.integers(0, 600), st.integers(0, 300), st.integers(1, 3))
def test_a_trigger_fires_when_every_sample_is_bad_for_the_time_it_asks(
    every_s: int, hold_s: int, delay_s: int, rhythm: int
) -> None:
    policy = _policy(f"every: {every_s}s, delay: {delay_s}s", f"for: {hold_s}s")
    rhythm_s = every_s * rhythm
    assert _fires(policy, rhythm_s=rhythm_s, for_s=hold_s + 2 * rhythm_s + 600)


@pytest.mark.parametrize(
    ("signal", "entry", "rhythm_s"),
    [
        pytest.param(
            "every: 1m, stale_after: 2m", "for: 15m, max_gap: 30m", 1_740, id="gaps of 29 minutes are allowed"
        ),
        pytest.param("every: 1m", "for: 2m, over: 2h", 60, id="it pools over much more than it holds"),
    ],
)
def test_a_policy_that_is_accepted_can_fire(signal: str, entry: str, rhythm_s: int) -> None:
    policy = _policy(signal, entry)
    assert _fires(policy, rhythm_s=rhythm_s, for_s=3 * 3_600)


def test_an_alert_that_stays_fired_for_as_long_as_is_asked_fires_although_it_is_told_once() -> None:
    text = _POLICY.format(signal="every: 5s", entry="").replace("{probe: /health, share: failed, every: 5s}", _ALERT)
    policy = read_policy(text.replace("error_rate > 5%, ", "error_rate >= 1, for: 5m"), file="f", settings={})
    assert assess(policy.rules[0], [measured(at(0), 1.0)], at(301)).state is TriggerState.FIRING


@pytest.mark.parametrize(
    ("signal", "entry"),
    [
        ("every: 1s", "for: 40m"),
        ("every: 999999999d", "for: 60s"),
        ("every: 5s", "for: 999999999d"),
        ("every: 5s", "for: 60s, over: 999999999d"),
    ],
)
def test_a_policy_that_could_never_fire_is_refused(signal: str, entry: str) -> None:
    with pytest.raises(PolicyError, match=r"is too long|spans more samples than are kept"):
        _policy(signal, entry)


def test_a_series_keeps_minutes_for_a_rule_of_a_minute_and_days_for_a_last_word() -> None:
    minutes = _policy("every: 5s, delay: 10s", "for: 60s, over: 30s").horizon("error_rate")
    assert timedelta(seconds=60 + 30 + 10) < minutes < timedelta(hours=1)
    assert _policy("every: 5s", "for: 60s, no_data: hold").horizon("error_rate") == timedelta(days=7)
