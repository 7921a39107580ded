"""Signals from Azure's own sources, as a policy writes them: their defaults, and what is refused with a sentence."""

from datetime import timedelta
from typing import Any

import pytest

from shared.errors import PolicyError
from shared.model.policy import Policy
from shared.model.policy_azure_signals import CostSignal, LogSignal, MetricSignal, ResourceHealthSignal, type_of
from shared.model.policy_text import read_policy
from shared.model.quantity import Unit

_GROUP = "/subscriptions/s1/resourceGroups/shop"
_PLAN = f"{_GROUP}/providers/Microsoft.Web/serverfarms/b1"
_SQL = f"{_GROUP}/providers/Microsoft.Sql/servers/s/databases/orders"
_POLICY = """\
workload: orders
site:
  resource: {group}/providers/Microsoft.Web/sites/orders
  url: https://orders.example
  good_slot: last-good
  region: "{region}"
signals:
  watched: {{{signal}}}
triggers:
  critical: [{{name: bad, when: watched > {limit}}}]
"""


def read(signal: str, *, limit: str = "1", region: str = "westeurope") -> Policy:
    text = _POLICY.format(group=_GROUP, signal=signal, limit=limit, region=region)
    return read_policy(text, file="orders.yaml", settings={})


def signal(written: str, **more: Any) -> Any:
    return read(written, **more).signals["watched"]


@pytest.mark.parametrize(
    ("resource", "kind"),
    [
        (f"{_GROUP}/providers/Microsoft.Web/sites/a", "microsoft.web/sites"),
        (f"{_GROUP}/providers/Microsoft.Web/sites/a/slots/b", "microsoft.web/sites/slots"),
        (_PLAN.upper(), "microsoft.web/serverfarms"),
        (_SQL, "microsoft.sql/servers/databases"),
        (f"{_PLAN}/providers/Microsoft.Insights/x/y", "microsoft.insights/x"),
        (f"{_GROUP}/providers/Microsoft.Web/sites", ""),
        (_GROUP, ""),
        ("site", ""),
        ("", ""),
    ],
)
def test_a_type_is_told_from_an_id(resource: str, kind: str) -> None:
    assert type_of(resource) == kind


def test_a_metric_is_of_the_site_or_of_the_type_of_its_resource() -> None:
    of_site, of_sql = (
        signal("metric: Requests"),
        signal(f"metric: cpu_percent, resource: {_SQL}, unit: percent", limit="5%"),
    )
    assert isinstance(of_site, MetricSignal)
    assert (of_site.of_namespace, of_sql.of_namespace) == ("microsoft.web/sites", "microsoft.sql/servers/databases")
    assert signal("metric: x, namespace: my.own/things").of_namespace == "my.own/things"
    assert (of_site.metrics, of_site.measures) == (("Requests",), Unit.NUMBER)
    share = signal("metric: Http5xx, per: Requests", limit="5%")
    assert (share.metrics, share.measures) == (("Http5xx", "Requests"), Unit.SHARE)


def test_a_metric_needs_a_region_from_the_site_or_of_its_own() -> None:
    assert signal("metric: Requests, region: northeurope", region="").region == "northeurope"
    with pytest.raises(PolicyError, match=r"a metric is read from its region; expected site\.region"):
        read("metric: Requests", region="")


def test_a_query_takes_values_of_several_kinds() -> None:
    query = signal('log: a.kql, workspace: w, with: {severity: 3, share: 0.5, on: true, name: "x", step: 5m}')
    assert isinstance(query, LogSignal)
    assert query.values == {"severity": 3, "share": 0.5, "on": True, "name": "x", "step": "5m"}
    assert [type(value) for value in query.values.values()] == [int, float, bool, str, str]


def test_cost_is_asked_seldom_and_of_a_scope() -> None:
    cost = signal(f"cost: {_GROUP}, currency: EUR")
    assert isinstance(cost, CostSignal)
    assert (cost.every, cost.patience, cost.delay) == (timedelta(hours=12), timedelta(hours=48), timedelta(hours=24))
    assert signal("cost: /subscriptions/s1, currency: EUR, every: 6h").place == "/subscriptions/s1"


@pytest.mark.parametrize(("every", "apart"), [("6h", 24), ("12h", 24), ("30h", 30)])
def test_cost_has_a_sample_a_day_however_often_it_is_asked(every: str, apart: int) -> None:
    policy = read(f"cost: {_GROUP}, currency: EUR, every: {every}")
    (rule,) = policy.rules
    assert (policy.signals["watched"].apart, rule.max_gap) == (timedelta(hours=apart), timedelta(hours=3 * apart))


def test_a_ratio_counts_each_day_of_a_cost_once() -> None:
    written = f"{{cost: {_GROUP}, currency: EUR, every: 6h}}\n  jobs: {{pushed: jobs, every: 1h}}"
    made = f"{written}\n  dear: {{ratio: {{of: cost, per: jobs}}, every: 1d}}"
    text = _POLICY.format(group=_GROUP, signal="pushed: load", limit="1", region="westeurope")
    policy = read_policy(text.replace("triggers:", f"  cost: {made}\ntriggers:"), file="orders.yaml", settings={})
    (ratio,) = policy.derivations
    assert [part.every for part in ratio.parts] == [timedelta(days=1), timedelta(hours=1)]


def test_health_is_of_the_site_or_of_a_resource() -> None:
    assert isinstance(signal("resource_health: site", limit="0.5"), ResourceHealthSignal)
    assert signal(f"resource_health: {_SQL}").resource_health == _SQL


@pytest.mark.parametrize(
    ("written", "why"),
    [
        (f"cost: {_GROUP}", "currency: missing; expected a value"),
        (f"cost: {_GROUP}, currency: euro", "currency: 'euro' has the wrong form"),
        (f"cost: {_GROUP}, currency: EUR, every: 1h", "every: "),
        (f"cost: {_GROUP}, currency: EUR, stale_after: 12h", "stale before the next sample; expected at least 1d"),
        (f"cost: {_SQL}, currency: EUR", "is neither a subscription nor a resource group, as an ARM id"),
        ("cost: orders, currency: EUR", "'orders' is neither a subscription nor a resource group"),
        ("resource_health: orders", "'orders' is no ARM id of a resource; expected one, or `site`"),
        (f"resource_health: {_GROUP}", "is no ARM id of a resource; expected one, or `site`"),
        ("metric: Requests, resource: b1", "resource: 'b1' has the wrong form"),
        ('metric: Requests, where: {"a b)": x}', "where"),
        ("metric: Requests, where: {Instance: 'x (y)'}", "where"),
        ("log: a.kql, workspace: w, with: {Severity: 3}", "with"),
        ("log: a.kql, workspace: w, with: {severity: [3]}", "with"),
        ("log: ../a.kql, workspace: w", "log: '../a.kql' has the wrong form"),
    ],
)
def test_what_is_wrong_is_named(written: str, why: str) -> None:
    with pytest.raises(PolicyError) as caught:
        read(written)
    assert why in str(caught.value)
    assert "signals.watched" in str(caught.value)
