"""How long an idle queue is left alone: RandomizedExponentialBackoffStrategy.cs.

From 100 ms, doubling with 20 % of jitter, up to maxPollingInterval; one message starts it over.
"""

import random
from datetime import timedelta

FIRST_S = 0.1
JITTER = 0.2


class PollingBackoff:
    def __init__(self, maximum: timedelta, randomness: random.Random) -> None:
        self._maximum_s = maximum.total_seconds()
        self._random = randomness
        self._empty_polls = 0

    def found_messages(self) -> None:
        self._empty_polls = 0

    def found_nothing(self) -> float:
        """Seconds until the next poll."""
        # min() keeps the power small: days of idling would overflow a float.
        doubled_s: float = FIRST_S * 2.0 ** min(self._empty_polls, 32)
        self._empty_polls += 1
        jittered_s = doubled_s * self._random.uniform(1 - JITTER, 1 + JITTER)
        return min(self._maximum_s, max(FIRST_S, jittered_s))
