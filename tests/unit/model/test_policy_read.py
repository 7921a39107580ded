"""A good policy as it is read: every default resolved, every value in the product's own unit."""

from datetime import timedelta
from typing import Any

import pytest

from shared.model.event import EventKind
from shared.model.policy import Policy
from shared.model.quantity import Dimension
from shared.model.trigger import Comparator, NoData, RollbackTrigger, Tier
from tests.unit.model.policies import SETTINGS, changed, read

SECOND, MINUTE, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(days=1)
NEVER = timedelta(0)

RULES: list[tuple[str, dict[str, Any]]] = [
    (
        "errors",
        {
            "tier": Tier.CRITICAL,
            "signal": "error_rate",
            "dimension": Dimension.SHARE,
            "comparator": Comparator.ABOVE,
            "threshold": 0.05,
            "hold_for": 60 * SECOND,
            "at_least": 20,
            "over": NEVER,
            "max_gap": 15 * SECOND,
            "stale_after": 15 * SECOND,
            "delay": NEVER,
            "no_data": NoData.BLIND,
        },
    ),
    (
        "slow",
        {
            "tier": Tier.WARNING,
            "dimension": Dimension.LATENCY,
            "threshold": 2_000.0,
            "hold_for": 10 * MINUTE,
            "at_least": 1,
            "max_gap": 3 * MINUTE,
            "stale_after": 3 * MINUTE,
            "delay": MINUTE,
        },
    ),
    (
        "doubt",
        {
            "tier": Tier.WARNING,
            "dimension": Dimension.NUMBER,
            "comparator": Comparator.BELOW,
            "threshold": 5.0,
            "max_gap": 365 * DAY,
            "stale_after": 365 * DAY,
            "no_data": NoData.HOLD,
        },
    ),
    (
        "memory",
        {
            "tier": Tier.INVESTIGATION,
            "comparator": Comparator.AT_LEAST,
            "hold_for": NEVER,
            "max_gap": 365 * DAY,
            "stale_after": 30 * MINUTE,
            "no_data": NoData.HOLD,
        },
    ),
    (
        "tail",
        {
            "dimension": Dimension.SHARE,
            "threshold": 0.02,
            "over": 30 * MINUTE,
            "max_gap": 4 * MINUTE,
            "stale_after": 3 * MINUTE,
            "delay": 3 * MINUTE,
        },
    ),
]


def _rule(policy: Policy, name: str) -> RollbackTrigger:
    return next(rule for rule in policy.rules if rule.name == name)


def _of(rule: RollbackTrigger, key: str) -> Any:
    """Return what a rule says, or its condition, which is a threshold."""
    return getattr(rule if hasattr(rule, key) else rule.condition, key)


@pytest.mark.parametrize(("name", "resolved"), RULES)
def test_a_rule_has_every_default_resolved(name: str, resolved: dict[str, Any]) -> None:
    rule = _rule(read(), name)
    assert {key: _of(rule, key) for key in resolved} == resolved


def test_rules_stand_in_the_order_of_their_tiers() -> None:
    assert [rule.name for rule in read().rules] == ["errors", "slow", "doubt", "memory", "tail"]


def test_settings_are_filled_in() -> None:
    policy = read()
    assert policy.site.resource == SETTINGS["SITE"]


@pytest.mark.parametrize(
    ("written", "key", "value"),
    [
        ("every: 5s, stale_after: 40s", "stale_after", 40 * SECOND),
        ("every: 5s, stale_after: 5s", "stale_after", 5 * SECOND),
        ("every: 7s", "stale_after", 21 * SECOND),
        ("every: 7s", "max_gap", 21 * SECOND),
        ("every: 5s, delay: 10s", "delay", 10 * SECOND),
    ],
)
def test_what_a_signal_says_reaches_its_rules(written: str, key: str, value: timedelta) -> None:
    assert getattr(_rule(read(changed("every: 5s", written)), "errors"), key) == value


@pytest.mark.parametrize(
    ("written", "no_data", "max_gap"),
    [
        ("when: memory >= 1, no_data: blind", NoData.BLIND, 15 * MINUTE),
        ("when: memory >= 1, no_data: hold", NoData.HOLD, 365 * DAY),
        ("when: memory >= 1, no_data: blind, max_gap: 20m", NoData.BLIND, 20 * MINUTE),
    ],
)
def test_an_alert_holds_unless_the_policy_says_otherwise(written: str, no_data: NoData, max_gap: timedelta) -> None:
    rule = _rule(read(changed("when: memory >= 1", written)), "memory")
    assert (rule.no_data, rule.max_gap) == (no_data, max_gap)


@pytest.mark.parametrize(
    ("when", "comparator", "threshold"),
    [
        ("error_rate>5%", Comparator.ABOVE, 0.05),
        ("error_rate >= 0.05", Comparator.AT_LEAST, 0.05),
        ("error_rate < 99.5 %", Comparator.BELOW, 0.995),
        ("error_rate <= 0%", Comparator.AT_MOST, 0.0),
        ("error_rate >= 100%", Comparator.AT_LEAST, 1.0),
        ("  error_rate  >  5%  ", Comparator.ABOVE, 0.05),
    ],
)
def test_a_condition_reads(when: str, comparator: Comparator, threshold: float) -> None:
    rule = _rule(read(changed("error_rate > 5%", f'"{when}"')), "errors")
    assert (_of(rule, "comparator"), _of(rule, "threshold")) == (comparator, threshold)


def test_as_many_observations_as_the_probe_can_send_may_be_asked_for() -> None:
    assert _rule(read(changed("at_least: 20 requests", "at_least: 65 requests")), "errors").at_least == 65


def test_a_gap_as_short_as_the_rhythm_of_the_signal_may_be_asked_for() -> None:
    assert _rule(read(changed("max_gap: 4m", "max_gap: 1m")), "tail").max_gap == MINUTE


def test_what_is_left_out_has_its_documented_default() -> None:
    text = changed("levels:\n  1: {budget: 30s, verify: {path: /front, looks: 2}}\n", "")
    policy = read(text.partition("guards:")[0])
    assert policy.guards.cool_down == 15 * MINUTE
    assert not policy.guards.observe_only
    assert policy.guards.blind_page_after == 60 * SECOND
    assert policy.notify.to == ()
    assert EventKind.BLIND in policy.notify.on
    assert policy.levels.traffic.steered == {"site": ("slot_swap",)}
    assert policy.levels.traffic.verify.path == "/"
    assert policy.levels.traffic.budget == 30 * SECOND


def test_each_source_measures_in_its_dimension() -> None:
    policy = read()
    assert {name: signal.measures.dimension for name, signal in policy.signals.items()} == {
        "error_rate": Dimension.SHARE,
        "p95": Dimension.LATENCY,
        "slow_share": Dimension.SHARE,
        "confidence": Dimension.NUMBER,
        "memory": Dimension.NUMBER,
    }


def test_a_metric_per_another_is_a_share() -> None:
    text = changed("{metric: HttpResponseTime, unit: s}", "{metric: Http5xx, per: Requests}")
    assert read(text.replace("p95 > 2000ms", "p95 > 5%")).signals["p95"].measures.dimension is Dimension.SHARE


def test_a_probe_measures_its_share_or_its_latency() -> None:
    text = changed("share: failed", "latency: p99").replace("error_rate > 5%", "error_rate > 10s")
    assert _of(_rule(read(text), "errors"), "threshold") == 10_000.0
