"""Profiles, origin groups and origins as Front Door keeps them, and how a change travels to the edges.

A change that comes while another one is on its way begins when that one has arrived everywhere:
https://learn.microsoft.com/azure/frontdoor/front-door-faq (deployment times).
"""

import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from local.azure_simulator.afd.config import AfdGroupConfig, AfdOriginConfig, AfdProfileConfig, Switch
from local.azure_simulator.afd.edges import Backend, Configuration, Edge, GroupRouting


@dataclass(slots=True)
class Origin:
    """`properties` are in ARM's spelling, with whatever else a client wrote."""

    name: str
    properties: dict[str, Any]
    url: str | None
    is_healthy: bool = True
    provisioning: str = "Succeeded"
    deployed_at_s: float | None = None

    @property
    def is_enabled(self) -> bool:
        return bool(self.properties["enabledState"] == Switch.ENABLED)


@dataclass(slots=True)
class OriginGroup:
    name: str
    endpoint: str
    origins: dict[str, Origin]
    session_affinity: bool

    def routing(self) -> GroupRouting:
        enabled = [origin for origin in self.origins.values() if origin.is_enabled]
        return GroupRouting(
            tuple(Backend(each.name, each.properties["weight"], each.properties["priority"]) for each in enabled),
            self.session_affinity,
        )


@dataclass(slots=True)
class Update:
    """A long-running change of one origin."""

    origin: Origin
    status: str = "InProgress"
    id: str = field(default_factory=lambda: str(uuid.uuid4()))


@dataclass(slots=True)
class Profile:
    name: str
    groups: dict[str, OriginGroup]
    edges: list[Edge]
    reports_deployment: bool
    updates: dict[str, Update] = field(default_factory=dict)
    arrived_at_s: float = 0.0

    @property
    def is_updating(self) -> bool:
        return any(update.status == "InProgress" for update in self.updates.values())

    def configuration(self) -> Configuration:
        return {group.name: group.routing() for group in self.groups.values()}

    def publish(self, origin: Origin, first_s: float, step_s: float) -> None:
        """The first edge learns the change after `first_s`, each other one `step_s` after the one before."""
        begin_s = max(time.monotonic(), self.arrived_at_s) + first_s
        for place, edge in enumerate(self.edges):
            edge.learn(self.configuration(), begin_s + place * step_s)
        self.arrived_at_s = origin.deployed_at_s = begin_s + (len(self.edges) - 1) * step_s

    def publish_now(self) -> None:
        """Everything that is still on its way is overtaken."""
        self.arrived_at_s = 0.0
        for edge in self.edges:
            edge.learn_now(self.configuration())


def build_afd_profiles(configs: Sequence[AfdProfileConfig]) -> dict[str, Profile]:
    profiles = {config.name.casefold(): _build_profile(config) for config in configs}
    if len(profiles) != len(configs):
        raise ValueError(f"profile names must be unique, got {[config.name for config in configs]}")
    return profiles


def _build_profile(config: AfdProfileConfig) -> Profile:
    groups = {group.name.casefold(): _build_group(group) for group in config.groups}
    known = {group.name: group.routing() for group in groups.values()}
    edges = [Edge(f"edge-{number}", known) for number in range(1, config.edges + 1)]
    return Profile(config.name, groups, edges, config.reports_deployment)


def _build_group(config: AfdGroupConfig) -> OriginGroup:
    origins = {origin.name.casefold(): _build_origin(origin) for origin in config.origins}
    return OriginGroup(config.name, config.endpoint, origins, config.session_affinity)


def _build_origin(config: AfdOriginConfig) -> Origin:
    properties = {
        "hostName": config.host_name,
        "originHostHeader": config.host_name,
        "httpPort": 80,
        "httpsPort": 443,
        "priority": config.priority,
        "weight": config.weight,
        "enabledState": config.enabled.value,
        "enforceCertificateNameCheck": True,
    }
    return Origin(config.name, properties, config.url)
