"""Faults of the platform itself: which API misbehaves, how, for how often, and for whom.

The first fault that fits a call, in the order they were set, hits it; a call is hit by one fault at most.
"""

import asyncio
import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Self

from pydantic import Field, model_validator

from local.azure_simulator.strict_model import StrictModel


class Api(StrEnum):
    SWAP = "swap"
    OPERATION = "operation"
    SITE_READ = "site_read"
    WEB_CONFIG = "web_config"
    WEB_CONFIG_WRITE = "web_config_write"
    APP_SETTINGS = "app_settings"
    SLOT_CONFIG_NAMES = "slot_config_names"
    LIFECYCLE = "lifecycle"
    SWAP_PREVIEW = "swap_preview"
    METRICS = "metrics"
    LOGS = "logs"
    TOKEN = "token"  # noqa: S105 - the name of an API
    FRONT_DOOR = "front_door"
    AFD_READ = "afd_read"
    AFD_WRITE = "afd_write"
    TRAFFIC_MANAGER_READ = "traffic_manager_read"
    TRAFFIC_MANAGER_WRITE = "traffic_manager_write"
    DNS_ZONES_READ = "dns_zones_read"
    DNS_ZONES_WRITE = "dns_zones_write"
    KEY_VALUE_READ = "key_value_read"
    KEY_VALUE_WRITE = "key_value_write"
    HOOK_READ = "hook_read"
    HOOK_CALL = "hook_call"
    PERMISSIONS = "permissions"
    COST = "cost"
    RESOURCE_HEALTH = "resource_health"
    ANY = "any"


class Kind(StrEnum):
    STATUS = "status"
    CUT_BEFORE = "cut_before"
    CUT_AFTER = "cut_after"
    DELAY = "delay"
    FORBIDDEN = "forbidden"
    CONFLICT_IN_PROGRESS = "conflict_in_progress"
    CONFLICT_PREVIEW = "conflict_preview"
    STUCK = "stuck"
    ENDS_FAILED = "ends_failed"
    STALE = "stale"
    EMPTY = "empty"
    NAN = "nan"
    RENAMED = "renamed"
    PARTIAL = "partial"


TRANSPORT = frozenset({Kind.STATUS, Kind.CUT_BEFORE, Kind.CUT_AFTER, Kind.DELAY})
CONFLICTS = frozenset({Kind.CONFLICT_IN_PROGRESS, Kind.CONFLICT_PREVIEW})
WRITE = TRANSPORT | CONFLICTS | {Kind.FORBIDDEN}
READ = TRANSPORT | {Kind.FORBIDDEN, Kind.STALE, Kind.EMPTY}

KINDS_OF: dict[Api, frozenset[Kind]] = {
    Api.SWAP: WRITE | {Kind.STUCK},
    Api.OPERATION: READ,
    Api.SITE_READ: READ,
    Api.WEB_CONFIG: READ,
    Api.WEB_CONFIG_WRITE: WRITE,
    Api.APP_SETTINGS: WRITE | READ,
    Api.SLOT_CONFIG_NAMES: WRITE | READ,
    Api.LIFECYCLE: WRITE,
    Api.SWAP_PREVIEW: WRITE,
    Api.METRICS: READ | {Kind.NAN, Kind.RENAMED},
    Api.LOGS: READ | {Kind.NAN, Kind.RENAMED, Kind.PARTIAL},
    Api.TOKEN: TRANSPORT,
    Api.FRONT_DOOR: TRANSPORT,
    Api.TRAFFIC_MANAGER_READ: READ,
    Api.TRAFFIC_MANAGER_WRITE: TRANSPORT | {Kind.FORBIDDEN},
    Api.DNS_ZONES_READ: READ,
    Api.DNS_ZONES_WRITE: TRANSPORT | {Kind.FORBIDDEN},
    Api.AFD_READ: READ,
    Api.AFD_WRITE: TRANSPORT | {Kind.FORBIDDEN, Kind.STUCK, Kind.ENDS_FAILED},
    Api.KEY_VALUE_READ: READ,
    Api.KEY_VALUE_WRITE: TRANSPORT | {Kind.FORBIDDEN},
    Api.HOOK_READ: TRANSPORT,
    Api.HOOK_CALL: TRANSPORT,
    Api.PERMISSIONS: TRANSPORT | {Kind.FORBIDDEN},
    Api.COST: READ | {Kind.NAN, Kind.RENAMED, Kind.PARTIAL},
    Api.RESOURCE_HEALTH: READ,
    Api.ANY: TRANSPORT,
}


class FaultRule(StrictModel):
    """`times` None is for ever. `any` means every API but the front door."""

    api: Api
    kind: Kind
    status: int = Field(503, ge=400, le=599)
    retry_after_s: int | None = Field(None, ge=0)
    delay_s: float = Field(0.0, ge=0)
    times: int | None = Field(None, ge=1)
    user_agent: str | None = None

    @model_validator(mode="after")
    def makes_sense(self) -> Self:
        if self.kind not in KINDS_OF[self.api]:
            allowed = ", ".join(sorted(KINDS_OF[self.api]))
            raise ValueError(f"{self.api} cannot be '{self.kind}'; it can be: {allowed}")
        if self.user_agent is not None and self.api is not Api.FRONT_DOOR:
            raise ValueError(f"user_agent works on front_door only, not on {self.api}")
        return self


@dataclass(slots=True)
class ActiveFault:
    id: str
    rule: FaultRule
    set_at_s: float
    hits: int = 0
    lifted: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def is_spent(self) -> bool:
        return self.rule.times is not None and self.hits >= self.rule.times

    def fits(self, api: Api, user_agent: str) -> bool:
        if self.is_spent:
            return False
        if self.rule.api is Api.ANY:
            return api is not Api.FRONT_DOOR
        return self.rule.api is api and user_agent.startswith(self.rule.user_agent or "")


class FaultBook:
    """The faults that are set. Spent ones stay listed, with their hits, until they are deleted."""

    def __init__(self) -> None:
        self._faults: dict[str, ActiveFault] = {}
        self._numbers = itertools.count(1)

    def __iter__(self) -> Iterator[ActiveFault]:
        return iter(self._faults.values())

    def add(self, rule: FaultRule) -> ActiveFault:
        fault = ActiveFault(id=f"f{next(self._numbers)}", rule=rule, set_at_s=time.time())
        self._faults[fault.id] = fault
        return fault

    def take(self, api: Api, user_agent: str = "") -> ActiveFault | None:
        """The fault that hits this call, its hit counted."""
        fault = next((fault for fault in self._faults.values() if fault.fits(api, user_agent)), None)
        if fault:
            fault.hits += 1
        return fault

    def remove(self, fault_id: str) -> bool:
        fault = self._faults.pop(fault_id, None)
        if fault:
            fault.lifted.set()
        return fault is not None

    def remove_kind(self, kind: Kind) -> None:
        for fault in [fault for fault in self._faults.values() if fault.rule.kind is kind]:
            self.remove(fault.id)

    def clear(self) -> None:
        for fault_id in list(self._faults):
            self.remove(fault_id)
