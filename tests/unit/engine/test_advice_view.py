"""Advice on databases: each is asked for itself, and what one cannot tell says nothing of another."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Event

import pytest

from shared.engine.advice_view import AdviceView
from shared.errors import NotFound, PermanentError, TransientError
from shared.model.policy import Policy
from shared.model.policy_outside_signals import SqlSignal
from shared.model.sql_rows import ExpensiveQuery, IndexUse
from tests.fakes.clock import NOON, FakeClock
from tests.fakes.policies import policy

DEAR = ExpensiveQuery(query_id=7, executions=2, cpu_ms=9_000.0, duration_ms=4_500.0, logical_reads=80.0)
CHEAP = [ExpensiveQuery(query_id=n, executions=5, cpu_ms=10.0, duration_ms=2.0, logical_reads=1.0) for n in range(3)]
UNUSED = IndexUse(table="dbo.jobs", index="ix_old", reads=0, writes=50_000, size_mb=40.0)
LARGER = IndexUse(table="dbo.jobs", index="ix_wide", reads=2, writes=70_000, size_mb=90.0)
USED = IndexUse(table="dbo.jobs", index="pk", reads=90_000, writes=50_000, size_mb=400.0)


@dataclass
class Databases:
    """Fulfils `ports.Advisor`: two databases; what is in `fails` or `bugs` raises, what is in `hangs` waits."""

    fails: dict[str, Exception] = field(default_factory=dict)
    hangs: set[str] = field(default_factory=set)
    asked: list[tuple[str, timedelta, datetime | None]] = field(default_factory=list)
    let_go: Event = field(default_factory=Event)

    def expensive_queries(self, signal: SqlSignal, since: datetime) -> list[ExpensiveQuery]:
        self._answer(f"queries of {signal.database}", signal, since)
        return [DEAR, *CHEAP]

    def index_use(self, signal: SqlSignal) -> list[IndexUse]:
        self._answer(f"indexes of {signal.database}", signal, None)
        return [UNUSED, USED, LARGER]

    def _answer(self, what: str, signal: SqlSignal, since: datetime | None) -> None:
        self.asked.append((what, signal.timeout, since))
        if what in self.hangs:
            self.let_go.wait(30)
        if what in self.fails:
            raise self.fails[what]


def watching(*names: str) -> Policy:
    place = "server: sql.example.net, timeout"
    written = "".join(
        f"  {name}_{measure}: {{sql: {measure}, database: {name}, {place}: {timeout}s}}\n"
        for name in names
        for measure, timeout in (("dtu", 5), ("connections", 9), ("cpu", 7))
    )
    return policy(("triggers:\n", f"{written}triggers:\n"))


def view(databases: Databases, *names: str, within: timedelta = timedelta(seconds=20)) -> AdviceView:
    pool = ThreadPoolExecutor(8)
    return AdviceView(databases, lambda: {"orders": watching(*names)}, FakeClock(NOON), pool, within)


def test_each_database_is_asked_once_with_the_most_time_that_a_signal_of_it_has() -> None:
    databases = Databases()
    found = view(databases, "shop", "people").of("orders")
    assert [one.place for one in found.databases] == ["sql.example.net:1433/people", "sql.example.net:1433/shop"]
    nine, since = timedelta(seconds=9), NOON - timedelta(hours=24)
    assert sorted(databases.asked, key=lambda one: one[0]) == [
        ("indexes of people", nine, None),
        ("indexes of shop", nine, None),
        ("queries of people", nine, since),
        ("queries of shop", nine, since),
    ]
    assert found.since == since


def test_it_tells_numbers_and_advice() -> None:
    found = view(Databases(), "shop").of("orders")
    (shop,) = found.databases
    assert [one.query_id for one in shop.queries] == [7, 0, 1, 2]
    assert shop.indexes == (LARGER, UNUSED)
    assert shop.problem is None
    can_go = "it can go, unless it keeps values unique"
    assert shop.advice == (
        "query 7 takes 100% of the CPU of the 4 most expensive ones: 9.0 s in 2 executions of 4,500 ms",
        f"ix_wide of dbo.jobs (90 MB) was changed 70,000 times and read 2 times: {can_go}",
        f"ix_old of dbo.jobs (40 MB) was changed 50,000 times and never read: {can_go}",
    )
    assert found.says == "databases that answered in full: 1 of 1; pieces of advice: 3"


def test_what_one_cannot_tell_says_nothing_of_the_rest() -> None:
    refused = PermanentError("asking the database: refused (permission)")
    found = view(Databases(fails={"queries of shop": refused}), "shop", "people").of("orders")
    people, shop = found.databases
    assert (people.problem, len(people.advice)) == (None, 3)
    assert shop.problem == "its queries could not be read: asking the database: refused (permission)"
    assert (shop.queries, len(shop.advice)) == ((), 2)
    assert found.says == "databases that answered in full: 1 of 2; pieces of advice: 5"


def test_one_reason_is_told_once() -> None:
    gone = TransientError("connecting to the database: OperationalError")
    found = view(Databases(fails={"queries of shop": gone, "indexes of shop": gone}), "shop").of("orders")
    assert found.databases[0].problem == (
        "the database could not be asked: connecting to the database: OperationalError"
    )
    assert found.databases[0].advice == ()


def test_a_bug_of_ours_is_told_by_its_number_and_not_by_its_text() -> None:
    found = view(Databases(fails={"indexes of shop": KeyError("s3cret")}), "shop").of("orders")
    problem = found.databases[0].problem
    assert problem is not None
    assert problem.startswith("the use of its indexes could not be read: ")
    assert "s3cret" not in problem


def test_one_that_does_not_answer_keeps_nobody_waiting_for_longer_than_all_may_take() -> None:
    databases = Databases(hangs={"queries of shop", "indexes of shop"})
    try:
        found = view(databases, "people", "shop", within=timedelta(seconds=1)).of("orders")
    finally:
        databases.let_go.set()
    people, shop = found.databases
    assert people.problem is None
    assert shop.problem == "the database could not be asked: it did not answer within 1 s"


def test_a_workload_without_a_database_is_told_so() -> None:
    found = view(Databases()).of("orders")
    assert found.databases == ()
    assert found.says == "there is no database to ask: the policy has no signal of kind sql, which would name one"


def test_a_workload_that_is_not_there_is_not_found() -> None:
    with pytest.raises(NotFound):
        view(Databases()).of("nobody")
