"""Builds pictures and results that can always be kept with a run, whatever the outside answered.

JSON can name half a character by its escape, which no UTF-8 holds (RFC 8259 8.2), can be nested deeper than a record
is written, and is as long as its sender likes. A run that cannot be written would never end.
"""

from collections.abc import Mapping
from typing import Any

from shared.ports import CheckResult, RoadPicture

_LONGEST_TEXT = 200
# A sentence names several of them.
_LONGEST_SENTENCE = 1000
_DEEPEST = 8
# What is larger, or no number at all, is not the same number any more after it was written and read.
_LARGEST = 1e300


def picture(
    *, established: bool, busy: bool = False, why_not: str | None = None, shown: Mapping[str, Any] = {}
) -> RoadPicture:
    """Return a picture that can be kept."""
    why_not = None if why_not is None else cut(why_not, _LONGEST_SENTENCE)
    return RoadPicture(established=established, busy=busy, why_not=why_not, shown=_kept(shown, _DEEPEST))


def result(*, passed: bool | None, note: str, evidence: Mapping[str, Any], unanswered: bool = False) -> CheckResult:
    """Return a result that can be kept."""
    note, evidence = cut(note, _LONGEST_SENTENCE), _kept(evidence, _DEEPEST)
    return CheckResult(passed=passed, note=note, evidence=evidence, unanswered=unanswered)


def cut(text: str, longest: int = _LONGEST_TEXT) -> str:
    """Return the first characters of a text, with a question mark for what is half a character."""
    return text[:longest].encode(errors="replace").decode()


def _kept(value: Any, depth: int) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float) and abs(value) < _LARGEST:
        return value
    if isinstance(value, Mapping | list | tuple) and not depth:
        return "..."
    if isinstance(value, Mapping):
        return {cut(str(key)): _kept(inner, depth - 1) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_kept(inner, depth - 1) for inner in value]
    return cut(str(value))
