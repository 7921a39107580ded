"""What each scope cost, and how many questions may still be asked about it."""

import math
from dataclasses import dataclass, field
from datetime import date

from local.azure_simulator.config import Throttling
from local.azure_simulator.throttle import TokenBucket

TENANT_QPU = 12
TENANT_QPU_PER_S = 1.2


@dataclass(slots=True)
class Book:
    """One currency and one sum by day; a day of several currencies stands in `others`."""

    currency: str = "EUR"
    days: dict[date, float] = field(default_factory=dict)
    others: dict[str, float] = field(default_factory=dict)
    next_link: str | None = None


@dataclass(slots=True)
class Books:
    """By scope, in lower case."""

    by_scope: dict[str, Book] = field(default_factory=dict)
    asked: dict[str, int] = field(default_factory=dict)
    _tenant: TokenBucket = field(default_factory=TokenBucket)
    _scopes: dict[str, TokenBucket] = field(default_factory=dict)

    def wait_s(self, scope: str, limits: Throttling) -> dict[str, int]:
        """The limits that a question runs into, with the seconds until it does not."""
        bucket = self._scopes.setdefault(scope, TokenBucket())
        waits = {
            "entity": bucket.take(limits.cost_scope_bucket, limits.cost_scope_refill_per_s),
            "qpu": self._tenant.take(TENANT_QPU, TENANT_QPU_PER_S),
        }
        return {name: math.ceil(seconds) for name, seconds in waits.items() if seconds}
