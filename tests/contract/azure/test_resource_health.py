"""`ResourceHealthSource` against the simulator: what Azure says of a resource, and each way to say nothing."""

from datetime import UTC, datetime
from typing import Any

import pytest

from shared.adapters.azure_clients import ArmAccess
from shared.adapters.resource_health import ResourceHealthSource
from shared.errors import ControllerError, OutcomeUnknown, PermanentError, TransientError
from shared.model.policy_azure_signals import ResourceHealthSignal
from shared.model.signal import Outcome, Sample
from shared.ports import Want
from tests.contract.azure.conftest import ARM_AUDIENCE, Azure

_DATABASE = (
    "/subscriptions/00000000-0000-0000-0000-0000000000aa/resourceGroups/demo-rg"
    "/providers/Microsoft.Sql/servers/s/databases/orders"
)


@pytest.fixture
def health(azure: Azure) -> ResourceHealthSource:
    tell(azure, "Available")
    return ResourceHealthSource(ArmAccess(azure.simulator.url, ARM_AUDIENCE))


def tell(azure: Azure, state: str, resource: str = "", **more: Any) -> None:
    named = resource or azure.policy.site.resource
    azure.control("PUT", "/resource_health", {"resource": named, "state": state, **more})


def want(azure: Azure, resource: str = "site", workload: str = "demo") -> Want:
    policy = azure.policy.model_copy(update={"workload": workload})
    return Want(policy, "platform", ResourceHealthSignal(resource_health=resource), datetime.now(UTC))


def collect(source: ResourceHealthSource, *wants: Want) -> list[Sample]:
    now = datetime.now(UTC)
    return [sample for job in source.jobs(wants) for found in job.run(now) for sample in found.samples]


@pytest.mark.parametrize(
    ("state", "outcome", "value"),
    [
        ("Available", Outcome.MEASURED, 1.0),
        ("Degraded", Outcome.MEASURED, 0.5),
        ("Unavailable", Outcome.MEASURED, 0.0),
        ("unavailable", Outcome.MEASURED, 0.0),
        ("Unknown", Outcome.NO_DATA, None),
    ],
)
def test_a_word_of_azure_is_a_value(
    health: ResourceHealthSource, azure: Azure, state: str, outcome: Outcome, value: float | None
) -> None:
    tell(azure, state)
    (sample,) = collect(health, want(azure))
    assert (sample.outcome, sample.value) == (outcome, value)


def test_a_word_that_azure_does_not_document_is_an_error(health: ResourceHealthSource, azure: Azure) -> None:
    tell(azure, "Fine")
    with pytest.raises(OutcomeUnknown, match="'Fine' is none of available, degraded, unavailable, unknown"):
        collect(health, want(azure))


def test_an_old_word_says_nothing_of_now(health: ResourceHealthSource, azure: Azure) -> None:
    tell(azure, "Available", reported_ago_s=3700)
    (sample,) = collect(health, want(azure))
    assert sample.outcome is Outcome.NO_DATA


def test_another_resource_is_told_from_the_site_and_asked_once_for_all(
    health: ResourceHealthSource, azure: Azure
) -> None:
    tell(azure, "Unavailable", _DATABASE)
    before = azure.control("GET", "/state")["calls"].get("resource_health", 0)
    wants = [want(azure), want(azure, _DATABASE, "a"), want(azure, _DATABASE.replace("Sql", "SQL"), "b")]
    assert sorted(sample.value or 0.0 for sample in collect(health, *wants)) == [0.0, 0.0, 1.0]
    assert azure.control("GET", "/state")["calls"]["resource_health"] == before + 2


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"kind": "forbidden"}, PermanentError),
        ({"kind": "status", "status": 401}, PermanentError),
        ({"kind": "status", "status": 404}, PermanentError),
        ({"kind": "status", "status": 429}, TransientError),
        ({"kind": "status", "status": 500}, OutcomeUnknown),
        ({"kind": "cut_before"}, OutcomeUnknown),
        ({"kind": "empty"}, OutcomeUnknown),
    ],
    ids=str,
)
def test_a_source_that_fails_says_how(
    health: ResourceHealthSource, azure: Azure, fault: dict[str, Any], error: type[ControllerError]
) -> None:
    azure.fault("resource_health", **fault)
    with pytest.raises(error) as caught:
        collect(health, want(azure))
    assert type(caught.value) is error


def test_an_answer_that_does_not_come_ends_at_the_time_out(health: ResourceHealthSource, azure: Azure) -> None:
    azure.fault("resource_health", "delay", delay_s=8.0)
    with pytest.raises(OutcomeUnknown):
        collect(health, want(azure))
