"""A workload with a database, its change, and who keeps its checkpoints; on fakes."""

from dataclasses import dataclass, field
from datetime import timedelta

from shared.decision.asking import approval_rule
from shared.engine.asking import Asking
from shared.engine.begin_asked import BeginAsked
from shared.engine.by_hand import ByHand
from shared.engine.change_control import ChangeControl
from shared.engine.checkpoints import CheckpointKeeper
from shared.engine.fleet import Fleet
from shared.engine.intake import Intake
from shared.engine.records import CHANGE, EVENT, WATCH, Snapshot, decode, encode, snapshot
from shared.model.budget import Budget
from shared.model.change import Change, ChangeStatus, Do
from shared.model.checkpoint import DatabaseCheckpoint
from shared.model.event import Event
from shared.model.policy import Policy
from shared.model.policy_data import Database
from shared.model.watch import WatchState
from shared.ports import Ledger, Put
from tests.fakes.at_once import AtOnce
from tests.fakes.clock import FakeClock
from tests.fakes.doorbell import MemoryDoorbell
from tests.fakes.ledger import MemoryLedger
from tests.fakes.policies import policy
from tests.fakes.rows import FakeRows


def data_policy(
    *, database: str = "", level: str = "", more: str = "", road: str = "", site: bool = True, above: str = ""
) -> Policy:
    """Return a policy with one database, `shop`, whose rows go back in level 2 by the road `back`.

    Args:
        above: A level 3.
    """
    traffic = "site: [slot_swap], " if site else ""
    text = f"""\
databases:
  shop: {{source: "host=old", target: "host=new"{database}}}
roads: {{back: {{data_sync: shop{road}}}}}
levels:
  1: {{}}
  2: {{components: {{{traffic}rows: [back]}}, budget: 5m{level}}}
{above}{more}notify:"""
    return policy(("notify:", text)).of_version("v1")


def shaped_policy(databases: str) -> Policy:
    """Return a policy with these databases; those of a road each go back side by side in level 2."""
    names = [line.partition(":")[0].strip() for line in databases.splitlines()]
    roads = ", ".join(f"back_{name}: {{data_sync: {name}}}" for name in names)
    rows = ", ".join(f"{name}: [back_{name}]" for name in names)
    level = f"{{components: {{site: [slot_swap], {rows}}}, budget: 5m}}"
    text = f"databases:\n{databases}\nroads: {{{roads}}}\nlevels:\n  1: {{}}\n  2: {level}\nnotify:"
    return policy(("notify:", text)).of_version("v1")


@dataclass(slots=True)
class Kept:
    """One workload with one database."""

    policy: Policy = field(default_factory=data_policy)
    clock: FakeClock = field(default_factory=FakeClock)
    ledger: MemoryLedger = field(default_factory=MemoryLedger)
    doorbell: MemoryDoorbell = field(default_factory=MemoryDoorbell)
    others: dict[str, Policy] = field(default_factory=lambda: {"other": policy()})
    rows: FakeRows = field(init=False)

    def __post_init__(self) -> None:
        self.rows = FakeRows(self.clock, passes=self.clock.forward)

    def policies(self) -> dict[str, Policy]:
        return {"orders": self.policy, **self.others}

    @property
    def database(self) -> Database:
        return self.policy.databases["shop"]

    def decides(self, **changes: object) -> None:
        """Let the policy say something else of the database."""
        database = self.database.model_copy(update=changes)
        self.policy = self.policy.model_copy(update={"databases": {**self.policy.databases, "shop": database}})

    @property
    def keeper(self) -> CheckpointKeeper:
        return self.keeper_on(self.ledger)

    def keeper_on(self, ledger: Ledger) -> CheckpointKeeper:
        rows = self.rows
        pool = AtOnce()
        return CheckpointKeeper(ledger, self.doorbell, rows, rows, rows, self.policies, self.clock, pool, self.asking)

    @property
    def asking(self) -> Asking:
        fleet = Fleet(self.ledger, Budget(10, timedelta(hours=1)), self.clock)
        return Asking(approval_rule, BeginAsked(self.ledger, self.policies, self.clock, fleet), self.clock)

    @property
    def control(self) -> ChangeControl:
        return ChangeControl(self.ledger, self.doorbell, self.policies, self.clock)

    @property
    def by_hand(self) -> ByHand:
        return ByHand(self.ledger, self.doorbell, self.policies, self.clock)

    @property
    def does(self) -> Do:
        """What the change is told, as its watch has just looked."""
        self.ledger.commit("orders", [Put(WATCH, encode(WatchState(cycled_at=self.clock())))])
        return self.control.control("orders").do

    @property
    def found(self) -> Snapshot:
        return snapshot(self.ledger, "orders")

    @property
    def one(self) -> DatabaseCheckpoint:
        return self.found.checkpoints.by_database["shop"]

    def change(self, build: str = "b2") -> Change:
        Intake(self.ledger, self.doorbell, self.policies, self.clock).change("orders", "deployment", build, "b1")
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
        self.minutes(1)
        return self.one

    def minutes(self, several: int) -> None:
        for _ in range(several):
            self.clock.forward(60)
            self.keeper.run()

    @property
    def captured(self) -> tuple[str, ...]:
        """What is captured on the target, whoever wanted it."""
        return self.rows.of(self.database).captured

    @property
    def fenced(self) -> bool:
        return any(way.fenced for way in self.rows.of(self.database).ways.values())

    @property
    def calls(self) -> list[str]:
        return [what for what, _ in self.rows.calls]

    @property
    def told(self) -> list[str]:
        """The history of checkpoints, oldest first."""
        events = [decode(Event, row.body) for row in reversed(self.ledger.scan("orders", EVENT))]
        return [event.kind.value for event in events if event.kind.value.startswith("checkpoint_")]

    @property
    def people_were_told(self) -> list[str]:
        kinds = [delivery.event.kind.value for delivery in self.found.outbox.values()]
        return sorted(kind for kind in kinds if kind.startswith("checkpoint_"))
