"""What was done, by whom, in rows of which each is chained to the one before by a hash.

A row's `hash` is the SHA-256, in lower-case hex, of the row's JSON as `GET /api/audit` shows it, without `hash`, in
canonical form: UTF-8; the keys of every object ordered by code point; no blanks; of the characters in a text only the
quotation mark, the backslash and those below U+0020 are escaped, as RFC 8785 writes them. `at` is ISO 8601 in UTC with
`Z`, and six digits of a second unless they are zero. No number in a row has a fraction or is beyond 2^53 - 1, so that
every language writes it alike. `previous` is the hash of the row before; that of row 1 is 64 zeros.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from pydantic import ConfigDict

from shared.model.alert_text import printable, shorten
from shared.model.caller import Proof

type Json = bool | int | str | list[Json] | dict[str, Json] | None

NOTHING = "0" * 64
_CUT = "…"
_LONGEST_TEXT = 500
_LONGEST_KEY = 100
_DEEPEST = 4
_LARGEST_BYTES = 8192
_LARGEST_EXACT = 2**53 - 1
# A text that stands for another kind of value would be another row: nothing is converted, nothing unknown passed over.
_AS_WRITTEN = ConfigDict(extra="forbid", strict=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRow:
    """One act.

    Attributes:
        n: 1 for the first row, without gaps.
        who_id: Id of the caller; two rows with one id are of one caller.
        who: Name of the caller, for people.
        origin: Address that the call came from; empty when the platform did not tell.
        act: A stable word, such as `rollback.start`.
        target: A workload, the id of a run, or `fleet`.
        ok: Whether it was done.
        outcome: What became of it, in one sentence.
        op: Which append wrote the row, so that one whose reply was lost is recognised.
    """

    n: int
    at: datetime
    who_id: str
    who: str
    proof: Proof
    origin: str
    act: str
    target: str
    detail: dict[str, Json]
    ok: bool
    outcome: str
    op: str
    previous: str
    hash: str

    __pydantic_config__ = _AS_WRITTEN


@dataclass(frozen=True, slots=True)
class AuditHead:
    """Which row is the last one: its number and its hash."""

    n: int
    hash: str

    __pydantic_config__ = _AS_WRITTEN


EMPTY = AuditHead(0, NOTHING)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditPage:
    """A part of the audit, newest first.

    Attributes:
        intact: Whether the chain holds over all that was read for this page, shown or not.
        says: Where it does not.
        next_before: What to ask the next page with; `None` when there are no older rows.
    """

    rows: tuple[AuditRow, ...]
    head: AuditHead
    intact: bool
    says: tuple[str, ...]
    next_before: int | None


def bounded(detail: Mapping[str, object]) -> dict[str, Json]:
    """Return a detail that can be kept: texts cut, what lies deep replaced, what comes after 8 KiB counted only."""
    kept: dict[str, Json] = {}
    left_out = 0
    room = _LARGEST_BYTES - _size({_CUT: f"{len(detail)} left out"})
    for key, value in detail.items():
        entry = {_text(str(key), _LONGEST_KEY): _kept(value, _DEEPEST)}
        size = _size(entry) - 1  # a comma in place of two braces
        if size > room:
            left_out += 1
            continue
        room -= size
        kept |= entry
    return kept | {_CUT: f"{left_out} left out"} if left_out else kept


def _kept(value: object, depth: int) -> Json:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int) and abs(value) <= _LARGEST_EXACT:
        return int(value)
    if isinstance(value, Mapping | list | tuple) and not depth:
        return _CUT
    if isinstance(value, Mapping):
        return {_text(str(key), _LONGEST_KEY): _kept(inner, depth - 1) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_kept(inner, depth - 1) for inner in value]
    return _text(str(value), _LONGEST_TEXT)


def _text(text: str, longest: int) -> str:
    return shorten(printable(text[: 2 * longest]), longest)


def _size(detail: dict[str, Json]) -> int:
    return len(json.dumps(detail, ensure_ascii=False, separators=(",", ":")).encode())
