"""Seen from outside: requests as users make them, and checks."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from shared.model.policy import Policy
from shared.model.policy_verify import CheckBase, Client


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What a check holds the world against: the build that must answer, since when, and for which run."""

    known_good: str
    since: datetime
    rollback_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """What a check found.

    Attributes:
        passed: `None` when it says nothing, such as a kept-alive connection that was opened too late.
        unanswered: It failed for want of an answer alone: nothing bad was seen.
        note: What was seen against what was expected; never a secret.
        evidence: The same as JSON values.
    """

    passed: bool | None
    note: str
    evidence: Mapping[str, Any] = field(default_factory=dict)
    unanswered: bool = False


class Checker[C: CheckBase](Protocol):
    """Carries out one kind of check from outside; what goes wrong is a result, never an error."""

    def check(self, policy: Policy, check: C, expected: Expected) -> CheckResult: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """What one request from outside saw.

    Attributes:
        status: HTTP status; `None` when no answer came.
        build: Value of the build header; empty when there was none.
        answered: False when the site could not be reached at all, which says nothing about the site.
        connection_age_s: How old the connection was, in seconds.
        cached: A cache answered, with what it knew before.
    """

    client: Client
    status: int | None
    build: str
    latency_ms: float
    answered: bool = True
    connection_age_s: float = 0.0
    note: str = ""
    cached: bool = False

    @property
    def served(self) -> bool:
        """An answer came and it was no server error."""
        return self.status is not None and self.status < 500


# What a client that is pinned to production has in its routing cookie.
PRODUCTION = "self"


class Prober(Protocol):
    """Looks at a site from outside, as its users do."""

    def look(
        self,
        policy: Policy,
        path: str,
        client: Client,
        count: int,
        *,
        timeout: timedelta,
        at: str | None = None,
        slot: str = PRODUCTION,
    ) -> list[Sighting]:
        """Send `count` requests of one kind at once; a failure is a sighting, never an error.

        Args:
            at: Where they go: a front without a path, whose host the policy names; the site if not given.
            slot: To which slot pinned clients were sent.
        """
        ...
