"""The triggers of a policy as they are written, by tier."""

import re
from datetime import timedelta
from typing import Literal

from pydantic import Field

from shared.model.quantity import Count, Duration
from shared.model.strict import Name, Strict
from shared.model.trigger import Comparator, NoData, Tier

_WHEN = re.compile(r"(?P<signal>[a-z][a-z0-9_]*)\s*(?P<comparator>>=|<=|>|<)\s*(?P<threshold>\S.*)")


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
    does: Literal["roll_back", "ask", "pause", "slow"] | None = Field(
        default=None, description="What follows when it fires, of what its tier may do."
    )
    strategy: Name | None = Field(default=None, description="The plan by which it is taken back.")
    only_while: Literal["change"] | None = Field(
        default=None, alias="while", description="Counts only while a change is in progress."
    )
    once: Literal["change"] | None = Field(default=None, description="Decides once on each change.")

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
