"""Looks at a fake site as its users do: what is served, to which kind of client, and when nothing answers."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from shared.model.policy import Site
from shared.ports import Client, Sighting


@dataclass(slots=True)
class FakeProber:
    """Fulfils `ports.Prober`.

    Attributes:
        served: The build that production serves now.
        pinned_to: A build that clients of a kind are served whatever production runs.
        status: What the site answers; `None` when it is not reached at all.
        opened_ago_s: How old the kept connection is.
    """

    served: Callable[[], str]
    pinned_to: dict[Client, str] = field(default_factory=dict)
    status: int | None = 200
    opened_ago_s: float = 86_400.0

    def look(self, site: Site, path: str, client: Client, count: int, *, timeout: timedelta) -> list[Sighting]:
        return [self._sighting(client) for _ in range(count)]

    def _sighting(self, client: Client) -> Sighting:
        reached = self.status is not None
        return Sighting(
            client=client,
            status=self.status,
            build=self.pinned_to.get(client, self.served()) if reached else "",
            latency_ms=12.0,
            answered=reached,
            connection_age_s=self.opened_ago_s if client is Client.KEPT_ALIVE else 0.0,
        )
