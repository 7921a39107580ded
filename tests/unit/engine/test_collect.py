"""Collecting: one job may serve several workloads, each has an answer for every want, and what comes late is found."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from threading import Event

import pytest

from shared.engine.collect import Collector, due
from shared.model.signal import Sample, Series, failed, measured, no_data
from shared.model.watch import Arrivals, WatchState
from shared.ports import Job, Want
from tests.fakes.clock import NOON
from tests.fakes.policies import policy


@dataclass(slots=True)
class SharedSource:
    """Fulfils `ports.SampleSource` with one job for all that is wanted."""

    def jobs(self, wants: Sequence[Want]) -> list[Job]:
        return [Job(wants=tuple(wants), timeout=timedelta(0), run=lambda _: [])]


def test_a_shared_job_that_never_began_is_an_error_for_every_workload() -> None:
    orders, shop = policy(), policy(("workload: orders", "workload: shop"))
    wants = [Want(one, "error_rate", one.signals["error_rate"], NOON) for one in (orders, shop)]
    free = Event()
    with ThreadPoolExecutor(1) as pool:
        pool.submit(free.wait)
        try:
            collecting = Collector({"probe": SharedSource()}, pool).begin(wants, NOON)
            found = [collecting.of(name) for name in ("orders", "shop")]
        finally:
            free.set()
    notes = [[(one.workload, one.samples[0].note) for one in answers] for answers in found]
    assert notes == [
        [(name, "the source was not asked within 0 s: too much was asked before")] for name in ("orders", "shop")
    ]


_LOGGED = policy(
    ("memory: {alert", "load_time: {log: slow.kql, workspace: w, unit: ms, every: 60s, delay: 60s}\n  memory: {alert"),
    ("- {name: doubt", "- {name: slow, when: load_time > 1000ms, for: 30m}\n    - {name: doubt"),
)


def asked_since(state: WatchState, name: str = "load_time") -> timedelta:
    """Return how far before the last question a signal is asked for again."""
    now = NOON + timedelta(minutes=1)
    (want,) = [want for want in due(_LOGGED, state, now) if want.name == name]
    return NOON - want.since


def test_what_may_still_be_revised_is_asked_for_again() -> None:
    known: dict[str, Series] = {"load_time": (measured(NOON - timedelta(minutes=1), 1.0),)}
    assert asked_since(WatchState(series=known, collected_at={"load_time": NOON})) == timedelta(minutes=3)


def test_a_source_that_is_late_is_asked_for_as_much_more() -> None:
    known: dict[str, Series] = {"load_time": (measured(NOON - timedelta(minutes=1), 1.0),)}
    late = {"load_time": Arrivals(NOON, (300,) * 9)}
    state = WatchState(series=known, collected_at={"load_time": NOON}, arrivals=late)
    assert asked_since(state) == timedelta(minutes=7)


def test_after_a_long_silence_all_since_the_last_word_is_asked_for() -> None:
    heard = (measured(NOON - timedelta(minutes=20), 1.0), no_data(NOON, "nothing"))
    state = WatchState(series={"load_time": heard}, collected_at={"load_time": NOON})
    assert asked_since(state) == timedelta(minutes=20)
    long_ago = (measured(NOON - timedelta(days=2), 1.0),)
    state = WatchState(series={"load_time": long_ago}, collected_at={"load_time": NOON})
    assert asked_since(state) == _LOGGED.horizon("load_time") - timedelta(minutes=1)


def test_the_first_time_all_that_a_rule_could_look_at_is_asked_for() -> None:
    assert asked_since(WatchState()) == _LOGGED.horizon("load_time") - timedelta(minutes=1)


_SELDOM = "{cost: /subscriptions/s1, currency: EUR}"
_DAY_BEFORE = measured(NOON - timedelta(hours=36), 12.5)


@pytest.mark.parametrize(
    ("known", "minutes", "asked"),
    [
        ((_DAY_BEFORE,), 719, False),
        ((_DAY_BEFORE,), 720, True),
        ((_DAY_BEFORE, failed(NOON, "429")), 4, False),
        ((_DAY_BEFORE, failed(NOON, "429")), 5, True),
        ((_DAY_BEFORE, failed(NOON - timedelta(hours=12), "429")), 5, False),
        ((), 5, False),
    ],
)
def test_what_is_asked_seldom_is_asked_again_soon_only_after_it_failed(
    known: tuple[Sample, ...], minutes: int, asked: bool
) -> None:
    chosen = policy(("signals:", f"signals:\n  cost: {_SELDOM}"))
    state = WatchState(series={"cost": known}, collected_at={"cost": NOON})
    found = {want.name for want in due(chosen, state, NOON + timedelta(minutes=minutes))}
    assert ("cost" in found) is asked
