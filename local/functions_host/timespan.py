"""Durations as host.json and timer schedules write them: .NET TimeSpans.

`[d.]hh:mm:ss[.fffffff]`, see "Custom and standard TimeSpan format strings" on learn.microsoft.com.
"""

import re
from datetime import timedelta

from local.functions_host.errors import ConfigurationError

TIMESPAN = re.compile(
    r"(?:(?P<days>\d+)\.)?(?P<hours>\d{1,2}):(?P<minutes>\d{1,2})(?::(?P<seconds>\d{1,2}(?:\.\d{1,7})?))?"
)


def is_timespan(text: str) -> bool:
    return TIMESPAN.fullmatch(text) is not None


def parse_timespan(text: str) -> timedelta:
    match = TIMESPAN.fullmatch(text)
    if match is None:
        raise ConfigurationError(f"{text!r} is not a duration: expected hh:mm:ss or d.hh:mm:ss")
    parts = {unit: float(value) for unit, value in match.groupdict(default="0").items()}
    limits = {"hours": 24, "minutes": 60, "seconds": 60}
    for unit, limit in limits.items():
        if parts[unit] >= limit:
            raise ConfigurationError(f"{text!r} is not a duration: {unit} must be below {limit}")
    return timedelta(**parts)
