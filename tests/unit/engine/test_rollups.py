"""Rolling up on a ledger: few transactions, one commit, and of two that race one wins."""

from datetime import datetime, timedelta

import pytest

from shared.analytics.buckets import Grain, Page, Retention
from shared.analytics.rolling import Head
from shared.engine.records import WATCH, decode
from shared.engine.rollups import HEAD, page_key, pages_of
from shared.errors import TransientError
from shared.model.signal import Sample, measured
from shared.ports import Ledger, Put
from tests.fakes.counting import Counting
from tests.fakes.interrupted import BrokenFor, Interrupted, Recorded
from tests.fakes.ledger import MemoryLedger
from tests.fakes.measuring import Measuring

MINUTE = timedelta(minutes=1)


def a_minute(until: datetime, value: float = 0.01) -> dict[str, list[Sample]]:
    """Six samples of the error rate."""
    return {"error_rate": [measured(until - timedelta(seconds=ago), value, 20) for ago in range(0, 60, 10)]}


def watch_for(measuring: Measuring, minutes: int) -> None:
    """Samples arrive each minute and are rolled up each fifth."""
    for minute in range(minutes):
        measuring.go_on(MINUTE)
        measuring.cycle(a_minute(measuring.clock()))
        if minute % 5 == 4:
            measuring.roll_ups.run()


def counted(ledger: Ledger, workload: str, grain: Grain) -> int:
    """How many samples of the error rate are counted by a grain, in the head and on pages."""
    row = ledger.read(workload, HEAD)
    waiting = decode(Head, row.body).waiting.get(grain, {}) if row else {}
    pages = [decode(Page, one.body).buckets for one in ledger.scan(workload, pages_of(grain))]
    found = [bucket for buckets in (waiting, *pages) for bucket in buckets.values()]
    return sum(bucket.signals["error_rate"].measured for bucket in found if "error_rate" in bucket.signals)


def test_nothing_is_rolled_up_before_anything_was_measured() -> None:
    measuring = Measuring(MemoryLedger())
    assert measuring.roll_ups.run() == ["orders: nothing was measured yet"]
    assert measuring.ledger.scan("orders", "roll:") == []


def test_a_run_takes_three_transactions_and_one_of_each_hour_a_few_more() -> None:
    ledger = Counting(MemoryLedger())
    measuring = Measuring(ledger)
    watch_for(measuring, 65)
    costs = []
    for _ in range(24):
        measuring.go_on(5 * MINUTE)
        measuring.cycle(a_minute(measuring.clock()))
        ledger.calls.clear()
        measuring.roll_ups.run()
        costs.append((ledger.calls["read"] + ledger.calls["scan"], ledger.calls["commit"]))
    assert costs.count((2, 1)) == 22
    hourly = [reads for reads, _ in costs if reads > 2]
    assert len(hourly) == 2
    assert max(hourly) <= 2 + 2 + 1  # two pages that are added to, one that may be removed
    assert {commits for _, commits in costs} == {1}


def test_after_hours_every_sample_is_counted_once_by_every_grain() -> None:
    measuring = Measuring(MemoryLedger())
    watch_for(measuring, 200)
    assert {counted(measuring.ledger, "orders", grain) for grain in Grain} == {200 * 6 - 3}  # three may be revised yet


def test_of_two_that_roll_up_at_once_one_wins_and_nothing_is_counted_twice() -> None:
    measuring = Measuring(MemoryLedger())
    watch_for(measuring, 10)
    measuring.go_on(5 * MINUTE)
    measuring.cycle(a_minute(measuring.clock()))
    faster = measuring.roll_ups
    slower = Measuring(Interrupted(measuring.ledger, faster.run), clock=measuring.clock)
    assert slower.roll_ups.run() == ["orders: another run was faster; what it left is counted by the next"]
    assert counted(measuring.ledger, "orders", Grain.HOUR) == 11 * 6 - 3


def test_a_commit_whose_outcome_is_unknown_counts_nothing_twice() -> None:
    measuring = Measuring(MemoryLedger())
    watch_for(measuring, 10)
    broken = Measuring(BrokenFor(measuring.ledger, "orders"), clock=measuring.clock)
    with pytest.raises(TransientError, match="1 not rolled up, first of all orders: writing"):
        broken.roll_ups.run()
    measuring.roll_ups.run()
    assert counted(measuring.ledger, "orders", Grain.HOUR) == 10 * 6 - 3


def test_pages_and_head_are_one_commit() -> None:
    recorded = Recorded(MemoryLedger())
    measuring = Measuring(recorded)
    watch_for(measuring, 75)
    writing = [keys for keys in recorded.commits if any(key.startswith("roll:minutes:") for key in keys)]
    assert writing
    assert all(HEAD in keys for keys in writing)


def test_what_is_older_than_is_kept_is_removed() -> None:
    measuring = Measuring(MemoryLedger(), retention=Retention(minutes=timedelta(hours=3)))
    watch_for(measuring, 8 * 60)
    hours = len(measuring.ledger.scan("orders", pages_of(Grain.MINUTE)))
    assert 3 <= hours <= 4
    assert len(measuring.ledger.scan("orders", pages_of(Grain.HOUR))) == 1


def test_what_comes_for_a_page_that_was_removed_is_counted_by_coarser_grains_alone() -> None:
    measuring = Measuring(MemoryLedger(), retention=Retention(minutes=timedelta(hours=1)))
    begun = measuring.clock()
    watch_for(measuring, 5 * 60)
    measuring.cycle({"confidence": [measured(begun, 3.0)]})  # its last words are kept for a week
    measuring.roll_ups.run()
    measuring.go_on(60 * MINUTE)
    measuring.roll_ups.run()
    gone = page_key(Grain.MINUTE, Grain.MINUTE.page(Grain.MINUTE.start(begun)))
    assert measuring.ledger.read("orders", gone) is None
    day = measuring.ledger.read("orders", page_key(Grain.HOUR, Grain.HOUR.page(Grain.HOUR.start(begun))))
    assert day is not None
    assert decode(Page, day.body).buckets[Grain.HOUR.start(begun)].signals["confidence"].measured == 1


def test_a_damaged_head_is_an_error_of_its_workload_and_harms_nothing() -> None:
    measuring = Measuring(MemoryLedger())
    measuring.go_on(MINUTE)
    measuring.cycle(a_minute(measuring.clock()))
    measuring.ledger.commit("orders", [Put(HEAD, "{")])
    with pytest.raises(TransientError, match="a stored Head cannot be read"):
        measuring.roll_ups.run()
    assert measuring.ledger.read("orders", WATCH) is not None
