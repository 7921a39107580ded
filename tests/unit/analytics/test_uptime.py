"""Uptime: down while a critical threshold is violated, blind while nothing fresh is known, up otherwise."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.analytics.uptime import Uptime, critical_signals, uptime_by_minute
from shared.model.signal import Sample, failed, measured
from tests.fakes.clock import NOON
from tests.fakes.policies import policy

CRITICAL = critical_signals(policy())  # error_rate > 5%, every 10s: fresh for 30s


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def whole(samples: list[Sample], seconds: float, begins: float = 0) -> Uptime:
    found = uptime_by_minute(CRITICAL, {"error_rate": samples}, at(begins), at(seconds))
    return sum(found.values(), Uptime())


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        pytest.param([measured(at(s), 0.0, 20) for s in range(0, 60, 10)], Uptime(up_s=60), id="up"),
        pytest.param([measured(at(s), 0.05, 20) for s in range(0, 60, 10)], Uptime(up_s=60), id="at the threshold"),
        pytest.param([measured(at(s), 0.06, 20) for s in range(0, 60, 10)], Uptime(down_s=60), id="beyond it"),
        pytest.param([], Uptime(blind_s=60), id="nothing"),
        pytest.param([failed(at(s), "?") for s in range(0, 60, 10)], Uptime(blind_s=60), id="errors are no health"),
        pytest.param([measured(at(0), 0.0, 20)], Uptime(up_s=30, blind_s=30), id="stale after three times its rhythm"),
        pytest.param(
            [measured(at(0), 0.0, 20), measured(at(20), 1.0, 20), measured(at(30), 0.0, 20)],
            Uptime(up_s=50, down_s=10),
            id="down for a moment",
        ),
        pytest.param(
            [measured(at(0), 0.0, 20), measured(at(0), 1.0, 20, sample_id="b")],
            Uptime(down_s=30, blind_s=30),
            id="of one instant the worst counts",
        ),
        pytest.param(
            [measured(at(0), 1.0, 20), measured(at(0), 0.0, 20, sample_id="b")],
            Uptime(down_s=30, blind_s=30),
            id="of one instant the worst counts, whichever comes first",
        ),
    ],
)
def test_seconds(samples: list[Sample], expected: Uptime) -> None:
    assert whole(samples, 60) == expected


def test_a_policy_without_critical_thresholds_has_no_uptime() -> None:
    mild = policy(("  critical:\n", "  warning:\n"))
    assert critical_signals(mild) == {}
    assert uptime_by_minute({}, {}, at(0), at(60)) == {}
    assert Uptime().share is None


TIMES = st.lists(st.tuples(st.integers(0, 400), st.sampled_from([0.0, 0.5, None])), max_size=30)


@given(TIMES, st.integers(1, 399))
def test_every_second_is_counted_once_and_the_parts_make_the_whole(
    found: list[tuple[int, float | None]], cut: int
) -> None:
    ordered = sorted(found, key=lambda one: one[0])
    samples = [failed(at(s), "?") if value is None else measured(at(s), value, 20) for s, value in ordered]
    all_of_it = whole(samples, 400)
    assert all_of_it.up_s + all_of_it.down_s + all_of_it.blind_s == pytest.approx(400)
    parts = whole(samples, cut) + whole(samples, 400, begins=cut)
    assert (parts.up_s, parts.down_s) == pytest.approx((all_of_it.up_s, all_of_it.down_s))


def test_no_minute_has_more_than_sixty_seconds() -> None:
    found = uptime_by_minute(CRITICAL, {"error_rate": []}, at(-95), at(200))
    assert sorted(found) == [int(at(60 * minute).timestamp()) for minute in range(-2, 4)]
    assert [one.blind_s for _, one in sorted(found.items())] == [35, 60, 60, 60, 60, 20]
