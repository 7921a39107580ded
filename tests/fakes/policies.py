"""A policy whose signals a test can feed itself: pushed samples, an alert rule, and a source that it plays."""

from shared.model.policy import Policy
from shared.model.policy_text import read_policy

SITE_ID = "/subscriptions/s1/resourceGroups/shop/providers/Microsoft.Web/sites/orders"
TEXT = f"""\
workload: orders
site: {{resource: "{SITE_ID}", region: westeurope, url: "https://orders.example", good_slot: last-good}}
signals:
  error_rate: {{probe: /health, share: failed, every: 10s, requests: 20}}
  confidence: {{pushed: migration.confidence, scale: [0, 10]}}
  load: {{pushed: load, unit: percent, every: 10s}}
  memory: {{alert: MemoryPressure}}
triggers:
  critical:
    - {{name: errors, when: error_rate > 5%, for: 20s, at_least: 20 requests}}
  investigation:
    - {{name: doubt, when: confidence < 5, no_data: hold}}
    - {{name: memory, when: memory >= 1}}
notify: {{to: ["webhook:ops"]}}
"""


def policy(*replacements: tuple[str, str]) -> Policy:
    """Return the policy with parts of its text replaced; each stands in it exactly once."""
    text = TEXT
    for old, new in replacements:
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in the policy"
        text = text.replace(old, new)
    return read_policy(text, file="orders.yaml", settings={})
