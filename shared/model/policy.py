"""The policy of one workload, as it is written in `policies/*.yaml`.

These models are strict: an unknown key is an error. Values carry units (`quantity.py`). What needs more than one field
to judge (a trigger on an unknown signal, an impossible threshold) is checked in `policy_checks.py`, so that every
problem is reported with its own place in the file.
"""

import re
from collections.abc import Mapping
from datetime import timedelta
from functools import cached_property
from typing import Annotated, Literal

from pydantic import Field

from shared.errors import NotFound
from shared.model.event import EventKind
from shared.model.policy_signals import AlertSignal, Path, Rhythm, Signal, Strict
from shared.model.quantity import Count, Duration, parse_quantity
from shared.model.trigger import Comparator, NoData, RollbackTrigger, Tier

NAME_PATTERN = r"^[a-z][a-z0-9_]{0,39}$"
WORKLOAD_PATTERN = r"^[a-z][a-z0-9-]{0,39}$"
_WHEN = re.compile(r"(?P<signal>[a-z][a-z0-9_]*)\s*(?P<comparator>>=|<=|>|<)\s*(?P<threshold>\S.*)")
# The name under which alerts are kept that concern no workload.
UNCLAIMED = "unclaimed"
# The platform carries out at most this many writes as one.
MOST_WRITES = 100
_FOREVER = timedelta(days=365)
_LAST_WORD_KEPT = timedelta(days=7)

Name = Annotated[str, Field(pattern=NAME_PATTERN)]


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
    url: str = Field(pattern=r"^https?://[^/\s:]+(:\d{1,5})?$", description="Where users reach it: no path.")
    good_slot: str = Field(pattern=r"^[A-Za-z0-9-]+$", description="The slot that holds the known-good build.")
    build: Build = Build()


class TriggerEntry(Strict):
    """A trigger as it is written: `{name: errors, when: error_rate > 5%, for: 60s, at_least: 20 requests}`."""

    name: Name
    when: str = Field(
        pattern=r"^\s*[a-z][a-z0-9_]*\s*(>=|<=|>|<)\s*\S.*$",
        description="signal, comparator, threshold with unit",
    )
    hold_for: Duration = Field(default=timedelta(0), alias="for", description="Event time that it must hold.")
    at_least: Count = Field(default=1, description="Observations needed before the answer counts.")
    over: Duration = Field(default=timedelta(0), description="Pool samples over this trailing interval (shares only).")
    max_gap: Duration | None = Field(default=None, description="A longer silence restarts the clock; 3 x `every`.")
    no_data: NoData | None = Field(default=None, description="What silence means: blind, or hold the last word.")

    @property
    def parts(self) -> tuple[str, Comparator, str]:
        """Signal name, comparator and threshold as written."""
        found = _WHEN.fullmatch(self.when.strip())
        if found is None:
            raise ValueError(f"{self.when!r} is no condition; write for instance error_rate > 5%")
        return found["signal"], Comparator(found["comparator"]), found["threshold"]


class Triggers(Strict):
    """Triggers by tier: critical acts, warning asks, investigation pauses the change."""

    critical: tuple[TriggerEntry, ...] = ()
    warning: tuple[TriggerEntry, ...] = ()
    investigation: tuple[TriggerEntry, ...] = ()

    def by_tier(self) -> list[tuple[Tier, int, TriggerEntry]]:
        """Every trigger with its tier and its place in it."""
        return [(tier, place, entry) for tier in Tier for place, entry in enumerate(getattr(self, tier.value))]


class Verification(Strict):
    """What must be seen from outside before a level counts as verified."""

    path: Path = "/"
    fresh_clients: int = Field(default=5, ge=1, le=50, description="Fresh clients in one look.")
    looks: int = Field(default=2, ge=1, le=20, description="Consecutive looks that must all be good.")
    look_every: Rhythm = timedelta(seconds=1)
    give_up_after: Rhythm = Field(default=timedelta(seconds=120), description="Then it is partial or failed.")
    timeout: Rhythm = timedelta(seconds=5)


class Level(Strict):
    """One rollback level: how long it may take, and what it is verified by. There is one road yet, the slot swap."""

    roads: tuple[Literal["slot_swap"], ...] = Field(default=("slot_swap",), min_length=1)
    budget: Rhythm = timedelta(seconds=30)
    swap_give_up_after: Rhythm = Field(
        default=timedelta(minutes=20), description="A swap that has not ended by then is handed to people."
    )
    verify: Verification = Verification()


class Levels(Strict):
    """The levels that this workload has."""

    traffic: Level = Field(default=Level(), alias="1", description="Level 1: traffic back to the known-good build.")


class Guards(Strict):
    """What keeps the controller itself from doing harm."""

    cool_down: Rhythm = Field(default=timedelta(minutes=15), description="No automatic rollback this soon after one.")
    observe_only: bool = Field(default=False, strict=True, description="Decide and tell, but do nothing.")
    blind_page_after: Duration = Field(default=timedelta(seconds=60), description="Page when blind for this long.")


class Notify(Strict):
    """Who hears of what. A channel is `kind:name`; its address is the app setting CHANNEL_<KIND>_<NAME>."""

    to: tuple[Annotated[str, Field(pattern=r"^webhook:[a-z][a-z0-9_]*$")], ...] = ()
    on: tuple[EventKind, ...] = (
        EventKind.DECIDED,
        EventKind.ASKED,
        EventKind.PAUSED,
        EventKind.HELD_BACK,
        EventKind.BLIND,
        EventKind.SIGHTED,
        EventKind.VERIFIED,
        EventKind.PARTIAL,
        EventKind.FAILED,
        EventKind.REFUSED,
    )


class Policy(Strict):
    """Everything that the controller knows about one workload."""

    workload: str = Field(pattern=WORKLOAD_PATTERN)
    description: str = ""
    site: Site
    signals: dict[Name, Signal] = Field(min_length=1)
    triggers: Triggers
    levels: Levels = Levels()
    guards: Guards = Guards()
    notify: Notify = Notify()

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

    def horizon(self, signal: str) -> timedelta:
        """How far back the samples of a signal can still matter."""
        rules = [rule for rule in self.rules if rule.signal == signal]
        if any(rule.no_data is NoData.HOLD for rule in rules):
            return _LAST_WORD_KEPT
        spans = [rule.hold_for + rule.over + rule.max_gap for rule in rules]
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
