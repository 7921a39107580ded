"""What the status of an answer says about a request that was to change something (RFC 9110 15, RFC 6585 4, RFC 8470).

| status                          | what happened              | becomes        |
|---------------------------------|----------------------------|----------------|
| 2xx                             | it was done, or accepted   | nothing        |
| 425, 429                        | not done, for now          | TransientError |
| 408, 5xx except for 501 and 505 | it may have been done      | OutcomeUnknown |
| any other, a redirect too       | not done, and never will be| PermanentError |
"""

from datetime import timedelta

from shared.adapters.retry_after import pause_asked
from shared.errors import OutcomeUnknown, PermanentError, TransientError

_SUCCESS = range(200, 300)
_NOT_NOW = frozenset({425, 429})
_NEVER = frozenset({501, 505})
_TIMED_OUT = 408
_FIRST_SERVER_ERROR = 500
_LONGEST_PAUSE = timedelta(minutes=10)


def demand_success(who: str, status: int, retry_after: str) -> None:
    """Return when a request was carried out.

    Args:
        who: Who answered; begins the sentence of the error.
        retry_after: The header of that name, or the empty text.

    Raises:
        TransientError, OutcomeUnknown, PermanentError: see the table above.
    """
    if status in _SUCCESS:
        return
    sentence = f"{who} answered {status}"
    pause = pause_asked(retry_after, longest=_LONGEST_PAUSE)
    if status in _NOT_NOW:
        raise TransientError(sentence, retry_after=pause)
    if status == _TIMED_OUT or (status >= _FIRST_SERVER_ERROR and status not in _NEVER):
        raise OutcomeUnknown(sentence, retry_after=pause)
    raise PermanentError(sentence)
