"""Log Analytics queries. A query is a file in the KQL folder; it declares its parameters, and the policy gives them.

A query answers rows of `at`, `value` and `count`. A partial result is an error: what is missing may be the worst of it.
A workspace takes 5 queries at once and 200 in 30 s from one caller; a query waits for its turn within its time-out.
https://learn.microsoft.com/azure/azure-monitor/logs/api/overview and .../azure/azure-monitor/service-limits
"""

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shared.adapters.azure_clients import credential, policies_for
from shared.adapters.azure_errors import translated
from shared.adapters.kql_files import query_of
from shared.adapters.one_per_key import OnePerKey
from shared.adapters.turnstile import Turnstile
from shared.errors import PermanentError
from shared.model.policy_azure_signals import LogSignal
from shared.model.quantity import number_in
from shared.model.signal import Sample, failed, measured, no_data
from shared.ports import Collected, Job, Want

if TYPE_CHECKING:
    from azure.monitor.query import LogsQueryClient

_COLUMNS = ("at", "value", "count")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_AT_ONCE = 5
_MOST, _WITHIN = 200, timedelta(seconds=30)
# With less than this left, an answer would come too late to be heard.
_TOO_LATE = timedelta(milliseconds=100)


class LogSource:
    """Fulfils `ports.SampleSource`."""

    def __init__(self, endpoint: str, client_id: str | None, folder: Path) -> None:
        self._endpoint = endpoint
        self._client_id = client_id
        self._folder = folder
        self._clients = OnePerKey(self._new_client)
        self._turnstiles = OnePerKey(_turnstile)

    def jobs(self, wants: Sequence[Want]) -> list[Job]:
        return [Job(wants=(want,), timeout=want.signal.timeout, run=partial(self._run, want)) for want in wants]

    def _run(self, want: Want, now: datetime) -> list[Collected]:
        signal = _log(want)
        query = query_of(self._folder, signal, want.policy)
        since = _floor(want.since, query.step)
        with self._turnstiles[signal.workspace.casefold()].turn(signal.timeout) as left:
            found = self._ask(signal, query.text, (since, now), max(left, _TOO_LATE))
        samples = tuple(sample for sample in found if sample.at <= now)
        nothing = no_data(now, f"{signal.log} found nothing for this time")
        return [Collected(workload=want.policy.workload, name=want.name, samples=samples or (nothing,))]

    def _ask(
        self, signal: LogSignal, query: str, timespan: tuple[datetime, datetime], left: timedelta
    ) -> tuple[Sample, ...]:
        timeout_s = left.total_seconds()
        with translated(f"querying {signal.log}"):
            answer = self._clients[self._endpoint].query_workspace(
                signal.workspace,
                query,
                timespan=timespan,
                server_timeout=math.ceil(timeout_s),
                connection_timeout=min(5, timeout_s),
                read_timeout=timeout_s,
                retry_total=0,
            )
            rows = _rows(signal, answer)
        return tuple(_sample(signal, row) for row in rows)

    def _new_client(self, endpoint: str) -> "LogsQueryClient":
        from azure.monitor.query import LogsQueryClient

        return LogsQueryClient(credential(self._client_id), endpoint=endpoint, per_call_policies=policies_for(endpoint))


def _log(want: Want) -> LogSignal:
    if not isinstance(want.signal, LogSignal):
        raise TypeError(f"{want.name} is no log query")
    return want.signal


def _floor(moment: datetime, step: timedelta) -> datetime:
    """Begin where an interval of the query begins: the rest of one would be taken for the whole of it."""
    return moment - (moment - _EPOCH) % step


def _turnstile(workspace: str) -> Turnstile:
    return Turnstile(f"queries of workspace {workspace[:40]}", at_once=_AT_ONCE, most=_MOST, within=_WITHIN)


def _rows(signal: LogSignal, answer: Any) -> list[dict[str, Any]]:
    tables = getattr(answer, "tables", None)
    if tables is None:
        raise PermanentError(f"{signal.log} was answered in part only")
    if len(tables) > 1:
        raise PermanentError(f"{signal.log} answers {len(tables)} tables; expected one, from one last statement")
    table = tables[0] if tables else None
    columns = [str(column).casefold() for column in table.columns] if table else list(_COLUMNS)
    missing = [name for name in _COLUMNS if name not in columns]
    if missing:
        raise PermanentError(f"{signal.log} has no column {missing[0]}; expected {', '.join(_COLUMNS)}")
    return [dict(zip(columns, row, strict=True)) for row in (table.rows if table else [])]


def _sample(signal: LogSignal, row: dict[str, Any]) -> Sample:
    at = row["at"]
    if not isinstance(at, datetime):
        raise PermanentError(f"{signal.log} answered {type(at).__name__} for `at`; expected a datetime")
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    if row["value"] is None:
        return no_data(at, "the query found no value for this time")
    value, count = number_in(row["value"]), number_in(row["count"] or 0)
    if value is None or count is None:
        return failed(at, f"{signal.log} answered a value or a count that is no number")
    return measured(at, signal.unit.canonical(value), int(count))
