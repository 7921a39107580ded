"""Profiles and endpoints as Traffic Manager keeps them, and which of them an answer may name.

Status and best effort when nothing is online:
https://learn.microsoft.com/azure/traffic-manager/traffic-manager-monitoring
"""

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from local.azure_simulator.traffic_manager.config import (
    DOMAIN,
    EndpointConfig,
    EndpointType,
    Health,
    ProfileConfig,
    RoutingMethod,
    Switch,
)

CHECKING = "CheckingEndpoint"
# States in which an endpoint takes part in the routing; one that is being checked does.
ANSWERED = frozenset({CHECKING, Health.ONLINE})


@dataclass(slots=True)
class Endpoint:
    """`more` holds the properties that nothing here looks at, in ARM's own spelling."""

    name: str
    type: EndpointType
    target: str
    status: Switch
    weight: int
    priority: int
    health: Health
    enabled_at_s: float = 0.0
    more: dict[str, Any] = field(default_factory=dict)

    def switch(self, status: Switch) -> None:
        """Probing begins anew when it is enabled."""
        if status is not self.status:
            self.status, self.enabled_at_s = status, time.time()

    def monitor_status(self, now_s: float, first_probe_s: float) -> str:
        if self.status is Switch.DISABLED:
            return Switch.DISABLED
        return CHECKING if now_s < self.enabled_at_s + first_probe_s else self.health


@dataclass(slots=True)
class Profile:
    name: str
    routing: RoutingMethod
    status: Switch
    ttl_s: int
    endpoints: list[Endpoint]
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def fqdn(self) -> str:
        return f"{self.name}.{DOMAIN}".casefold()

    def endpoint(self, name: str, kind: EndpointType | None = None) -> Endpoint | None:
        named = [each for each in self.endpoints if each.name.casefold() == name.casefold()]
        return next((each for each in named if kind in (None, each.type)), None)

    def shares(self, now_s: float, first_probe_s: float) -> list[tuple[str, int]]:
        """The targets that an answer may name now, each with its weight; none when all are disabled."""
        enabled = [each for each in self.endpoints if each.status is Switch.ENABLED]
        online = [each for each in enabled if each.monitor_status(now_s, first_probe_s) in ANSWERED]
        candidates = online or enabled
        if self.routing is RoutingMethod.PRIORITY:
            candidates = sorted(candidates, key=lambda each: each.priority)[:1]
        return [(each.target, each.weight) for each in candidates]


def pick(shares: Sequence[tuple[str, int]], chance: random.Random) -> str:
    targets, weights = zip(*shares, strict=True)
    chosen: str = chance.choices(targets, weights)[0]
    return chosen


def build_profiles(configs: Sequence[ProfileConfig]) -> dict[str, Profile]:
    profiles = {config.name.casefold(): _build_profile(config) for config in configs}
    if len(profiles) != len(configs):
        raise ValueError(f"profile names must be unique, got {[config.name for config in configs]}")
    return profiles


def _build_profile(config: ProfileConfig) -> Profile:
    endpoints = [_build_endpoint(endpoint, place) for place, endpoint in enumerate(config.endpoints, start=1)]
    return Profile(config.name, config.routing, config.status, config.ttl_s, endpoints)


def _build_endpoint(config: EndpointConfig, place: int) -> Endpoint:
    return Endpoint(
        name=config.name,
        type=config.type,
        target=f"{config.target}.{DOMAIN}" if config.type is EndpointType.NESTED else config.target,
        status=config.status,
        weight=config.weight,
        priority=config.priority or place,
        health=config.health,
    )
