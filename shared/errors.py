"""Every error this product raises on purpose.

ControllerError
├── InvalidInput        what came from outside is wrong; says what, where and what was expected (HTTP 4xx)
│   ├── PolicyError     a policy file
│   └── SettingsError   an app setting
├── NotAuthenticated    nobody knows who calls (HTTP 401)
├── Forbidden           who calls is known, and may not do this (HTTP 403)
├── NotFound            a workload or rollback that is not there (HTTP 404)
├── Refused             asked for, understood, and not done, with the reason (HTTP 409)
├── LostRace            somebody else advanced the record first; normal, ends quietly
├── TransientError      nothing happened and it may work later: try again after `retry_after`
│   ├── Busy            ... and something of somebody else's is under way there
│   └── OutcomeUnknown  it may have happened: read the world back before anything is repeated
└── PermanentError      will not work however often it is tried

Adapters translate every SDK or network error into the last five, so that nobody above looks at status codes.
"""

from datetime import timedelta


class ControllerError(Exception):
    """Base of all errors raised on purpose; `str()` of it is one sentence that is safe to show a caller."""


class InvalidInput(ControllerError):
    """Input that is refused, with `where` it was found, such as a JSON path or a file and line."""

    def __init__(self, what: str, *, where: str = "") -> None:
        super().__init__(f"{where}: {what}" if where else what)
        self.what = what
        self.where = where


class PolicyError(InvalidInput):
    """A policy file that cannot be used."""


class SettingsError(InvalidInput):
    """An app setting that is missing or cannot be used."""


class NotAuthenticated(ControllerError):
    """Who calls could not be recognised; the sentence says why, never what was sent."""


class Forbidden(ControllerError):
    """The caller is known and lacks the role, or is the one person who must not do it."""


class NotFound(ControllerError):
    """The named thing does not exist."""


class Refused(ControllerError):
    """A request that was understood and will not be done now; the sentence says why."""


class LostRace(ControllerError):
    """A compare-and-set found a newer version: another worker did the work."""


class TransientError(ControllerError):
    """Nothing happened; the call may be repeated after `retry_after`."""

    def __init__(self, what: str, *, retry_after: timedelta = timedelta(seconds=2)) -> None:
        super().__init__(what)
        self.retry_after = retry_after


class Busy(TransientError):
    """Nothing happened: something else is under way there, and what was read of it may be about to change."""


class OutcomeUnknown(TransientError):
    """The call may have taken effect although no answer came: it must not be repeated before a read-back."""


class PermanentError(ControllerError):
    """Repeating the call is pointless: a missing role, an unknown resource, a refused request."""
