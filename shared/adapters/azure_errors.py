"""Translates what Azure's SDKs raise into the three errors that the engine knows (law 12).

| what happened                                | SDK                              | becomes        |
|----------------------------------------------|----------------------------------|----------------|
| no connection: the call was never sent       | ServiceRequestError              | TransientError |
| sent, no answer: it may have been carried out| ServiceResponseError             | OutcomeUnknown |
| 408, 500, 502, 503, 504: it may have been    | HttpResponseError                | OutcomeUnknown |
| 409, 429: refused for now                    | HttpResponseError                | TransientError |
| no token                                     | ClientAuthenticationError, other | PermanentError |
| accepted, but the answer makes no sense      | HttpResponseError below 400      | OutcomeUnknown |
| any other status                             | HttpResponseError                | PermanentError |

The sentences name the status and Azure's error code, never its body, which may hold what callers must not see.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from azure.core.exceptions import AzureError, HttpResponseError, ServiceRequestError, ServiceResponseError

from shared.errors import ControllerError, OutcomeUnknown, PermanentError, TransientError

_UNCLEAR = frozenset({408, 500, 502, 503, 504})
_FOR_NOW = frozenset({409, 429})
_FIRST_REFUSAL = 400
_PAUSE = timedelta(seconds=2)
_LONGEST_PAUSE = timedelta(minutes=5)


@contextmanager
def translated(what: str) -> Iterator[None]:
    """Run a call of an SDK; `what` begins the sentence of the error.

    Raises:
        TransientError, OutcomeUnknown, PermanentError: see the table above.
    """
    try:
        yield
    except AzureError as error:
        raise translate(what, error) from error


def translate(what: str, error: AzureError) -> ControllerError:
    """Return the engine's error for an SDK's error."""
    if isinstance(error, HttpResponseError) and error.status_code is not None:
        return _by_status(what, error, error.status_code)
    if isinstance(error, ServiceRequestError):
        return TransientError(f"{what}: no connection")
    if isinstance(error, ServiceResponseError):
        return OutcomeUnknown(f"{what}: the connection ended without an answer")
    return PermanentError(f"{what}: {type(error).__name__}")


def _by_status(what: str, error: HttpResponseError, status: int) -> ControllerError:
    sentence = f"{what}: {status} {_code(error)}".rstrip()
    if status in _FOR_NOW:
        return TransientError(sentence, retry_after=_retry_after(error))
    if status in _UNCLEAR or status < _FIRST_REFUSAL:
        return OutcomeUnknown(sentence, retry_after=_retry_after(error))
    return PermanentError(sentence)


def _code(error: HttpResponseError) -> str:
    code = getattr(error.error, "code", None) or getattr(error, "error_code", None) or error.reason or ""
    return str(code)[:80]


def _retry_after(error: HttpResponseError) -> timedelta:
    """Return the pause that Azure asks for, bounded: a rollback cannot wait for an hour."""
    headers = getattr(error.response, "headers", None) or {}
    asked = str(headers.get("Retry-After", ""))
    return min(timedelta(seconds=int(asked)), _LONGEST_PAUSE) if asked.isdecimal() else _PAUSE
