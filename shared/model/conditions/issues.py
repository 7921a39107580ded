"""Several things that may be wrong, and how many of them are."""

from dataclasses import dataclass
from datetime import timedelta

from shared.model.quantity import Dimension
from shared.model.trigger import Bound


@dataclass(frozen=True, slots=True)
class Issue:
    """One of them: the newest value of a signal is beyond its threshold.

    Attributes:
        fresh: An older value says nothing any more.
    """

    signal: str
    dimension: Dimension
    bound: Bound
    fresh: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Issues:
    """At least so many of the issues are there."""

    issues: tuple[Issue, ...]
    least: int

    @property
    def inputs(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(issue.signal for issue in self.issues))

    @property
    def looks_back(self) -> timedelta:
        return max(issue.fresh for issue in self.issues)
