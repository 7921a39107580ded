"""The audit: what a row holds, who comes first, what is kept of a detail, and that no change goes unseen."""

import json
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import to_json

from shared.decision.audit import check, sealed
from shared.engine.audit import AUDIT, HEAD, ROW, Audit
from shared.engine.records import decode, encode
from shared.errors import OutcomeUnknown, PermanentError, TransientError
from shared.model.audit import EMPTY, AuditHead, AuditRow
from shared.model.caller import Caller, Proof, Role
from shared.ports import Ledger, Put
from tests.fakes.clock import NOON, FakeClock
from tests.fakes.interrupted import Interrupted
from tests.fakes.ledger import MemoryLedger

ANN = Caller(id="entra:t:1", name="Ann", roles=frozenset({Role.OPERATOR}), proof=Proof.TOKEN, origin="192.0.2.7")


def append(audit: Audit, target: str = "orders", detail: Mapping[str, object] = {"level": 1}) -> AuditRow:
    return audit.append(ANN, "rollback.start", target, detail, ok=True, outcome="level 1 was started")


def chain_of(length: int, ledger: Ledger) -> Audit:
    clock = FakeClock()
    audit = Audit(ledger, clock)
    for number in range(length):
        append(audit, f"orders.{number}" if number % 3 else "returns")
        clock.forward(1)
    return audit


def stored(ledger: Ledger) -> list[AuditRow]:
    return [decode(AuditRow, row.body) for row in ledger.scan(AUDIT, ROW, limit=5000)]


def head_of(ledger: Ledger) -> AuditHead:
    row = ledger.read(AUDIT, HEAD)
    return decode(AuditHead, row.body) if row else EMPTY


def is_whole(ledger: Ledger) -> bool:
    return check(stored(ledger), head_of(ledger), to_first=True) == []


@pytest.fixture
def ledger() -> MemoryLedger:
    return MemoryLedger()


@pytest.fixture
def audit(ledger: MemoryLedger) -> Audit:
    return Audit(ledger, FakeClock())


# ---- appending


def test_a_row_tells_who_did_what_from_where_and_what_became_of_it(audit: Audit, ledger: MemoryLedger) -> None:
    row = append(audit)
    assert (row.n, row.at, row.who_id, row.who, row.proof) == (1, NOON, "entra:t:1", "Ann", Proof.TOKEN)
    assert (row.origin, row.act, row.target, row.detail) == ("192.0.2.7", "rollback.start", "orders", {"level": 1})
    assert (row.ok, row.outcome, row.previous) == (True, "level 1 was started", "0" * 64)
    second = append(audit)
    assert second.previous == row.hash
    assert head_of(ledger) == AuditHead(2, second.hash)
    assert stored(ledger) == [second, row]


def test_the_hash_can_be_computed_without_this_program(audit: Audit) -> None:
    row = append(audit, detail={"ö": 'a "b"\\', "a": [None, True, 2.5]})
    text = (
        '{"act":"rollback.start","at":"2026-03-01T12:00:00Z","detail":{"a":[null,true,"2.5"],"ö":"a \\"b\\"\\\\"},'
        f'"n":1,"ok":true,"op":"{row.op}","origin":"192.0.2.7","outcome":"level 1 was started","previous":"{"0" * 64}",'
        '"proof":"token","target":"orders","who":"Ann","who_id":"entra:t:1"}'
    )
    assert row.hash == sha256(text.encode()).hexdigest()
    shown = json.loads(to_json(row))
    shown.pop("hash")
    again = json.dumps(shown, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert again == text


@pytest.mark.parametrize("others", [1, 2, 9])
def test_whoever_is_slower_comes_after(ledger: MemoryLedger, others: int) -> None:
    faster = Audit(ledger, FakeClock())
    slower = Audit(Interrupted(ledger, lambda: append(faster, "returns"), times=others), FakeClock())
    mine = append(slower)
    assert mine.n == others + 1
    assert sorted(row.target for row in stored(ledger)) == ["orders"] + ["returns"] * others
    assert is_whole(ledger)


def test_whoever_is_slower_every_time_gives_up_and_has_written_nothing(ledger: MemoryLedger) -> None:
    faster = Audit(ledger, FakeClock())
    with pytest.raises(TransientError, match="others were faster every time") as caught:
        append(Audit(Interrupted(ledger, lambda: append(faster, "returns"), times=99), FakeClock()))
    assert not isinstance(caught.value, OutcomeUnknown)
    assert {row.target for row in stored(ledger)} == {"returns"}


def set_back(ledger: Ledger) -> None:
    ledger.commit(AUDIT, [Put(HEAD, encode(AuditHead(1, "0" * 64)))])


def test_a_head_that_was_set_back_stops_the_audit_for_good(ledger: MemoryLedger) -> None:
    audit = chain_of(3, ledger)
    set_back(ledger)
    with pytest.raises(PermanentError, match="head counts 1 rows and refuses row 2: it was changed"):
        append(audit)


def test_a_head_that_is_set_back_in_between_is_not_written_over(ledger: MemoryLedger) -> None:
    chain_of(3, ledger)
    with pytest.raises(PermanentError, match="head counts 1 rows and refuses row 4: it was changed"):
        append(Audit(Interrupted(ledger, lambda: set_back(ledger)), FakeClock()))
    assert len(stored(ledger)) == 3


# ---- what is kept of a detail

_TEXTS = st.text(max_size=30) | st.just("long " * 400) | st.just("\ud800\u202e\x00")
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _TEXTS | st.just(10**400) | st.just(NOON),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXTS, inner, max_size=4),
    max_leaves=20,
)


@given(detail=st.dictionaries(_TEXTS, _VALUES, max_size=30))
def test_any_detail_is_kept_within_8_kib_and_reads_back_as_it_was_hashed(detail: dict[str, object]) -> None:
    ledger = MemoryLedger()
    row = append(Audit(ledger, FakeClock()), detail=detail)
    assert len(json.dumps(row.detail, ensure_ascii=False, separators=(",", ":")).encode()) <= 8192
    assert stored(ledger) == [row]
    assert is_whole(ledger)
    assert check([decode(AuditRow, to_json(row).decode())], head_of(ledger), to_first=True) == []


def test_what_is_too_much_is_cut_and_counted(audit: Audit) -> None:
    deep = {"1": {"2": {"3": {"4": {"5": "too deep"}}}}}
    detail = {"text": "x" * 9000, "deep": deep, "share": 0.25, **{f"list {n}": ["y" * 400] * 9 for n in range(4)}}
    kept = append(audit, detail=detail).detail
    assert kept["text"] == "x" * 499 + "…"
    assert kept["deep"] == {"1": {"2": {"3": {"4": "…"}}}}
    assert kept["share"] == "0.25"
    assert list(kept)[3:] == ["list 0", "list 1", "…"]
    assert kept["…"] == "2 left out"


def test_the_limit_is_used_up_and_not_passed(audit: Audit) -> None:
    kept = append(audit, detail={f"{n:04d}": "x" * 10 for n in range(1000)}).detail
    assert 8192 - 50 < len(json.dumps(kept, ensure_ascii=False, separators=(",", ":")).encode()) <= 8192


def test_a_number_that_not_every_language_has_is_text(audit: Audit) -> None:
    kept = append(audit, detail={"largest": 2**53 - 1, "larger": 2**53, "smaller": -(2**53), "share": 1.0}).detail
    assert kept == {"largest": 2**53 - 1, "larger": "9007199254740992", "smaller": "-9007199254740992", "share": "1.0"}


# ---- tampering

_FORGED: dict[str, Callable[[AuditRow], Any]] = {
    "n": lambda row: row.n + 1,
    "at": lambda row: row.at + timedelta(microseconds=1),
    "proof": lambda _: Proof.KEY,
    "detail": lambda row: row.detail | {"level": True},
    "ok": lambda row: not row.ok,
}
_NAMES = [each.name for each in fields(AuditRow)]


def _changed(rows: list[AuditRow], at: int, _: int, name: str) -> list[AuditRow]:
    value = _FORGED[name](rows[at]) if name in _FORGED else getattr(rows[at], name)[:-1] + "~"
    return [*rows[:at], replace(rows[at], **{name: value}), *rows[at + 1 :]]


def _changed_and_sealed(rows: list[AuditRow], at: int, other: int, name: str) -> list[AuditRow]:
    found = _changed(rows, at, other, "who" if name == "hash" else name)
    return [*found[:at], sealed(found[at]), *found[at + 1 :]]


def _left_out(rows: list[AuditRow], at: int, _: int, __: str) -> list[AuditRow]:
    return [*rows[:at], *rows[at + 1 :]]


def _left_out_and_closed(rows: list[AuditRow], at: int, _: int, __: str) -> list[AuditRow]:
    """Without a row, and the ones after it renumbered and sealed; nothing is chained anew."""
    return [*(sealed(replace(row, n=row.n - 1)) for row in rows[:at]), *rows[at + 1 :]]


def _swapped(rows: list[AuditRow], at: int, other: int, _: str) -> list[AuditRow]:
    found = list(rows)
    found[at], found[other] = rows[other], rows[at]
    return found


def _numbers_swapped(rows: list[AuditRow], at: int, other: int, _: str) -> list[AuditRow]:
    found = _swapped(rows, at, other, "")
    for place in (at, other):
        found[place] = sealed(replace(found[place], n=rows[place].n, previous=rows[place].previous))
    return found


def _twice(rows: list[AuditRow], at: int, other: int, _: str) -> list[AuditRow]:
    return [*rows[:other], rows[at], *rows[other:]]


def _put_in(rows: list[AuditRow], at: int, _: int, __: str) -> list[AuditRow]:
    forged = sealed(replace(rows[at], who="Eve", previous=rows[at].hash, n=rows[at].n + 1))
    return [*rows[:at], forged, *rows[at:]]


def _newest_cut_off(rows: list[AuditRow], at: int, _: int, __: str) -> list[AuditRow]:
    return rows[at + 1 :]


def _oldest_cut_off(rows: list[AuditRow], at: int, _: int, __: str) -> list[AuditRow]:
    return rows[:at]


_TAMPERINGS = [
    *(_changed, _changed_and_sealed, _left_out, _left_out_and_closed, _swapped, _numbers_swapped),
    *(_twice, _put_in, _newest_cut_off, _oldest_cut_off),
]


@pytest.mark.parametrize("tamper", _TAMPERINGS)
@given(data=st.data())
def test_whatever_is_done_to_the_rows_is_found(tamper: Callable[..., list[AuditRow]], data: st.DataObject) -> None:
    ledger = MemoryLedger()
    chain_of(data.draw(st.integers(2, 7), "length"), ledger)
    rows = stored(ledger)
    at, other = data.draw(st.permutations(range(len(rows))), "where")[:2]
    forged = tamper(rows, at, other, data.draw(st.sampled_from(_NAMES), "field"))
    assert check(rows, head_of(ledger), to_first=True) == []
    assert check(forged, head_of(ledger), to_first=True) != []


@given(length=st.integers(0, 4), counted=st.integers(0, 5))
def test_a_head_that_names_another_row_is_found(length: int, counted: int) -> None:
    ledger = MemoryLedger()
    chain_of(length, ledger)
    rows = stored(ledger)
    names = {row.n: row.hash for row in rows} | {0: EMPTY.hash}
    for digest in {*names.values(), "f" * 64}:
        says = check(rows, AuditHead(counted, digest), to_first=True)
        assert (says == []) == (AuditHead(counted, digest) == head_of(ledger))


@given(length=st.integers(1, 5), data=st.data())
def test_the_first_row_names_nothing(length: int, data: st.DataObject) -> None:
    """A chain of which the oldest part was cut off and the rest written anew, but not as a chain from the start."""
    ledger = MemoryLedger()
    chain_of(length, ledger)
    first = sealed(replace(stored(ledger)[-1], previous="f" * 64, n=data.draw(st.integers(-1, 1))))
    assert check([first], AuditHead(first.n, first.hash), to_first=True) != []


def test_it_says_what_was_done(ledger: MemoryLedger) -> None:
    chain_of(9, ledger)
    rows, head = stored(ledger), head_of(ledger)
    assert check([*rows[:2], *rows[5:]], head, to_first=True) == ["rows 5 to 7 are missing"]
    assert check([*rows[:2], *rows[3:]], head, to_first=True) == ["row 7 is missing"]
    assert check(rows[1:], head, to_first=True) == ["row 9 is missing"]
    assert check(rows[:-1], head, to_first=True) == ["row 1 is missing"]
    assert check(rows[:-1], head, to_first=False) == []
    assert check([], head, to_first=True) == ["rows 1 to 9 are missing"]
    eve = replace(rows[4], who="Eve")
    assert check([*rows[:4], eve, *rows[5:]], head, to_first=True) == ["row 5 was changed after it was written"]
    found = check([*rows[:4], sealed(eve), *rows[5:]], head, to_first=True)
    assert found == ["row 5 is not the one that what follows it was chained to"]
    assert check(rows, AuditHead(8, rows[1].hash), to_first=True) == ["row 9 stands where row 8 belongs"]
