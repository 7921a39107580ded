"""Advice on databases, asked of a running app."""

from http import HTTPStatus

from tests.functional.app.http_client import Api


def test_a_workload_without_a_database_is_told_so(api: Api) -> None:
    answer = api.get("/api/workloads/demo/advice")
    assert answer.status == HTTPStatus.OK
    assert answer.json["databases"] == []
    assert answer.json["says"].startswith("there is no database to ask: ")


def test_a_workload_that_is_not_there_is_not_found(api: Api) -> None:
    assert api.get("/api/workloads/nobody/advice").status == HTTPStatus.NOT_FOUND
