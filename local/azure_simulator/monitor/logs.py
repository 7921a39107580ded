"""`POST /v1/workspaces/{id}/query`: the Log Analytics query API that azure-monitor-query speaks to.

https://learn.microsoft.com/azure/azure-monitor/logs/api/response-format and .../api/errors. Ingestion happens
when a query comes: rows younger than `logs_delay_s` are not in yet.
"""

import asyncio
import re
import time
import uuid
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from typing import Any

import isodate  # type: ignore[import-untyped]  # published without type information
from aiohttp import web

from local.azure_simulator.api import Audience, Call, Route
from local.azure_simulator.arm.errors import arm_error
from local.azure_simulator.faults import Api
from local.azure_simulator.monitor.kusto_json import kusto_table
from local.azure_simulator.monitor.workspace import BadKqlError, Scope, Workspaces
from local.azure_simulator.simulation import Simulation

type Span = tuple[datetime, datetime]

EVER: Span = (datetime(1970, 1, 1), datetime(9000, 1, 1))  # noqa: DTZ001 - DuckDB's TIMESTAMP is naive UTC


class BadTimespanError(Exception):
    """The message is what the caller reads."""


class LogsApi:
    """Queries run one after another, in a thread."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        self._one_at_a_time = asyncio.Lock()
        self._workspaces: Workspaces | None = None
        self._taken_in = 0

    def routes(self) -> list[Route]:
        path = re.compile(r"/v1/workspaces/(?P<workspace>[^/]+)/query", re.IGNORECASE)
        action = "Microsoft.OperationalInsights/workspaces/query/read"
        return [Route("POST", path, self.query, Api.LOGS, Audience.LOGS, action)]

    def close(self) -> None:
        if self._workspaces:
            self._workspaces.close()

    async def query(self, call: Call) -> web.Response:
        workspace_id = call.parameters["workspace"]
        if workspace_id not in {site.workspace_id for site in self._simulation.sites.values()}:
            return arm_error(404, "WorkspaceNotFoundError", "The workspace could not be found.")
        body = call.body if isinstance(call.body, dict) else {}
        kql = body.get("query")
        if not isinstance(kql, str) or not kql.strip():
            return bad_argument("QueryValidationError", "The request body must hold a query.")
        try:
            starts_at, ends_at = parse_timespan(body.get("timespan"))
            scope = Scope(workspace_id, starts_at, min(ends_at, self._present(call)))
            async with self._one_at_a_time:
                table = await asyncio.to_thread(self._run, kql, scope)
        except BadTimespanError as wrong:
            return bad_argument("InvalidTimespan", str(wrong))
        except BadKqlError as wrong:
            return bad_argument(wrong.code, str(wrong), wrong.line, wrong.column)
        return web.json_response({"tables": [kusto_table(table)]})

    def _present(self, call: Call) -> datetime:
        """Nothing is newer than now; with a `stale` fault, than what had come in when it was set."""
        if call.as_of_s is None:
            return EVER[1]
        return _naive(call.as_of_s - self._simulation.timings.logs_delay_s)

    def _run(self, kql: str, scope: Scope) -> Any:
        workspaces = self._workspaces = self._workspaces or Workspaces(self._simulation)
        visible_until_s = time.time() - self._simulation.timings.logs_delay_s
        waiting = self._simulation.requests.since(self._taken_in)
        arrived = list(takewhile(lambda row: row.finished_at_s <= visible_until_s, waiting))
        self._taken_in = self._simulation.requests.total - (len(waiting) - len(arrived))
        workspaces.take_in(arrived)
        return workspaces.query(kql, scope)


def parse_timespan(text: str | None) -> Span:
    """ISO 8601: a duration back from now, `start/end`, `start/duration` or `duration/end`."""
    if not text:
        return EVER
    first, _, second = text.partition("/")
    try:
        if not second:
            now = datetime.now(UTC).replace(tzinfo=None)
            return now - _duration(first), EVER[1]
        if first.startswith("P"):
            return _moment(second) - _duration(first), _moment(second)
        start = _moment(first)
        return start, start + _duration(second) if second.startswith("P") else _moment(second)
    except ValueError as wrong:
        raise BadTimespanError(f"'{text}' is not an ISO 8601 timespan.") from wrong


def _duration(text: str) -> timedelta:
    duration: timedelta = isodate.parse_duration(text, as_timedelta_if_possible=True)
    return duration


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


def _naive(unix_s: float) -> datetime:
    return datetime.fromtimestamp(unix_s, UTC).replace(tzinfo=None)


def bad_argument(code: str, message: str, line: int = 0, column: int = 0) -> web.Response:
    inner: dict[str, Any] = {"code": code, "message": message}
    if line:
        inner |= {"line": line, "pos": column}
    error = {
        "message": "The request had some invalid properties",
        "code": "BadArgumentError",
        "correlationId": str(uuid.uuid4()),
        "innererror": inner,
    }
    return web.json_response({"error": error}, status=400)
