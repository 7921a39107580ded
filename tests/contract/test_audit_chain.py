"""The audit on a ledger in memory and on Table Storage: what arrives late, who writes at once, pages, foreign hands."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from threading import Barrier

import pytest

from shared.decision.audit import sealed
from shared.engine.audit import AUDIT, HEAD, Audit, row_key
from shared.engine.records import encode
from shared.errors import OutcomeUnknown, PermanentError, TransientError
from shared.model.audit import EMPTY, AuditHead, AuditPage, AuditRow
from shared.ports import Delete, Insert, Ledger, Put, Row, Write
from tests.contract.conftest import FarStorage, app_on
from tests.fakes.clock import FakeClock
from tests.fakes.interrupted import BrokenFor, Interrupted
from tests.fakes.late import Deaf, Late
from tests.fakes.ledger import MemoryLedger
from tests.unit.engine.test_audit import append, chain_of, head_of, is_whole, stored

_tables = count(1)


@pytest.fixture(params=["memory", pytest.param("table", marks=pytest.mark.storage)])
def ledger(request: pytest.FixtureRequest, policies: Path) -> Ledger:
    """One that has no audit yet: in Table Storage, a table of its own."""
    if request.param == "memory":
        return MemoryLedger()
    return app_on(request.getfixturevalue("storage"), policies, f"audit{next(_tables)}").views.ledger


# ---- replies that are lost, writes that arrive late


@pytest.mark.parametrize("calls_later", range(8))
@pytest.mark.parametrize("before", [0, 3])
@pytest.mark.parametrize("others_first", [0, 1])
def test_a_write_that_nobody_heard_of_is_one_row_whenever_it_arrives(
    ledger: Ledger, calls_later: int, before: int, others_first: int
) -> None:
    other = chain_of(before, ledger)
    late = Late(ledger, calls_later)
    row = append(Audit(Interrupted(late, lambda: append(other, "returns"), times=others_first), FakeClock()))
    append(Audit(late, FakeClock()), "fleet")
    assert [each.op for each in stored(ledger)].count(row.op) == 1
    assert len(stored(ledger)) == before + others_first + 2
    assert is_whole(ledger)


def test_a_doubt_ends_where_somebody_else_has_the_number(ledger: Ledger) -> None:
    other = Audit(ledger, FakeClock())
    slower = Audit(Interrupted(Late(ledger, 1000), lambda: append(other, "returns"), times=99), FakeClock())
    with pytest.raises(TransientError) as caught:
        append(slower)
    assert not isinstance(caught.value, OutcomeUnknown)
    assert {row.target for row in stored(ledger)} == {"returns"}


def test_nobody_says_that_a_row_is_not_there_who_cannot_know(ledger: Ledger) -> None:
    with pytest.raises(OutcomeUnknown):
        append(Audit(BrokenFor(ledger, AUDIT), FakeClock()))


def test_a_storage_that_goes_away_after_a_lost_reply_leaves_the_outcome_unknown(ledger: Ledger) -> None:
    with pytest.raises(OutcomeUnknown):
        append(Audit(Deaf(ledger), FakeClock()))
    assert len(stored(ledger)) == 1


@pytest.mark.storage
def test_a_row_whose_reply_the_network_lost_is_there_once(far_tables: FarStorage) -> None:
    audit = Audit(far_tables.ledger, FakeClock())
    begun = head_of(far_tables.ledger).n
    for lose in (far_tables.proxy.lose_next_reply, far_tables.proxy.say_busy_instead):
        lose(b"/$batch")
        row = append(audit)
        assert [each.op for each in stored(far_tables.ledger)].count(row.op) == 1
    assert far_tables.proxy.lost == 2
    assert head_of(far_tables.ledger).n == begun + 2
    assert is_whole(far_tables.ledger)


# ---- many at once

_HOSTS, _EACH = 5, 4  # nobody can be slower than all the others' rows together


def test_whoever_appends_at_the_same_instant_is_in_the_chain(ledger: Ledger) -> None:
    together = Barrier(_HOSTS)

    def act(host: int) -> list[AuditRow]:
        audit = Audit(ledger, FakeClock())
        together.wait()
        return [append(audit, f"orders.{host}") for _ in range(_EACH)]

    with ThreadPoolExecutor(_HOSTS) as pool:
        told = [row for rows in pool.map(act, range(_HOSTS)) for row in rows]
    assert sorted(told, key=lambda row: -row.n) == stored(ledger)
    assert len(told) == _HOSTS * _EACH
    assert is_whole(ledger)


# ---- pages


def pages(audit: Audit, limit: int, workload: str | None = None) -> Iterator[AuditPage]:
    page = audit.rows(limit, None, workload)
    yield page
    while page.next_before is not None:
        page = audit.rows(limit, page.next_before, workload)
        yield page


@dataclass(slots=True)
class Counted:
    """A ledger that counts what it is asked."""

    ledger: Ledger
    asked: int = 0

    def read(self, workload: str, key: str) -> Row | None:
        self.asked += 1
        return self.ledger.read(workload, key)

    def scan(self, workload: str, prefix: str, *, limit: int = 1000) -> list[Row]:
        self.asked += 1
        return self.ledger.scan(workload, prefix, limit=limit)

    def commit(self, workload: str, writes: Sequence[Write]) -> Mapping[str, str]:
        return self.ledger.commit(workload, writes)


def copied(ledger: Ledger, rows: Sequence[AuditRow]) -> Audit:
    """A chain that was written elsewhere, newest first, written here in as few steps as there can be."""
    writes = [Insert(row_key(row.n), encode(row)) for row in rows]
    for start in range(0, len(writes), 100):
        ledger.commit(AUDIT, writes[start : start + 100])
    ledger.commit(AUDIT, [Insert(HEAD, encode(AuditHead(rows[0].n, rows[0].hash)))])
    return Audit(ledger, FakeClock())


@pytest.fixture(scope="module")
def long_chain() -> list[AuditRow]:
    elsewhere = MemoryLedger()
    chain_of(1_234, elsewhere)
    return stored(elsewhere)


@pytest.mark.parametrize("limit", [1, 7, 100, 101, 500])
def test_pages_have_every_row_once_and_newest_first(ledger: Ledger, long_chain: list[AuditRow], limit: int) -> None:
    rows = long_chain[-min(30 * limit, 640) :]
    found = list(pages(copied(ledger, rows), limit))
    assert [row for page in found for row in page.rows] == rows
    assert {len(page.rows) for page in found[:-1]} <= {limit}
    assert all(page.intact for page in found)
    assert len(found) == -(-len(rows) // limit)


def test_a_page_from_anywhere_is_the_rows_before_it_in_a_few_questions(long_chain: list[AuditRow]) -> None:
    ledger = Counted(MemoryLedger())
    audit = copied(ledger, long_chain)
    for before in range(0, 1_240, 3):
        ledger.asked = 0
        page = audit.rows(50, before)
        assert list(page.rows) == [row for row in long_chain if row.n < before][:50]
        assert page.intact
        assert ledger.asked <= 4, before


def test_a_page_of_a_workload_has_its_runs_too(ledger: Ledger) -> None:
    audit = chain_of(12, ledger)
    append(audit, "fleet")
    append(audit, "orders-2.20260301T120000000000")
    for name, expected in {"orders": 8, "returns": 4, "fleet": 1, "orders-2": 1, "nobody": 0}.items():
        found = [row for page in pages(audit, 3, name) for row in page.rows]
        assert {row.target.partition(".")[0] for row in found} <= {name}
        assert len(found) == expected
        assert [row.n for row in found] == sorted((row.n for row in found), reverse=True)


def test_a_search_that_is_long_goes_on_with_the_next_page(long_chain: list[AuditRow]) -> None:
    first, second = pages(copied(MemoryLedger(), long_chain), 10, "nobody")
    assert (first.rows, second.rows) == ((), ())
    assert (first.next_before, first.intact, second.intact) == (235, True, True)


@pytest.mark.parametrize("before", [None, -5, 0, 1, 2, 10**15])
def test_an_audit_that_has_no_row_is_intact(ledger: Ledger, before: int | None) -> None:
    page = Audit(ledger, FakeClock()).rows(10, before)
    expected = AuditPage(rows=(), head=EMPTY, intact=True, says=(), next_before=None)
    assert page == expected


def test_a_row_that_is_added_while_a_page_is_read_breaks_nothing(ledger: Ledger) -> None:
    audit = chain_of(3, ledger)

    @dataclass(slots=True)
    class Busy(Counted):
        def scan(self, workload: str, prefix: str, *, limit: int = 1000) -> list[Row]:
            self.asked += 1
            if self.asked <= 4:
                append(audit)
            return self.ledger.scan(workload, prefix, limit=limit)

    page = Audit(Busy(ledger), FakeClock()).rows()
    assert page.intact
    assert len(page.rows) > 3


# ---- foreign hands


_FOREIGN: dict[str, tuple[Callable[[AuditRow], Write], tuple[str, ...]]] = {
    "a row changed": (
        lambda row: Put(row_key(3), encode(replace(row, who="Eve"))),
        ("row 3 was changed after it was written",),
    ),
    "a row written anew": (
        lambda row: Put(row_key(3), encode(sealed(replace(row, who="Eve")))),
        ("row 3 is not the one that what follows it was chained to",),
    ),
    "a row taken away": (lambda _: Delete(row_key(3)), ("row 3 is missing",)),
    "the first row taken away": (lambda _: Delete(row_key(1)), ("row 1 is missing",)),
    "the last row taken away": (lambda _: Delete(row_key(5)), ("row 5 is missing",)),
    "a row that no version can read": (lambda _: Put(row_key(3), "{}"), ("row 3 is missing",)),
    "a row with one more field": (
        lambda row: Put(row_key(3), encode(row).replace('"n"', '"by":"Eve","n"')),
        ("row 3 is missing",),
    ),
    "a row put in": (
        lambda row: Insert(row_key(999_999_999_999), encode(row)),
        ("rows 4 to 5 are missing", "row 5 stands where row 2 belongs"),
    ),
    "the head set back": (
        lambda row: Put(HEAD, encode(AuditHead(3, row.hash))),
        ("row 5 stands where row 3 belongs",),
    ),
    "the head taken away": (lambda _: Delete(HEAD), ("row 5 stands where nothing belongs",)),
    "a head that no version can read": (lambda _: Put(HEAD, "5"), ("row 5 stands where nothing belongs",)),
}


@pytest.mark.parametrize("done", _FOREIGN)
def test_what_a_foreign_hand_did_is_said_with_the_page(ledger: Ledger, done: str) -> None:
    audit = chain_of(5, ledger)
    write, says = _FOREIGN[done]
    ledger.commit(AUDIT, [write(stored(ledger)[2])])
    page = audit.rows()
    assert (page.intact, page.says) == (False, says)


@pytest.mark.parametrize("limit", [1, 2, 3])
@pytest.mark.parametrize("done", _FOREIGN)
def test_some_page_says_it_however_long_the_pages_are(done: str, limit: int) -> None:
    ledger = MemoryLedger()
    audit = chain_of(5, ledger)
    write, _ = _FOREIGN[done]
    ledger.commit(AUDIT, [write(stored(ledger)[2])])
    assert not all(page.intact for page in pages(audit, limit))


def test_a_record_that_is_no_row_is_named(ledger: Ledger) -> None:
    audit = chain_of(2, ledger)
    ledger.commit(AUDIT, [Put("audit:!", "{}")])
    with pytest.raises(PermanentError, match="record 'audit:!' of ~audit is no row of it"):
        audit.rows()
