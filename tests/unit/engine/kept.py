"""A workload with one database, and who keeps its checkpoints."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from shared.engine.change_control import ChangeControl
from shared.engine.checkpoints import CheckpointKeeper
from shared.engine.intake import Intake
from shared.engine.records import CHANGE, EVENT, Snapshot, decode, encode, snapshot
from shared.model.change import Change, ChangeStatus
from shared.model.checkpoint import DatabaseCheckpoint
from shared.model.event import Event
from shared.model.policy import Policy
from shared.ports import Ledger, Put
from tests.fakes.clock import FakeClock
from tests.fakes.doorbell import MemoryDoorbell
from tests.fakes.ledger import MemoryLedger
from tests.fakes.policies import policy
from tests.fakes.rows import FakeRows
from tests.unit.engine.rows_story import data_policy


@dataclass(slots=True)
class Kept:
    """One workload with one database."""

    pool: ThreadPoolExecutor
    policies: dict[str, Policy] = field(default_factory=lambda: {"orders": data_policy(), "other": policy()})
    clock: FakeClock = field(default_factory=FakeClock)
    ledger: Ledger = field(default_factory=MemoryLedger)
    doorbell: MemoryDoorbell = field(default_factory=MemoryDoorbell)
    rows: FakeRows = field(init=False)

    def __post_init__(self) -> None:
        self.rows = FakeRows(self.clock, passes=self.clock.forward)

    @property
    def keeper(self) -> CheckpointKeeper:
        return self.keeper_on(self.ledger)

    def keeper_on(self, ledger: Ledger) -> CheckpointKeeper:
        return CheckpointKeeper(
            ledger, self.doorbell, self.rows, self.rows, self.rows, lambda: self.policies, self.clock, self.pool
        )

    @property
    def control(self) -> ChangeControl:
        return ChangeControl(self.ledger, self.doorbell, lambda: self.policies, self.clock)

    @property
    def found(self) -> Snapshot:
        return snapshot(self.ledger, "orders")

    @property
    def one(self) -> DatabaseCheckpoint:
        return self.found.checkpoints.by_database["shop"]

    def change(self, build: str = "b2") -> Change:
        Intake(self.ledger, self.doorbell, lambda: self.policies, self.clock).change(
            "orders", "deployment", build, "b1"
        )
        return self.current

    @property
    def current(self) -> Change:
        change = self.found.change
        assert change is not None
        return change

    def moved(self, status: ChangeStatus) -> None:
        after = self.current.moved(status, "because", self.clock(), by="ann")
        self.ledger.commit("orders", [Put(CHANGE, encode(after))])

    def minute(self) -> DatabaseCheckpoint:
        """The timer comes around."""
        self.clock.forward(60)
        self.keeper.run()
        return self.one

    @property
    def told(self) -> list[str]:
        """The history of checkpoints, oldest first."""
        events = [decode(Event, row.body) for row in reversed(self.ledger.scan("orders", EVENT))]
        return [event.kind.value for event in events if event.kind.value.startswith("checkpoint_")]

    @property
    def people_were_told(self) -> list[str]:
        kinds = [delivery.event.kind.value for delivery in self.found.outbox.values()]
        return sorted(kind for kind in kinds if kind.startswith("checkpoint_"))
