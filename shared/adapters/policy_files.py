"""Reads the policies of a folder. One that is wrong keeps its own workload from being watched, and no other.

What is wrong between two of them keeps neither from being watched: it is named, and refused where it would be done.
"""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from shared.decision.drill import target_limitation
from shared.errors import PolicyError
from shared.model.conninfo import place_of
from shared.model.policy import Policy
from shared.model.policy_text import read_policy

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PolicyFolder:
    """The policies that can be used, by workload, and what is wrong with the others."""

    policies: Mapping[str, Policy]
    problems: tuple[str, ...]


def read_policy_folder(folder: Path, settings: Mapping[str, str]) -> PolicyFolder:
    """Read every `*.yaml` of a folder.

    Args:
        folder: Where the policies are.
        settings: Values for `%NAME%`.
    """
    policies: dict[str, Policy] = {}
    problems: list[str] = []
    for file in sorted(folder.glob("*.yaml")):
        try:
            policy = read_policy_file(file, settings, called=file.name)
        except PolicyError as error:
            problems.append(str(error))
            continue
        problem = clash(policy, policies.values())
        if problem is None:
            policies[policy.workload] = policy
        else:
            problems.append(f"{file.name}: {problem}")
    problems += [problem for policy in policies.values() for problem in unwilling_targets(policy, policies)]
    if not policies and not problems:
        problems.append(f"{folder.name}: no policies; expected at least one *.yaml")
    for problem in problems:
        log.error("policy refused: %s", problem)
    return PolicyFolder(policies, tuple(problems))


def clash(policy: Policy, others: Iterable[Policy]) -> str | None:
    """Return what keeps a policy from standing beside others: two guards of one site would swap against each other."""
    for other in others:
        if other.workload == policy.workload:
            return f"workload {policy.workload} has a policy already; expected one each"
        if other.site.resource.casefold() == policy.site.resource.casefold():
            return f"site.resource is guarded as workload {other.workload} already; expected one policy each"
        if _places(other) & _places(policy):
            return f"a database of it is one of workload {other.workload} already; expected one policy each"
    return None


def _places(policy: Policy) -> set[tuple[str, str, str]]:
    """Where its databases are: two ways back over one of them would fence each other's writers."""
    sides = [side for one in policy.databases.values() for side in (one.source, one.target)]
    return {place for side in sides if (place := place_of(side)) is not None}


def unwilling_targets(policy: Policy, policies: Mapping[str, Policy]) -> list[str]:
    """Say which workloads a policy rehearses its levels on that do not agree to it in their own policies."""
    named = {number: policies.get(level.drill.on or "") for number, level in policy.levels.by_number.items()}
    limitations = [target_limitation(policy, number, target) for number, target in named.items() if target]
    return [limitation for limitation in limitations if limitation is not None]


def read_policy_file(file: Path, settings: Mapping[str, str], *, called: str) -> Policy:
    """Read one policy; `called` is what its errors call the file.

    Raises:
        PolicyError: it cannot be read or used.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PolicyError(f"cannot be read: {type(error).__name__}", where=called) from None
    return read_policy(text, file=called, settings=settings)
