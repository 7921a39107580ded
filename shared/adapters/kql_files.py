"""The files of log queries: read, and given the values of a policy."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from shared.errors import PermanentError
from shared.model.kql import step_of, with_values
from shared.model.policy import Policy
from shared.model.policy_azure_signals import LogSignal


@dataclass(frozen=True, slots=True)
class Query:
    """A text that can be sent, and how wide the intervals are that it sums up."""

    text: str
    step: timedelta


def query_of(folder: Path, signal: LogSignal, policy: Policy) -> Query:
    """Return the query of a signal with its values.

    Raises:
        PermanentError: there is no such file, or the values do not fit what it declares.
    """
    written = _text(folder, signal.log)
    resource = policy.site.resource
    known = {"site_id": resource, "site_name": resource.rpartition("/")[2]}
    try:
        return Query(with_values(written, signal.values, known), step_of(written, signal.values))
    except ValueError as error:
        raise PermanentError(f"log query {signal.log}: {error}") from None


def query_problems(folder: Path, policy: Policy) -> list[str]:
    """Return what keeps the log queries of a policy from being sent."""
    problems = []
    for name, signal in policy.signals.items():
        try:
            _ = query_of(folder, signal, policy) if isinstance(signal, LogSignal) else None
        except PermanentError as error:
            problems.append(f"signals.{name}: {error}")
    return problems


def _text(folder: Path, name: str) -> str:
    try:
        return (folder / name).read_text(encoding="utf-8")
    except OSError:
        raise PermanentError(f"there is no log query {name} in {folder.name}") from None
    except UnicodeDecodeError:
        raise PermanentError(f"log query {name} is no UTF-8 text") from None
