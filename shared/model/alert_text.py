"""Turns what an alert carries into text that is safe and short enough to show: no control characters, no raw JSON.

Bidirectional overrides and lone surrogates go too: the first can make a sentence read backwards, the second cannot be
written to a log or a table at all. Durations come as ISO 8601 (`PT5M`).
"""

import re

LONGEST_SENTENCE = 300
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
_ISO_DURATION = re.compile(
    r"P(?P<days>\d{1,5}D)?(?:T(?P<hours>\d{1,5}H)?(?P<minutes>\d{1,5}M)?(?P<seconds>\d{1,5}S)?)?"
)
_LARGEST_EXACT = 1e15


def printable(text: str) -> str:
    """Replace every character that people must not be shown by a space."""
    return _UNPRINTABLE.sub(" ", text).strip()


def shorten(text: str, longest: int) -> str:
    """Cut a text to at most `longest` characters; an ellipsis tells that it was cut."""
    return text if len(text) <= longest else text[: longest - 1].rstrip() + "…"


def one_line(text: str, longest: int = LONGEST_SENTENCE) -> str:
    """Return the text as one printable line of at most `longest` characters."""
    # Markup and query text can be megabytes; what lies far beyond the cut is not worth reading.
    return shorten(" ".join(printable(text[: 8 * longest]).split()), longest)


def say_number(number: float) -> str:
    """Write a finite number for people: `1,240`, `31.1105`, `0.0004`."""
    if abs(number) >= _LARGEST_EXACT:
        return f"{number:g}"
    if number.is_integer():
        return f"{number:,.0f}"
    return f"{number:,.1f}" if abs(number) >= 1e5 else f"{number:,.6g}"


def say_window(iso_duration: str) -> str:
    """Write an ISO 8601 duration as a policy would: `PT5M` is `5m`. Empty when the text is none."""
    found = _ISO_DURATION.fullmatch(iso_duration)
    return "".join(part for part in found.groups() if part).lower() if found else ""


def say_minutes(minutes: float) -> str:
    """Write a window given in minutes: 5 is `5m`, 1440 is `1d`."""
    for size, unit in ((1440, "d"), (60, "h")):
        if minutes >= size and minutes % size == 0:
            return f"{say_number(minutes / size)}{unit}"
    return f"{say_number(minutes)}m"
