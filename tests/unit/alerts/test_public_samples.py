"""Public captures of real alerts, where they lie beside the repository; they are read from there and never copied."""

import json
from datetime import UTC
from pathlib import Path

import pytest

from shared.errors import InvalidInput
from shared.model.alert import AlertCondition, read_alert
from tests.unit.alerts.payloads import RECEIVED_AT

SAMPLES = sorted(Path(__file__).resolve().parents[3].parent.glob("shared/alerts/*.json"))

NO_ALERT = (
    "$: is an object; expected an object with data.essentials, data.context or AlertRuleName, as Azure Monitor posts"
)
REFUSED = {
    # Only a context, without the essentials: nothing says which rule it is, and whether it fired.
    "ctx-activity-administrative-1": NO_ALERT,
    "ctx-activity-autoscale-1": NO_ALERT,
    "ctx-activity-security-1": NO_ALERT,
    "ctx-log-appinsights-1": NO_ALERT,
    "ctx-metric-appinsights-dimension-1": NO_ALERT,
    "ctx-metric-dynamic-1": NO_ALERT,
    "ctx-metric-static-1": NO_ALERT,
    "ctx-resourcehealth-1": NO_ALERT,
    "ctx-servicehealth-1": NO_ALERT,
    # A text that somebody made up for a chat: it names no rule.
    "custom-log-json-2": NO_ALERT,
    "edge-degenerate-1": "data.essentials: is missing or null; expected an object",
    "edge-degenerate-3": (
        "data.essentials.monitorCondition: is missing or null; expected Fired or Resolved, or Activated or Deactivated"
    ),
}


RESOLVED = {
    *("legacy-metric-2", "log-v1-5", "log-v2-5", "wrapper-automation-1", "wrapper-automation-2"),
    *("metric-multiresource-resolved-1", "metric-multiresource-resolved-3"),
    *("metric-resolved-1", "metric-resolved-2", "metric-resolved-4", "metric-resolved-6"),
}
SCHEMAS = {"legacy": "legacy-", "wrapper": "wrapper:automation/"}

pytestmark = pytest.mark.skipif(not SAMPLES, reason="the public samples are not beside this repository")


def stem(sample: Path) -> str:
    return sample.stem


@pytest.mark.parametrize("sample", [sample for sample in SAMPLES if sample.stem in REFUSED], ids=stem)
def test_a_sample_that_is_no_alert_is_refused(sample: Path) -> None:
    with pytest.raises(InvalidInput) as refusal:
        read_alert(json.loads(sample.read_text()), received_at=RECEIVED_AT)
    assert str(refusal.value) == REFUSED[sample.stem]


@pytest.mark.parametrize("sample", [sample for sample in SAMPLES if sample.stem not in REFUSED], ids=stem)
def test_every_other_sample_is_read(sample: Path) -> None:
    alert = read_alert(json.loads(sample.read_text()), received_at=RECEIVED_AT)
    assert alert.rule
    assert alert.essence
    assert alert.fired_at.tzinfo is UTC
    assert (alert.condition is AlertCondition.RESOLVED) is (sample.stem in RESOLVED)
    assert alert.schema.startswith(SCHEMAS.get(sample.stem.partition("-")[0], "common"))
