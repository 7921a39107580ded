"""A trigger as a policy writes it, read and played: short ways."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from shared.decision.assess import Seen, assess
from shared.model.policy import Policy
from shared.model.policy_text import read_policy
from shared.model.signal import Sample, measured
from shared.model.trigger import RollbackTrigger, TriggerReading
from tests.unit.decision.build import at

_POLICY = """
workload: orders
site: {{resource: /subscriptions/s/resourceGroups/g/providers/Microsoft.Web/sites/orders, region: westeurope,
  url: "https://orders.example", good_slot: last-good}}
signals:
  error_rate: {{pushed: errors, unit: share, every: 10s}}
  p95: {{pushed: p95, unit: ms, every: 60s}}
  load: {{pushed: load, every: 60s}}
  exceptions: {{pushed: exceptions, every: 60s}}
  confidence: {{pushed: confidence, scale: [0, 10], every: 5m}}
  availability: {{pushed: availability, unit: percent, every: 10s}}
  down: {{pushed: down, every: 10s}}
  heartbeat: {{pushed: heartbeat, every: 30s}}
  rows: {{metric: Rows, every: 60s, delay: 60s}}
  fired: {{alert: anything}}
triggers:
  critical:
    - {entry}
"""


def policy_of(entry: str) -> Policy:
    return read_policy(_POLICY.format(entry=entry), file="orders.yaml", settings={})


def rule_of(entry: str) -> RollbackTrigger:
    (rule,) = policy_of(entry).rules
    return rule


def reading_of(
    rule: RollbackTrigger,
    inputs: Mapping[str, Sequence[Sample]],
    now: datetime,
    *,
    before: TriggerReading | None = None,
    watched_since: datetime | None = None,
) -> TriggerReading:
    return assess(rule, inputs, Seen(now=now, watched_since=watched_since), before)


def line(*values: float | None, every_s: float = 60, count: int = 1, start_s: float = 0) -> list[Sample]:
    """Return one measured sample per value; where there is none, nothing."""
    found = [(start_s + place * every_s, value) for place, value in enumerate(values)]
    return [measured(at(moment), value, count) for moment, value in found if value is not None]
