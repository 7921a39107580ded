"""The queries of infra/kql, run on DuckDB over small tables with the columns that Log Analytics documents."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
import duckdb_kql
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.infra.bicep_files import INFRA

SITE = "/subscriptions/s/resourcegroups/shop/providers/microsoft.web/sites/demo"
SITE_AS_WRITTEN = "/subscriptions/s/resourceGroups/Shop/providers/Microsoft.Web/sites/demo"
SLOT = f"{SITE}/slots/last-good"
OTHER = f"{SITE}-2"
TEN = datetime(2026, 3, 1, 10, 0)  # noqa: DTZ001 - DuckDB's TIMESTAMP has no zone; Log Analytics' datetime is UTC
REQUEST_COLUMNS = "TimeGenerated TIMESTAMP, TimeTaken INTEGER, ScStatus INTEGER, _ResourceId VARCHAR"
INVOCATION_COLUMNS = "TimeGenerated TIMESTAMP, Name VARCHAR, AppRoleName VARCHAR, Success BOOLEAN"

OF_THE_SITE = f'let site_id = "{SITE_AS_WRITTEN}";\n'
DECLARED = {
    "p95_by_minute.kql": OF_THE_SITE,
    "server_error_share.kql": OF_THE_SITE,
    "server_error_alert.kql": OF_THE_SITE,
    "silent_controller.kql": 'let app_name = "func-demo";\n',
}

Request = tuple[datetime, int, int, str]
Answer = tuple[list[str], list[tuple[Any, ...]]]


@pytest.fixture(scope="module")
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    connection = duckdb_kql.connect()
    connection.execute(f"CREATE TABLE AppServiceHTTPLogs ({REQUEST_COLUMNS})")
    connection.execute(f"CREATE TABLE AppRequests ({INVOCATION_COLUMNS})")
    yield connection
    connection.close()


def fill(database: duckdb.DuckDBPyConnection, table: str, rows: Iterable[tuple[Any, ...]]) -> None:
    database.execute(f"DELETE FROM {table}")  # noqa: S608 - the table's name is a literal of this file
    for row in rows:
        database.execute(f"INSERT INTO {table} VALUES (?, ?, ?, ?)", list(row))  # noqa: S608 - as above


def answer(database: duckdb.DuckDBPyConnection, name: str) -> Answer:
    result = duckdb_kql.kql(database, DECLARED[name] + (INFRA / "kql" / name).read_text())
    return list(result.columns), result.fetchall()


def request(second: float, *, ms: int = 100, status: int = 200, resource: str = SITE) -> Request:
    return TEN + timedelta(seconds=second), ms, status, resource


def test_p95_is_of_each_minute_and_stands_at_its_end(database: duckdb.DuckDBPyConnection) -> None:
    first = [request(second, ms=10 * (second + 1)) for second in range(20)]
    fill(database, "AppServiceHTTPLogs", [*first, request(60, ms=700), request(200, ms=5000)])
    assert answer(database, "p95_by_minute.kql") == (
        ["at", "value", "count"],
        [
            (TEN + timedelta(minutes=1), 190.0, 20),
            (TEN + timedelta(minutes=2), 700.0, 1),
            (TEN + timedelta(minutes=4), 5000.0, 1),
        ],
    )


def test_error_share_counts_5xx_only(database: duckdb.DuckDBPyConnection) -> None:
    statuses = [200, 301, 404, 499, 500, 502, 503, 599]
    fill(database, "AppServiceHTTPLogs", [request(n, status=status) for n, status in enumerate(statuses)])
    columns, rows = answer(database, "server_error_share.kql")
    assert columns == ["at", "value", "count"]
    assert rows == [(TEN + timedelta(minutes=1), 0.5, 8)]


@pytest.mark.parametrize("name", ["p95_by_minute.kql", "server_error_share.kql", "server_error_alert.kql"])
def test_slots_and_other_sites_do_not_count(database: duckdb.DuckDBPyConnection, name: str) -> None:
    strangers = [request(n, ms=9000, status=500, resource=one) for n in range(30) for one in (SLOT, OTHER)]
    fill(database, "AppServiceHTTPLogs", strangers)
    assert answer(database, name)[1] == []


def test_a_minute_without_requests_is_no_row_rather_than_a_zero(database: duckdb.DuckDBPyConnection) -> None:
    fill(database, "AppServiceHTTPLogs", [])
    assert answer(database, "server_error_share.kql")[1] == []
    assert answer(database, "p95_by_minute.kql")[1] == []


@settings(max_examples=25)  # each example is a translation and a query
@given(
    seconds=st.lists(
        st.tuples(st.integers(0, 299), st.sampled_from([200, 404, 500, 503])), min_size=1, max_size=30, unique=True
    )
)
def test_every_request_is_in_exactly_one_minute(
    database: duckdb.DuckDBPyConnection, seconds: list[tuple[int, int]]
) -> None:
    fill(database, "AppServiceHTTPLogs", [request(second, status=status) for second, status in seconds])
    rows = answer(database, "server_error_share.kql")[1]
    assert sum(count for _, _, count in rows) == len(seconds)
    assert round(sum(share * count for _, share, count in rows)) == sum(status >= 500 for _, status in seconds)
    assert all(TEN < at <= TEN + timedelta(minutes=5) for at, _, _ in rows)


@pytest.mark.parametrize(
    ("failed", "total", "expected"),
    [(1, 19, None), (19, 19, None), (1, 20, None), (2, 20, 10.0), (5, 100, None), (6, 100, 6.0)],
)
def test_the_error_alert_needs_evidence_and_more_than_5_percent(
    database: duckdb.DuckDBPyConnection, failed: int, total: int, expected: float | None
) -> None:
    rows = [request(n, status=500 if n < failed else 200) for n in range(total)]
    fill(database, "AppServiceHTTPLogs", rows)
    found = answer(database, "server_error_alert.kql")
    assert found[0] == ["_ResourceId", "failed", "requests", "percent"]
    assert found[1] == ([] if expected is None else [(SITE, failed, total, expected)])


def minutes_ago(minutes: float) -> datetime:
    return (datetime.now(UTC) - timedelta(minutes=minutes)).replace(tzinfo=None)


@pytest.mark.parametrize(
    ("invocations", "silent"),
    [
        ([], True),
        ([(1, "watch", "func-demo", True)], False),
        ([(4, "Watch", "FUNC-DEMO", True)], False),
        ([(6, "watch", "func-demo", True)], True),
        ([(6, "watch", "func-demo", True), (2, "watch", "func-demo", True)], False),
        ([(1, "watch", "func-demo", False)], True),
        ([(1, "evaluate", "func-demo", True)], True),
        ([(1, "watch", "func-other", True)], True),
    ],
)
def test_the_controller_is_silent_when_no_watch_succeeded(
    database: duckdb.DuckDBPyConnection, invocations: list[tuple[float, str, str, bool]], silent: bool
) -> None:
    fill(database, "AppRequests", [(minutes_ago(minutes), *rest) for minutes, *rest in invocations])
    columns, rows = answer(database, "silent_controller.kql")
    assert columns == ["last_watch"]
    assert bool(rows) is silent


def test_every_query_is_tried_here() -> None:
    assert {path.name for path in (INFRA / "kql").glob("*.kql")} == set(DECLARED)
