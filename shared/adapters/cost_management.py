"""What a subscription or resource group cost, day by day, from Cost Management's query API.

It answers few questions: each costs query processing units (QPU) of the whole tenant, 12 in 10 s, 60 in a minute, 600
in an hour, and after some 4 calls in a minute a scope is refused. So a scope is asked once for all who want it, and
rarely. A 429 says when to come back in headers of its own; of several the longest counts.
https://learn.microsoft.com/rest/api/cost-management/query/usage and
https://learn.microsoft.com/azure/cost-management-billing/costs/manage-automation (latency and rate limits)
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, Any

from shared.adapters.arm_requests import ArmRequests
from shared.adapters.azure_clients import ArmAccess
from shared.adapters.azure_errors import translate, translated
from shared.adapters.turnstile import Turnstile
from shared.errors import PermanentError, TransientError
from shared.model.policy_azure_signals import CostSignal
from shared.model.quantity import number_in
from shared.model.signal import Sample, failed, measured, no_data
from shared.ports import Collected, Job, Want

if TYPE_CHECKING:
    from azure.core.exceptions import HttpResponseError

_PATH = "/providers/Microsoft.CostManagement/query"
_VERSION = "2025-03-01"
_DAY = timedelta(days=1)
_MOST_DAYS = 31  # what one answer by day may span
_COLUMNS = ("cost", "usagedate", "currency")
_AT_ONCE, _MOST, _WITHIN = 2, 10, timedelta(seconds=10)
_LIMIT = "x-ms-ratelimit-microsoft.costmanagement-"
_LONGEST_PAUSE = timedelta(hours=1)


class CostSource:
    """Fulfils `ports.SampleSource`."""

    def __init__(self, arm: ArmAccess) -> None:
        self._requests = ArmRequests(arm)
        self._turnstile = Turnstile("questions about cost", at_once=_AT_ONCE, most=_MOST, within=_WITHIN)

    def jobs(self, wants: Sequence[Want]) -> list[Job]:
        ordered = sorted(wants, key=_question)
        return [self._job(tuple(some)) for _, some in groupby(ordered, key=_question)]

    def _job(self, wants: tuple[Want, ...]) -> Job:
        return Job(wants=wants, timeout=wants[0].signal.timeout, run=partial(self._run, wants))

    def _run(self, wants: tuple[Want, ...], now: datetime) -> list[Collected]:
        signal = _cost(wants[0])
        since = max(min(want.since for want in wants), now - (_MOST_DAYS - 1) * _DAY)
        with self._turnstile.turn(signal.timeout) as left, _told(f"reading the cost of {_called(signal)}"):
            answer = self._requests.send(
                "POST", signal.cost.rstrip("/") + _PATH, _VERSION, left, _asked(signal, since, now)
            )
            days = _days(answer)
        return [
            Collected(workload=want.policy.workload, name=want.name, samples=_samples(_cost(want), days, now))
            for want in wants
        ]


def _cost(want: Want) -> CostSignal:
    if not isinstance(want.signal, CostSignal):
        raise TypeError(f"{want.name} is no cost")
    return want.signal


def _called(signal: CostSignal) -> str:
    return signal.cost.rstrip("/").rpartition("/")[2]


def _question(want: Want) -> tuple[str, bool, timedelta]:
    signal = _cost(want)
    return signal.cost.rstrip("/").casefold(), signal.spread, signal.timeout


def _asked(signal: CostSignal, since: datetime, now: datetime) -> dict[str, Any]:
    begun, today = (moment.astimezone(UTC).date().isoformat() for moment in (since, now))
    return {
        "type": "AmortizedCost" if signal.spread else "ActualCost",
        "timeframe": "Custom",
        "timePeriod": {"from": f"{begun}T00:00:00+00:00", "to": f"{today}T00:00:00+00:00"},
        "dataset": {"granularity": "Daily", "aggregation": {"totalCost": {"name": "Cost", "function": "Sum"}}},
    }


Day = tuple[datetime, Any, str]


def _days(answer: Any) -> list[Day]:
    """Return the end of each day, its cost as told, and in which currency; nothing for an answer without content.

    Raises:
        PermanentError: there is more than was answered: what is missing may be the dearest.
    """
    if answer is None:
        return []
    properties: Mapping[str, Any] = answer["properties"]
    if properties.get("nextLink"):
        raise PermanentError("the cost was answered in part only")
    names = [str(column["name"]).casefold() for column in properties["columns"]]
    places = [names.index(name) for name in _COLUMNS]
    rows = [[row[place] for place in places] for row in properties["rows"]]
    return [(_end_of(day), cost, str(currency)) for cost, day, currency in rows]


def _end_of(day: Any) -> datetime:
    """Return when a day is over that is told as the number 20260301 or as a time."""
    return datetime.fromisoformat(str(day)[:10]).replace(tzinfo=UTC) + _DAY


def _samples(signal: CostSignal, days: Sequence[Day], now: datetime) -> tuple[Sample, ...]:
    found = tuple(_sample(signal, day) for day in sorted(days, key=lambda day: day[0]) if day[0] <= now)
    ends = [sample.at for sample in found]
    twice = next((at for at in ends if ends.count(at) > 1), None)
    if twice is not None:
        return (failed(now, f"a day is told twice, which ended on {twice:%Y-%m-%d}: in several currencies perhaps"),)
    return found or (no_data(now, f"nothing is known of the cost of {_called(signal)} for these days"),)


def _sample(signal: CostSignal, day: Day) -> Sample:
    at, told, currency = day
    cost = number_in(told)
    if currency != signal.currency:
        return failed(at, f"the cost is told in {currency[:10]}; the policy says `currency: {signal.currency}`")
    return failed(at, "the cost of that day is no number") if cost is None else measured(at, cost)


@contextmanager
def _told(what: str) -> Iterator[None]:
    """Translate as `translated` does, with the pause that Cost Management asks for in its own headers."""
    from azure.core.exceptions import HttpResponseError

    with translated(what):
        try:
            yield
        except HttpResponseError as error:
            told = translate(what, error)
            if isinstance(told, TransientError):
                told.retry_after = max([told.retry_after, *_pauses(error)])
            raise told from None


def _pauses(error: "HttpResponseError") -> Iterator[timedelta]:
    headers: Mapping[str, str] = getattr(error.response, "headers", None) or {}
    for name, value in headers.items():
        seconds = str(value)[:9]
        if name.lower().startswith(_LIMIT) and name.lower().endswith("retry-after") and seconds.isdecimal():
            yield min(timedelta(seconds=int(seconds)), _LONGEST_PAUSE)
