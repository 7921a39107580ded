"""ARM's throttling: a token bucket for reads and one for writes.

https://learn.microsoft.com/azure/azure-resource-manager/management/request-limits-and-throttling
"""

import math
import time
from dataclasses import dataclass


@dataclass(slots=True)
class TokenBucket:
    """A bucket whose size is changed starts full again."""

    size: int = 0
    tokens: float = 0.0
    filled_at_s: float = 0.0

    def take(self, size: int, refill_per_s: float) -> float:
        """Takes one token and answers 0, or answers the seconds until there is one."""
        now_s = time.monotonic()
        if size != self.size:
            self.size, self.tokens = size, float(size)
        self.tokens = min(float(size), self.tokens + (now_s - self.filled_at_s) * refill_per_s)
        self.filled_at_s = now_s
        if self.tokens < 1:
            return (1 - self.tokens) / refill_per_s
        self.tokens -= 1
        return 0.0

    @property
    def remaining(self) -> int:
        return math.floor(self.tokens)
