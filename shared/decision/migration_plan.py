"""Which scripts a database has not taken yet, and whether those it has taken are the ones that are here."""

from collections.abc import Sequence
from itertools import pairwise

from shared.model.migration import Applied, Script


def pending(scripts: Sequence[Script], applied: Sequence[Applied]) -> tuple[list[Script], list[str]]:
    """Return what is left to do in its order, and what stands against it."""
    by_name = {script.name: script for script in scripts}
    known = {one.name: one for one in applied}
    last = max((int(one.name.partition("_")[0]) for one in applied), default=-1)
    left = sorted((script for script in scripts if script.name not in known), key=lambda script: script.number)
    problems = [f"{name}: it was applied, and is not among the scripts" for name in known if name not in by_name]
    problems += changed(scripts, applied)
    problems += [
        f"{script.name}: scripts up to {last:03} were applied already; give it a number above that"
        for script in left
        if script.number <= last
    ]
    return left, problems


def changed(scripts: Sequence[Script], applied: Sequence[Applied]) -> list[str]:
    """Say which scripts are not what was applied under their names."""
    known = {one.name: one.sha256 for one in applied}
    return [
        f"{script.name}: it was changed after it was applied; write what is new into a script of its own"
        for script in scripts
        if known.get(script.name, script.sha256) != script.sha256
    ]


def same_numbers(scripts: Sequence[Script]) -> list[str]:
    """Say which scripts have the same number, so that nobody could tell which is first."""
    ordered = sorted(scripts, key=lambda script: (script.number, script.name))
    return [f"{one.name} and {next_one.name} have the same number"
            for one, next_one in pairwise(ordered) if one.number == next_one.number]  # fmt: skip


def without_undo(scripts: Sequence[Script], names: Sequence[str]) -> list[str]:
    """Return which of some scripts nothing takes back."""
    undone = {script.name for script in scripts if script.undo is not None}
    return [name for name in names if name not in undone]
