"""What a site's health answer says of the dependencies that it names.

The answer is JSON with `dependencies` (or `entries`, as ASP.NET names them, or `components`, as Spring does): a list of
`{name, status, ...}`, or an object from name to status, or to an object with a `status`. A status that nobody knows, or
none at all, is no health: it is an error, with the name of whoever said it.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from shared.adapters.outbound import Outbound, Received
from shared.errors import PermanentError
from shared.model.policy import Policy
from shared.model.policy_signals import ProbeSignal
from shared.model.signal import Sample, failed, measured

_NAMED_IN = ("dependencies", "entries", "components")
_UP = frozenset({"healthy", "up", "ok", "pass", "connected", "ready", "operational", "true"})
# Answers, though not as it should: not down.
_WORSE = frozenset({"degraded", "warn", "warning", "slow"})
_DOWN = frozenset(
    {"down", "unhealthy", "fail", "failed", "error", "disconnected", "unavailable", "critical", "offline", "timeout"}
    | {"outofservice", "false"}
)
_SPEAKS = (range(200, 300), range(500, 600))
_MOST = 200
_LONGEST_NAME = 40


class HealthReader:
    """Asks a site how its dependencies are."""

    def __init__(self, outbound: Outbound) -> None:
        self._outbound = outbound

    def ask(self, policy: Policy, path: str, within: timedelta) -> Mapping[str, bool]:
        """Return whether each dependency is down, by name.

        Raises:
            TransientError: the site could not be reached, or gave no whole answer.
            PermanentError: the answer says nothing of dependencies, or cannot come from the build that is watched.
        """
        answer = self._outbound.send(
            policy, "GET", policy.site.url + path, headers={"accept": "application/json"}, within=within
        )
        if not any(answer.status in range_ for range_ in _SPEAKS):
            raise PermanentError(f"the health route answered {answer.status}, which says nothing of dependencies")
        if answer.headers.get("age", "0") != "0":
            raise PermanentError("a cache answered for the site")
        if not answer.headers.get(policy.site.build.header):
            raise PermanentError("the answer names no build")
        return down_in(_document(answer))


def sample_of(signal: ProbeSignal, down: Mapping[str, bool], at: datetime) -> Sample:
    """Return the sample of a probe that looks at dependencies: a share of them, or 1 or 0 for one."""
    if signal.dependency is None:
        return measured(at, sum(down.values()) / len(down), len(down))
    if signal.dependency not in down:
        known = ", ".join(sorted(name[:_LONGEST_NAME] for name in down)[:10])
        return failed(at, f"the answer names no dependency {signal.dependency!r}; it names: {known}")
    return measured(at, 0.0 if down[signal.dependency] else 1.0)


def down_in(document: Any) -> Mapping[str, bool]:
    """Return whether each dependency of a health document is down.

    Raises:
        PermanentError: it names none, or one twice, or says of one what is no status.
    """
    named = next((document[key] for key in _NAMED_IN if key in document), None) if isinstance(document, dict) else None
    found: dict[str, bool] = {}
    for name, status in _statuses(named):
        if name in found:
            raise PermanentError(f"the answer names the dependency {name[:_LONGEST_NAME]!r} twice")
        found[name] = _is_down(name, status)
    if not 0 < len(found) <= _MOST:
        raise PermanentError(f"the answer names {len(found) or 'no'} dependencies; expected 1 to {_MOST}")
    return found


def _document(answer: Received) -> Any:
    try:
        return answer.json()
    except ValueError:
        what = "is too large" if answer.cut else "is no JSON"
        raise PermanentError(f"the health route answered {answer.status} with a body that {what}") from None


def _statuses(named: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(named, dict):
        for name, entry in named.items():
            yield name, entry.get("status") if isinstance(entry, dict) else entry
    elif isinstance(named, list):
        for entry in named:
            name = entry.get("name") if isinstance(entry, dict) else None
            if not isinstance(name, str) or not name:
                raise PermanentError("the answer has a dependency without a name")
            yield name, entry.get("status")


def _is_down(name: str, status: Any) -> bool:
    word = str(status).casefold().replace("_", "").replace(" ", "") if isinstance(status, str | bool) else ""
    if word in _DOWN:
        return True
    if word in _UP | _WORSE:
        return False
    raise PermanentError(f"the dependency {name[:_LONGEST_NAME]!r} has no status that is known")
