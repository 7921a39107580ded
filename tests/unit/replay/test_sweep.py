"""Other values of a trigger: every combination, each a policy that could be written so."""

from datetime import timedelta

import pytest

from shared.errors import InvalidInput
from shared.model.conditions.threshold import Threshold
from shared.model.policy import Policy
from shared.replay.sweep import parse_sweep, variants_of
from tests.unit.replay.watched import Written, policy_of

_RULES = Written(
    critical=["name: errors, when: error_rate > 5%, for: 60s"],
    warning=["name: rising, trend: p95, rises: 50%, over: 1h"],
    investigation=["name: many, issues: [error_rate > 10%, p95 > 300ms], count: 2"],
)


@pytest.fixture(scope="module")
def policy() -> Policy:
    return policy_of(_RULES)


def test_every_combination_is_a_policy(policy: Policy) -> None:
    sweeps = [parse_sweep("errors.threshold=2%, 10%"), parse_sweep("errors.for=30s,90s")]
    found = []
    for variant in variants_of(policy, sweeps):
        rule = variant.policy.rules[0]
        assert isinstance(rule.condition, Threshold)
        found.append((dict(variant.values), rule.condition.threshold, rule.hold_for.total_seconds()))
        assert variant.policy.rules[1:] == policy.rules[1:]
    assert found == [
        ({"errors.threshold": "2%", "errors.for": "30s"}, 0.02, 30),
        ({"errors.threshold": "2%", "errors.for": "90s"}, 0.02, 90),
        ({"errors.threshold": "10%", "errors.for": "30s"}, 0.1, 30),
        ({"errors.threshold": "10%", "errors.for": "90s"}, 0.1, 90),
    ]


def test_without_a_sweep_there_is_the_policy_itself(policy: Policy) -> None:
    (variant,) = variants_of(policy, [])
    assert (variant.values, variant.policy) == ({}, policy)


def test_any_key_of_a_trigger_can_be_swept(policy: Policy) -> None:
    counts = variants_of(policy, [parse_sweep("errors.at_least=5,20")])
    assert [variant.policy.rules[0].at_least for variant in counts] == [5, 20]
    (longer,) = variants_of(policy, [parse_sweep("rising.over=30m")])
    assert longer.policy.rules[1].condition.looks_back > timedelta(hours=1)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (["errors"], "'errors' is no sweep; expected for instance errors.threshold=2%,5%"),
        (["errors.threshold=2%,"], "is no sweep"),
        (["beauty.threshold=1"], "unknown trigger 'beauty'; expected one of: errors, rising, many"),
        (["errors.threshold=5ms"], "errors.threshold=5ms: '5ms' has the wrong unit"),
        (["errors.threshold=200%"], "errors.threshold=200%: impossible threshold"),
        (["errors.colour=red"], "errors.colour=red: Extra inputs are not permitted"),
        (["errors.for=soon"], "errors.for=soon: 'soon' is not a duration"),
        (["many.threshold=3"], "many.threshold=3: it has no single threshold"),
        (["errors.for=1s", "errors.for=2s"], "errors.for stands twice"),
        (["errors.for=" + ",".join(f"{n}s" for n in range(1, 102))], "101 combinations; expected at most 100"),
    ],
)
def test_a_sweep_that_cannot_be_is_refused(policy: Policy, written: list[str], said: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        variants_of(policy, [parse_sweep(one) for one in written])
    assert said in str(refused.value)
