"""Claims on the fleet's budget: one that came to nothing is not paid for again, one that led to a start is."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from shared.engine.fleet import FLEET, Fleet
from shared.engine.records import RUN, STARTS, encode
from shared.errors import PermanentError, TransientError
from shared.model.budget import Budget
from shared.model.fleet import Starts
from shared.ports import Ledger, Put, Row, Write
from tests.fakes.clock import NOON, FakeClock
from tests.fakes.interrupted import Interrupted
from tests.fakes.ledger import MemoryLedger
from tests.fakes.policies import policy
from tests.unit.engine.conftest import Engine

_BAD = 0.31
_QUICK = ("notify:", "guards: {cool_down: 1s, budget: 100 per 1s}\nnotify:")
_HOUR = timedelta(hours=1)


@dataclass(slots=True)
class TakesNoRun:
    """A ledger to which no rollback of one workload can be written."""

    ledger: Ledger
    workload: str = "orders"

    def read(self, workload: str, key: str) -> Row | None:
        return self.ledger.read(workload, key)

    def scan(self, workload: str, prefix: str, *, limit: int = 1000) -> list[Row]:
        return self.ledger.scan(workload, prefix, limit=limit)

    def commit(self, workload: str, writes: Sequence[Write]) -> Mapping[str, str]:
        if workload == self.workload and any(write.key.startswith(RUN) for write in writes):
            raise PermanentError("a record takes too many bytes")
        return self.ledger.commit(workload, writes)


def paid(fleet: Fleet) -> list[datetime]:
    return [one["at"] for one in fleet.view()["started"]]


def started(engine: Engine) -> int:
    return engine.kinds().count("started")


def cancel(engine: Engine) -> None:
    active = engine.snapshot().active
    assert active is not None
    engine.by_hand.cancel(active.id, "for the test", "ann")


def fail_to_start(engine: Engine) -> int:
    """Watch for 25 minutes while a rollback is due and cannot be written; returns how often that failed."""
    engine.source.value, failed = _BAD, 0
    for _ in range(150):
        try:
            engine.watch_on(TakesNoRun(engine.ledger)).run()
        except TransientError:
            failed += 1
        engine.clock.forward(10)
    return failed


def test_a_start_that_fails_in_every_cycle_is_paid_for_once_and_leaves_the_rest_to_others(guarded: Engine) -> None:
    assert fail_to_start(guarded) > 50
    assert len(paid(guarded.fleet)) == 1
    guarded.policies = {"shop": policy(("workload: orders", "workload: shop"))}
    guarded.intake.change("shop", "deployment", "b2", "b1")
    guarded.cycles(_BAD, 4)
    assert guarded.snapshot("shop").active is not None


def test_a_claim_that_is_taken_over_counts_from_the_start_that_it_led_to(guarded: Engine) -> None:
    fail_to_start(guarded)
    guarded.cycles(_BAD, 4)
    assert paid(guarded.fleet) == list(guarded.snapshot().starts.moments)
    assert started(guarded) == 1


def test_every_start_is_paid_for_however_soon_it_follows_another(guarded: Engine) -> None:
    guarded.policies["orders"] = policy(_QUICK)
    guarded.cycles(_BAD, 4)
    for _ in range(3):
        cancel(guarded)
        guarded.clock.forward(2)
        guarded.watch.evaluate()
    assert started(guarded) == len(paid(guarded.fleet)) == 4


def test_of_two_cycles_that_start_at_once_one_pays_and_the_next_one_pays_again(guarded: Engine) -> None:
    guarded.policies["orders"] = policy(_QUICK)
    guarded.cycles(_BAD, 2)
    guarded.watch_on(Interrupted(guarded.ledger, guarded.watch.run)).run()
    assert started(guarded) == len(paid(guarded.fleet)) == 1
    cancel(guarded)
    guarded.clock.forward(2)
    guarded.watch.evaluate()
    assert started(guarded) == len(paid(guarded.fleet)) == 2


def test_a_claim_for_nothing_counts_against_others_until_it_is_forgotten(guarded: Engine) -> None:
    guarded.fleet_budget = Budget(1, _HOUR)
    fleet = guarded.fleet
    assert fleet.claim("orders", NOON, None) is None
    assert fleet.claim("orders", NOON + timedelta(minutes=30), None) is None
    assert fleet.claim("shop", NOON + timedelta(minutes=89), None) is not None
    assert fleet.claim("shop", NOON + timedelta(minutes=90), None) is None
    assert fleet.claim("orders", NOON + timedelta(minutes=91), None) is not None


def test_a_record_of_an_earlier_version_counts_as_it_is(guarded: Engine) -> None:
    guarded.fleet_budget = Budget(2, _HOUR)
    guarded.ledger.commit(FLEET, [Put(STARTS, encode(Starts(((NOON, "orders"), (NOON, "shop")))))])
    assert guarded.fleet.claim("orders", NOON, None) is not None
    assert len(paid(guarded.fleet)) == 2


@dataclass(slots=True)
class Worker:
    """One host that watches `orders`: it looks, claims, and then starts a rollback, unless somebody else was faster."""

    clock: FakeClock
    fleet: Fleet
    skew: timedelta = timedelta(0)
    looked: int = 0
    claimed_at: datetime | None = None


@dataclass(slots=True)
class Hosts:
    """Three hosts and the workload's own record of its starts."""

    skews_s: Iterable[int] = (0, 0, 0)
    clock: FakeClock = field(default_factory=FakeClock)
    starts: list[datetime] = field(default_factory=list)
    workers: list[Worker] = field(init=False)

    def __post_init__(self) -> None:
        fleet = Fleet(MemoryLedger(), Budget(1000, _HOUR), self.clock)
        self.workers = [Worker(self.clock, fleet, timedelta(seconds=skew)) for skew in self.skews_s]

    def paid(self) -> int:
        return len(paid(self.workers[0].fleet))

    def do(self, number: int, what: str) -> None:
        worker = self.workers[number]
        self.clock.forward(1)
        match what:
            case "look":
                worker.looked, worker.claimed_at = len(self.starts), None
            case "claim":
                at = self.clock() + worker.skew
                assert worker.fleet.claim("orders", at, max(self.starts[: worker.looked], default=None)) is None
                worker.claimed_at = at
            case "start" if worker.claimed_at is not None and worker.looked == len(self.starts):
                self.starts.append(worker.claimed_at)


_STEPS = st.lists(st.tuples(st.integers(0, 2), st.sampled_from(["look", "claim", "start"])), max_size=60)


@given(steps=_STEPS)
def test_as_many_claims_are_paid_for_as_starts_and_at_most_one_more(steps: list[tuple[int, str]]) -> None:
    hosts = Hosts()
    for step in steps:
        hosts.do(*step)
        assert len(hosts.starts) <= hosts.paid() <= len(hosts.starts) + 1


@given(steps=_STEPS, skews_s=st.tuples(*[st.integers(-30, 30)] * 3))
def test_clocks_that_differ_never_make_a_start_free(
    steps: list[tuple[int, str]], skews_s: tuple[int, int, int]
) -> None:
    hosts = Hosts(skews_s)
    for step in steps:
        hosts.do(*step)
        assert len(hosts.starts) <= hosts.paid()
