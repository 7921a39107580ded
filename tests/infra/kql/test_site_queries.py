"""The queries about a site, its answers and the controller itself, on rows made here."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.infra.kql.workspace import SITE, TEN, Row, Workspace

SLOT = f"{SITE}/slots/last-good"
OTHER = f"{SITE}-2"


def request(second: float, *, ms: int = 100, status: int = 200, resource: str = SITE) -> Row:
    at = TEN + timedelta(seconds=second)
    return {"TimeGenerated": at, "TimeTaken": ms, "ScStatus": status, "_ResourceId": resource}


def test_p95_is_of_each_minute_and_stands_at_its_end(workspace: Workspace) -> None:
    first = [request(second, ms=10 * (second + 1)) for second in range(20)]
    workspace.fill(AppServiceHTTPLogs=[*first, request(60, ms=700), request(200, ms=5000)])
    assert workspace.answer("p95_by_minute.kql") == [
        (TEN + timedelta(minutes=1), 190.0, 20),
        (TEN + timedelta(minutes=2), 700.0, 1),
        (TEN + timedelta(minutes=4), 5000.0, 1),
    ]


def test_error_share_counts_5xx_only(workspace: Workspace) -> None:
    statuses = [200, 301, 404, 499, 500, 502, 503, 599]
    workspace.fill(AppServiceHTTPLogs=[request(n, status=status) for n, status in enumerate(statuses)])
    assert workspace.answer("server_error_share.kql") == [(TEN + timedelta(minutes=1), 0.5, 8)]


@pytest.mark.parametrize("name", ["p95_by_minute.kql", "server_error_share.kql", "server_error_alert.kql"])
def test_slots_and_other_sites_do_not_count(workspace: Workspace, name: str) -> None:
    strangers = [request(n, ms=9000, status=500, resource=one) for n in range(30) for one in (SLOT, OTHER)]
    workspace.fill(AppServiceHTTPLogs=strangers)
    assert workspace.answer(name) == []


def test_a_minute_without_requests_is_no_row_rather_than_a_zero(workspace: Workspace) -> None:
    workspace.fill(AppServiceHTTPLogs=[])
    assert workspace.answer("server_error_share.kql") == []
    assert workspace.answer("p95_by_minute.kql") == []


@settings(max_examples=25)  # each example is a translation and a query
@given(
    seconds=st.lists(
        st.tuples(st.integers(0, 299), st.sampled_from([200, 404, 500, 503])), min_size=1, max_size=30, unique=True
    )
)
def test_every_request_is_in_exactly_one_minute(workspace: Workspace, seconds: list[tuple[int, int]]) -> None:
    workspace.fill(AppServiceHTTPLogs=[request(second, status=status) for second, status in seconds])
    rows = workspace.answer("server_error_share.kql")
    assert sum(count for _, _, count in rows) == len(seconds)
    assert round(sum(share * count for _, share, count in rows)) == sum(status >= 500 for _, status in seconds)
    assert all(TEN < at <= TEN + timedelta(minutes=5) for at, _, _ in rows)


@pytest.mark.parametrize(
    ("failed", "total", "expected"),
    [(1, 19, None), (19, 19, None), (1, 20, None), (2, 20, 10.0), (5, 100, None), (6, 100, 6.0)],
)
def test_the_error_alert_needs_evidence_and_more_than_5_percent(
    workspace: Workspace, failed: int, total: int, expected: float | None
) -> None:
    rows = [request(n, status=500 if n < failed else 200) for n in range(total)]
    workspace.fill(AppServiceHTTPLogs=rows)
    found = workspace.answer("server_error_alert.kql")
    assert found == ([] if expected is None else [(SITE, failed, total, expected)])


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
    workspace: Workspace, invocations: list[tuple[float, str, str, bool]], silent: bool
) -> None:
    columns = ("TimeGenerated", "Name", "AppRoleName", "Success")
    rows = [dict(zip(columns, (minutes_ago(minutes), *rest), strict=True)) for minutes, *rest in invocations]
    workspace.fill(AppRequests=rows)
    assert bool(workspace.answer("silent_controller.kql", app_name="func-demo")) is silent
