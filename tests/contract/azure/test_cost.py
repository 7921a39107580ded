"""`CostSource` against the simulator: whole days in the bill's currency, few questions, every way to say nothing."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.adapters.azure_clients import ArmAccess
from shared.adapters.cost_management import CostSource
from shared.errors import ControllerError, OutcomeUnknown, PermanentError, TransientError
from shared.model.policy_azure_signals import CostSignal
from shared.model.signal import Outcome, Sample
from shared.ports import Want
from tests.contract.azure.conftest import ARM_AUDIENCE, Azure
from tests.contract.azure.played_azure import PlayedAzure

_GROUP = "/subscriptions/00000000-0000-0000-0000-0000000000aa/resourceGroups/Demo-RG"
_TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
_DAY = timedelta(days=1)
_ROOM = {"cost_scope_bucket": 1000}


@pytest.fixture
def cost(azure: Azure) -> CostSource:
    azure.control("PUT", "/throttling", _ROOM)
    tell(azure, {0: 3.0, 1: 12.5, 2: 0.0, 40: 99.0})
    return CostSource(ArmAccess(azure.simulator.url, ARM_AUDIENCE))


def tell(azure: Azure, days_ago: dict[int, float], **more: Any) -> None:
    days = {f"{_TODAY - ago * _DAY:%Y-%m-%d}": value for ago, value in days_ago.items()}
    azure.control("PUT", "/costs", {"scope": _GROUP, "days": days} | more)


def want(azure: Azure, name: str = "cost", *, days: int = 30, **more: Any) -> Want:
    signal = CostSignal.model_validate({"cost": _GROUP, "currency": "EUR", **more})
    return Want(azure.policy, name, signal, datetime.now(UTC) - timedelta(days=days))


def collect(source: CostSource, *wants: Want) -> dict[str, tuple[Sample, ...]]:
    now = datetime.now(UTC)
    return {found.name: found.samples for job in source.jobs(wants) for found in job.run(now)}


def test_a_sample_is_a_whole_day_and_stands_at_its_end(cost: CostSource, azure: Azure) -> None:
    samples = collect(cost, want(azure))["cost"]
    assert [(sample.at, sample.outcome, sample.value) for sample in samples] == [
        (_TODAY - _DAY, Outcome.MEASURED, 0.0),
        (_TODAY, Outcome.MEASURED, 12.5),
    ]


def test_a_scope_is_asked_once_for_all_who_want_it_and_by_whatever_case(cost: CostSource, azure: Azure) -> None:
    before = azure.control("GET", "/state")["costs"]["asked"].get(_GROUP.casefold(), 0)
    found = collect(cost, want(azure, "a"), want(azure, "b", cost=_GROUP.replace("Demo-RG", "demo-rg")))
    assert [len(samples) for samples in found.values()] == [2, 2]
    assert azure.control("GET", "/state")["costs"]["asked"][_GROUP.casefold()] == before + 1


def test_a_history_longer_than_an_answer_takes_is_asked_as_far_as_it_goes(cost: CostSource, azure: Azure) -> None:
    assert len(collect(cost, want(azure, days=365))["cost"]) == 2


def test_another_currency_is_an_error_and_not_an_amount(cost: CostSource, azure: Azure) -> None:
    samples = collect(cost, want(azure, currency="USD"))["cost"]
    assert {sample.outcome for sample in samples} == {Outcome.ERROR}
    assert samples[0].note == "the cost is told in EUR; the policy says `currency: USD`"


def test_a_day_in_two_currencies_is_an_error(cost: CostSource, azure: Azure) -> None:
    tell(azure, {1: 12.5}, others={"USD": 1.0})
    (sample,) = collect(cost, want(azure))["cost"]
    assert (sample.outcome, "told twice" in sample.note) == (Outcome.ERROR, True)


def test_a_scope_that_nothing_is_known_of_is_no_data(cost: CostSource, azure: Azure) -> None:
    (sample,) = collect(cost, want(azure, cost=_GROUP + "-2"))["cost"]
    assert sample.outcome is Outcome.NO_DATA


def test_today_is_no_sample_yet(cost: CostSource, azure: Azure) -> None:
    tell(azure, {0: 3.0})
    (sample,) = collect(cost, want(azure))["cost"]
    assert sample.outcome is Outcome.NO_DATA


def test_an_empty_answer_is_no_data(cost: CostSource, azure: Azure) -> None:
    azure.fault("cost", "empty")
    (sample,) = collect(cost, want(azure))["cost"]
    assert sample.outcome is Outcome.NO_DATA


def test_no_number_is_an_error(cost: CostSource, azure: Azure) -> None:
    azure.fault("cost", "nan")
    assert {sample.outcome for sample in collect(cost, want(azure))["cost"]} == {Outcome.ERROR}


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"kind": "forbidden"}, PermanentError),
        ({"kind": "status", "status": 401}, PermanentError),
        ({"kind": "status", "status": 404}, PermanentError),
        ({"kind": "status", "status": 429, "retry_after_s": 7}, TransientError),
        ({"kind": "status", "status": 500}, OutcomeUnknown),
        ({"kind": "status", "status": 503}, OutcomeUnknown),
        ({"kind": "cut_before"}, OutcomeUnknown),
        ({"kind": "partial"}, PermanentError),
        ({"kind": "renamed"}, OutcomeUnknown),
    ],
    ids=str,
)
def test_a_source_that_fails_says_how(
    cost: CostSource, azure: Azure, fault: dict[str, Any], error: type[ControllerError]
) -> None:
    azure.fault("cost", **fault)
    with pytest.raises(error) as caught:
        collect(cost, want(azure))
    assert type(caught.value) is error


def test_an_answer_that_does_not_come_ends_at_the_time_out(cost: CostSource, azure: Azure) -> None:
    azure.fault("cost", "delay", delay_s=5.0)
    with pytest.raises(OutcomeUnknown):
        collect(cost, want(azure, timeout="1s"))


def test_too_many_questions_are_told_when_to_come_back(cost: CostSource, azure: Azure) -> None:
    azure.control("PUT", "/throttling", {"cost_scope_bucket": 1, "cost_scope_refill_per_s": 1 / 500})
    collect(cost, want(azure))
    with pytest.raises(TransientError, match=r"^reading the cost of Demo-RG: 429") as caught:
        collect(cost, want(azure))
    assert timedelta(seconds=400) < caught.value.retry_after <= timedelta(seconds=500)


_COLUMNS = [{"name": name} for name in ("Cost", "UsageDate", "Currency")]
_ODD: dict[str, Any] = {
    "nothing": None,
    "a list": [],
    "no properties": {},
    "properties are text": {"properties": "soon"},
    "no rows": {"properties": {"columns": [], "rows": None}},
    "no columns": {"properties": {"columns": [], "rows": [[1]]}},
    "a short row": {"properties": {"columns": _COLUMNS, "rows": [[1]]}},
    "a day is text": {"properties": {"columns": _COLUMNS, "rows": [[1, "soon", "EUR"]]}},
}


@pytest.mark.parametrize("case", _ODD)
def test_an_answer_of_an_odd_shape_is_an_error_and_never_a_value(azure: Azure, case: str) -> None:
    with PlayedAzure() as played:
        played.answer = lambda _: _ODD[case]
        with pytest.raises(OutcomeUnknown, match="makes no sense"):
            collect(CostSource(ArmAccess(played.url, ARM_AUDIENCE)), want(azure))
