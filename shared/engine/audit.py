"""The audit: who did what, in a partition of its own. `model/audit.py` says how its rows are chained.

    head                what the last row is: its number and hash
    audit:<12 digits>   a row; the digits are what its number lacks to twelve nines, so that the newest sorts first

A row and the head that names it are one commit, with a compare-and-set of the head: there is no gap, no fork and no row
without its head, whoever dies when. Each append has an id, so that one whose reply was lost is found again and not
written twice. An act and its row are two commits, as they are in two partitions.
"""

import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import uuid4

from shared.clock import Clock
from shared.decision.audit import check, sealed
from shared.engine.records import decode, encode
from shared.errors import LostRace, OutcomeUnknown, PermanentError, TransientError
from shared.model.alert_text import one_line
from shared.model.audit import EMPTY, NOTHING, AuditHead, AuditPage, AuditRow, bounded
from shared.model.caller import Caller
from shared.ports import Insert, Ledger, Replace, Row

log = logging.getLogger(__name__)

AUDIT = "~audit"
HEAD = "head"
ROW = "audit:"
MOST_ROWS = 500
_ROW_KEY = re.compile(rf"{ROW}(\d{{12}})", re.ASCII)
_HIGHEST = 999_999_999_999
_TRIES = 20
_MOST_SEARCHED = 1000  # the most that one request to the storage answers
_BLOCK = 100  # rows whose keys differ in the last two digits only


@dataclass(frozen=True, slots=True)
class _Found:
    """A record under a row's key; `row` is `None` when it cannot be read."""

    n: int
    row: AuditRow | None


@dataclass(frozen=True, slots=True)
class Audit:
    """Writes down acts, and shows them."""

    ledger: Ledger
    clock: Clock

    def append(
        self, caller: Caller, act: str, target: str, detail: Mapping[str, object], ok: bool, outcome: str
    ) -> AuditRow:
        """Write down an act.

        Args:
            caller: Who did it, or tried to.
            act: A stable word, such as `rollback.start`.
            target: A workload, the id of a run, or `fleet`.
            detail: What else is to be known. It is cut to size, and not searched for secrets: none may be in it.
            ok: Whether it was done.
            outcome: What became of it, in one sentence.

        Raises:
            OutcomeUnknown: the row may be there.
            TransientError: it is not there: the storage does not answer, or others are faster all the time.
            PermanentError: the head cannot be read or does not fit the rows, or the storage refuses.
        """
        draft = AuditRow(
            n=0,
            at=self.clock(),
            who_id=one_line(caller.id),
            who=one_line(caller.name),
            proof=caller.proof,
            origin=one_line(caller.origin),
            act=one_line(act),
            target=one_line(target),
            detail=bounded(detail),
            ok=ok,
            outcome=one_line(outcome, 1000),
            op=uuid4().hex,
            previous=NOTHING,
            hash=NOTHING,
        )
        row = self._append(draft)
        log.info("audit row %d is %s", row.n, row.hash)  # a witness that is not kept with the rows
        return row

    def _append(self, draft: AuditRow) -> AuditRow:
        doubt: OutcomeUnknown | None = None
        try:
            head, stored = self._last()
            for _ in range(_TRIES):
                row = sealed(replace(draft, n=head.n + 1, previous=head.hash))
                unwritten = self._write(row, stored)
                if unwritten is None:
                    return row
                if isinstance(unwritten, OutcomeUnknown):
                    doubt = unwritten
                # What nobody heard of can still arrive until the head moves on: head first, then row.
                head, stored = self._last()
                if head.n >= row.n:
                    there = self._row(row.n)
                    if there is not None and there.op == draft.op:
                        return there
                    doubt = None
                elif isinstance(unwritten, LostRace):
                    raise PermanentError(
                        f"the audit's head counts {head.n} rows and refuses row {row.n}: it was changed"
                    )
        except TransientError as error:
            raise doubt or error from None
        raise doubt or TransientError("writing to the audit: others were faster every time")

    def _write(self, row: AuditRow, head: Row | None) -> LostRace | OutcomeUnknown | None:
        """Write a row and the head that names it; returns why it may not be there."""
        body = encode(AuditHead(row.n, row.hash))
        forward = Replace(HEAD, body, head.version) if head else Insert(HEAD, body)
        try:
            self.ledger.commit(AUDIT, [Insert(row_key(row.n), encode(row)), forward])
        except (LostRace, OutcomeUnknown) as error:
            return error
        return None

    def _last(self) -> tuple[AuditHead, Row | None]:
        stored = self.ledger.read(AUDIT, HEAD)
        return (decode(AuditHead, stored.body) if stored else EMPTY), stored

    def _row(self, n: int) -> AuditRow | None:
        stored = self.ledger.read(AUDIT, row_key(n))
        return decode(AuditRow, stored.body) if stored else None

    def rows(self, limit: int = 100, before: int | None = None, workload: str | None = None) -> AuditPage:
        """Return a page, newest first.

        Args:
            limit: At most so many rows, and at most `MOST_ROWS`. A page of one workload can have fewer, even none,
                although there are older ones: a page ends after a thousand rows that were looked at.
            before: Only rows with a lower number; the `next_before` of the page before.
            workload: Only rows whose target is this workload or a run of it.

        Raises:
            TransientError: the storage does not answer.
            PermanentError: there is a record among the rows that is none.
        """
        limit = min(max(limit, 1), MOST_ROWS)
        before = None if before is None else min(max(before, 0), _HIGHEST)
        # One of them is the row that the page begins after, one tells that there are more.
        most = limit + 2 if workload is None else _MOST_SEARCHED
        head, found = self._settled(before, most)
        shown, read = _shown([one for one in found if one.n != before], limit, workload)
        used = [one for one in found if one.n == before] + read
        more = len(used) < len(found) or len(found) == most
        says = check([one.row for one in used if one.row], _top(head, before, used), to_first=not more)
        return AuditPage(
            rows=tuple(shown),
            head=head,
            intact=not says,
            says=tuple(says),
            next_before=used[-1].n if more else None,
        )

    def _settled(self, before: int | None, most: int) -> tuple[AuditHead, list[_Found]]:
        """Return the head and rows that are not newer than it, unless there are such rows for good."""
        for _ in range(_TRIES):
            head, found = self._head(), self._down_from(before, most)
            if not found or found[0].n <= head.n:
                break
        return head, found

    def _head(self) -> AuditHead:
        stored = self.ledger.read(AUDIT, HEAD)
        return (_readable(AuditHead, stored) if stored else None) or EMPTY

    def _down_from(self, newest: int | None, most: int) -> list[_Found]:
        """Return rows from one downwards; from the newest if no number is given."""
        first = ROW if newest is None else row_key(newest)
        rows: list[Row] = []
        for prefix in _prefixes(first):
            if len(rows) < most:
                scanned = self.ledger.scan(AUDIT, prefix, limit=most - len(rows) + _BLOCK)
                rows += (row for row in scanned if row.key >= first)
        return [_Found(_number(row.key), _readable(AuditRow, row)) for row in rows[:most]]


def row_key(n: int) -> str:
    """Key of a row."""
    return f"{ROW}{_HIGHEST - n:012d}"


def _number(key: str) -> int:
    found = _ROW_KEY.fullmatch(key)
    if found is None:
        raise PermanentError(f"record {one_line(key)!r} of {AUDIT} is no row of it")
    return _HIGHEST - int(found[1])


def _prefixes(first: str) -> Iterator[str]:
    """Yield prefixes that have between them all keys from `first` on, in order; a scan begins at a prefix only.

    The first one also has the keys of the same block before it. In a chain without gaps two or three scans make a page;
    however large a gap is, there are never more than some ninety.
    """
    block = first if first == ROW else first[:-2]
    yield block
    for place in reversed(range(len(ROW), len(block))):
        for digit in range(int(block[place]) + 1, 10):
            yield f"{block[:place]}{digit}"


def _readable[T](kind: type[T], row: Row) -> T | None:
    """Read a record; one that cannot be read counts as missing, and hides nothing else."""
    try:
        return decode(kind, row.body)
    except PermanentError as error:
        log.error("%s of %s: %s", row.key, AUDIT, error)  # noqa: TRY400  # a trace would show the content
        return None


def _shown(found: Sequence[_Found], limit: int, workload: str | None) -> tuple[list[AuditRow], list[_Found]]:
    """Return the rows to show, and all that were looked at for them."""
    shown: list[AuditRow] = []
    for looked_at, one in enumerate(found, start=1):
        if one.row is not None and workload in (None, one.row.target.partition(".")[0]):
            shown.append(one.row)
        if len(shown) == limit:
            return shown, list(found[:looked_at])
    return shown, list(found)


def _top(head: AuditHead, before: int | None, used: Sequence[_Found]) -> AuditHead:
    """Return what the newest of the rows that were read must be."""
    if before is None or before > head.n:
        return head
    return AuditHead(before, next((one.row.hash for one in used if one.row), NOTHING))
