"""Turns what a use case returns or raises into an HTTP answer. The only broad `except`: the trigger boundary.

Errors are problem documents (RFC 9457). They carry the sentence of an error that was raised on purpose, and nothing
else: no stack trace, no text of an exception that somebody else raised.
"""

from collections.abc import Callable, Sequence
from datetime import timedelta
from http import HTTPStatus
from math import ceil
from typing import Any

import azure.functions as func
from pydantic import ValidationError
from pydantic_core import to_json

from shared.engine.incidents import incident
from shared.errors import ControllerError, InvalidInput, NotFound, Refused, SettingsError, TransientError
from shared.functions.bodies import BodyTooLarge, NotJson

_STATUS: tuple[tuple[type[Exception], HTTPStatus], ...] = (
    (SettingsError, HTTPStatus.SERVICE_UNAVAILABLE),  # our own trouble, though somebody's input
    (BodyTooLarge, HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
    (NotJson, HTTPStatus.UNSUPPORTED_MEDIA_TYPE),
    (InvalidInput, HTTPStatus.BAD_REQUEST),
    (NotFound, HTTPStatus.NOT_FOUND),
    (Refused, HTTPStatus.CONFLICT),
    (ControllerError, HTTPStatus.SERVICE_UNAVAILABLE),
)
_PAUSE = timedelta(seconds=5)


class Document(str):
    """JSON that is sent as it is: somebody signed it."""

    __slots__ = ()


def answer(use: Callable[[], Any], status: HTTPStatus = HTTPStatus.OK) -> func.HttpResponse:
    """Run a use case and answer with what it returns as JSON, or with a problem document.

    Args:
        use: Returns a JSON-ready value, a dataclass, or a pair of HTTP status and such a value.
        status: The status of success.
    """
    try:
        value = use()
    except ValidationError as error:
        return _problem(HTTPStatus.BAD_REQUEST, say_fields(error))
    except ControllerError as error:
        found = next(status for kind, status in _STATUS if isinstance(error, kind))
        return _problem(found, str(error), error.retry_after if isinstance(error, TransientError) else _PAUSE)
    except Exception as error:  # noqa: BLE001  # the trigger boundary: our own trouble is 503, so that senders try again
        return _problem(HTTPStatus.SERVICE_UNAVAILABLE, incident("HTTP", error))
    if isinstance(value, tuple):
        status, value = value
    body = value if isinstance(value, Document) else to_json(value)
    return func.HttpResponse(body, status_code=status, mimetype="application/json")


def _problem(status: HTTPStatus, detail: str, retry_after: timedelta = _PAUSE) -> func.HttpResponse:
    body = {"type": "about:blank", "title": status.phrase, "status": status.value, "detail": detail}
    headers = (
        {"Retry-After": str(ceil(retry_after.total_seconds()))} if status >= HTTPStatus.INTERNAL_SERVER_ERROR else {}
    )
    return func.HttpResponse(to_json(body), status_code=status, mimetype="application/problem+json", headers=headers)


_MESSAGES = {"model_type": "expected a JSON object", "extra_forbidden": "unknown field"}


def _say_place(place: Sequence[str | int]) -> str:
    """Write the place of a field, cut to what a person reads: its parts may be as long as a sender likes."""
    return ".".join(str(part)[:80] for part in place) or "body"


def say_fields(error: ValidationError) -> str:
    """Name every field that is wrong, without repeating what was sent."""
    details = error.errors(include_url=False, include_context=False, include_input=False)
    said = [f"{_say_place(one['loc'])}: {_MESSAGES.get(one['type'], one['msg'])}" for one in details[:10]]
    more = f"; and {len(details) - 10} more" if len(details) > 10 else ""
    return "; ".join(said) + more
