"""The engine of a play: the real watch and intake on a ledger in memory, at a time that the play drives."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.engine.collect import Collector
from shared.engine.fleet import Fleet
from shared.engine.intake import Intake
from shared.engine.records import EVENT, decode, snapshot
from shared.engine.watch import Watch
from shared.model.budget import Budget
from shared.model.event import Event
from shared.model.policy import Policy
from shared.model.trigger import TriggerReading, Verdict
from shared.ports import SampleSource
from tests.fakes.clock import FakeClock
from tests.fakes.doorbell import MemoryDoorbell
from tests.fakes.interrupted import Failing
from tests.fakes.ledger import MemoryLedger
from tests.scenarios.fault_matrix.kinds import WATCHED

_AMPLE = Budget(100, timedelta(hours=1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """What the watch said of one workload in one cycle."""

    at: datetime
    verdict: Verdict
    reading: TriggerReading


class World:
    """The engine on a ledger of its own, with the adapters that a play brings.

    Attributes:
        storage: The ledger as the engine has it; what the play asks for is read past any trouble of it.
    """

    def __init__(self, clock: FakeClock, jobs: ThreadPoolExecutor, cycles: ThreadPoolExecutor) -> None:
        self.clock = clock
        self._jobs = jobs
        self._cycles = cycles
        self._ledger = MemoryLedger()
        self.storage = Failing(self._ledger)
        self.doorbell = MemoryDoorbell()
        self.policies: dict[str, Policy] = {}
        self.intake = Intake(
            ledger=self.storage, doorbell=self.doorbell, policies=lambda: self.policies, clock=self.clock
        )

    def watch(self, sources: Mapping[str, SampleSource]) -> Watch:
        return Watch(
            ledger=self.storage,
            doorbell=self.doorbell,
            warmer=self.doorbell,
            collector=Collector(sources, self._jobs),
            policies=lambda: self.policies,
            fleet=Fleet(self.storage, _AMPLE, self.clock),
            clock=self.clock,
            pool=self._cycles,
        )

    def moment(self, workload: str) -> Moment:
        state = snapshot(self._ledger, workload).watch
        reading = next(reading for reading in state.readings if reading.name == WATCHED)
        return Moment(at=self.clock(), verdict=state.verdict, reading=reading)

    def rollback(self, workload: str) -> str | None:
        return snapshot(self._ledger, workload).active_id

    def events_since(self, workload: str, at: datetime) -> list[Event]:
        rows = reversed(self._ledger.scan(workload, EVENT))
        return [event for event in (decode(Event, row.body) for row in rows) if event.at > at]


@contextmanager
def world_at(clock: FakeClock) -> Iterator[World]:
    """Yield a new world, some hours after all earlier ones, a little past a full minute."""
    clock.now = clock.now.replace(second=5) + timedelta(hours=3)
    with ThreadPoolExecutor(8) as jobs, ThreadPoolExecutor(9) as cycles:
        yield World(clock, jobs, cycles)
