"""A circuit breaker for a source: one that is sick is left alone for a while, then tried by a single call.

Closed, it lets everything through. It opens at once when a call used up its time, and after some failures in a row
otherwise; the pause doubles with every trial that fails. While it is open nothing is asked, and the samples say so:
blind, never healthy. A refusal of what was asked (a wrong query, a missing role) is an answer: the source is well.
Nygard, Release It! (2018), 5.2; https://learn.microsoft.com/azure/architecture/patterns/circuit-breaker
"""

from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum

from shared.errors import ControllerError, TransientError

_FAILURES = 3
_PAUSE = timedelta(seconds=20)
_LONGEST = timedelta(minutes=5)
# Whoever asks for less than this asks for what the next cycle gives anyway.
_WORTH_WAITING = timedelta(seconds=10)


class Ended(StrEnum):
    """How a call to a source ended."""

    WELL = "well"
    FAILED = "failed"
    HUNG = "hung"


@dataclass(frozen=True, slots=True, kw_only=True)
class Breaker:
    """What is known of a source. Times are seconds of one monotonic clock.

    Attributes:
        failures: In a row.
        opened: How often in a row it opened.
        shut_until: Until when nothing is asked; `None` while it is closed.
        trying: One call is under way that decides, begun then; `None` when there is none.
        why: What the last failure was.
    """

    failures: int = 0
    opened: int = 0
    shut_until: float | None = None
    trying: float | None = None
    why: str = ""

    @property
    def is_open(self) -> bool:
        return self.shut_until is not None


CLOSED = Breaker()


def admitted(breaker: Breaker, now: float) -> tuple[Breaker, str | None]:
    """Return the breaker after a call was asked for, and why the call must not be made, or `None`.

    A trial of which nobody ever heard again holds others up no longer than the longest pause.
    """
    if breaker.shut_until is None:
        return breaker, None
    if now < breaker.shut_until:
        left_s = max(1, round(breaker.shut_until - now))
        return breaker, f"the source is left alone for {left_s} s more: {breaker.why}"
    if breaker.trying is not None and now - breaker.trying < _LONGEST.total_seconds():
        return breaker, f"the source is being tried again: {breaker.why}"
    return replace(breaker, trying=now), None


def after(breaker: Breaker, ended: Ended, now: float, *, why: str = "", asked: timedelta = timedelta(0)) -> Breaker:
    """Return the breaker after a call ended.

    Args:
        asked: The pause that the source asked for.
    """
    if breaker.is_open and breaker.trying is None:
        return breaker  # a call from before it opened says nothing new
    if ended is Ended.WELL:
        return CLOSED
    failed = replace(breaker, failures=breaker.failures + 1, trying=None, why=why)
    at_once = ended is Ended.HUNG or asked >= _WORTH_WAITING
    if not at_once and not breaker.is_open and failed.failures < _FAILURES:
        return failed
    pause = max(min(_PAUSE * 2**breaker.opened, _LONGEST), min(asked, _LONGEST))
    return replace(failed, opened=min(breaker.opened + 1, 8), shut_until=now + pause.total_seconds())


def untried(breaker: Breaker) -> Breaker:
    """Return the breaker after a call that was let through was not made after all."""
    return replace(breaker, trying=None)


def ended_by(error: ControllerError | None) -> Ended:
    """Return what an error says of the source: only what may pass by itself is trouble of the source."""
    return Ended.FAILED if isinstance(error, TransientError) else Ended.WELL
