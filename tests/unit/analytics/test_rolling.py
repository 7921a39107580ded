"""Every sample is counted exactly once: whenever it arrives, however often rolling up is begun, crashes and races."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.analytics.buckets import Bucket, Buckets, ByGrain, Grain, Retention, merged_buckets
from shared.analytics.rolling import Head, Pages, added, counted_on, moved, not_counted_yet, outdated
from shared.model.policy import Policy
from shared.model.signal import Sample, failed, measured, merge
from shared.model.watch import WatchState
from tests.fakes.clock import NOON
from tests.fakes.policies import policy

POLICY = policy()
EVERY = timedelta(minutes=5)


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def cycled(
    state: WatchState, now: datetime, fresh: Mapping[str, Sequence[Sample]], chosen: Policy = POLICY
) -> WatchState:
    """The watch record after a cycle, as the watch keeps it."""
    series = {
        name: merge(state.series.get(name, ()), fresh.get(name, ()), now=now, keep=chosen.horizon(name))
        for name in chosen.signals
    }
    return WatchState(series=series, cycled_at=now)


class Kept:
    """Head and pages, as a commit keeps them."""

    def __init__(self) -> None:
        self.head = Head()
        self.pages: Pages = {}

    def roll_up(self, state: WatchState, now: datetime, *, crashes: bool = False) -> None:
        head, pages = moved(counted_on(self.head, POLICY, state, now), now)
        if crashes:
            return
        self.head = head
        for place, buckets in pages.items():
            self.pages[place] = merged_buckets(self.pages.get(place, {}), buckets)

    def all(self, state: WatchState, now: datetime) -> ByGrain:
        """All that is known of every grain, wherever it is kept."""
        found = added(self.head.waiting, not_counted_yet(self.head, POLICY, state, now))
        for (grain, _), buckets in self.pages.items():
            found = added(found, {grain: buckets})
        return found


def count(buckets: Buckets, signal: str) -> int:
    rolled = [bucket.signals[signal] for bucket in buckets.values() if signal in bucket.signals]
    return sum(one.measured + one.no_data + one.error for one in rolled)


def counts(found: ByGrain, signal: str = "error_rate") -> set[int]:
    return {count(found[grain], signal) for grain in Grain}


def test_a_day_of_samples_is_counted_once_by_every_grain() -> None:
    state, kept, now = WatchState(), Kept(), NOON
    for second in range(0, 4 * 3_600, 10):
        now = at(second)
        state = cycled(state, now, {"error_rate": [measured(now, 0.01 * (second % 7), 20)]})
        if second % 300 == 50:
            kept.roll_up(state, now)
        if second % 1_000 == 0:
            assert counts(kept.all(state, now)) == {second // 10 + 1}
    assert counts(kept.all(state, now)) == {4 * 360}
    assert {grain for grain, _ in kept.pages} == {Grain.MINUTE, Grain.HOUR}


ARRIVALS = st.lists(st.tuples(st.integers(0, 3_600), st.integers(0, 300), st.sampled_from(["", "a", "b"])), max_size=40)


@settings(max_examples=60)
@given(ARRIVALS, st.lists(st.booleans(), min_size=14, max_size=14), st.booleans())
def test_whatever_the_order_of_arrival_and_the_crashes_each_is_counted_once(
    arrivals: list[tuple[int, int, str]], crashes: list[bool], twice: bool
) -> None:
    """A sample may be five minutes late, and come again; one run of two may fail."""
    state, kept, now = WatchState(), Kept(), NOON
    identities: set[tuple[int, str]] = set()
    for step in range(14):
        now = at(300 * step)
        arriving = [(second, late, mark) for second, late, mark in arrivals if second + late <= 300 * step]
        new = [one for one in arriving if one[0] + one[1] > 300 * (step - 1) or twice]
        fresh = [measured(at(second), 0.5, 1, sample_id=mark) for second, _, mark in new]
        identities |= {(second, mark) for second, late, mark in new if at(second) > now - POLICY.horizon("load")}
        state = cycled(state, now, {"load": fresh})
        kept.roll_up(state, now, crashes=crashes[step] and step % 2 == 0)
    assert counts(kept.all(state, now), "load") == {len(identities)}


def test_a_late_sample_is_counted_late_in_its_own_minute() -> None:
    kept = Kept()
    state = cycled(WatchState(), at(600), {"load": [measured(at(500), 0.4)]})
    kept.roll_up(state, at(600))
    state = cycled(state, at(700), {"load": [measured(at(90), 0.8)]})
    kept.roll_up(state, at(700))
    minutes = kept.all(state, at(700))[Grain.MINUTE]
    assert minutes[Grain.MINUTE.start(at(90))].signals["load"].mean == 0.8
    assert counts(kept.all(state, at(700)), "load") == {2}


def test_what_may_still_be_revised_is_shown_and_not_counted() -> None:
    kept = Kept()
    state = cycled(WatchState(), at(0), {"error_rate": [failed(at(-1), "no answer")]})
    kept.roll_up(state, at(0))
    assert counts(kept.head.waiting) == {0}
    assert counts(kept.all(state, at(0))) == {1}
    state = cycled(state, at(10), {"error_rate": [measured(at(-1), 0.5, 20)]})
    kept.roll_up(state, at(60))
    bucket = kept.all(state, at(60))[Grain.HOUR][Grain.HOUR.start(at(-1))]
    assert (bucket.signals["error_rate"].measured, bucket.signals["error_rate"].error) == (1, 0)


def test_a_sample_that_comes_again_after_it_was_dropped_is_not_counted_again() -> None:
    kept, old = Kept(), measured(at(0), 0.5, sample_id="old")
    state = cycled(WatchState(), at(60), {"load": [old]})
    kept.roll_up(state, at(60))
    state = cycled(state, at(7_200), {})
    kept.roll_up(state, at(7_200))
    assert state.series["load"] == ()
    forged = WatchState(series={"load": (old,)}, cycled_at=at(7_200))  # as if the policy kept more of a sudden
    kept.roll_up(forged, at(7_260))
    assert counts(kept.all(forged, at(7_260)), "load") == {1}


def test_buckets_that_are_over_move_once_an_hour_and_stay_together() -> None:
    state = cycled(WatchState(), at(1_800), {"load": [measured(at(1_700), 0.5)]})
    head = counted_on(Head(), POLICY, state, at(1_800))
    head, none = moved(head, at(1_800))
    assert none == {}
    head, pages = moved(head, at(3_600 + 601))
    assert set(pages) == {(grain, grain.page(grain.start(at(1_700)))) for grain in (Grain.MINUTE, Grain.HOUR)}
    assert head.waiting[Grain.MINUTE] == head.waiting[Grain.HOUR] == {}
    assert len(head.waiting[Grain.DAY]) == 1
    assert moved(head, at(3_600 + 900)) == (head, {})


def test_no_commit_has_more_pages_than_it_may() -> None:
    days = {NOON.timestamp() // 86_400 * 86_400 - 86_400 * day: Bucket() for day in range(300)}
    head = Head(waiting={Grain.DAY: {int(start): one for start, one in days.items()}})
    seen = 0
    for hour in range(6):
        head, pages = moved(head, at(3_600 * (hour + 1)))
        assert len(pages) <= 8
        seen += sum(map(len, pages.values()))
    assert seen == 299
    assert len(head.waiting[Grain.DAY]) == 1  # today


@pytest.mark.parametrize(("grain", "kept_hours"), [(Grain.MINUTE, 48), (Grain.HOUR, 14 * 24), (Grain.DAY, 90 * 24)])
def test_pages_are_outdated_only_when_all_of_them_is(grain: Grain, kept_hours: int) -> None:
    head, old = outdated(Head(), Retention(), NOON)
    assert old == []  # a head that is new has nothing behind it
    later = NOON + timedelta(days=20)
    _, old = outdated(head, Retention(), later)
    oldest_kept = (later - timedelta(hours=kept_hours)).timestamp()
    assert [number for one, number in old if one is grain]
    assert all((number + 1) * grain.page_s <= oldest_kept for one, number in old if one is grain)


def test_what_is_outdated_is_named_once_and_all_of_it_in_time() -> None:
    head, _ = outdated(Head(), Retention(), NOON)
    named: list[tuple[Grain, int]] = []
    for hour in range(1, 24 * 30):
        head, old = outdated(head, Retention(), NOON + timedelta(hours=hour))
        named += old
    assert len(named) == len(set(named))
    assert len([1 for grain, _ in named if grain is Grain.MINUTE]) == 24 * 30 - 1
