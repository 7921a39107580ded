"""What Azure says of a resource's health: whether the platform, and not the app on it, is in trouble.

https://learn.microsoft.com/rest/api/resourcehealth/availability-statuses/get-by-resource
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import groupby
from typing import Any

from shared.adapters.arm_requests import ArmRequests
from shared.adapters.azure_clients import ArmAccess
from shared.adapters.azure_errors import translated
from shared.errors import OutcomeUnknown
from shared.model.policy_azure_signals import SITE, ResourceHealthSignal
from shared.model.signal import Sample, measured, no_data
from shared.ports import Collected, Job, Want

_PATH = "/providers/Microsoft.ResourceHealth/availabilityStatuses/current"
_VERSION = "2024-02-01"
_VALUES = {"available": 1.0, "degraded": 0.5, "unavailable": 0.0}
_UNKNOWN = "unknown"
# Azure looks every few minutes; a word that is older says nothing of now.
_TOO_OLD = timedelta(hours=1)


class ResourceHealthSource:
    """Fulfils `ports.SampleSource`: one request for a resource, however many workloads ask for it."""

    def __init__(self, arm: ArmAccess) -> None:
        self._requests = ArmRequests(arm)

    def jobs(self, wants: Sequence[Want]) -> list[Job]:
        ordered = sorted(wants, key=_request)
        return [self._job(tuple(some)) for _, some in groupby(ordered, key=_request)]

    def _job(self, wants: tuple[Want, ...]) -> Job:
        return Job(wants=wants, timeout=wants[0].signal.timeout, run=partial(self._run, wants))

    def _run(self, wants: tuple[Want, ...], now: datetime) -> list[Collected]:
        resource = _resource(wants[0])
        what = f"reading the health of {resource.rpartition('/')[2]}"
        with translated(what):
            answer = self._requests.send("GET", resource + _PATH, _VERSION, wants[0].signal.timeout)
            sample = _sample((answer or {})["properties"], now.replace(microsecond=0), what)
        return [Collected(workload=want.policy.workload, name=want.name, samples=(sample,)) for want in wants]


def _resource(want: Want) -> str:
    if not isinstance(want.signal, ResourceHealthSignal):
        raise TypeError(f"{want.name} is not about the health of a resource")
    named = want.signal.resource_health
    return (want.policy.site.resource if named == SITE else named).rstrip("/")


def _request(want: Want) -> tuple[str, timedelta]:
    return _resource(want).casefold(), want.signal.timeout


def _sample(properties: Any, at: datetime, what: str) -> Sample:
    state = str(properties["availabilityState"])
    reported = datetime.fromisoformat(properties["reportedTime"])
    if state.casefold() == _UNKNOWN:
        return no_data(at, "Azure does not know how the resource is")
    if at - reported > _TOO_OLD:
        return no_data(at, f"Azure has not looked at the resource since {reported:%Y-%m-%d %H:%M} UTC")
    if state.casefold() not in _VALUES:
        raise OutcomeUnknown(f"{what}: {state[:40]!r} is none of {', '.join(_VALUES)}, {_UNKNOWN}")
    return measured(at, _VALUES[state.casefold()])
