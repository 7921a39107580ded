"""The policy of one workload, as it is written in `policies/*.yaml`.

These models are strict: an unknown key is an error. Values carry units (`quantity.py`). What needs more than one field
to judge (a trigger on an unknown signal, an impossible threshold) is checked in `policy_checks.py`, so that every
problem is reported with its own place in the file.
"""

from collections.abc import Mapping
from datetime import timedelta
from functools import cached_property
from typing import Annotated, Any

from pydantic import Field, PrivateAttr

from shared.errors import NotFound
from shared.model.attribution import Suspect, Traffic
from shared.model.budget import Budget, WrittenBudget
from shared.model.derivation import Derivation
from shared.model.event import EventKind
from shared.model.policy_advice import Advice, Costs
from shared.model.policy_approval import Approvals
from shared.model.policy_attribution import Attribution, spans_of
from shared.model.policy_control import ControlRules, Strategy
from shared.model.policy_data import Database
from shared.model.policy_derived import derivations_of
from shared.model.policy_derived_base import settled_after
from shared.model.policy_levels import SLOT_SWAP, WORKLOAD_PATTERN, Level, Levels
from shared.model.policy_promotion import Promotion
from shared.model.policy_readiness import Readiness
from shared.model.policy_roads import SLOT_PATTERN, DataSyncRoad, FrontDoorRoad, Road, SlotSwapRoad
from shared.model.policy_rules import rule_of
from shared.model.policy_signals import Signal
from shared.model.policy_triggers import Triggers
from shared.model.policy_verify import Check
from shared.model.quantity import Duration
from shared.model.strict import Host, Name, Origin, Rhythm, Strict, host_of
from shared.model.trigger import NoData, RollbackTrigger

# The name under which alerts are kept that concern no workload.
UNCLAIMED = "unclaimed"
# The platform carries out at most this many writes as one.
MOST_WRITES = 100
_LAST_WORD_KEPT = timedelta(days=7)
# Samples are rolled up every few minutes: as long as this, some of those times may be missed and nothing is lost.
_KEPT_FOR_ROLL_UPS = timedelta(minutes=15)


class Build(Strict):
    """How a build is told: by a setting that moves with it, and by a header of its answers."""

    setting: str = "BUILD_ID"
    header: str = "x-build-id"


class Site(Strict):
    """The guarded App Service site and the slot that keeps the known-good build."""

    resource: str = Field(
        pattern=r"^/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\.Web/sites/[^/]+$",
        description="ARM id of the site.",
    )
    region: str = Field(default="", description="Azure region of the site; needed by signals of kind `metric`.")
    url: Origin = Field(description="Where users reach it: no path.")
    good_slot: str = Field(
        default="",
        pattern=rf"{SLOT_PATTERN}|^$",
        description="The slot that holds the known-good build; the road `slot_swap` needs it.",
    )
    build: Build = Build()


class Reach(Strict):
    """Where checks and hooks may go besides the site itself. A redirect counts as one more request."""

    hosts: tuple[Host, ...] = Field(default=(), description="Hosts that checks and hooks may ask.")
    private: bool = Field(
        default=False, strict=True, description="Names may lead to private addresses. Literal ones always may."
    )
    redirects: int = Field(
        default=0, ge=0, le=5, description="How many redirects a check follows, to named hosts only."
    )


class Guards(Strict):
    """What keeps the controller itself from doing harm."""

    cool_down: Rhythm = Field(default=timedelta(minutes=15), description="No automatic rollback this soon after one.")
    budget: WrittenBudget = Field(
        default=Budget(2, timedelta(hours=24)), description="Automatic rollbacks of this workload in any such interval."
    )
    observe_only: bool = Field(default=False, strict=True, description="Decide and tell, but do nothing.")
    blind_page_after: Duration = Field(default=timedelta(seconds=60), description="Page when blind for this long.")


class Notify(Strict):
    """Who hears of what. A channel is `kind:name`; its address is the app setting CHANNEL_<KIND>_<NAME>."""

    to: tuple[Annotated[str, Field(pattern=r"^webhook:[a-z][a-z0-9_]*$")], ...] = ()
    on: tuple[EventKind, ...] = (
        EventKind.DECIDED,
        EventKind.ASKED,
        EventKind.PAUSED,
        EventKind.SLOWED,
        EventKind.RESUMED,
        EventKind.CHANGE_FAILED,
        EventKind.UNKNOWN_STRATEGY,
        EventKind.HELD_BACK,
        EventKind.BLIND,
        EventKind.SIGHTED,
        EventKind.VERIFIED,
        EventKind.PARTIAL,
        EventKind.FAILED,
        EventKind.REFUSED,
        EventKind.CANCELLED,
        EventKind.SUPERSEDED,
        EventKind.INCIDENT,
        EventKind.HELD,
        EventKind.PROMOTED,
        EventKind.FLEET_PAUSED,
        EventKind.FLEET_RESUMED,
        EventKind.CHECKPOINT_REFUSED,
        EventKind.CHECKPOINT_LOST,
        EventKind.READY,
        EventKind.NOT_READY,
    )


class Policy(Strict):
    """Everything that the controller knows about one workload."""

    workload: str = Field(pattern=WORKLOAD_PATTERN)
    description: str = ""
    site: Site
    signals: dict[Name, Signal] = Field(min_length=1)
    triggers: Triggers
    roads: dict[Name, Road] = Field(default={}, description="How traffic can be taken back.")
    levels: Levels = Levels()
    databases: dict[Name, Database] = Field(default={}, max_length=8, description="What was moved, and can go back.")
    checks: dict[Name, Check] = Field(default={}, description="Checks that signals of kind `smoke` make, by name.")
    promotion: Promotion | None = Field(default=None, description="How a new build goes forward.")
    reach: Reach = Reach()
    readiness: Readiness = Readiness()
    attribution: Attribution = Field(default=Attribution(), description="Who else could be to blame.")
    control: ControlRules = Field(default=ControlRules(), description="How the change is told what to do.")
    approvals: Approvals = Field(default=Approvals(), description="Who is asked on account of a trigger.")
    strategies: dict[Name, Strategy] = Field(default={}, description="Plans that are asked for by name.")
    advice: tuple[Advice, ...] = Field(default=(), description="What people are told to do when a signal runs high.")
    costs: Costs | None = Field(default=None, description="What one unit of work costs, and what is saved.")
    drill_target: bool = Field(
        default=False, strict=True, description="Others may rehearse their levels here: it is really taken back."
    )
    guards: Guards = Guards()
    notify: Notify = Notify()
    _version: str = PrivateAttr(default="")

    @property
    def version(self) -> str:
        """SHA-256 of the file's text, settings not filled in; empty for a policy that was not read from text."""
        return self._version

    def of_version(self, version: str) -> "Policy":
        """Return the policy with a version."""
        same = self.model_copy()
        same._version = version  # its own kind
        return same

    def changed(self, **fields: Any) -> "Policy":
        """Return the policy with other values in some of its fields; what was made of the old ones is made anew."""
        same = self.model_copy(update=fields)
        for made in ("rules", "derivations", "suspects", "traffic", "all_roads", "swaps_only", "named_hosts"):
            same.__dict__.pop(made, None)
        return same

    @cached_property
    def rules(self) -> tuple[RollbackTrigger, ...]:
        """The triggers as the decision needs them, critical ones first."""
        return tuple(rule_of(tier, entry, self.signals) for tier, _, entry in self.triggers.by_tier())

    @cached_property
    def suspects(self) -> tuple[Suspect, ...]:
        """Who else could be to blame for what fires."""
        return self.attribution.suspects(self.signals)

    @cached_property
    def traffic(self) -> Traffic | None:
        """How traffic is watched, if it is."""
        return self.attribution.watched_traffic(self.signals)

    @cached_property
    def derivations(self) -> tuple[Derivation, ...]:
        """How signals are made of others, parts before what is made of them."""
        return derivations_of(self.signals)

    def level(self, number: int) -> Level:
        """Return a level.

        Raises:
            NotFound: the workload has no such level.
        """
        if number not in self.levels.by_number:
            raise NotFound(f"{self.workload} has no level {number}")
        return self.levels.by_number[number]

    @cached_property
    def all_roads(self) -> dict[str, Road]:
        """The roads by name, with the slot swap that every site with a good slot has."""
        swap: dict[str, Road] = {SLOT_SWAP: SlotSwapRoad(slot_swap=self.site.good_slot)} if self.site.good_slot else {}
        return swap | self.roads

    def waits_for(self, level: Level, component: str) -> frozenset[str]:
        """The components of a level that must be decided before one of them is begun."""
        data = {name for name, roads in level.steered.items() if any(map(self._moves_data, roads))}
        return frozenset(level.after.get(component, ())) | (frozenset() if component in data else frozenset(data))

    def _moves_data(self, road: str) -> bool:
        return isinstance(self.all_roads.get(road), DataSyncRoad)

    @cached_property
    def swaps_only(self) -> bool:
        """Level 1 steers by slot swaps alone."""
        return all(isinstance(self.all_roads[road], SlotSwapRoad) for road in self.levels.traffic.all_roads)

    @cached_property
    def named_hosts(self) -> frozenset[str]:
        """The hosts that the policy names, in lower case: checks and hooks go nowhere else."""
        fronts = [road.url for road in self.roads.values() if isinstance(road, FrontDoorRoad)]
        fronts += [self.promotion.url] if self.promotion and self.promotion.url else []
        return frozenset(host_of(url) for url in (self.site.url, *fronts)) | {host.lower() for host in self.reach.hosts}

    def horizon(self, signal: str) -> timedelta:
        """How far back the samples of a signal can still matter."""
        rules = [rule for rule in self.rules if signal in rule.condition.inputs]
        needs = [level.readiness.fresh.get(signal) for level in self.levels.by_number.values()]
        spans = [fresh.within for fresh in needs if fresh]
        suspects = [one.rule for one in self.suspects if signal in one.rule.condition.inputs]
        if any(rule.no_data is NoData.HOLD for rule in (*rules, *suspects)):
            return max([_LAST_WORD_KEPT, *spans])
        spans += [rule.hold_for + rule.condition.looks_back + rule.max_gap for rule in rules]
        made = [one for one in self.derivations if any(part.signal == signal for part in one.parts)]
        spans += [one.looks_back + one.lag + 3 * one.every for one in made]
        longest = max((rule.hold_for for rule in self.rules), default=timedelta(0))
        spans += spans_of(signal, self.suspects, self.traffic, longest)
        kind = self.signals[signal]
        judged = max(spans, default=timedelta(0)) + kind.delay + 2 * kind.patience + timedelta(minutes=1)
        return max(judged, self.settled_after(signal) + _KEPT_FOR_ROLL_UPS)

    def settled_after(self, signal: str) -> timedelta:
        """How old a sample is that no later answer of its source revises: sources are asked again until then."""
        return settled_after(signal, self.signals)


def policy_of(policies: Mapping[str, Policy], workload: str) -> Policy:
    """Return the policy of a workload.

    Raises:
        NotFound: there is none.
    """
    if workload not in policies:
        raise NotFound(f"there is no workload {workload[:80]!r} here")
    return policies[workload]
