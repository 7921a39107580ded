"""Laws that hold for any settings, rules and requests: swaps undo themselves, shares are shares, sums are sums."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.azure_simulator.config import RampUpRule, SiteConfig, SlotConfig
from local.azure_simulator.front_door.routing import ROUTING_NAME, choose_slot
from local.azure_simulator.monitor.kusto_json import kusto_timespan
from local.azure_simulator.request_log import RequestLog, ServedRequest
from local.azure_simulator.sites import Site, build_site, exchange_settings
from local.azure_simulator.throttle import TokenBucket
from local.demo_site.faults import BuildFaults, FaultDice

NAMES = st.sampled_from("ABCDEF")
SETTINGS = st.dictionaries(NAMES, st.sampled_from("12345"))
SHARES = st.floats(0, 1, exclude_max=True)


@given(SETTINGS, SETTINGS, st.sets(NAMES))
def test_settings_exchanged_twice_are_as_if_never(
    source: dict[str, str], target: dict[str, str], sticky: set[str]
) -> None:
    once = exchange_settings(source, target, sticky)
    assert exchange_settings(*once, sticky) == (source, target)


@given(SETTINGS, SETTINGS, st.sets(NAMES))
def test_sticky_settings_stay_and_all_others_move(
    source: dict[str, str], target: dict[str, str], sticky: set[str]
) -> None:
    new_source, new_target = exchange_settings(source, target, sticky)
    for name in "ABCDEF":
        expected = (source, target) if name in sticky else (target, source)
        assert (new_source.get(name), new_target.get(name)) == tuple(side.get(name) for side in expected)


def make_site(percent: float) -> Site:
    slots = {"production": SlotConfig(build="b2"), "last-good": SlotConfig(build="b1")}
    rule = RampUpRule(name="last-good", reroutePercentage=percent)
    return build_site(SiteConfig(name="demo", slots=slots, ramp_up_rules=[rule]))


@given(st.floats(0, 100), SHARES)
def test_a_draw_below_the_percentage_goes_to_the_slot(percent: float, draw: float) -> None:
    choice = choose_slot(make_site(percent), {}, {}, draw)
    assert choice.slot == ("last-good" if draw * 100 < percent else "production")
    assert choice.cookie == ("last-good" if choice.slot == "last-good" else "self")


@given(st.sampled_from(["self", "last-good", "LAST-GOOD"]), st.sampled_from(["self", "last-good", "gone"]), SHARES)
def test_a_query_beats_a_cookie_and_any_percentage(query: str, cookie: str, draw: float) -> None:
    choice = choose_slot(make_site(50), {ROUTING_NAME: query}, {ROUTING_NAME: cookie}, draw)
    assert (choice.slot, choice.pinned) == ("production" if query == "self" else "last-good", True)


@given(SHARES)
def test_a_pin_on_a_slot_that_is_gone_counts_for_nothing(draw: float) -> None:
    choice = choose_slot(make_site(50), {}, {ROUTING_NAME: "gone"}, draw)
    assert choice == choose_slot(make_site(50), {}, {}, draw)


def served(finished_at_s: float, status: int, duration_s: float) -> ServedRequest:
    about = {"site": "demo", "slot": "production", "build": "b1", "method": "GET", "path": "/", "query": ""}
    more = {"user_agent": "", "pinned": False, "by_app": True, "host": "h", "client_ip": ""}
    sizes = {"received_bytes": 0, "sent_bytes": 0}
    return ServedRequest(finished_at_s=finished_at_s, status=status, duration_s=duration_s, **about, **more, **sizes)  # type: ignore[arg-type]  # three dictionaries of mixed values


REQUESTS = st.lists(
    st.tuples(st.floats(1000, 1300), st.sampled_from([200, 301, 404, 503]), st.floats(0, 5)), max_size=40
)


@given(REQUESTS, st.integers(1000, 1300), st.integers(0, 120))
def test_tallies_equal_a_count_of_the_rows(rows: list[tuple[float, int, float]], start_s: int, span_s: int) -> None:
    log = RequestLog(rows=1000)
    for row in sorted(rows):
        log.record(served(*row))
    within = [row for row in rows if start_s <= row[0] < start_s + span_s]
    tally = log.tally("demo", "production", start_s, start_s + span_s)
    assert tally.requests == len(within)
    assert tally.http5xx == sum(status == 503 for _, status, _ in within)
    assert tally.duration_max_s == max((duration for *_, duration in within), default=0.0)
    assert list(log.between(start_s, start_s + span_s)) == [served(*row) for row in sorted(within, reverse=True)]


@given(st.integers(0, 30), st.integers(0, 30))
def test_a_reader_of_the_log_misses_only_what_the_ring_lost(first: int, more: int) -> None:
    log = RequestLog(rows=10)
    everything = [served(float(number), 200, 0.0) for number in range(first + more)]
    for row in everything:
        log.record(row)
    assert log.since(first) == everything[first:][-10:]


@given(st.builds(BuildFaults, fail_share=SHARES, hang_share=SHARES, seed=st.integers()))
def test_one_seed_tells_one_story(faults: BuildFaults) -> None:
    one, other = FaultDice(faults), FaultDice(faults)
    assert [one.roll() for _ in range(20)] == [other.roll() for _ in range(20)]


@given(st.integers(1, 50))
def test_a_bucket_gives_its_size_and_then_says_when(size: int) -> None:
    bucket = TokenBucket()
    assert [bucket.take(size, 0.001) for _ in range(size)] == [0.0] * size
    assert 0 < bucket.take(size, 0.001) <= 1000


@pytest.mark.parametrize(
    ("span", "text"),
    [
        (timedelta(minutes=5), "00:05:00"),
        (timedelta(days=2, hours=3, milliseconds=20), "2.03:00:00.0200000"),
        (-timedelta(seconds=90), "-00:01:30"),
    ],
)
def test_timespans_are_written_as_kusto_writes_them(span: timedelta, text: str) -> None:
    assert kusto_timespan(span) == text
