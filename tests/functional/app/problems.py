"""What a refusal looks like: a problem document (RFC 9457, sections 3 and 3.1) that says why and gives nothing away."""

import re
from http import HTTPStatus

from local.azurite import ACCOUNT_KEY
from tests.functional.app.http_client import Answer

_MEMBERS = {"type", "title", "status", "detail"}
_LONGEST_DETAIL = 2_000
_GIVEN_AWAY = re.compile(
    rb"Traceback|File \\?\"|site-packages|\.py\b|Error\(|Exception|errors\.pydantic\.dev|<class|object at 0x|"
    + re.escape(ACCOUNT_KEY.encode())
)


def refusal(answer: Answer, *statuses: HTTPStatus) -> str:
    """Return the reason of a refusal; fails the test unless it is a proper one, with one of the statuses if given."""
    shown = f"{answer.status} {answer.media} {answer.body[:600]!r}"
    assert 400 <= answer.status < 500, shown
    assert not statuses or answer.status in statuses, shown
    return told(answer)


def told(answer: Answer) -> str:
    """Return the reason in a problem document of any status; fails the test when it is no proper one."""
    shown = f"{answer.status} {answer.media} {answer.body[:600]!r}"
    assert answer.media == "application/problem+json", shown
    assert not _GIVEN_AWAY.search(answer.body), shown
    problem = answer.json
    assert set(problem) == _MEMBERS, shown
    assert problem["status"] == answer.status, shown
    assert problem["title"] == HTTPStatus(answer.status).phrase, shown
    assert isinstance(problem["detail"], str), shown
    assert 10 <= len(problem["detail"]) <= _LONGEST_DETAIL, shown
    return str(problem["detail"])
