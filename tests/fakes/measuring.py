"""A workload that was watched for a while: its samples arrive, and are rolled up, as time goes by."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from shared.analytics.buckets import Retention
from shared.engine.metrics_view import MetricsView
from shared.engine.records import WATCH, decode, encode
from shared.engine.rollups import RollUps
from shared.model.policy import Policy
from shared.model.signal import Sample, merge
from shared.model.trigger import TriggerReading
from shared.model.watch import WatchState
from shared.ports import Ledger, Put
from tests.fakes.at_once import AtOnce
from tests.fakes.clock import FakeClock
from tests.fakes.policies import policy


@dataclass(slots=True)
class Measuring:
    """One workload on a ledger, and what rolls it up and shows it."""

    ledger: Ledger
    workload: str = "orders"
    clock: FakeClock = field(default_factory=FakeClock)
    retention: Retention = field(default_factory=Retention)
    chosen: Policy = field(default_factory=policy)

    @property
    def policies(self) -> dict[str, Policy]:
        return {self.workload: self.chosen.changed(workload=self.workload)}

    @property
    def roll_ups(self) -> RollUps:
        return RollUps(self.ledger, lambda: self.policies, self.clock, AtOnce(), self.retention)

    @property
    def view(self) -> MetricsView:
        return MetricsView(self.ledger, lambda: self.policies, self.clock, self.retention)

    def cycle(self, samples: Mapping[str, Iterable[Sample]], readings: tuple[TriggerReading, ...] = ()) -> None:
        """Keep samples as a cycle of the watch does."""
        row, now = self.ledger.read(self.workload, WATCH), self.clock()
        state = decode(WatchState, row.body) if row else WatchState()
        series = {
            name: merge(state.series.get(name, ()), samples.get(name, ()), now=now, keep=self.chosen.horizon(name))
            for name in self.chosen.signals
        }
        saved = WatchState(series=series, cycled_at=now, watched_at=now, readings=readings)
        self.ledger.commit(self.workload, [Put(WATCH, encode(saved))])

    def go_on(self, by: timedelta) -> None:
        self.clock.now += by
