"""What a change of a policy would do: the same recording, played with other values of a trigger.

--sweep errors.threshold=2%,5%,10% --sweep errors.for=30s,60s
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any

from pydantic import ValidationError

from shared.errors import InvalidInput
from shared.model.policy import Policy
from shared.model.policy_checks import problems_of
from shared.model.policy_conditions.entry import EntryBase
from shared.model.policy_triggers import Triggers

MOST_VARIANTS = 100
_WRITTEN = re.compile(r"(?P<trigger>[a-z][a-z0-9_]*)\.(?P<key>[a-z_]+)=(?P<values>.+)")
_COMPARISON = re.compile(r"(?P<before>\s*[a-z][a-z0-9_]*\s*(?:>=|<=|>|<)\s*)(?P<threshold>\S.*)")
_THRESHOLD = "threshold"


@dataclass(frozen=True, slots=True)
class Sweep:
    """Values that a key of a trigger is given, one after the other."""

    trigger: str
    key: str
    values: tuple[str, ...]

    @property
    def name(self) -> str:
        return f"{self.trigger}.{self.key}"


@dataclass(frozen=True, slots=True)
class Variant:
    """A policy with the values that were put into it, by `trigger.key`."""

    values: Mapping[str, str]
    policy: Policy


def parse_sweep(written: str) -> Sweep:
    """Read `trigger.key=a,b,c`.

    Raises:
        InvalidInput: it is none.
    """
    found = _WRITTEN.fullmatch(written.strip())
    values = tuple(value.strip() for value in found["values"].split(",")) if found else ()
    if found is None or not all(values):
        raise InvalidInput(f"{written!r} is no sweep; expected for instance errors.threshold=2%,5%", where="--sweep")
    return Sweep(found["trigger"], found["key"], values)


def variants_of(policy: Policy, sweeps: Sequence[Sweep]) -> list[Variant]:
    """Return the policy with every combination of the values.

    Raises:
        InvalidInput: a trigger, a key or a value that it cannot have, or more than 100 combinations.
    """
    names = [sweep.name for sweep in sweeps]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise InvalidInput(f"{twice} stands twice; expected all its values in one", where="--sweep")
    count = prod(len(sweep.values) for sweep in sweeps)
    if count > MOST_VARIANTS:
        raise InvalidInput(f"{count} combinations; expected at most {MOST_VARIANTS}", where="--sweep")
    chosen = product(*(sweep.values for sweep in sweeps))
    return [_variant(policy, dict(zip(names, values, strict=True))) for values in chosen]


def _variant(policy: Policy, values: Mapping[str, str]) -> Variant:
    changed = policy
    for name, value in values.items():
        trigger, _, key = name.partition(".")
        changed = _changed(changed, trigger, key, value)
    return Variant(values, changed)


def _changed(policy: Policy, trigger: str, key: str, value: str) -> Policy:
    names = [entry.name for _, _, entry in policy.triggers.by_tier()]
    if trigger not in names:
        raise InvalidInput(f"unknown trigger {trigger!r}; expected one of: {', '.join(names)}", where="--sweep")
    try:
        triggers = {
            tier: [_entry(entry, key, value) if entry.name == trigger else _written(entry) for entry in found]
            for tier in Triggers.model_fields
            if (found := getattr(policy.triggers, tier))
        }
        changed = policy.changed(triggers=Triggers.model_validate(triggers))
    except ValidationError as error:
        raise _refused(trigger, key, value, error.errors()[0]["msg"].removeprefix("Value error, ")) from None
    problem = next(iter(problems_of(changed)), None)
    if problem is not None:
        raise _refused(trigger, key, value, problem.text)
    return changed


def _refused(trigger: str, key: str, value: str, why: str) -> InvalidInput:
    return InvalidInput(why, where=f"--sweep: {trigger}.{key}={value}")


def _written(entry: EntryBase) -> dict[str, Any]:
    return entry.model_dump(by_alias=True, exclude_unset=True)


def _entry(entry: EntryBase, key: str, value: str) -> dict[str, Any]:
    written = _written(entry)
    if key != _THRESHOLD:
        return written | {key: _plain(value)}
    for name, comparison in _comparisons(written):
        return written | {name: f"{comparison['before']}{value}"}
    raise _refused(entry.name, key, value, "it has no single threshold; expected one of its own keys")


def _comparisons(written: Mapping[str, Any]) -> Iterator[tuple[str, re.Match[str]]]:
    for name, text in written.items():
        found = _COMPARISON.fullmatch(text) if isinstance(text, str) else None
        if found is not None:
            yield name, found


def _plain(value: str) -> Any:
    """Read what YAML would have read as a number."""
    if re.fullmatch(r"[-+]?\d{1,18}", value, re.ASCII):
        return int(value)
    return float(value) if re.fullmatch(r"[-+]?\d{1,18}\.\d{1,18}", value, re.ASCII) else value
