"""`MetricSource` and answers that the simulator would not give: reordered, incomplete, of an odd shape."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.adapters.monitor_metrics import MetricSource
from shared.errors import ControllerError, OutcomeUnknown, PermanentError
from shared.model.policy import Policy
from shared.model.signal import Outcome, Sample
from shared.ports import Collected, Want
from tests.contract.azure.conftest import Azure
from tests.contract.azure.played_azure import PlayedAzure

_MINUTE = datetime(2026, 3, 1, 12, tzinfo=UTC)
_NOW = _MINUTE + timedelta(minutes=2)


@pytest.fixture(scope="module")
def playing() -> Iterator[tuple[PlayedAzure, MetricSource]]:
    """The tokens are the simulator's, which `azure` stands for."""
    with PlayedAzure() as played:
        yield played, MetricSource(played.url, None)


@pytest.fixture
def played(playing: tuple[PlayedAzure, MetricSource]) -> PlayedAzure:
    return playing[0]


@pytest.fixture
def source(playing: tuple[PlayedAzure, MetricSource]) -> MetricSource:
    return playing[1]


def metric(resource: str, name: str, **point: Any) -> dict[str, Any]:
    return {
        "id": f"{resource}/providers/Microsoft.Insights/metrics/{name}",
        "type": "Microsoft.Insights/metrics",
        "name": {"value": name},
        "unit": "Count",
        "timeseries": [{"metadatavalues": [], "data": [{"timeStamp": _MINUTE.isoformat(), **point}]}],
    }


def result(resource: str, *metrics: dict[str, Any]) -> dict[str, Any]:
    return {"starttime": "s", "endtime": "e", "interval": "PT1M", "resourceid": resource, "value": list(metrics)}


def named(policy: Policy, name: str) -> Policy:
    """The policy of another site, in the same subscription."""
    site = policy.site.model_copy(update={"resource": policy.site.resource.replace("/demo", f"/{name}")})
    return policy.model_copy(update={"workload": name, "site": site})


def collect(source: MetricSource, signal: str, *policies: Policy) -> dict[str, Collected]:
    wants = [Want(policy, signal, policy.signals[signal], _MINUTE) for policy in policies]
    (job,) = source.jobs(wants)
    return {found.workload: found for found in job.run(_NOW)}


def only(found: dict[str, Collected]) -> Sample:
    ((sample,),) = (one.samples for one in found.values())
    return sample


def test_each_site_gets_its_own_value_in_whatever_order_and_case_they_come(
    played: PlayedAzure, source: MetricSource, azure: Azure
) -> None:
    values = {"a": 1.0, "b": 2.0, "c": 3.0, "d": 4.0}
    left_out = "b"

    def answer(asked: Any) -> Any:
        kept = [resource for resource in asked["resourceids"] if not resource.endswith(left_out)]
        metrics = [metric(resource.upper(), "Requests", total=values[resource[-1]]) for resource in reversed(kept)]
        return {"values": [result(one["id"], one) for one in metrics]}

    played.answer = answer
    found = collect(source, "requests", *(named(azure.policy, name) for name in values))
    assert len(played.asked[-1]["resourceids"]) == 4
    assert {name: one.samples[0].value for name, one in found.items()} == values | {left_out: None}
    assert found[left_out].samples[0].outcome is Outcome.NO_DATA


def test_a_result_without_metrics_speaks_of_no_site(played: PlayedAzure, source: MetricSource, azure: Azure) -> None:
    played.answer = lambda asked: {"values": [result(resource) for resource in asked["resourceids"]]}
    assert only(collect(source, "requests", azure.policy)).outcome is Outcome.NO_DATA


@pytest.mark.parametrize("resource", ["mysite", "/", "/subscriptions/", "/subscriptions", "", "https://portal/x"])
def test_a_resource_that_is_no_arm_id_is_a_permanent_error_of_its_own_job(
    source: MetricSource, azure: Azure, resource: str
) -> None:
    policy = azure.policy
    bad = policy.signals["requests"].model_copy(update={"resource": resource or None})
    wants = [Want(policy, "requests", bad, _MINUTE), Want(policy, "others", policy.signals["requests"], _MINUTE)]
    jobs = {tuple(want.name for want in job.wants): job for job in source.jobs(wants)}
    if resource:
        with pytest.raises(PermanentError, match="is no ARM id; expected /subscriptions/"):
            jobs["requests",].run(_NOW)
    else:
        assert list(jobs) == [("requests", "others")]


@pytest.mark.parametrize(
    ("errors", "requests"), [(1.0, float("nan")), (1.0, float("inf")), (float("nan"), 5.0), (float("inf"), 5.0)]
)
def test_a_share_of_what_is_no_number_is_an_error(
    played: PlayedAzure, source: MetricSource, azure: Azure, errors: float, requests: float
) -> None:
    def answer(asked: Any) -> Any:
        (resource,) = asked["resourceids"]
        metrics = (metric(resource, "Http5xx", total=errors), metric(resource, "Requests", total=requests))
        return {"values": [result(resource, *metrics)]}

    played.answer = answer
    assert only(collect(source, "server_error", azure.policy)).outcome is Outcome.ERROR


_SITE = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Web/sites/demo"
_ODD: dict[str, Any] = {
    "an empty object": {},
    "a list": [],
    "nothing": None,
    "text": "soon",
    "values are nothing": {"values": None},
    "a value is text": {"values": ["soon"]},
    "a metric is nothing": {"values": [result(_SITE, {})]},
    "an id is nothing": {"values": [result(_SITE, metric(_SITE, "Requests", total=1) | {"id": None})]},
    "a name is nothing": {"values": [result(_SITE, metric(_SITE, "Requests", total=1) | {"name": {}})]},
    "a total is text": {"values": [result(_SITE, metric(_SITE, "Requests", total="n/a"))]},
    "a total is a list": {"values": [result(_SITE, metric(_SITE, "Requests", total=[1]))]},
    "a time is nothing": {"values": [result(_SITE, metric(_SITE, "Requests", total=1, timeStamp=None))]},
    "a time is text": {"values": [result(_SITE, metric(_SITE, "Requests", total=1, timeStamp="soon"))]},
    "an interval is text": {"values": [result(_SITE, metric(_SITE, "Requests", total=1)) | {"interval": "soon"}]},
}


@pytest.mark.parametrize("case", _ODD)
def test_an_answer_of_an_odd_shape_is_an_error_and_never_a_value(
    played: PlayedAzure, source: MetricSource, azure: Azure, case: str
) -> None:
    site = azure.policy.site.model_copy(update={"resource": _SITE})
    played.answer = lambda _: _ODD[case]
    with pytest.raises(ControllerError, match=r"^reading metric Requests: ") as caught:
        collect(source, "requests", azure.policy.model_copy(update={"site": site}))
    assert type(caught.value) is OutcomeUnknown
