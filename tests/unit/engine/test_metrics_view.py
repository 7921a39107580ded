"""What a range shows: newest values, points, what fired, insights; from pages, head and watch record alike."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from shared.analytics.rolling import Head
from shared.engine.records import decode, encode, event_key
from shared.engine.rollups import HEAD
from shared.errors import InvalidInput, NotFound
from shared.model.event import Event, EventKind
from shared.model.signal import Sample, failed, measured
from shared.ports import Put, Row
from tests.fakes.counting import Counting
from tests.fakes.ledger import MemoryLedger
from tests.fakes.measuring import Measuring

MINUTE = timedelta(minutes=1)


def minute_of(until: datetime, value: float) -> dict[str, list[Sample]]:
    return {"error_rate": [measured(until - timedelta(seconds=ago), value, 20) for ago in (10, 20, 30, 40, 50, 60)]}


def watched(minutes: int, ledger: Any = None) -> Measuring:
    """Error rate 1 % at first, 2 % in the last hour."""
    measuring = Measuring(ledger or MemoryLedger())
    for minute in range(minutes):
        measuring.go_on(MINUTE)
        measuring.cycle(minute_of(measuring.clock(), 0.02 if minutes - minute <= 60 else 0.01))
        if minute % 5 == 4:
            measuring.roll_ups.run()
    return measuring


def figures(found: dict[str, Any], name: str = "error_rate") -> dict[str, Any]:
    signal: dict[str, Any] = found["insights"]["signals"][name]
    return signal


def test_a_workload_that_was_never_watched_shows_gaps_and_no_zeroes() -> None:
    found = Measuring(MemoryLedger()).view.of("orders", "1h")
    assert set(found["historical"]["signals"]["error_rate"]["mean"]) == {None}
    assert figures(found)["mean"] is None
    assert found["insights"]["uptime"]["share"] is None
    assert found["current"]["error_rate"]["note"] == "nothing arrived yet"
    assert found["status"]["verdict"] == "blind"
    assert found["alerts"] == []


def test_an_hour_by_the_minute_with_the_hour_before_to_compare() -> None:
    found = watched(125).view.of("orders", "1h")
    error_rate = found["historical"]["signals"]["error_rate"]
    assert found["historical"]["step_s"] == 60
    assert len(found["historical"]["at"]) == 60
    assert set(error_rate["count"]) == {120}
    assert error_rate["mean"] == pytest.approx([0.02] * 60)
    assert figures(found)["observations"] == 60 * 120
    assert figures(found)["per_minute"] == pytest.approx(120)
    assert figures(found)["p95"] == pytest.approx(0.02, rel=0.02)
    assert figures(found)["trend"] == {
        "direction": "up",
        "change": pytest.approx(1.0),
        "before": pytest.approx(0.01),
        "worse": True,
    }
    assert [one["sentence"] for one in found["insights"]["recommendations"]] == [
        "error_rate rose by 100% against the 1h before: mean 0.02, was 0.01"
    ]
    assert found["insights"]["uptime"]["share"] == 1.0


def test_a_day_counts_every_sample_once_also_the_newest() -> None:
    measuring = watched(6 * 60 + 3)
    found = measuring.view.of("orders", "24h")
    assert figures(found)["samples"] == {"measured": 6 * 363, "no_data": 0, "error": 0}
    assert len(found["historical"]["at"]) <= 500
    week = measuring.view.of("orders", "7d")
    assert week["range"]["grain"] == "hours"
    assert figures(week)["samples"]["measured"] == 6 * 363


def test_an_interval_in_the_past_shows_what_was_then() -> None:
    measuring = watched(200)
    begun = measuring.clock() - 200 * MINUTE
    written = f"{begun:%Y-%m-%dT%H:%M:%SZ}/{begun + 60 * MINUTE:%Y-%m-%dT%H:%M:%SZ}"
    found = measuring.view.of("orders", written)
    assert figures(found)["samples"]["measured"] == 360
    assert figures(found)["mean"] == pytest.approx(0.01)


def test_what_the_source_could_not_say_is_counted_by_category() -> None:
    measuring = watched(10)
    measuring.go_on(MINUTE)
    measuring.cycle({"error_rate": [failed(measuring.clock() - MINUTE / 2, "the source did not answer within 5 s")]})
    found = measuring.view.of("orders", "1h")
    assert figures(found)["errors"] == {"network": 1}
    assert sum(found["historical"]["signals"]["error_rate"]["missed"]) == 1
    assert found["current"]["error_rate"]["outcome"] == "error"


def test_what_fired_is_there() -> None:
    measuring = watched(10)
    at = measuring.clock() - 5 * MINUTE
    events = [
        Event(workload="orders", kind=EventKind.FIRING, at=at, sentence="errors is firing", about="errors", since=at),
        Event(workload="orders", kind=EventKind.CLEARED, at=at + MINUTE, sentence="errors cleared", about="errors"),
    ]
    measuring.ledger.commit("orders", [Put(event_key(event), encode(event)) for event in events])
    (alert,) = measuring.view.of("orders", "1h")["alerts"]
    assert (alert["name"], alert["began"], alert["ended"]) == ("errors", at, at + MINUTE)


@pytest.mark.parametrize(("written", "most"), [("1h", 4), ("24h", 5), ("7d", 4)])
def test_a_range_takes_a_bounded_number_of_reads_and_no_write(written: str, most: int) -> None:
    ledger = Counting(MemoryLedger())
    measuring = watched(10, ledger)
    ledger.calls.clear()
    measuring.view.of("orders", written)
    assert sum(ledger.calls.values()) == most
    assert ledger.calls["commit"] == 0


class MovesBetween(MemoryLedger):
    """Answers the first question for the head with one of an hour ago."""

    old: Row | None = None

    def read(self, workload: str, key: str) -> Row | None:
        if key == HEAD and self.old is not None:
            old, self.old = self.old, None
            return old
        return super().read(workload, key)


def test_buckets_that_are_moved_while_somebody_reads_are_not_counted_twice() -> None:
    ledger = MovesBetween()
    measuring = watched(65, ledger)
    old = ledger.read("orders", HEAD)
    for _ in range(2):
        measuring.go_on(5 * MINUTE)
        measuring.cycle(minute_of(measuring.clock(), 0.01))
        measuring.roll_ups.run()
    new = ledger.read("orders", HEAD)
    assert old is not None
    assert new is not None
    assert decode(Head, old.body).moved_in < decode(Head, new.body).moved_in
    ledger.old = old
    found = measuring.view.of("orders", "24h")
    assert figures(found)["samples"]["measured"] == 6 * 67


def test_an_unknown_workload_and_a_bad_range_are_refused() -> None:
    view = Measuring(MemoryLedger()).view
    with pytest.raises(NotFound, match="there is no workload 'nobody' here"):
        view.of("nobody", "1h")
    with pytest.raises(InvalidInput, match="range: expected 1h, 24h, 7d, or FROM/TO"):
        view.of("orders", "1y")
