"""Calls to sources: a sick one is left alone, a slow one takes not all threads, a wrong question shuts nothing."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from threading import Event, Lock

import pytest

from shared.engine.collect import Collector
from shared.errors import ControllerError, PermanentError, TransientError
from shared.model.policy import Policy
from shared.model.signal import Outcome, measured
from shared.ports import Collected, Job, Want
from tests.fakes.clock import NOON
from tests.fakes.policies import policy

_ORDERS, _SHOP = policy(), policy(("workload: orders", "workload: shop"))


@dataclass(slots=True)
class Source:
    """Fulfils `ports.SampleSource` with a job for each want."""

    do: Callable[[], object] = lambda: None
    timeout: timedelta = timedelta(seconds=30)
    asked: int = 0
    at_once: int = 0
    most_at_once: int = 0
    lock: Lock = field(default_factory=Lock)

    def jobs(self, wants: Sequence[Want]) -> list[Job]:
        return [Job(wants=(want,), timeout=self.timeout, run=partial(self._run, want)) for want in wants]

    def _run(self, want: Want, now: datetime) -> list[Collected]:
        with self.lock:
            self.asked += 1
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            self.do()
        finally:
            with self.lock:
                self.at_once -= 1
        return [Collected(workload=want.policy.workload, name=want.name, samples=(measured(now, 0.0),))]


@dataclass(slots=True)
class Cycles:
    """Collects again and again with a clock of its own for the breakers."""

    pool: ThreadPoolExecutor
    source: Source = field(default_factory=Source)
    now_s: float = 0.0
    collector: Collector = field(init=False)

    def __post_init__(self) -> None:
        self.collector = Collector({"probe": self.source}, self.pool)
        self.collector.calls._clock = lambda: self.now_s

    def notes(self, *policies: Policy, times: int = 1) -> list[str]:
        """Collect once; returns for every want what kept it from being measured."""
        wants = [Want(one, "error_rate", one.signals["error_rate"], NOON) for one in policies for _ in range(times)]
        collecting = self.collector.begin(wants, NOON)
        found = [one for name in dict.fromkeys(p.workload for p in policies) for one in collecting.of(name)]
        assert all((one.samples[0].outcome is Outcome.ERROR) == bool(one.samples[0].note) for one in found)
        return [one.samples[0].note for one in found]


@pytest.fixture
def cycles() -> Iterator[Cycles]:
    with ThreadPoolExecutor(12) as pool:
        yield Cycles(pool)


def raising(error: Exception) -> Callable[[], object]:
    def fail() -> None:
        raise error

    return fail


def test_a_source_that_hangs_costs_its_time_out_once_and_then_nothing(
    cycles: Cycles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.engine.collect.GRACE", timedelta(0))
    free = Event()
    cycles.source.do, cycles.source.timeout = free.wait, timedelta(milliseconds=50)
    try:
        assert cycles.notes(_ORDERS) == ["the source did not answer within 0 s"]
        for _ in range(3):
            cycles.now_s += 5
            (note,) = cycles.notes(_ORDERS)
            assert note.startswith("the source is left alone for")
        assert note.endswith(" s more: the source did not answer within 0 s")
        assert cycles.source.asked == 1
    finally:
        free.set()
    cycles.source.do, cycles.source.timeout = lambda: None, timedelta(seconds=30)
    cycles.now_s += 20
    assert cycles.notes(_ORDERS) == [""]
    assert cycles.source.asked == 2


def test_a_source_that_fails_is_asked_three_times_and_then_left_alone(cycles: Cycles) -> None:
    cycles.source.do = raising(TransientError("503"))
    said = [cycles.notes(_ORDERS)[0] for _ in range(5)]
    assert said == ["503", "503", "503", *["the source is left alone for 20 s more: 503"] * 2]
    assert cycles.source.asked == 3


@pytest.mark.parametrize("error", [PermanentError("no such query"), ValueError("a bug of ours")])
def test_a_wrong_question_and_a_bug_of_ours_shut_nothing(cycles: Cycles, error: Exception) -> None:
    cycles.source.do = raising(error)
    for _ in range(6):
        cycles.notes(_ORDERS)
    assert cycles.source.asked == 6


def test_the_trouble_of_one_place_is_none_of_another(cycles: Cycles) -> None:
    sick: ControllerError = TransientError("503", retry_after=timedelta(seconds=60))
    cycles.source.do = raising(sick)
    cycles.notes(_ORDERS)
    cycles.source.do = lambda: None
    assert cycles.notes(_ORDERS, _SHOP) == ["the source is left alone for 60 s more: 503", ""]


def test_only_one_call_tries_a_source_again(cycles: Cycles) -> None:
    cycles.source.do = raising(TransientError("429", retry_after=timedelta(seconds=60)))
    cycles.notes(_ORDERS)
    cycles.now_s += 60
    cycles.source.do = lambda: None
    assert sorted(cycles.notes(_ORDERS, times=3)) == ["", *["the source is being tried again: 429"] * 2]
    assert cycles.notes(_ORDERS, times=3) == [""] * 3


def test_one_place_is_asked_by_eight_calls_at_once_at_most(cycles: Cycles) -> None:
    free, eight = Event(), Event()

    def wait() -> None:
        if cycles.source.at_once == 8:
            eight.set()
        free.wait(10)

    cycles.source.do = wait
    wants = [Want(_ORDERS, "error_rate", _ORDERS.signals["error_rate"], NOON)] * 30
    collecting = cycles.collector.begin(wants, NOON)
    assert eight.wait(10)
    # The other threads are there for others: one of them asks meanwhile.
    quick = Source()
    other = Collector({"probe": quick}, cycles.pool).begin([Want(_SHOP, "error_rate", wants[0].signal, NOON)], NOON)
    assert [one.samples[0].outcome for one in other.of("shop")] == [Outcome.MEASURED]
    free.set()
    assert {one.samples[0].outcome for one in collecting.of("orders")} == {Outcome.MEASURED}
    assert (cycles.source.most_at_once, cycles.source.asked) == (8, 30)


def test_what_never_got_its_turn_is_an_error_and_not_the_source_s_fault(
    cycles: Cycles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.engine.collect.GRACE", timedelta(0))
    free = Event()
    busy = [cycles.pool.submit(free.wait) for _ in range(12)]
    cycles.source.timeout = timedelta(0)
    try:
        assert cycles.notes(_ORDERS) == ["the source was not asked within 0 s: too much was asked before"]
    finally:
        free.set()
    for one in busy:
        one.result()
    cycles.source.timeout = timedelta(seconds=30)
    assert cycles.notes(_ORDERS) == [""]


def test_requests_are_counted_by_whom_they_ask(cycles: Cycles) -> None:
    cycles.notes(_ORDERS, _SHOP)
    cycles.notes(_SHOP)
    assert dict(cycles.collector.calls.made) == {("probe", "orders"): 1, ("probe", "shop"): 2}
