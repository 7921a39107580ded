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
from shared.model.budget import Budget, WrittenBudget
from shared.model.event import EventKind
from shared.model.policy_approval import Approval, Approvals
from shared.model.policy_control import ControlRules, Strategy
from shared.model.policy_promotion import Promotion
from shared.model.policy_readiness import LevelReadiness, Readiness
from shared.model.policy_roads import SLOT_PATTERN, FrontDoorRoad, Road, SlotSwapRoad
from shared.model.policy_signals import AlertSignal, Signal
from shared.model.policy_triggers import TriggerEntry, Triggers
from shared.model.policy_verify import Verification
from shared.model.quantity import Duration, parse_quantity
from shared.model.strict import Host, Name, Origin, Rhythm, Strict, host_of
from shared.model.trigger import NoData, RollbackTrigger, Tier

WORKLOAD_PATTERN = r"^[a-z][a-z0-9-]{0,39}$"
# The name under which alerts are kept that concern no workload.
UNCLAIMED = "unclaimed"
# The platform carries out at most this many writes as one.
MOST_WRITES = 100
_FOREVER = timedelta(days=365)
_LAST_WORD_KEPT = timedelta(days=7)
# The component that the short form `roads: [...]` of a level steers, and the road that every site with a good slot has.
SITE = "site"
SLOT_SWAP = "slot_swap"
# The component that the roads of `emergency` steer: all of it.
EMERGENCY = "emergency"


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


class Drill(Strict):
    """How a level is rehearsed."""

    on: str | None = Field(
        default=None,
        pattern=WORKLOAD_PATTERN,
        description="A workload on which the level is really carried out, if its own policy says `drill_target: true`; "
        "else nothing is changed.",
    )


class Level(Strict):
    """One rollback level: what it steers by which roads, how long that may take, and what it is verified by."""

    roads: tuple[Name, ...] = Field(default=(), description="Short for `components: {site: [...]}`.")
    components: dict[Name, tuple[Name, ...]] = Field(
        default={}, description="What is steered, each by the fastest of its roads that works."
    )
    emergency: tuple[Name, ...] = Field(default=(), description="Taken when all of that could not be verified.")
    budget: Rhythm = timedelta(seconds=30)
    verify: Verification = Verification()
    readiness: LevelReadiness = LevelReadiness()
    drill: Drill = Drill()
    approval: Approval | None = Field(default=None, description="Who is asked before it begins by itself or by hand.")

    @property
    def steered(self) -> dict[str, tuple[str, ...]]:
        """The roads of each component, as the policy ranks them."""
        short = self.roads or (() if self.components else (SLOT_SWAP,))
        return ({SITE: short} if short else {}) | self.components

    @property
    def all_roads(self) -> tuple[str, ...]:
        """Every road that the level may take."""
        return tuple(dict.fromkeys([*(road for roads in self.steered.values() for road in roads), *self.emergency]))


class Levels(Strict):
    """The levels that this workload has. What a level cannot heal, the next one takes up; after the last, people."""

    traffic: Level = Field(default=Level(), alias="1", description="Level 1: traffic back to the known good.")
    data: Level | None = Field(default=None, alias="2", description="Level 2.")
    platform: Level | None = Field(default=None, alias="3", description="Level 3.")
    recovery: Level | None = Field(default=None, alias="4", description="Level 4.")

    @property
    def by_number(self) -> dict[int, Level]:
        """The levels that there are, lowest first."""
        all_of_them = (self.traffic, self.data, self.platform, self.recovery)
        return {number: level for number, level in enumerate(all_of_them, start=1) if level is not None}

    def above(self, number: int) -> int | None:
        """Return the next level that there is, or `None`."""
        return next((higher for higher in self.by_number if higher > number), None)


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
    promotion: Promotion | None = Field(default=None, description="How a new build goes forward.")
    reach: Reach = Reach()
    readiness: Readiness = Readiness()
    control: ControlRules = Field(default=ControlRules(), description="How the change is told what to do.")
    approvals: Approvals = Field(default=Approvals(), description="Who is asked on account of a trigger.")
    strategies: dict[Name, Strategy] = Field(default={}, description="Plans that are asked for by name.")
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
        for made in ("rules", "all_roads", "swaps_only", "named_hosts"):
            same.__dict__.pop(made, None)
        return same

    @cached_property
    def rules(self) -> tuple[RollbackTrigger, ...]:
        """The triggers as the decision needs them, critical ones first."""
        return tuple(self._rule(tier, entry) for tier, _, entry in self.triggers.by_tier())

    def _rule(self, tier: Tier, entry: TriggerEntry) -> RollbackTrigger:
        signal_name, comparator, threshold = entry.parts
        signal = self.signals[signal_name]
        silent = entry.no_data or (NoData.HOLD if isinstance(signal, AlertSignal) else NoData.BLIND)
        dimension = signal.measures.dimension
        return RollbackTrigger(
            name=entry.name,
            tier=tier,
            signal=signal_name,
            dimension=dimension,
            comparator=comparator,
            threshold=parse_quantity(threshold, dimension),
            hold_for=entry.hold_for,
            at_least=entry.at_least,
            over=entry.over,
            max_gap=_FOREVER if silent is NoData.HOLD else entry.max_gap or 3 * signal.every,
            stale_after=_FOREVER if silent is NoData.HOLD and signal.stale_after is None else signal.patience,
            delay=signal.delay,
            no_data=silent,
        )

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
        rules = [rule for rule in self.rules if rule.signal == signal]
        needs = [level.readiness.fresh.get(signal) for level in self.levels.by_number.values()]
        spans = [fresh.within for fresh in needs if fresh]
        if any(rule.no_data is NoData.HOLD for rule in rules):
            return max([_LAST_WORD_KEPT, *spans])
        spans += [rule.hold_for + rule.over + rule.max_gap for rule in rules]
        kind = self.signals[signal]
        return max(spans, default=timedelta(0)) + kind.delay + 2 * kind.patience + timedelta(minutes=1)


def policy_of(policies: Mapping[str, Policy], workload: str) -> Policy:
    """Return the policy of a workload.

    Raises:
        NotFound: there is none.
    """
    if workload not in policies:
        raise NotFound(f"there is no workload {workload[:80]!r} here")
    return policies[workload]
