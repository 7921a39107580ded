"""Translates what Azure's SDKs raise into the three errors that the engine knows (law 12).

| what happened                                | the SDK raises                          | becomes        |
|----------------------------------------------|-----------------------------------------|----------------|
| no connection: the call was never sent       | ServiceRequestError before or on connect| TransientError |
| the connection broke while it was in use     | ServiceRequestError otherwise           | OutcomeUnknown |
| sent, no answer: it may have been carried out| ServiceResponseError                    | OutcomeUnknown |
| the answer broke off                         | HttpResponseError without a status      | OutcomeUnknown |
| no token: the call was never sent            | ClientAuthenticationError, no status    | TransientError |
| 401, 403: not allowed                        | HttpResponseError and its kinds         | PermanentError |
| 408, 500, 502, 503, 504: it may have been    | HttpResponseError                       | OutcomeUnknown |
| 409: refused, something else is under way    | HttpResponseError                       | Busy           |
| 429: refused for now                         | HttpResponseError                       | TransientError |
| accepted, but the answer makes no sense      | HttpResponseError below 400             | OutcomeUnknown |
| the answer has another shape than it should  | AttributeError, KeyError, ValueError ...| OutcomeUnknown |
| our own text is no Unicode: never sent       | UnicodeEncodeError                      | PermanentError |
| any other status                             | HttpResponseError                       | PermanentError |
| anything else                                | AzureError                              | PermanentError |

The sentences name the status and Azure's error code, never its body, which may hold what callers must not see; the
SDK's own error, which quotes it, is not chained either, because a log shows the whole chain.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.client import HTTPException

from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    HttpResponseError,
    ServiceRequestError,
    ServiceResponseError,
)

from shared.adapters.retry_after import pause_asked
from shared.errors import Busy, ControllerError, OutcomeUnknown, PermanentError, TransientError

_UNCLEAR = frozenset({408, 500, 502, 503, 504})
_FOR_NOW = {409: Busy, 429: TransientError}
_FIRST_REFUSAL = 400
_LONGEST_PAUSE = timedelta(minutes=5)
# What the SDKs' own parsing stumbles with over an answer of an odd shape.
_ODD_SHAPE = (AttributeError, LookupError, TypeError, ValueError, HTTPException)


@contextmanager
def translated(what: str) -> Iterator[None]:
    """Run a call of an SDK; `what` begins the sentence of the error.

    Raises:
        TransientError, OutcomeUnknown, PermanentError: see the table above.
    """
    try:
        yield
    except AzureError as error:
        raise translate(what, error) from None
    except UnicodeEncodeError:
        raise PermanentError(f"{what}: there is text in it that cannot be sent") from None
    except _ODD_SHAPE as error:
        raise OutcomeUnknown(f"{what}: the answer makes no sense ({type(error).__name__})") from None


def translate(what: str, error: AzureError) -> ControllerError:
    """Return the engine's error for an SDK's error."""
    if isinstance(error, HttpResponseError) and error.status_code is not None:
        return _by_status(what, error, error.status_code)
    if isinstance(error, ClientAuthenticationError):
        return TransientError(f"{what}: no token")
    if isinstance(error, ServiceRequestError) and _never_sent(error):
        return TransientError(f"{what}: no connection")
    if isinstance(error, ServiceRequestError | ServiceResponseError | HttpResponseError):
        return OutcomeUnknown(f"{what}: the connection ended without a whole answer")
    return PermanentError(f"{what}: {type(error).__name__}")


def _never_sent(error: ServiceRequestError) -> bool:
    """Tell a connection that was never made from one that broke later, which the SDK reports the same way.

    A body that stalls is one: requests raises a ConnectionError there, and azure-core takes each of those for an
    unsent request (azure/core/pipeline/transport/_requests_basic.py).
    """
    from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

    inner = error.inner_exception
    first = next(iter(getattr(inner, "args", ())), None)
    causes = (inner, first, getattr(first, "reason", None))
    return inner is None or any(isinstance(cause, ConnectTimeoutError | NewConnectionError) for cause in causes)


def _by_status(what: str, error: HttpResponseError, status: int) -> ControllerError:
    sentence = f"{what}: {status} {_code(error)}".rstrip()
    if status in _FOR_NOW:
        return _FOR_NOW[status](sentence, retry_after=_retry_after(error))
    if status in _UNCLEAR or status < _FIRST_REFUSAL:
        return OutcomeUnknown(sentence, retry_after=_retry_after(error))
    return PermanentError(sentence)


def _code(error: HttpResponseError) -> str:
    code = getattr(error.error, "code", None) or getattr(error, "error_code", None) or error.reason or ""
    return str(code)[:80]


def _retry_after(error: HttpResponseError) -> timedelta:
    """Return the pause that Azure asks for, bounded: a rollback cannot wait for an hour."""
    headers = getattr(error.response, "headers", None) or {}
    return pause_asked(str(headers.get("Retry-After", "")), longest=_LONGEST_PAUSE)
