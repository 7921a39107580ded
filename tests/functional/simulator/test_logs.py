"""Log Analytics through azure-monitor-query: the tables tell what was served, KQL errors are Kusto's."""

import time
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from azure.core.exceptions import HttpResponseError
from azure.monitor.query import LogsQueryError, LogsQueryPartialResult, LogsQueryResult

from tests.functional.simulator.conftest import Azure, http_response


def query(azure: Azure, kql: str, timespan: Any = timedelta(hours=1)) -> LogsQueryResult:
    result = azure.logs.query_workspace(azure.state()["workspace_id"], kql, timespan=timespan)
    assert isinstance(result, LogsQueryResult)
    return result


def rows(azure: Azure, kql: str, timespan: Any = timedelta(hours=1)) -> list[list[Any]]:
    return [list(row) for row in query(azure, kql, timespan).tables[0].rows]


@pytest.fixture
def path(azure: Azure) -> str:
    """A path of this test alone, so that its rows can be told from all others."""
    assert azure
    return f"/orders-{uuid.uuid4().hex[:8]}"


def visit(azure: Azure, path: str, times: int) -> list[int]:
    with azure.site() as visitor:
        return [visitor.get(path).status_code for _ in range(times)]


def test_http_logs_equal_what_was_served(azure: Azure, path: str) -> None:
    azure.control("PUT", "/builds/b2/faults", {"fail_share": 0.4, "seed": 3})
    statuses = visit(azure, path, 30)
    kql = (
        f'AppServiceHTTPLogs | where TimeGenerated > ago(5m) and CsUriStem == "{path}" '
        "| summarize total = count(), failed = countif(ScStatus >= 500)"
    )
    assert rows(azure, kql) == [[30, statuses.count(500)]]
    assert 0 < statuses.count(500) < 30


def test_columns_carry_their_types(azure: Azure, path: str) -> None:
    visit(azure, path, 1)
    kql = f'AppServiceHTTPLogs | where CsUriStem == "{path}" | project TimeGenerated, ScStatus, TimeTaken, CsHost'
    table = query(azure, kql).tables[0]
    assert table.columns_types == ["datetime", "int", "int", "string"]
    [row] = table.rows
    assert abs((row["TimeGenerated"] - datetime.now(UTC)).total_seconds()) < 5


def test_requests_name_role_build_and_outcome(azure: Azure, path: str) -> None:
    visit(azure, path, 2)
    kql = (
        f'AppRequests | where Url endswith "{path}" | project Success, ResultCode, AppRoleName, AppVersion, DurationMs'
    )
    table = query(azure, kql).tables[0]
    assert table.columns_types == ["bool", "string", "string", "string", "real"]
    assert [list(row)[:4] for row in table.rows] == [[True, "200", "demo", "b2"]] * 2


def test_what_the_app_never_saw_is_in_http_logs_only(azure: Azure, path: str) -> None:
    azure.control("PUT", "/builds/b2/faults", {"die": True})
    assert visit(azure, path, 3) == [503] * 3
    assert rows(azure, f'AppServiceHTTPLogs | where CsUriStem == "{path}" and ScStatus == 503 | count') == [[3]]
    assert rows(azure, f'AppRequests | where Url endswith "{path}" | count') == [[0]]


def test_what_is_younger_than_the_delay_is_not_there_yet(azure: Azure, path: str) -> None:
    kql = f'AppServiceHTTPLogs | where CsUriStem == "{path}" | count'
    azure.control("PUT", "/timings", {"logs_delay_s": 600})
    visit(azure, path, 2)
    assert rows(azure, kql) == [[0]]
    azure.control("PUT", "/timings", {"logs_delay_s": 0})
    assert rows(azure, kql) == [[2]]


def test_the_timespan_bounds_the_rows(azure: Azure, path: str) -> None:
    visit(azure, path, 1)
    between = datetime.now(UTC)
    time.sleep(0.01)
    visit(azure, path, 2)
    kql = f'AppServiceHTTPLogs | where CsUriStem == "{path}" | count'
    assert rows(azure, kql, (between - timedelta(minutes=5), between)) == [[1]]
    assert rows(azure, kql, (between, timedelta(minutes=5))) == [[2]]
    assert rows(azure, kql, None) == [[3]]


def test_a_stale_workspace_answers_as_of_the_fault(azure: Azure, path: str) -> None:
    visit(azure, path, 1)
    azure.set_fault("logs", "stale")
    visit(azure, path, 1)
    assert rows(azure, f'AppServiceHTTPLogs | where CsUriStem == "{path}" | count') == [[1]]


@pytest.mark.parametrize(
    ("kql", "code"),
    [
        ("AppServiceHTTPLogs | wherex", "SyntaxError"),
        ("NoSuchTable | take 1", "SemanticError"),
        ("AppServiceHTTPLogs | where Nope == 1", "SemanticError"),
    ],
)
def test_bad_kql_is_400_with_an_inner_error(azure: Azure, kql: str, code: str) -> None:
    with pytest.raises(HttpResponseError) as refused:
        query(azure, kql)
    assert refused.value.status_code == 400
    error = http_response(refused).json()["error"]
    assert (error["code"], error["innererror"]["code"]) == ("BadArgumentError", code)
    assert isinstance(refused.value.model, LogsQueryError)


def test_answers_that_are_no_use(azure: Azure, path: str) -> None:
    visit(azure, path, 1)
    kql = f'AppServiceHTTPLogs | where CsUriStem == "{path}" | summarize share = avg(todouble(ScStatus))'
    azure.set_fault("logs", "empty", times=1)
    assert rows(azure, kql) == []
    azure.set_fault("logs", "nan", times=1)
    assert rows(azure, kql) == [["NaN"]]
    azure.set_fault("logs", "renamed", times=1)
    assert query(azure, kql).tables[0].columns == ["share_s"]
    azure.set_fault("logs", "status", status=429, retry_after_s=3, times=1)
    with pytest.raises(HttpResponseError, match="InjectedFault"):
        query(azure, kql)
    assert rows(azure, kql) == [[200.0]]


def test_a_partial_answer(azure: Azure) -> None:
    azure.set_fault("logs", "partial", times=1)
    result = azure.logs.query_workspace(
        azure.state()["workspace_id"], "AppServiceHTTPLogs | count", timespan=timedelta(hours=1)
    )
    assert isinstance(result, LogsQueryPartialResult)
    assert result.partial_error is not None
    assert result.partial_error.code == "PartialError"
    assert len(result.partial_data) == 1


def test_an_unknown_workspace_and_a_bad_timespan(azure: Azure) -> None:
    with pytest.raises(HttpResponseError, match="WorkspaceNotFoundError"):
        azure.logs.query_workspace("nosuch", "print 1", timespan=None)
    token = azure.credential.get_token("https://api.loganalytics.io/.default").token
    url = f"{azure.simulator.url}/v1/workspaces/{azure.state()['workspace_id']}/query"
    body = {"query": "print 1", "timespan": "yesterday"}
    answer = httpx.post(url, json=body, headers={"Authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.json()["error"]["innererror"]["code"]) == (400, "InvalidTimespan")
