"""Whether the rows of the audit are those that were written. `model/audit.py` says how a row is hashed."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from hashlib import sha256

from pydantic import TypeAdapter

from shared.decision.reasons import canonical
from shared.model.audit import EMPTY, AuditHead, AuditRow


@cache
def _adapter() -> TypeAdapter[AuditRow]:
    return TypeAdapter(AuditRow)


def hash_of(row: AuditRow) -> str:
    """Return the hash that a row should have."""
    written = _adapter().dump_python(row, mode="json", exclude={"hash"})
    return sha256(canonical(written)).hexdigest()


def sealed(row: AuditRow) -> AuditRow:
    """Return the row with its hash."""
    return replace(row, hash=hash_of(row))


def check(rows: Sequence[AuditRow], top: AuditHead, *, to_first: bool) -> list[str]:
    """Say where the chain is broken.

    Whoever can write both the rows and the head can write them all anew: that is told only by a head that was kept
    somewhere else.

    Args:
        rows: Newest first.
        top: The row that must be the newest of them: the head, or what the row after it names.
        to_first: Whether they must go down to row 1.
    """
    found: list[str] = []
    for row in rows:
        found += _problems(row, top)
        top = AuditHead(row.n - 1, row.previous)
    if to_first and top != EMPTY:
        found.append(f"{_span(1, top.n)} missing" if top.n > 0 else f"row {top.n + 1} cannot be the first")
    return found


def _problems(row: AuditRow, expected: AuditHead) -> list[str]:
    found: list[str] = []
    if row.n < expected.n:
        found.append(f"{_span(row.n + 1, expected.n)} missing")
    if row.n > expected.n:
        found.append(f"row {row.n} stands where {_named(expected.n)} belongs")
    if hash_of(row) != row.hash:
        found.append(f"row {row.n} was changed after it was written")
    if row.n == expected.n and row.hash != expected.hash:
        found.append(f"row {row.n} is not the one that what follows it was chained to")
    return found


def _named(n: int) -> str:
    return f"row {n}" if n > 0 else "nothing"


def _span(first: int, last: int) -> str:
    return f"row {last} is" if first == last else f"rows {first} to {last} are"
