"""One good policy with something of everything, and short ways to read it and to break it."""

import pytest

from shared.errors import PolicyError
from shared.model.policy import Policy
from shared.model.policy_text import read_policy

FILE = "orders.yaml"
SETTINGS = {
    "SITE": "/subscriptions/s1/resourceGroups/shop/providers/Microsoft.Web/sites/orders",
    "WORKSPACE": "b5a1",
}
GOOD = """\
workload: orders
description: The shop's orders
site:
  resource: "%SITE%"
  region: westeurope
  url: https://orders.example
  good_slot: last-good
  build: {setting: BUILD_ID, header: x-build-id}
signals:
  error_rate: {probe: /health, share: failed, every: 5s}
  p95: {metric: HttpResponseTime, unit: s}
  slow_share: {log: slow.kql, workspace: "%WORKSPACE%", unit: percent}
  confidence: {pushed: migration.confidence, scale: [0, 10]}
  memory: {alert: MemoryPressure}
triggers:
  critical:
    - {name: errors, when: error_rate > 5%, for: 60s, at_least: 20 requests}
  warning:
    - {name: slow, when: p95 > 2000ms, for: 10m}
    - {name: doubt, when: confidence < 5, for: 15m, no_data: hold}
  investigation:
    - {name: memory, when: memory >= 1}
    - {name: tail, when: slow_share >= 2%, over: 30m, max_gap: 4m}
levels:
  1: {budget: 30s, verify: {path: /front, looks: 2}}
guards: {cool_down: 15m, observe_only: false}
notify: {to: ["webhook:ops"], on: [decided, verified]}
"""


def read(text: str = GOOD) -> Policy:
    return read_policy(text, file=FILE, settings=SETTINGS)


def changed(old: str, new: str) -> str:
    """Return the good policy with one part replaced, which stands in it exactly once."""
    assert GOOD.count(old) == 1, f"{old!r} stands {GOOD.count(old)} times in the good policy"
    return GOOD.replace(old, new)


def refusal(text: str) -> str:
    """Return the text of the error with which a policy is refused."""
    with pytest.raises(PolicyError) as caught:
        read(text)
    return str(caught.value)
