"""Plays one schedule: a rollback is started, and everything that its seed has in store happens to it."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from random import Random

from shared.engine.advance import Runs
from shared.engine.commit import commit_and_ring
from shared.engine.levels import Steps
from shared.engine.records import ACTIVE, decode, run_key
from shared.engine.start import starting_writes
from shared.errors import ControllerError
from shared.functions.advancing import advance
from shared.model.policy_verify import ClientCheck
from shared.model.run import Run
from tests.fakes.at_once import AtOnce
from tests.fakes.clients import FakeClients
from tests.fakes.ledger import MemoryLedger
from tests.fakes.policies import policy
from tests.fakes.runs import new_run
from tests.fakes.slots import FakeSlotPair, Fate
from tests.scenarios.schedules.odds import Odds, draw_fate, draw_odds
from tests.scenarios.schedules.ports import PassClients, PassLedger, PassSlots
from tests.scenarios.schedules.world import Crash, Line, Pass, World

POLICY = policy()
WORKLOAD = POLICY.workload
GOOD, BAD, UNKNOWN = "b1", "b2", "b0"
HOSTS = 3
_SWEEP_EVERY_S = 10.0
_OVERDUE = timedelta(seconds=2)
_MOST_DELIVERIES = 5  # maxDequeueCount
_HIDDEN_S = 600.0  # a message whose worker was killed shows up again after this


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a schedule ended, with all that a law may want to look at."""

    seed: int
    odds: Odds
    run: Run
    ledger: MemoryLedger
    slots: FakeSlotPair
    counts: Counter[str]
    story: list[Line]


class Queue:
    """Fulfils `ports.Doorbell` for one schedule: rings get lost, doubled, delayed, and so reordered."""

    def __init__(self, world: World, deliver: Callable[[str, int], None]) -> None:
        self._world = world
        self._deliver = deliver

    def rollback(self, rollback_id: str, level: int, *, after: timedelta = timedelta(0)) -> None:
        world, odds = self._world, self._world.odds
        if world.chance(odds.lost_ring):
            world.counts["lost rings"] += 1
            return
        copies = 2 if world.chance(odds.doubled_ring) else 1
        world.counts["duplicates"] += copies - 1
        for _ in range(copies):
            late_s = world.random.uniform(0, 40) if world.chance(odds.late_ring) else world.random.uniform(0, 1)
            self.put(rollback_id, after.total_seconds() + late_s, 1)

    def put(self, rollback_id: str, delay_s: float, delivery: int) -> None:
        self._world.after(delay_s, lambda: self._deliver(rollback_id, delivery))

    def watch(self, workload: str) -> None:
        """Nobody watches here."""

    def checkpoints(self, workload: str) -> None:
        """There are no databases here."""

    def delivery(self, workload: str, delivery_id: str, *, after: timedelta = timedelta(0)) -> None:
        """Nobody is told here: the rows are looked at in the end."""


class Schedule:
    """The world of one seed."""

    def __init__(self, seed: int, change: Callable[[Odds], Odds] = lambda odds: odds) -> None:
        random = Random(seed)
        self.seed = seed
        self.odds = odds = change(draw_odds(random))
        self.world = World(random, odds)
        self.ledger = MemoryLedger()
        slot = UNKNOWN if odds.wrong_slot else GOOD
        self.slots = FakeSlotPair(self.world.clock, BAD, slot, fate=self._fate)
        self.clients = FakeClients(lambda: self.slots.served)
        self.queue = Queue(self.world, self.deliver)
        self.skews = [random.uniform(-odds.skew_s, odds.skew_s) for _ in range(HOSTS)]

    def play(self) -> Ending:
        """Start a rollback, and let everything happen."""
        run = new_run(POLICY, self.world.clock())
        commit_and_ring(self.ledger, self.queue, WORKLOAD, starting_writes(POLICY, run))
        self.world.after(_SWEEP_EVERY_S, lambda: self._sweep(run.id))
        self.world.run()
        self.world.close()
        return Ending(
            seed=self.seed,
            odds=self.odds,
            run=self._load(run.id),
            ledger=self.ledger,
            slots=self.slots,
            counts=self.world.counts,
            story=self.world.story,
        )

    def deliver(self, rollback_id: str, delivery: int) -> None:
        """A host takes a message from the queue."""
        host = self.world.random.randrange(HOSTS)
        self.world.counts["passes"] += 1
        name = f"host {host}, pass {self.world.counts['passes']}"
        Pass(self.world, name, self.skews[host], lambda here: self._handle(here, rollback_id, delivery)).start()

    def _fate(self) -> Fate:
        return draw_fate(self.world.random, self.odds, bad=self.world.mishap(self.odds.bad_reply))

    def _handle(self, here: Pass, rollback_id: str, delivery: int) -> None:
        try:
            here.tell(f"ends: {advance(self._engine(here), rollback_id)}")
        except ControllerError as error:
            here.tell(f"fails: {error}")
            if delivery < _MOST_DELIVERIES:
                self.queue.put(rollback_id, 0.0, delivery + 1)
        except Crash:
            if not self.world.closing and delivery < _MOST_DELIVERIES:
                self.queue.put(rollback_id, _HIDDEN_S, delivery + 1)

    def _engine(self, here: Pass) -> Runs:
        clients = PassClients(here, self.clients)
        steps = Steps.of_level(PassSlots(here, self.slots), {}, {ClientCheck: clients}, AtOnce())
        return Runs(PassLedger(here, self.ledger), self.queue, steps, lambda _: POLICY, here.clock)

    def _sweep(self, rollback_id: str) -> None:
        """The watch's timer: rings for a run that is overdue, for as long as the workload has one."""
        if self.ledger.read(WORKLOAD, ACTIVE) is None:
            return
        run = self._load(rollback_id)
        if run.due_at + _OVERDUE < self.world.clock():
            self.queue.rollback(run.id, run.level)
        self.world.after(_SWEEP_EVERY_S, lambda: self._sweep(rollback_id))

    def _load(self, rollback_id: str) -> Run:
        row = self.ledger.read(WORKLOAD, run_key(rollback_id))
        assert row is not None
        return decode(Run, row.body)
