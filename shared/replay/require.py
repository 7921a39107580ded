"""A gate for policies: figures that a replay must reach, `recall>=0.9,false_alarms<=0.02`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from shared.errors import InvalidInput
from shared.model.quantity import Dimension, parse_duration, parse_quantity
from shared.model.trigger import Comparator

_DELAYS = frozenset({"delay", "delay_p95"})
_WRITTEN = re.compile(r"(?P<name>[a-z][a-z0-9_]*)\s*(?P<comparator>>=|<=|>|<)\s*(?P<value>\S+)")


@dataclass(frozen=True, slots=True)
class Requirement:
    """One figure and what it must be; delays in seconds."""

    name: str
    comparator: Comparator
    value: float
    written: str


def parse_requirements(written: str, known: frozenset[str]) -> list[Requirement]:
    """Read them.

    Args:
        known: The figures that there are.

    Raises:
        InvalidInput: one is none.
    """
    return [_requirement(part.strip(), known) for part in written.split(",")]


def _requirement(written: str, known: frozenset[str]) -> Requirement:
    found = _WRITTEN.fullmatch(written)
    if found is None:
        raise InvalidInput(f"{written!r}; expected for instance recall>=0.9,delay<=5m", where="--require")
    if found["name"] not in known:
        names = ", ".join(sorted(known))
        raise InvalidInput(f"unknown figure {found['name']!r}; expected one of: {names}", where="--require")
    try:
        delay = found["name"] in _DELAYS
        value = (
            parse_duration(found["value"]).total_seconds() if delay else parse_quantity(found["value"], Dimension.SHARE)
        )
    except ValueError as error:
        raise InvalidInput(f"{written}: {error}", where="--require") from None
    return Requirement(found["name"], Comparator(found["comparator"]), value, written)


def missed(requirement: Requirement, figures: Mapping[str, float | None]) -> str | None:
    """Return why a requirement is not met, or `None`. What nobody can tell is not met."""
    figure = figures[requirement.name]
    if figure is None:
        return f"{requirement.written}: {requirement.name} is not known: there was nothing to tell it from"
    if requirement.comparator.holds(figure, requirement.value):
        return None
    return f"{requirement.written}: {requirement.name} is {figure:.4g}"
