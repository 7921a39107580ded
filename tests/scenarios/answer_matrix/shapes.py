"""The three shapes of a policy: a road alone, with a second road beside it, with a level above it.

The first road is the faster one, so that it is begun first, and it is late after ten seconds.
"""

from datetime import timedelta
from enum import StrEnum

from local.azure_simulator.launch import RunningSimulator
from shared.model.policy import Policy
from shared.model.policy_text import read_policy
from tests.scenarios.answer_matrix.roads import APP_CONFIGURATION, GOOD_SLOT, SLOT_SWAP, RoadKind, other_road

WORKLOAD = "shop"
FIRST = "first"
SECOND = "second"


class Shape(StrEnum):
    """What is there besides the road."""

    ALONE = "alone"
    BESIDE = "second road"
    ABOVE = "level above"


_POLICY = """\
workload: {workload}
site: {{resource: "{site}", url: "{url}"{slot}}}
signals:
  error_rate: {{probe: /health, share: failed}}
triggers:
  critical: [{{name: errors, when: error_rate > 5%}}]
reach: {{hosts: [127.0.0.1]}}
roads:
  first: {{{first}, takes: 10s, give_up_after: {give_up_s:.0f}s}}
  second: {{{second}, takes: 20s}}
levels:
  1: {{roads: {roads}, budget: 60s, verify: {{fresh_clients: 2, checks: {{{checks}}}}}}}
"""
_ABOVE = "  2: {roads: [second], budget: 5m, verify: {fresh_clients: 2}}\n"
# A flag has no proof from outside of its own; what holds for either road is that the site answers.
_SITE_ANSWERS = "answers: {get: /}"


def policy_for(simulator: RunningSimulator, road: RoadKind, shape: Shape, give_up_after: timedelta) -> Policy:
    """Return the policy of a road in a shape."""
    state = simulator.control("GET", "/state")
    text = _POLICY.format(
        workload=WORKLOAD,
        site=state["sites"][road.site]["resource_id"],
        url=simulator.front_doors[road.site],
        slot=f", good_slot: {GOOD_SLOT}" if road is SLOT_SWAP else "",
        first=road.text(simulator, state),
        second=other_road(road).text(simulator, state),
        give_up_s=give_up_after.total_seconds(),
        roads="[first, second]" if shape is Shape.BESIDE else "[first]",
        checks=_SITE_ANSWERS if shape is Shape.BESIDE and road is APP_CONFIGURATION else road.checks,
    )
    return read_policy(text + (_ABOVE if shape is Shape.ABOVE else ""), file="shop.yaml", settings={})
