"""When a timer function is due: NCRONTAB expressions and constant intervals.

https://learn.microsoft.com/azure/azure-functions/functions-bindings-timer and CronSchedule.cs,
ConstantSchedule.cs, TimerSchedule.cs. Times are UTC, Azure's default; WEBSITE_TIME_ZONE is not read.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from cronsim import CronSim, CronSimError

from local.functions_host.errors import ConfigurationError
from local.functions_host.timespan import is_timespan, parse_timespan

# cronsim also reads L, LW and #, which Azure does not.
NCRONTAB_FIELD = re.compile(
    r"(?:\*|\d+|JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC|SUN|MON|TUE|WED|THU|FRI|SAT|[-,/])+",
    re.IGNORECASE,
)
MONITORED_FROM = timedelta(minutes=1)


class Schedule(Protocol):
    def next_after(self, moment: datetime) -> datetime:
        """The first due time strictly after `moment`."""

    def recurs_within_a_minute(self, now: datetime) -> bool:
        """Too frequent to keep a status for: its next tick is the catch-up."""


@dataclass(frozen=True)
class ConstantSchedule:
    interval: timedelta

    def next_after(self, moment: datetime) -> datetime:
        return moment + self.interval

    def recurs_within_a_minute(self, now: datetime) -> bool:
        return self.interval < MONITORED_FROM


@dataclass(frozen=True)
class CronSchedule:
    expression: str

    def next_after(self, moment: datetime) -> datetime:
        return next(_cron(self.expression, moment.astimezone(UTC)))

    def recurs_within_a_minute(self, now: datetime) -> bool:
        # "* */20 * * * *" ticks each second, but also rests for 19 minutes: a status is kept.
        if any(field != "*" for field in self.expression.split()[-5:]):
            return False
        second = self.next_after(self.next_after(now))
        return second <= now + MONITORED_FROM


def parse_schedule(text: str) -> Schedule:
    if is_timespan(text):
        interval = parse_timespan(text)
        if interval <= timedelta(0):
            raise ConfigurationError(f"the schedule {text!r} has no duration")
        return ConstantSchedule(interval)
    fields = text.split()
    if len(fields) not in (5, 6) or not all(NCRONTAB_FIELD.fullmatch(field) for field in fields):
        raise ConfigurationError(f"the schedule {text!r} is neither six NCRONTAB fields nor hh:mm:ss")
    try:
        next(_cron(text, datetime.now(UTC)))
    except (CronSimError, StopIteration) as error:
        raise ConfigurationError(f"the schedule {text!r} is not usable: {error or 'it is never due'}") from None
    return CronSchedule(text)


def _cron(expression: str, moment: datetime) -> CronSim:
    cron = CronSim(expression, moment)
    # Debian's cron, which cronsim follows, takes day-of-month OR day-of-week; NCRONTAB takes both.
    cron.day_and = True
    return cron
