"""The queries about what an app tells of itself, each with the rows it must answer for rows made here."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.model.kql import KqlValue
from tests.infra.kql.test_language import NAMES
from tests.infra.kql.workspace import SITE, Row, Rows, Workspace, at

_DATABASE = f"{SITE}/databases/orders"


@dataclass(frozen=True)
class Case:
    """A query with the values it is given, the rows it sees and the rows it must answer."""

    query: str
    tables: dict[str, list[Row]]
    rows: Rows
    given: dict[str, KqlValue] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.query} {self.given}"


def request(minutes: float, **more: Any) -> Row:
    return {"TimeGenerated": at(minutes), "DurationMs": 100.0, "Success": True, **more}


def raised(minutes: float, severity: int, **more: Any) -> Row:
    return {"TimeGenerated": at(minutes), "SeverityLevel": severity, "ProblemId": "KeyError", **more}


def metric(minutes: float, name: str, *values: float, **more: Any) -> Row:
    total, lowest, highest = sum(values), min(values), max(values)
    row = {"TimeGenerated": at(minutes), "Name": name, "Sum": total, "Min": lowest, "Max": highest}
    return row | {"ItemCount": len(values), **more}


def platform(minutes: float, name: str, value: float, **more: Any) -> Row:
    return {
        "TimeGenerated": at(minutes),
        "MetricName": name,
        "Average": value,
        "Maximum": value + 1,
        "_ResourceId": _DATABASE,
    } | more


_SERVED = [request(0.5), request(1.5, ItemCount=3, DurationMs=5000.1), request(6, Success=False, DurationMs=5000.0)]
_STRANGER = request(0.6, AppRoleName="other", Success=False, DurationMs=9e9)
_REQUESTS = {"AppRequests": [*_SERVED, _STRANGER]}
_RAISED: dict[str, list[Row]] = {
    **_REQUESTS,
    "AppExceptions": [
        raised(1, 3, OuterMessage="The Migration stopped"),
        raised(2, 4, ItemCount=5),
        raised(4.9, 2, Properties='{"phase": "migration"}'),
        raised(1, 4, AppRoleName="other"),
        raised(21, 3, ProblemId="migration.Failed"),
    ],
}
_CONFIDENCE: list[Row] = [
    metric(1, "migration.confidence", 4, 6),
    metric(4, "Migration.Confidence", 2),
    metric(7, "migration.confidence", 9),
    metric(1, "migration.confidence", 0, AppRoleName="other"),
    metric(1, "migrationX", 0),
]
_SQL = "database.connection.sqlite"
_POSTGRESQL = "database.connection.postgresql"
_LOGINS: list[Row] = [
    {"TimeGenerated": at(0.1), "CsUriStem": path, "ScStatus": status}
    for path, status in [("/login", 200), ("/login", 401), ("/Login/next", 403), ("/login", 503), ("/login", 404)]
]
_OTHER_PATHS: list[Row] = [{"TimeGenerated": at(0.1), "CsUriStem": "/", "ScStatus": 500}]
_CALLS: list[Row] = [
    {"TimeGenerated": at(0.1), "Target": "orders.database | sql", "Success": False},
    {"TimeGenerated": at(0.2), "Target": "orders.database | sql", "Success": True, "ItemCount": 3},
    {"TimeGenerated": at(0.3), "Target": "mail", "Success": False},
]
_PARTS: list[Row] = [
    platform(1, "cpu_percent", 10),
    platform(1, "physical_data_read_percent", 97),
    platform(1, "storage", 99),
]
_WAITING: list[Row] = [
    platform(1, "ActiveMessages", 7),
    platform(1.5, "activemessages", 3),
    platform(2, "Messages", 99),
]
_SURE = '{"confidence": 0.7}'
_ROLLBACKS: list[Row] = [
    {"TimeGenerated": at(1), "Name": "migration.Rollback", "Properties": '{"reason": "errors", "confidence": "0.9"}'},
    {
        "TimeGenerated": at(2),
        "Name": "rollback",
        "Properties": '{"reason": "x"}',
        "Measurements": '{"confidence": 0.7}',
    },
    {"TimeGenerated": at(3), "Name": "rollback", "ItemCount": 2},
    {"TimeGenerated": at(3), "Name": "deployed"},
]

CASES = [
    Case("metric.kql", {"AppMetrics": _CONFIDENCE}, [(at(2), 5.0, 2), (at(5), 2.0, 1), (at(8), 9.0, 1)]),
    Case("metric.kql", {"AppMetrics": _CONFIDENCE}, [(at(5), 4.0, 3), (at(10), 9.0, 1)], {"step": "5m"}),
    Case("metric.kql", {"AppMetrics": _CONFIDENCE}, [(at(15), 2.0, 4)], {"step": "15m", "statistic": "minimum"}),
    Case("metric.kql", {"AppMetrics": _CONFIDENCE}, [(at(15), 9.0, 4)], {"step": "15m", "statistic": "maximum"}),
    Case("metric.kql", {"AppMetrics": _CONFIDENCE}, [(at(15), 21.0, 4)], {"step": "15m", "statistic": "sum"}),
    Case("metric.kql", {"AppMetrics": _CONFIDENCE}, [(at(15), None, 4)], {"step": "15m", "statistic": "median"}),
    Case(
        "metrics_by_name.kql",
        {"AppMetrics": _CONFIDENCE},
        [
            (at(5), "Migration.Confidence", 2.0, 2.0, 2.0, 1),
            (at(5), "migration.confidence", 5.0, 4.0, 6.0, 2),
            (at(10), "migration.confidence", 9.0, 9.0, 9.0, 1),
        ],
    ),
    Case(
        "metrics_by_name.kql",
        {"AppMetrics": [metric(0.2, _POSTGRESQL, 1, 0), metric(0.2, _SQL, 1), metric(1.2, _POSTGRESQL, 1)]},
        [
            (at(1), _POSTGRESQL, 0.5, 0.0, 1.0, 2),
            (at(1), _SQL, 1.0, 1.0, 1.0, 1),
            (at(2), _POSTGRESQL, 1.0, 1.0, 1.0, 1),
        ],
        {"prefix": "database.connection.", "step": "1m"},
    ),
    Case("exceptions.kql", _RAISED, [(at(5), 7.0, 11), (at(10), 0.0, 1), (at(25), 1.0, 1)]),
    Case("exceptions.kql", _RAISED, [(at(5), 6.0, 10), (at(10), 0.0, 1), (at(25), 1.0, 1)], {"severity": 3}),
    Case("exceptions.kql", _RAISED, [(at(5), 2.0, 6), (at(10), 0.0, 1), (at(25), 1.0, 1)], {"mention": "migration"}),
    Case("exceptions.kql", _RAISED, [(at(30), 2.0, 7)], {"mention": "migration", "severity": 3, "step": "30m"}),
    Case(
        "exceptions_by_severity.kql",
        _RAISED,
        [(at(5), 4, 5, 1), (at(5), 3, 1, 1), (at(5), 2, 1, 1), (at(25), 3, 1, 1)],
    ),
    Case(
        "rollback_events.kql",
        {"AppEvents": _ROLLBACKS},
        [
            (at(1), "migration.Rollback", "errors", 0.9),
            (at(2), "rollback", "x", 0.7),
            (at(3), "rollback", None, None),
        ],
    ),
    Case(
        "events.kql",
        {"AppEvents": _ROLLBACKS, "AppRequests": [request(0.5), _STRANGER]},
        [(at(1), 0.0, 1), (at(3), 1.0, 1), (at(4), 2.0, 2)],
        {"name": "ROLLBACK"},
    ),
    Case("slow_requests.kql", _REQUESTS, [(at(1), 0.0, 1), (at(2), 3.0, 3), (at(7), 0.0, 1)]),
    Case("slow_requests.kql", _REQUESTS, [(at(10), 4.0, 5)], {"limit_ms": 4999, "step": "10m"}),
    Case("failed_request_share.kql", _REQUESTS, [(at(1), 0.0, 1), (at(2), 0.0, 3), (at(7), 1.0, 1)]),
    Case("failed_request_share.kql", _REQUESTS, [], {"operation": "POST /ai"}),
    Case("failed_login_share.kql", {"AppServiceHTTPLogs": [*_LOGINS, *_OTHER_PATHS]}, [(at(1), 0.6, 5)]),
    Case("dependency_failure_share.kql", {"AppDependencies": _CALLS}, [(at(1), 0.4, 5)]),
    Case("dependency_failure_share.kql", {"AppDependencies": _CALLS}, [(at(1), 0.25, 4)], {"target": "orders"}),
    Case(
        "dtu.kql",
        {"AzureMetrics": [*_PARTS, platform(1, "log_write_percent", 5), platform(2, "cpu_percent", 100)]},
        [(at(2), 97.0, 3)],
        {"database_id": _DATABASE.upper()},
    ),
    Case("queue_backlog.kql", {"AzureMetrics": _WAITING}, [(at(2), 8.0, 2)], {"namespace_id": _DATABASE}),
]
_NAMED: dict[str, dict[str, KqlValue]] = {"metric.kql": {"name": "migration.confidence"}}
_OF_A_SITE = {"p95_by_minute.kql", "server_error_share.kql", "server_error_alert.kql", "silent_controller.kql"}


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_query_answers_what_it_must(workspace: Workspace, case: Case) -> None:
    workspace.fill(**case.tables)
    found = workspace.answer(case.query, **_NAMED.get(case.query, {}), **case.given)
    assert [tuple(None if value == "" else value for value in row) for row in found] == case.rows


@pytest.mark.parametrize("query", sorted({case.query for case in CASES}))
def test_a_workspace_that_heard_nothing_answers_nothing(workspace: Workspace, query: str) -> None:
    case = next(case for case in CASES if case.query == query)
    workspace.fill()
    assert workspace.answer(query, **_NAMED.get(query, {}), **case.given) == []


@settings(max_examples=40)  # each example is two translations and two queries
@given(wanted=st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=20))
def test_a_value_means_the_same_as_a_bound_parameter_and_never_becomes_a_part_of_the_query(
    workspace: Workspace, wanted: str
) -> None:
    targets = [wanted, 'a"b', "c\\", "'; drop", "ß"]
    rows = [{"TimeGenerated": at(0.1), "Target": target, "Success": False} for target in targets]
    workspace.fill(AppDependencies=rows)
    sent = workspace.answer("dependency_failure_share.kql", target=wanted)
    assert sent == workspace.answer_declared("dependency_failure_share.kql", target=wanted)
    assert sent
    assert sent[0][2] >= 1


def test_every_query_is_tried() -> None:
    assert {case.query for case in CASES} | _OF_A_SITE == set(NAMES)
