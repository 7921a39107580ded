"""What the SDKs raise over a real connection, and what it becomes (the table in `azure_errors.py`)."""

import logging
import traceback

import pytest
from azure.core import PipelineClient
from azure.core.exceptions import AzureError, ClientAuthenticationError
from azure.core.rest import HttpRequest, HttpResponse
from azure.identity import CredentialUnavailableError

from shared.adapters.azure_errors import translate, translated
from shared.errors import Busy, ControllerError, OutcomeUnknown, PermanentError, TransientError
from tests.contract.raw_server import RawServer

_SECRET = "connection-string-of-somebody"


def called(url: str) -> ControllerError:
    """Call an address with an SDK's pipeline and return what comes of it."""
    with pytest.raises(ControllerError) as caught:
        _call(url)
    return caught.value


def _call(url: str) -> None:
    client: PipelineClient[HttpRequest, HttpResponse] = PipelineClient(url, policies=[])
    with client, translated("calling"):
        answered = client.send_request(HttpRequest("POST", f"{url}/"), connection_timeout=0.3, read_timeout=0.3)
        answered.raise_for_status()
        answered.json()["a member that is not there"]


def answer(status: int, body: str = "{}", more: str = "") -> bytes:
    head = f"HTTP/1.1 {status} Said\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return f"{head}Connection: close\r\n{more}\r\n{body}".encode()


_CALLS: dict[str, tuple[RawServer, type[ControllerError]]] = {
    "nothing comes": (RawServer(hold=True), OutcomeUnknown),
    "the connection ends": (RawServer(), OutcomeUnknown),
    "garbage": (RawServer(b"garbage\r\n\r\n"), OutcomeUnknown),
    "the head comes and the body does not": (
        RawServer(b"HTTP/1.1 202 Accepted\r\nContent-Length: 9\r\n\r\n", hold=True),
        OutcomeUnknown,
    ),
    "the body is cut": (RawServer(b"HTTP/1.1 202 Accepted\r\nContent-Length: 9\r\n\r\n{"), OutcomeUnknown),
    "the body is no gzip": (RawServer(answer(202, "nope", "Content-Encoding: gzip\r\n")), OutcomeUnknown),
    "the body is no JSON": (RawServer(answer(200, "<html>")), OutcomeUnknown),
    "the body has another shape": (RawServer(answer(200, "[]")), OutcomeUnknown),
    "a member is missing": (RawServer(answer(200)), OutcomeUnknown),
    "400": (RawServer(answer(400)), PermanentError),
    "401": (RawServer(answer(401)), PermanentError),
    "403": (RawServer(answer(403)), PermanentError),
    "404": (RawServer(answer(404)), PermanentError),
    "408": (RawServer(answer(408)), OutcomeUnknown),
    "409": (RawServer(answer(409)), Busy),
    "429": (RawServer(answer(429)), TransientError),
    "500": (RawServer(answer(500)), OutcomeUnknown),
    "503": (RawServer(answer(503)), OutcomeUnknown),
    "an endless pause": (RawServer(answer(429, more="Retry-After: " + "9" * 5000 + "\r\n")), TransientError),
}


@pytest.mark.parametrize("case", _CALLS)
def test_an_answer_becomes_the_error_that_says_what_may_have_happened(case: str) -> None:
    server, expected = _CALLS[case]
    with server:
        error = called(server.url)
    assert type(error) is expected, error
    assert str(error).startswith("calling: ")


def test_a_connection_that_was_never_made_sent_nothing() -> None:
    for nobody in ("http://127.0.0.1:9", "http://nobody.invalid"):
        error = called(nobody)
        assert (type(error), str(error)) == (TransientError, "calling: no connection")


@pytest.mark.parametrize("raised", [ClientAuthenticationError(_SECRET), CredentialUnavailableError(_SECRET)])
def test_without_a_token_nothing_was_sent_and_a_token_may_come(raised: AzureError) -> None:
    error = translate("calling", raised)
    assert (type(error), str(error)) == (TransientError, "calling: no token")


def test_text_of_ours_that_is_no_unicode_was_never_sent() -> None:
    with (
        pytest.raises(PermanentError, match=r"^calling: there is text in it that cannot be sent$"),
        translated("calling"),
    ):
        "\ud800".encode()


@pytest.mark.parametrize("status", [200, 400, 403, 500])
def test_a_log_of_the_error_shows_nothing_of_what_azure_answered(status: int, caplog: pytest.LogCaptureFixture) -> None:
    body = f'{{"error": {{"code": "Oops", "message": "{_SECRET}"}}}}'
    with RawServer(answer(status, body)) as server:
        error = called(server.url)
    logging.getLogger("test").error("it failed", exc_info=error)
    assert "it failed" in caplog.text
    assert _SECRET not in caplog.text
    assert _SECRET not in "".join(traceback.format_exception(error))
