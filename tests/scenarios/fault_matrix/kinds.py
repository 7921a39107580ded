"""The columns of the matrix: what may go wrong with a source, and which kinds of triggers look at one.

A kind is a signal with the shape of a condition on it: `for`, `at_least`, `over`, `no_data`. Each is played in
every tier.
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from functools import cached_property

from shared.model.policy import Policy
from shared.model.policy_text import read_policy
from shared.model.trigger import NoData, RollbackTrigger, Tier
from tests.scenarios.fault_matrix.ground import Address


class Fault(StrEnum):
    """What goes wrong with a source."""

    DOWN = "source down"
    FORBIDDEN = "403"
    EMPTY = "empty"
    STALE = "stale"
    NAN = "NaN"
    RENAMED = "renamed"
    NO_TRAFFIC = "zero traffic"
    SLOW = "slow"


class Source(StrEnum):
    """Where samples come from."""

    PROBE = "probe"
    METRIC = "metric"
    LOG = "log"
    PUSHED = "pushed"
    ALERT = "alert"
    EVENT = "event"
    PROMQL = "promql"
    DEPENDENCIES = "dependencies"
    SMOKE = "smoke"
    RESOURCE_HEALTH = "resource_health"
    COST = "cost"
    SQL = "sql"
    DAMAGED = "damaged"


WATCHED = "watched"
URL = "@URL@"
OTHER = "other"
ALERT_RULE = "orders-5xx"
WORKSPACE = "11111111-2222-3333-4444-555555555555"
_GROUP = "/subscriptions/s1/resourceGroups/shop"
_SIDES = {"SOURCE": "postgresql://any.example/old", "TARGET": "postgresql://any.example/new"}
_SETTINGS = {"SCOPE": _GROUP, "DATABASE": "any", **_SIDES}
ANYWHERE = Address(f"{_GROUP}/providers/Microsoft.Web/sites/any", "https://any.example", _SETTINGS)
# The other trigger is always there and always heard: with it, nothing but the trigger under test can make blind.
_POLICY = """\
workload: {workload}
site: {{resource: "{resource}", region: westeurope, url: "{url}", good_slot: last-good}}
signals:
  watched: {{{signal}}}
  other: {{pushed: other, every: {every}}}
triggers:
  {tier}:
    - {{name: watched, {trigger}}}
  {other_tier}:
    - {{name: other, when: other > 50}}
guards: {{blind_page_after: 60s}}
checks: {{front: {{get: /, timeout: 3s}}}}
{more}
"""
_OTHER_TIER = {Tier.CRITICAL: Tier.WARNING, Tier.WARNING: Tier.CRITICAL, Tier.INVESTIGATION: Tier.CRITICAL}


@dataclass(frozen=True)
class Kind:
    """A kind of trigger, as it would be written in a policy.

    Attributes:
        when: Empty where `shape` says it all.
        more: What else the policy says.
    """

    name: str
    source: Source
    signal: str
    when: str
    shape: str
    every: timedelta = timedelta(minutes=1)
    more: str = ""

    def policy(self, workload: str, tier: Tier, address: Address) -> Policy:
        """The policy of a workload with this trigger in a tier, and the other one."""
        text = _POLICY.format(
            workload=workload,
            resource=address.resource,
            url=address.url,
            signal=self.signal.replace(URL, address.url),
            every=f"{self.every.total_seconds():.0f}s",
            trigger=", ".join(filter(None, [f"when: {self.when}" if self.when else "", self.shape])),
            tier=tier.value,
            other_tier=_OTHER_TIER[tier].value,
            more=self.more,
        )
        return read_policy(text, file=f"{workload}.yaml", settings=address.settings)

    @cached_property
    def rule(self) -> RollbackTrigger:
        """The trigger with its defaults resolved."""
        policy = self.policy("any", Tier.CRITICAL, ANYWHERE)
        return next(rule for rule in policy.rules if rule.name == WATCHED)

    @property
    def pends(self) -> bool:
        """It has to hold for some time before it fires."""
        return bool(self.rule.hold_for)

    @property
    def holds(self) -> bool:
        """Its last word stands through silence."""
        return self.rule.no_data is NoData.HOLD

    @property
    def patience(self) -> timedelta:
        """After a silence of this length it is known to see nothing; the last sample is at most a step old."""
        return self.rule.delay + self.rule.stale_after + self.every

    @property
    def watched_for(self) -> timedelta:
        """How long a fault is watched: for its whole `for` and until people must have been paged."""
        patience = min(self.patience, timedelta(minutes=12)) if self.holds else self.patience
        return max(self.rule.hold_for, patience) + self.joined_for

    @property
    def joined_for(self) -> timedelta:
        """How long a workload is watched that never knew the source in order: until people must have been paged."""
        return timedelta(minutes=1) + 2 * self.every


_BURST = "requests: 4, every: 10s, timeout: 5s"
_MINUTE = "every: 60s, delay: 60s, stale_after: 1m"
_ASKED = "every: 60s, delay: 0s, stale_after: 1m, timeout: 10s"
_SENT = "every: 60s, stale_after: 2m"
# Stale only after all of a `for`: what silence must not do is then to be seen before anybody is blind.
_PATIENT = "every: 60s, stale_after: 6m"
# One sample a day, known a day later: after half of a `for` of four days the next one is heard already, and no more.
_COST = 'cost: "%SCOPE%", currency: EUR, timeout: 10s'
_SQL = 'server: 127.0.0.1, database: "%DATABASE%", every: 60s, delay: 15s, stale_after: 1m, timeout: 10s'
KINDS = (
    Kind(
        name="probe, failed share",
        source=Source.PROBE,
        signal=f"probe: /health, share: failed, {_BURST}",
        when="watched > 50%",
        shape="for: 40s, at_least: 8 requests",
        every=timedelta(seconds=10),
    ),
    Kind(
        name="probe, latency",
        source=Source.PROBE,
        signal=f"probe: /health, latency: p50, {_BURST}",
        when="watched > 150ms",
        shape="for: 40s, at_least: 16 requests",
        every=timedelta(seconds=10),
    ),
    Kind("metric", Source.METRIC, f"metric: Http5xx, {_MINUTE}", "watched >= 3", "for: 4m, at_least: 3 samples"),
    Kind(
        "metric, share, pooled",
        Source.METRIC,
        f"metric: Http5xx, per: Requests, {_MINUTE}",
        "watched > 5%",
        "for: 4m, over: 2m, at_least: 8 requests",
    ),
    Kind(
        "log",
        Source.LOG,
        f'log: server_error_share.kql, workspace: "{WORKSPACE}", unit: share, {_MINUTE}',
        "watched > 5%",
        "for: 4m, at_least: 9 requests",
    ),
    Kind("pushed", Source.PUSHED, f"pushed: load, {_SENT}", "watched > 50", "for: 4m, at_least: 3 samples"),
    Kind("pushed, at once", Source.PUSHED, f"pushed: load, {_SENT}", "watched > 50", "at_least: 1"),
    Kind(
        "pushed, pooled, patient",
        Source.PUSHED,
        f"pushed: load, unit: percent, {_PATIENT}",
        "watched > 50%",
        "for: 4m, over: 2m, at_least: 3 requests",
    ),
    Kind("pushed, hold", Source.PUSHED, "pushed: load, every: 60s", "watched > 50", "for: 4m, no_data: hold"),
    Kind(
        "alert, repeated",
        Source.ALERT,
        f"alert: {ALERT_RULE}, {_SENT}",
        "watched >= 1",
        "for: 4m, no_data: blind",
    ),
    Kind("event, hold", Source.EVENT, "event: orders.lost, every: 60s, stale_after: 10m", "watched >= 5", "for: 4m"),
    Kind(
        "promql",
        Source.PROMQL,
        f'promql: server_error_share.promql, with: {{job: a, window: 1m}}, unit: share, endpoint: "{URL}/p", {_ASKED}',
        "watched > 5%",
        "for: 4m",
    ),
    Kind(
        "dependencies", Source.DEPENDENCIES, f"probe: /health, dependencies: down, {_ASKED}", "watched > 40%", "for: 4m"
    ),
    Kind("dependency", Source.DEPENDENCIES, f"probe: /health, dependency: db, {_ASKED}", "watched < 0.5", "for: 4m"),
    Kind("smoke", Source.SMOKE, f"smoke: [front], {_ASKED}", "watched < 90%", "for: 4m"),
    Kind(
        "resource_health",
        Source.RESOURCE_HEALTH,
        "resource_health: site, every: 60s, stale_after: 1m",
        "watched < 0.75",
        "for: 4m",
    ),
    Kind("alert, hold", Source.ALERT, f"alert: {ALERT_RULE}, every: 60s, stale_after: 10m", "watched >= 1", "for: 4m"),
    Kind("cost", Source.COST, f"{_COST}, every: 6h", "watched > 50", "for: 4d", timedelta(hours=6)),
    Kind(
        "cost, deviates",
        Source.COST,
        f"{_COST}, every: 12h",
        "",
        "deviates: watched, by: 40%, from: 28d, for: 4d",
        timedelta(hours=12),
    ),
    Kind("sql", Source.SQL, f"sql: dtu, {_SQL}", "watched > 80%", "for: 4m"),
    Kind("sql, connections", Source.SQL, f"sql: connections, {_SQL}", "watched > 90", "for: 4m"),
    Kind(
        "damaged",
        Source.DAMAGED,
        "damaged: shop, sample: 100%, every: 60s, stale_after: 1m, timeout: 60s",
        "watched > 0",
        "for: 2m",
        more='databases: {shop: {source: "%SOURCE%", target: "%TARGET%", tls: false}}',
    ),
)
