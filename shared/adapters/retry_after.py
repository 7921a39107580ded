"""The pause that the other side asks for (RFC 9110, 10.2.3), as seconds; a date counts as not said."""

from datetime import timedelta

_UNSAID = timedelta(seconds=2)


def pause_asked(value: str, *, longest: timedelta) -> timedelta:
    """Return what a `Retry-After` header asks for, bounded by what its reader can bear to wait."""
    seconds = value[:9]
    return min(timedelta(seconds=int(seconds)), longest) if seconds.isdecimal() else _UNSAID
