"""The keys of a tenant, kept: asked for seldom, by one caller at a time, and not lost when they cannot be had.

Whoever asks again for every name that it does not know can be made to ask without end. Here all unknown names together
cause one request in five minutes, which is what Microsoft asks for. Keys that were once good outlive an outage of their
source by a day, no longer, since a key that was withdrawn must not work for ever.
https://learn.microsoft.com/entra/identity-platform/signing-key-rollover
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import TYPE_CHECKING

from shared.adapters.entra.key_endpoint import Keys
from shared.errors import NotAuthenticated, TransientError

if TYPE_CHECKING:
    from jwt import PyJWK

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How often keys are asked for, and how long they are kept.

    Attributes:
        fetch_within: Bounds one request for keys.
        fresh_for: After this long they are asked for again, so that one that was withdrawn stops working.
        kept_for: After this long without an answer they count no more.
        pause: Between two requests while there are keys to go on with.
        pause_without_keys: Between two requests while there are none; nobody is recognised meanwhile.
    """

    fetch_within: timedelta = timedelta(seconds=5)
    fresh_for: timedelta = timedelta(hours=1)
    kept_for: timedelta = timedelta(hours=24)
    pause: timedelta = timedelta(minutes=5)
    pause_without_keys: timedelta = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known of the keys.

    Attributes:
        trouble: Why the last request brought none; empty when it did.
    """

    keys: Keys
    read_at: datetime | None = None
    asked_at: datetime | None = None
    trouble: str = ""


class SigningKeys:
    """Safe to use from many threads; those that lack a key at the same time share one request."""

    def __init__(self, read: Callable[[], Keys], pace: Pace) -> None:
        self._read = read
        self._pace = pace
        self._known = _Known({})
        self._asking = Lock()

    def named(self, key_id: str, now: datetime) -> "PyJWK":
        """Return the key of a name.

        Raises:
            NotAuthenticated: the tenant publishes none of that name.
            TransientError: that cannot be told now.
        """
        if self._is_due(key_id, now):
            self._ask(key_id, now)
        known = self._known  # once: another thread may put the next in its place
        usable = self._usable(known, now)
        if key_id in usable:
            return usable[key_id]
        if known.trouble or not usable:
            why = known.trouble or "they were read too long ago"
            raise TransientError(f"the tenant's signing keys cannot be had now: {why}", retry_after=self._pause(usable))
        raise NotAuthenticated("the token is signed with a key that the tenant does not publish")

    def _ask(self, key_id: str, now: datetime) -> None:
        """Ask for the keys; whoever has one to go on with does not wait while somebody else asks."""
        if not self._asking.acquire(blocking=key_id not in self._usable(self._known, now)):
            return
        try:
            if self._is_due(key_id, now):  # whoever was waited for has asked
                self._known = self._asked(now)
        finally:
            self._asking.release()

    def _asked(self, now: datetime) -> _Known:
        try:
            return _Known(self._read(), read_at=now, asked_at=now)
        except TransientError as error:
            log.warning("the signing keys of the tenant could not be read: %s", error)
            return _Known(self._known.keys, self._known.read_at, asked_at=now, trouble=str(error))

    def _is_due(self, key_id: str, now: datetime) -> bool:
        known = self._known
        usable = self._usable(known, now)
        if key_id in usable and _apart(now, known.read_at) < self._pace.fresh_for:
            return False
        return _apart(now, known.asked_at) >= self._pause(usable)

    def _usable(self, known: _Known, now: datetime) -> Keys:
        return known.keys if _apart(now, known.read_at) < self._pace.kept_for else {}

    def _pause(self, usable: Keys) -> timedelta:
        return self._pace.pause if usable else self._pace.pause_without_keys


def _apart(now: datetime, then: datetime | None) -> timedelta:
    """Return how far apart two moments are; threads come out of turn, and a clock may be set back."""
    return timedelta.max if then is None else abs(now - then)
