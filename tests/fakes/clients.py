"""Looks at a fake site as its users do: what is served, to which kind of client, and when nothing answers."""

from collections.abc import Callable
from dataclasses import dataclass, field

from shared.model.policy import Policy
from shared.model.policy_verify import Client, ClientCheck
from shared.ports import CheckResult, Expected


@dataclass(slots=True)
class FakeClients:
    """Fulfils `ports.Checker[ClientCheck]`.

    Attributes:
        served: The build that production serves now.
        pinned_to: A build that clients of a kind are served whatever production runs.
        status: What the site answers; `None` when it is not reached at all.
        silent: Kinds of which nothing can be said.
        asked: Every check that was carried out.
    """

    served: Callable[[], str]
    pinned_to: dict[Client, str] = field(default_factory=dict)
    status: int | None = 200
    silent: frozenset[Client] = frozenset()
    asked: list[ClientCheck] = field(default_factory=list)

    def check(self, policy: Policy, check: ClientCheck, expected: Expected) -> CheckResult:
        self.asked.append(check)
        reached = self.status is not None
        build = self.pinned_to.get(check.client, self.served()) if reached else ""
        seen = [{"status": self.status, "build": build}] * check.requests
        if check.client in self.silent:
            return CheckResult(passed=None, note="no old connection", evidence={"requests": seen})
        good = self.status is not None and self.status < 500 and build == expected.known_good
        note = f"sees {build or self.status}"
        return CheckResult(passed=good, note=note, evidence={"requests": seen}, unanswered=not reached)
