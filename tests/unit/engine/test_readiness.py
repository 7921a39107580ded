"""Checks of readiness on fakes: what is kept, what people are told and when, and what a check costs."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from shared.engine.readiness import READINESS, Readiness
from shared.engine.readiness_survey import Survey
from shared.engine.records import ACTIVE, LAST, Active, decode, encode
from shared.errors import ControllerError, NotFound, PermanentError, TransientError
from shared.model.policy import Policy, Site
from shared.model.policy_roads import RoadBase
from shared.model.policy_verify import Client
from shared.model.readiness import Answering, Baseline, Standing, StickySettings
from shared.model.readiness_facts import SlotState
from shared.model.run import LastRollback, RunStatus
from shared.ports import Ledger, Put, Row, Sighting, Write
from tests.fakes.at_once import AtOnce
from tests.fakes.interrupted import BrokenFor
from tests.fakes.ledger import MemoryLedger
from tests.fakes.policies import policy
from tests.fakes.prober import PlayedProber
from tests.fakes.slots import FakeSlotPair
from tests.unit.engine.conftest import Engine

_SEEN = Sighting(client=Client.FRESH, status=200, build="b1", latency_ms=20.0)


@dataclass(slots=True)
class _Outside:
    """Fulfils `ports.SlotKeeping`, `ports.Roles` and `ports.Hosts`: all is well but for what a test says.

    Attributes:
        trouble: What the roles' answer is instead.
        value: What stands in for the value of the one sticky setting.
        meanwhile: Done while the slots are looked at.
    """

    trouble: ControllerError | None = None
    gives: bool = True
    value: str = "v"
    salts: list[str] = field(default_factory=list)
    meanwhile: Callable[[], object] = lambda: None

    def look(self, policy: Policy, slot: str) -> SlotState:
        meanwhile, self.meanwhile = self.meanwhile, lambda: None
        meanwhile()
        return SlotState(front="https://orders-last-good.azurewebsites.net", prepared=())

    def sticky(self, site: Site, slot: str, salt: str) -> StickySettings:
        self.salts.append(salt)
        held = {"NAME": f"{salt}{self.value}"}
        return StickySettings(names=("NAME",), production=held, slot=held)

    def lacking(self, policy: Policy, name: str, road: RoadBase) -> tuple[str, ...]:
        if self.trouble:
            raise self.trouble
        return () if self.gives else ("Microsoft.Web/sites/read",)

    def why_not(self, policy: Policy, host: str) -> str | None:
        return None


@dataclass(slots=True)
class _Counting:
    """Counts what a ledger is asked for."""

    ledger: Ledger
    calls: Counter[str] = field(default_factory=Counter)

    def read(self, workload: str, key: str) -> Row | None:
        self.calls["read"] += 1
        return self.ledger.read(workload, key)

    def scan(self, workload: str, prefix: str, *, limit: int = 1000) -> list[Row]:
        self.calls["scan"] += 1
        return self.ledger.scan(workload, prefix, limit=limit)

    def commit(self, workload: str, writes: Sequence[Write]) -> Mapping[str, str]:
        self.calls["commit"] += 1
        return self.ledger.commit(workload, writes)


@pytest.fixture
def outside() -> _Outside:
    return _Outside()


@pytest.fixture
def readiness(engine: Engine, outside: _Outside) -> Readiness:
    """Of a workload with a known good, which is watched."""
    engine.source.build_seen = "b1"
    engine.intake.known_good("orders", "b1", "tests")
    engine.cycles(0.0, 1)
    slots = FakeSlotPair(engine.clock, production="b1")
    survey = Survey(
        slots=slots,
        routings={},
        keeping=outside,
        roles=outside,
        hosts=outside,
        prober=PlayedProber([_SEEN]),
        pool=AtOnce(),
    )
    return Readiness(
        ledger=engine.ledger,
        doorbell=engine.doorbell,
        survey=survey,
        policies=lambda: engine.policies,
        fleet=engine.fleet,
        channels={"webhook:ops"},
        answering=Answering(),
        clock=engine.clock,
        pool=AtOnce(),
    )


def _minute(engine: Engine, readiness: Readiness) -> bool:
    engine.clock.forward(60)
    engine.watch.run()
    return readiness.check("orders").ok


def _told(engine: Engine) -> list[str]:
    return [kind for kind in engine.kinds() if "ready" in kind]


def test_nobody_is_told_that_all_is_well_who_never_heard_otherwise(engine: Engine, readiness: Readiness) -> None:
    assert readiness.check("orders").reasons == ()
    assert _minute(engine, readiness)
    assert _told(engine) == []


def test_people_are_told_when_it_turns_and_when_it_turns_back(
    engine: Engine, readiness: Readiness, outside: _Outside
) -> None:
    _minute(engine, readiness)
    outside.gives = False
    assert [_minute(engine, readiness) for _ in range(3)] == [False] * 3
    outside.gives = True
    assert [_minute(engine, readiness) for _ in range(2)] == [True] * 2
    assert _told(engine) == ["not_ready", "ready"]
    sentences = {delivery.event.sentence for delivery in engine.deliveries()}
    assert any("no role gives Microsoft.Web/sites/read" in sentence for sentence in sentences)


def test_a_workload_that_was_never_ready_is_told_of_at_once(
    engine: Engine, readiness: Readiness, outside: _Outside
) -> None:
    outside.gives = False
    readiness.check("orders")
    assert _told(engine) == ["not_ready"]


def test_what_is_unknown_for_a_minute_is_not_green_and_wakes_nobody(
    engine: Engine, readiness: Readiness, outside: _Outside
) -> None:
    _minute(engine, readiness)
    outside.trouble = TransientError("reading the roles: 503")
    assert not _minute(engine, readiness)
    assert _told(engine) == []
    assert not _minute(engine, readiness)
    assert _told(engine) == ["not_ready"]


def test_while_a_rollback_runs_people_hear_of_it_alone(engine: Engine, readiness: Readiness) -> None:
    _minute(engine, readiness)
    engine.ledger.commit("orders", [Put(ACTIVE, encode(Active("orders.20260301T120000000000")))])
    assert not readiness.check("orders").ok
    assert _told(engine) == []


def test_what_the_last_check_found_counts_for_three_minutes(engine: Engine, readiness: Readiness) -> None:
    assert readiness.report("orders").reasons == ("it was never checked",)
    checked = readiness.check("orders")
    engine.clock.forward(180)
    assert readiness.report("orders") == checked
    engine.clock.forward(1)
    assert readiness.report("orders").reasons == ("nobody knows: it was last checked 181 s ago",)
    with pytest.raises(NotFound):
        readiness.report("nobody")


def test_one_workload_that_cannot_be_checked_keeps_no_other_from_it(engine: Engine, readiness: Readiness) -> None:
    engine.policies["returns"] = policy(("workload: orders", "workload: returns"))
    broken = replace(readiness, ledger=BrokenFor(engine.ledger, "returns"))
    first, second = broken.run()
    assert first == "orders: ready: it could be taken back"
    assert second.startswith("returns: readiness was not checked: ")


def test_two_checks_at_once_tell_people_once(engine: Engine, readiness: Readiness, outside: _Outside) -> None:
    _minute(engine, readiness)
    outside.gives = False
    outside.meanwhile = lambda: readiness.check("orders")
    assert not readiness.check("orders").ok
    assert _told(engine) == ["not_ready"]


def test_a_bug_in_an_adapter_is_no_green_report(readiness: Readiness, outside: _Outside) -> None:
    def break_down() -> None:
        raise RuntimeError("a bug")

    outside.meanwhile = break_down
    report = readiness.check("orders")
    assert not report.ok
    assert any("incident" in reason for reason in report.reasons)


def test_what_is_forbidden_is_not_asked_as_if_it_worked_later(readiness: Readiness, outside: _Outside) -> None:
    outside.trouble = PermanentError("reading the roles: 403")
    (found,) = [finding for finding in readiness.check("orders").findings if finding.name == "roles"]
    assert found.ok is None


def test_drift_is_held_against_the_settings_of_the_known_good(
    engine: Engine, readiness: Readiness, outside: _Outside
) -> None:
    readiness.check("orders")
    outside.value = "another"
    assert not _minute(engine, readiness)
    engine.intake.known_good("orders", "b1", "tests")
    assert _minute(engine, readiness)
    first, second, third = outside.salts
    assert (first == second, second == third) == (True, False)


def test_a_verified_rollback_makes_a_new_baseline(engine: Engine, readiness: Readiness, outside: _Outside) -> None:
    readiness.check("orders")
    engine.clock.forward(60)
    verified = LastRollback(id="r1", status=RunStatus.VERIFIED, ended_at=engine.clock())
    engine.ledger.commit("orders", [Put(LAST, encode(verified))])
    outside.value = "another"
    engine.clock.forward(timedelta(minutes=20).total_seconds())
    assert _minute(engine, readiness)
    assert _baseline(engine).since == verified.ended_at


def _baseline(engine: Engine) -> Baseline:
    row = engine.ledger.read("orders", READINESS)
    assert row is not None
    return decode(Standing, row.body).baseline


def test_a_check_costs_four_storage_transactions(engine: Engine, readiness: Readiness) -> None:
    assert isinstance(engine.ledger, MemoryLedger)
    counting = _Counting(engine.ledger)
    replace(readiness, ledger=counting).check("orders")
    assert counting.calls == {"scan": 3, "commit": 1}
