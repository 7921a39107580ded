"""Builds that were taken back: going forward to one again is refused until somebody names it."""

from dataclasses import dataclass, field, replace
from datetime import datetime

from shared.model.quantity import say_moment

_MOST_BUILDS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantined:
    """Why a build is in quarantine.

    Attributes:
        taken_back: A verified rollback took it back; until then it may still have to be.
    """

    since: datetime
    rollback_id: str
    taken_back: bool = False

    def __str__(self) -> str:
        return f"in quarantine since {say_moment(self.since)} by rollback {self.rollback_id}"


@dataclass(frozen=True, slots=True)
class Quarantine:
    """The builds of one workload that are in quarantine, the newest ones."""

    builds: dict[str, Quarantined] = field(default_factory=dict)

    def with_build(self, build: str, why: Quarantined) -> "Quarantine":
        """Return it with one more build; one that is in already keeps its first reason."""
        if not build or build in self.builds:
            return self
        newest = sorted((*self.builds.items(), (build, why)), key=lambda item: item[1].since)[-_MOST_BUILDS:]
        return Quarantine(dict(newest))

    def without(self, build: str) -> "Quarantine":
        """Return it without a build."""
        return Quarantine({name: why for name, why in self.builds.items() if name != build})

    def all_taken_back(self) -> "Quarantine":
        """Return it as it is after a verified rollback: none of its builds is live any more."""
        return Quarantine({name: replace(why, taken_back=True) for name, why in self.builds.items()})
