"""Looks into JSON values by dotted paths, such as `dependencies.database.status` or `items.0.id`.

A step into an object is a key, a step into a list a position from 0. A key that holds a dot cannot be reached.
"""

from collections.abc import Mapping
from enum import Enum
from typing import Any, Final

_MOST_DIGITS = 9


class Missing(Enum):
    """The kind of the one value that says that a path leads nowhere: JSON's own null is a value like any other."""

    MISSING = "missing"


MISSING: Final = Missing.MISSING


def value_at(document: Any, path: str) -> Any:
    """Return the value to which a path leads, or `MISSING`."""
    found = document
    for step in path.split("."):
        found = _inner(found, step)
        if found is MISSING:
            break
    return found


def mismatches(document: Any, expected: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was found, by path, where it is not the value that was expected there; empty when all of it is."""
    found = {path: value_at(document, path) for path in expected}
    return {path: value for path, value in found.items() if not same(value, expected[path])}


def same(one: Any, other: Any) -> bool:
    """Compare two JSON scalars as JSON tells them apart: `1` is `1.0`, but neither `true` nor `"1"`."""
    return isinstance(one, bool) is isinstance(other, bool) and bool(one == other)


def _inner(value: Any, step: str) -> Any:
    if isinstance(value, Mapping):
        return value.get(step, MISSING)
    if isinstance(value, list) and step.isascii() and step.isdecimal() and len(step) <= _MOST_DIGITS:
        position = int(step)
        return value[position] if position < len(value) else MISSING
    return MISSING
