"""Turns what was raised into a refusal: a problem document (RFC 9457).

It carries the sentence of an error that was raised on purpose, and nothing else: no stack trace, no text of an
exception that somebody else raised.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from http import HTTPStatus
from math import ceil

from pydantic import ValidationError
from pydantic_core import ErrorDetails, to_json

from shared.engine.incidents import incident
from shared.errors import (
    ControllerError,
    Forbidden,
    InvalidInput,
    NotAuthenticated,
    NotFound,
    Refused,
    SettingsError,
    TransientError,
)
from shared.functions.bodies import BodyTooLarge, NotJson
from shared.functions.replies import Reply

PROBLEM_MEDIA = "application/problem+json"
_STATUS: tuple[tuple[type[Exception], HTTPStatus], ...] = (
    (SettingsError, HTTPStatus.SERVICE_UNAVAILABLE),  # our own trouble, though somebody's input
    (BodyTooLarge, HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
    (NotJson, HTTPStatus.UNSUPPORTED_MEDIA_TYPE),
    (ValidationError, HTTPStatus.BAD_REQUEST),
    (InvalidInput, HTTPStatus.BAD_REQUEST),
    (NotAuthenticated, HTTPStatus.UNAUTHORIZED),
    (Forbidden, HTTPStatus.FORBIDDEN),
    (NotFound, HTTPStatus.NOT_FOUND),
    (Refused, HTTPStatus.CONFLICT),
)
_PAUSE = timedelta(seconds=5)


def refusal(error: Exception) -> Reply:
    """Return the answer that an error comes to; one that nobody foresaw is our own, so that senders try again."""
    status = next((found for kind, found in _STATUS if isinstance(error, kind)), HTTPStatus.SERVICE_UNAVAILABLE)
    detail = _say(error)
    body = {"type": "about:blank", "title": status.phrase, "status": status.value, "detail": detail}
    return Reply(status, to_json(body), PROBLEM_MEDIA, _headers(status, error), detail)


def _say(error: Exception) -> str:
    if isinstance(error, ValidationError):
        return say_fields(error)
    return str(error) if isinstance(error, ControllerError) else incident("HTTP", error)


def _headers(status: HTTPStatus, error: Exception) -> Mapping[str, str]:
    if status is HTTPStatus.UNAUTHORIZED:
        return {"WWW-Authenticate": "Bearer"}  # RFC 9110, 15.5.2 asks for it
    if status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return {}
    pause = error.retry_after if isinstance(error, TransientError) else _PAUSE
    return {"Retry-After": str(ceil(pause.total_seconds()))}


_MESSAGES = {"model_type": "expected a JSON object", "extra_forbidden": "unknown field"}


_UNKNOWN_TAG = frozenset({"union_tag_invalid", "union_tag_not_found"})


def _place(one: ErrorDetails) -> Sequence[str | int]:
    """Return where something is wrong; a body of several kinds is wrong in the field that tells which it is."""
    return (*one["loc"], one["ctx"]["discriminator"].strip("'")) if one["type"] in _UNKNOWN_TAG else one["loc"]


def _say_wrong(one: ErrorDetails) -> str:
    """Say what was expected; pydantic's own sentence about a tag repeats what was sent."""
    if one["type"] in _UNKNOWN_TAG:
        return f"expected one of {one['ctx']['expected_tags']}" if "expected_tags" in one["ctx"] else "Field required"
    return _MESSAGES.get(one["type"], one["msg"])


def _say_place(place: Sequence[str | int]) -> str:
    """Write the place of a field, cut to what a person reads: its parts may be as long as a sender likes."""
    return ".".join(str(part)[:80] for part in place) or "body"


def say_fields(error: ValidationError) -> str:
    """Name every field that is wrong, without repeating what was sent."""
    details = error.errors(include_url=False, include_input=False)
    said = [f"{_say_place(_place(one))}: {_say_wrong(one)}" for one in details[:10]]
    more = f"; and {len(details) - 10} more" if len(details) > 10 else ""
    return "; ".join(said) + more
