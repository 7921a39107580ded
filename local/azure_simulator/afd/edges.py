"""The edges of Front Door: each knows a configuration, learns a newer one late, and routes by the one that it knows.

How an origin is chosen: https://learn.microsoft.com/azure/frontdoor/routing-methods. Latency counts for nothing here.
"""

import random
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Backend:
    """An origin as an edge knows it; a disabled one it does not know."""

    origin: str
    weight: int
    priority: int


@dataclass(frozen=True, slots=True)
class GroupRouting:
    backends: tuple[Backend, ...]
    session_affinity: bool

    def choose(
        self, is_healthy: Callable[[str], bool], is_kept: Callable[[str], bool], chance: random.Random
    ) -> Backend | None:
        """`is_kept` tells the origin that the client's affinity cookie names. None: no origin is enabled."""
        # When every origin is ill, Front Door treats them all as well.
        well = [backend for backend in self.backends if is_healthy(backend.origin)] or list(self.backends)
        if self.session_affinity and (same := next((each for each in well if is_kept(each.origin)), None)):
            return same
        first = [each for each in well if each.priority == min(other.priority for other in well)]
        return chance.choices(first, [each.weight for each in first])[0] if first else None


type Configuration = Mapping[str, GroupRouting]


@dataclass(slots=True)
class Edge:
    """Times are on the monotonic clock."""

    name: str
    known: Configuration
    _coming: deque[tuple[float, Configuration]] = field(default_factory=deque)

    def learn(self, configuration: Configuration, at_s: float) -> None:
        self._coming.append((at_s, configuration))

    def learn_now(self, configuration: Configuration) -> None:
        self._coming.clear()
        self.known = configuration

    def configuration(self, now_s: float) -> Configuration:
        while self._coming and self._coming[0][0] <= now_s:
            _, self.known = self._coming.popleft()
        return self.known
