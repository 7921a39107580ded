"""Log Analytics queries. A query is a file in the KQL folder; what it may refer to is declared in front of it.

A query answers rows of `at`, `value` and `count`. A partial result is an error: what is missing may be the worst of it.
https://learn.microsoft.com/azure/azure-monitor/logs/api/overview
"""

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shared.adapters.azure_clients import credential, policies_for
from shared.adapters.azure_errors import translated
from shared.adapters.one_per_key import OnePerKey
from shared.errors import PermanentError
from shared.model.policy_signals import LogSignal
from shared.model.quantity import number_in
from shared.model.signal import Sample, failed, measured, no_data
from shared.ports import Collected, Job, Want

if TYPE_CHECKING:
    from azure.monitor.query import LogsQueryClient

_COLUMNS = ("at", "value", "count")


class LogSource:
    """Fulfils `ports.SampleSource`."""

    def __init__(self, endpoint: str, client_id: str | None, folder: Path) -> None:
        self._endpoint = endpoint
        self._client_id = client_id
        self._folder = folder
        self._clients = OnePerKey(self._new_client)

    def jobs(self, wants: Sequence[Want]) -> list[Job]:
        return [Job(wants=(want,), timeout=want.signal.timeout, run=partial(self._run, want)) for want in wants]

    def _run(self, want: Want, now: datetime) -> list[Collected]:
        signal = _log(want)
        query = _declared(want) + self._text(signal.log)
        timeout_s = signal.timeout.total_seconds()
        with translated(f"querying {signal.log}"):
            answer = self._clients[self._endpoint].query_workspace(
                signal.workspace,
                query,
                timespan=(want.since, now),
                server_timeout=math.ceil(timeout_s),
                connection_timeout=5,
                read_timeout=timeout_s,
                retry_total=0,
            )
            rows = _rows(signal, answer)
        samples = tuple(_sample(signal, row) for row in rows)
        nothing = no_data(now, f"{signal.log} found nothing for this time")
        return [Collected(workload=want.policy.workload, name=want.name, samples=samples or (nothing,))]

    def _text(self, name: str) -> str:
        try:
            return (self._folder / name).read_text(encoding="utf-8")
        except OSError:
            raise PermanentError(f"there is no log query {name} in {self._folder.name}") from None
        except UnicodeDecodeError:
            raise PermanentError(f"log query {name} is no UTF-8 text") from None

    def _new_client(self, endpoint: str) -> "LogsQueryClient":
        from azure.monitor.query import LogsQueryClient

        return LogsQueryClient(credential(self._client_id), endpoint=endpoint, per_call_policies=policies_for(endpoint))


def _log(want: Want) -> LogSignal:
    if not isinstance(want.signal, LogSignal):
        raise TypeError(f"{want.name} is no log query")
    return want.signal


def _declared(want: Want) -> str:
    """Declare what a query may refer to; text is quoted as KQL wants it, so that it stays text."""
    resource = want.policy.site.resource.replace("\\", "\\\\").replace('"', '\\"')
    return f'let site_id = "{resource}";\n'


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
