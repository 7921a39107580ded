"""What else may answer where a Prometheus should be: never a value, and never what it wrote."""

import json
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from local.loopback import LoopbackServer, Reply, Request
from shared.errors import ControllerError, OutcomeUnknown, PermanentError, PolicyError, TransientError
from shared.model.signal import Outcome, Sample
from tests.contract.prometheus.conftest import ask, querying
from tests.contract.raw_server import RawServer

_RANGE = "promql: one.promql"
_WARNED = {"status": "success", "warnings": ["half of the stores did not answer"]}


class Played(LoopbackServer):
    """Answers every query with the same document, its values at the end of the range that was asked for."""

    def __init__(self) -> None:
        self.asked: list[Request] = []
        self.status = 200
        self.headers: dict[str, str] = {}
        self.document: Any = None
        self.values: list[str] = []

    def reply(self, request: Request) -> Reply:
        self.asked.append(request)
        document = self.document
        if document is None:
            end = float(parse_qs(request.body.decode())["end"][0])
            at = [[end - back, value] for back, value in zip(range(len(self.values), 0, -1), self.values, strict=True)]
            document = matrix([{"metric": {}, "values": at}])
        return Reply(status=self.status, headers=self.headers, body=json.dumps(document).encode())


def matrix(result: Any) -> dict[str, Any]:
    return {"status": "success", "data": {"resultType": "matrix", "result": result}}


@pytest.fixture
def played() -> Iterator[Played]:
    with Played() as server:
        yield server


@pytest.fixture
def queries(tmp_path: Path) -> Path:
    (tmp_path / "one.promql").write_text("sum(up)")
    (tmp_path / "many.promql").write_text("count(up)")
    return tmp_path


def said(url: str, queries: Path, signal: str = _RANGE, back_s: float = 5) -> tuple[Sample, ...]:
    return ask(querying(url, signal), back_s=back_s, folder=queries)


def test_what_is_no_number_is_no_data_and_what_is_infinite_is_an_error(played: Played, queries: Path) -> None:
    played.values = ["1", "NaN", "+Inf", "2.5"]
    found = said(played.url, queries, back_s=10)
    by_value = [(sample.outcome, sample.value) for sample in found[-5:-1]]
    assert by_value == [
        (Outcome.MEASURED, 1.0),
        (Outcome.NO_DATA, None),
        (Outcome.ERROR, None),
        (Outcome.MEASURED, 2.5),
    ]


def test_an_empty_vector_is_no_data_at_every_step(played: Played, queries: Path) -> None:
    played.document = matrix([])
    found = said(played.url, queries)
    assert len(found) == 5
    assert {sample.outcome for sample in found} == {Outcome.NO_DATA}


def test_a_value_that_stands_on_nothing_is_no_data(played: Played, queries: Path) -> None:
    played.values = ["0", "0"]
    found = said(played.url, queries, "promql: one.promql, stands_on: many.promql")
    assert {sample.outcome for sample in found} == {Outcome.NO_DATA}


@pytest.mark.parametrize(
    ("status", "document", "kind", "sentence"),
    [
        (200, _WARNED | matrix([]), PermanentError, "query one.promql was answered in part only: Prometheus warns"),
        (200, {"status": "error"}, PermanentError, "was answered with something else than a range of values"),
        (200, {"status": "success", "data": {"resultType": "vector", "result": []}}, PermanentError, "something else"),
        (200, matrix([{"metric": {}, "values": [["x", "1"]]}]), PermanentError, "what makes no sense"),
        (200, matrix([{"metric": {}, "values": [[1e300, "1"]]}]), PermanentError, "what makes no sense"),
        (200, matrix([{"metric": {}, "values": [[1.0, None]]}]), PermanentError, "what makes no sense"),
        (200, matrix("secret"), PermanentError, "what makes no sense"),
        (200, matrix([{}]), PermanentError, "what makes no sense"),
        (200, ["secret"], PermanentError, "what makes no sense"),
        (200, matrix([{"metric": {"pod": "a"}}, {"metric": {"pod": "b"}}]), PermanentError, "which differ in pod"),
        (400, {"errorType": "bad_data", "error": "secret"}, PermanentError, "query one.promql, bad_data: answered 400"),
        (422, {"errorType": "secret"}, PermanentError, "query one.promql, no reason given: answered 422"),
        (401, {}, PermanentError, "answered 401"),
        (302, {}, PermanentError, "answered 302"),
        (429, {}, TransientError, "answered 429"),
        (503, {"errorType": "timeout"}, OutcomeUnknown, "query one.promql, timeout: answered 503"),
        (500, {}, OutcomeUnknown, "answered 500"),
    ],
)
def test_any_other_answer_is_an_error_that_says_what_was_wrong(
    played: Played, queries: Path, status: int, document: Any, kind: type[ControllerError], sentence: str
) -> None:
    played.status, played.document = status, document
    with pytest.raises(kind, match=sentence) as caught:
        said(played.url, queries)
    assert type(caught.value) is kind
    assert "secret" not in str(caught.value)


def test_the_pause_that_is_asked_for_is_known(played: Played, queries: Path) -> None:
    played.status, played.headers, played.document = 429, {"Retry-After": "77"}, {}
    with pytest.raises(TransientError) as caught:
        said(played.url, queries)
    assert caught.value.retry_after == timedelta(seconds=77)


@pytest.mark.parametrize("body", [b"<html>", b"\xff\xfe", b"", b"[" * 9000, b'{"a": NaN}', b"x" * 300_000])
def test_what_is_no_json_is_an_error(queries: Path, body: bytes) -> None:
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode()
    with RawServer(head, body) as server, pytest.raises(PermanentError, match="what makes no sense"):
        said(server.url, queries)


def test_who_never_answers_is_left_at_the_time_out(queries: Path) -> None:
    with RawServer(hold=True) as server:
        begun = datetime.now(UTC)
        with pytest.raises(OutcomeUnknown, match="gave no whole answer"):
            said(server.url, queries, "promql: one.promql, timeout: 1s")
        assert datetime.now(UTC) - begun < timedelta(seconds=5)


def test_who_is_not_there_was_not_asked(queries: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(TransientError, match="could not be reached"):
        said(f"http://127.0.0.1:{port}", queries)


def test_the_token_of_the_app_goes_to_those_alone_who_are_said_to_want_it(played: Played, queries: Path) -> None:
    played.values = ["1"]
    said(played.url, queries)
    said(played.url, queries, f"{_RANGE}, auth: entra")
    headers = [{name.lower(): value for name, value in asked.headers.items()} for asked in played.asked]
    assert [one.get("authorization") for one in headers] == [None, "Bearer t0ken"]


def test_a_token_does_not_travel_in_the_clear() -> None:
    with pytest.raises(PolicyError, match="a token would travel in the clear; expected an https endpoint"):
        querying("http://prometheus.example", f"{_RANGE}, auth: entra")


def test_a_host_that_the_policy_does_not_name_is_not_asked() -> None:
    with pytest.raises(PolicyError, match=r"the host prometheus\.example is not named; expected it in reach\.hosts"):
        querying("http://prometheus.example", _RANGE)


def test_the_query_is_sent_as_a_form_with_whole_steps(played: Played, queries: Path) -> None:
    played.values = ["1"]
    said(played.url, queries)
    (asked,) = played.asked
    form = {name: value[0] for name, value in parse_qs(asked.body.decode()).items()}
    assert (asked.method, asked.path) == ("POST", "/api/v1/query_range")
    assert (form["query"], form["step"], form["timeout"]) == ("sum(up)", "1.000", "10s")
    assert form["start"].endswith(".000")
    assert form["end"].endswith(".000")
