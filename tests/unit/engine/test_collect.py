"""Collecting: one job may serve several workloads, and each of them has an answer for every want."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from threading import Event

from shared.engine.collect import Collector
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
    assert notes == [[(name, "the source did not answer within 0 s")] for name in ("orders", "shop")]
