"""Sites and slots as App Service keeps them: content, settings, which of those are sticky, the last swap.

Swap rules: https://learn.microsoft.com/azure/app-service/deploy-staging-slots ("What happens during a swap").
"""

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from local.azure_simulator.builds import Deployment
from local.azure_simulator.config import PRODUCTION, RampUpRule, SiteConfig
from local.azure_simulator.operations import Operation

type Settings = dict[str, str]


@dataclass(slots=True)
class Slot:
    name: str
    content: Deployment
    settings: Settings
    is_running: bool = True
    is_cold: bool = False
    web_config: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SwapStatus:
    """`slotSwapStatus`: the last swap that succeeded."""

    timestamp: datetime
    source: str
    destination: str


@dataclass(frozen=True, slots=True)
class Preview:
    """A swap with preview that was prepared and waits: `source` runs with the target's sticky settings."""

    source: str
    target: str
    settings_before: Settings

    def involves(self, slot: str) -> bool:
        return slot in (self.source, self.target)


@dataclass(slots=True)
class Site:
    name: str
    workspace_id: str
    build_setting: str
    slots: dict[str, Slot]
    sticky_settings: list[str]
    ramp_up_rules: list[RampUpRule]
    tags: dict[str, str]
    swap_status: SwapStatus | None = None
    operation: Operation | None = None
    preview: Preview | None = None
    unsettled_until_s: float = 0.0
    pins_outlive_rules: bool = False
    _rules_before: list[RampUpRule] = field(default_factory=list)
    _rules_count_from_s: float = 0.0

    def slot(self, name: str) -> Slot | None:
        return self.slots.get(name.casefold())

    @property
    def production(self) -> Slot:
        return self.slots[PRODUCTION]

    def host_name(self, slot: str) -> str:
        label = self.name if slot == PRODUCTION else f"{self.name}-{slot}"
        return f"{label}.azurewebsites.net"

    @property
    def routed_rules(self) -> list[RampUpRule]:
        """The ramp-up rules as the front end knows them: it learns of a change late."""
        return self.ramp_up_rules if time.monotonic() >= self._rules_count_from_s else self._rules_before

    def route_by(self, rules: Sequence[RampUpRule], *, after_s: float) -> None:
        self._rules_before, self.ramp_up_rules = self.routed_rules, list(rules)
        self._rules_count_from_s = time.monotonic() + after_s

    def swap(self, source: Slot, target: Slot, now: datetime) -> None:
        """Content and settings change places at one instant; sticky settings and everything else stay."""
        self.drop_preview()
        source.content, target.content = target.content, source.content
        source.settings, target.settings = exchange_settings(source.settings, target.settings, self.sticky_settings)
        self.swap_status = SwapStatus(now, source.name, target.name)

    def drop_preview(self) -> None:
        """The source gets its own sticky settings back."""
        if self.preview:
            self.slots[self.preview.source].settings = self.preview.settings_before
            self.preview = None


def exchange_settings(
    source: Mapping[str, str], target: Mapping[str, str], sticky: Collection[str]
) -> tuple[Settings, Settings]:
    """The settings of both slots after a swap. Twice is as if never."""
    return dress(target, source, sticky), dress(source, target, sticky)


def dress(moving: Mapping[str, str], staying: Mapping[str, str], sticky: Collection[str]) -> Settings:
    """What content that brings `moving` runs with in a slot that has `staying`."""
    return {name: value for name, value in moving.items() if name not in sticky} | {
        name: value for name, value in staying.items() if name in sticky
    }


def build_site(config: SiteConfig) -> Site:
    """The site as configured, its processes not started yet."""
    slots = {
        name.casefold(): Slot(
            name=name.casefold(),
            content=Deployment(slot.build),
            settings={config.build_setting: slot.build} | slot.settings,
        )
        for name, slot in config.slots.items()
    }
    return Site(
        name=config.name,
        workspace_id=config.workspace_id,
        build_setting=config.build_setting,
        slots=slots,
        sticky_settings=list(config.sticky_settings),
        ramp_up_rules=list(config.ramp_up_rules),
        tags=dict(config.tags),
        pins_outlive_rules=config.pins_outlive_rules,
    )
