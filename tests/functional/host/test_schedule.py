"""When timers are due, and what a recorded status means after a while."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.functions_host.errors import ConfigurationError
from local.functions_host.schedule import Schedule, parse_schedule
from local.functions_host.schedule_status import (
    NEVER,
    ScheduleStatus,
    advance_status,
    fresh_status,
    resume_status,
)

NOON = datetime(2026, 3, 4, 12, 0, 0, tzinfo=UTC)  # a Wednesday
EXPRESSIONS = ["*/10 * * * * *", "0 */5 * * * *", "0 0 3 * * *", "30 15 4 * * MON-FRI", "0 30 9 1 * *", "00:07:30"]
moments = st.datetimes(datetime(2024, 1, 1), datetime(2032, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis adds the zone
schedules = st.sampled_from(EXPRESSIONS).map(parse_schedule)


@pytest.mark.parametrize(
    ("text", "due"),
    [
        ("*/10 * * * * *", "2026-03-04T12:00:10"),
        ("0 */5 * * * *", "2026-03-04T12:05:00"),
        ("*/5 * * * *", "2026-03-04T12:05:00"),
        ("0 0 3 * * *", "2026-03-05T03:00:00"),
        ("0 30 9 * Jan Mon", "2027-01-04T09:30:00"),
        ("0 0 0 13 * FRI", "2026-03-13T00:00:00"),  # both must hold, unlike Unix cron
        ("00:01:30", "2026-03-04T12:01:30"),
        ("1.00:00", "2026-03-05T12:00:00"),
    ],
)
def test_next_due_time(text: str, due: str) -> None:
    assert parse_schedule(text).next_after(NOON) == datetime.fromisoformat(due).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    ["", "hourly", "* * * *", "* * * * * * *", "0 0 25 * * *", "0 0 0 L * *", "0 0 0 * * 5#2", "0 0 0 30 2 *", "00:00"],
)
def test_unusable_schedules_are_named(text: str) -> None:
    with pytest.raises(ConfigurationError, match="the schedule"):
        parse_schedule(text)


@pytest.mark.parametrize(
    ("text", "frequent"),
    [
        ("*/10 * * * * *", True),
        ("0 * * * * *", False),
        ("0,30 * * * * *", True),
        ("* */20 * * * *", False),
        ("00:00:59", True),
        ("00:01:00", False),
    ],
)
def test_only_schedules_of_a_minute_or_more_are_monitored(text: str, frequent: bool) -> None:
    assert parse_schedule(text).recurs_within_a_minute(NOON) is frequent


@given(schedules, moments)
def test_the_next_time_is_always_later(schedule: Schedule, now: datetime) -> None:
    assert schedule.next_after(now) > now


@given(schedules, moments, st.timedeltas(timedelta(0), timedelta(days=400)))
def test_however_long_a_run_or_an_outage_it_is_followed_by_one_call(
    schedule: Schedule, now: datetime, away: timedelta
) -> None:
    status = advance_status(fresh_status(schedule, now), schedule, now, scheduled=False)
    back = now + away
    resumed = resume_status(status, schedule, back)
    assert resumed == status
    after = advance_status(resumed, schedule, back, scheduled=False)
    assert after.next > back
    assert resume_status(after, schedule, back) == after


@given(schedules, moments)
def test_a_timer_that_fires_early_does_not_repeat_its_tick(schedule: Schedule, now: datetime) -> None:
    status = fresh_status(schedule, now)
    early = status.next - timedelta(milliseconds=20)
    assert advance_status(status, schedule, early, scheduled=True).next > status.next


def test_a_changed_schedule_is_not_past_due() -> None:
    old, new = parse_schedule("0 0 * * * *"), parse_schedule("0 30 3 * * *")
    status = advance_status(fresh_status(old, NOON), old, NOON, scheduled=False)
    resumed = resume_status(status, new, NOON + timedelta(days=3))
    assert resumed.next > NOON + timedelta(days=3)
    assert resumed.last == NEVER


def test_a_timer_that_never_ran_is_past_due_from_its_first_time() -> None:
    nightly = parse_schedule("0 0 3 * * *")
    status = fresh_status(nightly, NOON)
    assert resume_status(status, nightly, NOON + timedelta(days=2)) == status
    assert status.next < NOON + timedelta(days=2)


def test_a_status_survives_its_blob() -> None:
    status = ScheduleStatus(NEVER, NOON, NOON - timedelta(microseconds=1))
    assert ScheduleStatus.from_json(status.to_json()) == status
