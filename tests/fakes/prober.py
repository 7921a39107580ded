"""Looks at nothing: what every client sees is what a test chose."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from shared.model.policy import Policy
from shared.model.policy_verify import Client
from shared.ports import PRODUCTION, Sighting


@dataclass(slots=True)
class PlayedProber:
    """Fulfils `ports.Prober`, and writes down where it was asked to look."""

    seen: Sequence[Sighting]
    asked: list[tuple[Client, str, int, timedelta, str | None, str]] = field(default_factory=list)

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
        self.asked.append((client, path, count, timeout, at, slot))
        return [replace(sighting, client=client) for sighting in self.seen]
