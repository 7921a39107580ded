"""Recall, false alarms and delay of a detector, with exact bounds; and what tuning on folds would have chosen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from bench.detection.episodes import Episode
from bench.detection.folds import FOLDS
from bench.detection.triggers import Alarm
from shared.decision.conditions.beta import lower_bound, upper_bound

_EACH_SIDE = 0.025
_MOST_FALSE_ALARMS = 0.02

type Alarms = Mapping[str, Alarm | None]


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many, with the exact 95 % bounds of Clopper and Pearson."""

    hits: int
    of: int

    @property
    def rate(self) -> float:
        return self.hits / self.of if self.of else 0.0

    def line(self) -> dict[str, Any]:
        """Return what is printed."""
        if not self.of:
            return {"of": 0}
        low, high = lower_bound(self.hits, self.of, _EACH_SIDE), upper_bound(self.hits, self.of, _EACH_SIDE)
        return {"hits": self.hits, "of": self.of, "share": round(self.rate, 4), "95%": [round(low, 4), round(high, 4)]}


def share_of(episodes: Sequence[Episode], alarms: Alarms, kind: str) -> Share:
    """Return in how many watches of a kind there was an alarm."""
    of_kind = [episode for episode in episodes if episode.kind == kind]
    return Share(sum(alarms[episode.id] is not None for episode in of_kind), len(of_kind))


def scored(episodes: Sequence[Episode], alarms: Alarms) -> dict[str, Any]:
    """Return what a detector reached."""
    found = [alarm for episode in episodes if episode.visible and (alarm := alarms[episode.id])]
    minutes = [alarm.after.total_seconds() / 60 for alarm in found]
    return {
        "recall": share_of(episodes, alarms, "visible").line(),
        "false_alarms": share_of(episodes, alarms, "quiet").line(),
        "hidden_faults": share_of(episodes, alarms, "hidden").line(),
        "median_delay_min": round(median(minutes), 1) if minutes else None,
        "missed": [episode.id for episode in episodes if episode.visible and not alarms[episode.id]],
        "false": [episode.id for episode in episodes if episode.kind == "quiet" and alarms[episode.id]],
    }


def tuned(episodes: Sequence[Episode], by_level: Mapping[float, Alarms], groups: Mapping[str, str]) -> list[Any]:
    """Choose the level on all groups but one, judge that one, and so for each; then all of them together.

    Args:
        by_level: The alarms of every level that may be chosen.
        groups: The group of each episode.
    """
    lines = []
    together: dict[str, Alarm | None] = {}
    for group in sorted(set(groups.values())):
        apart = [episode for episode in episodes if groups[episode.id] == group]
        level = _chosen([episode for episode in episodes if groups[episode.id] != group], by_level)
        together |= {episode.id: by_level[level][episode.id] for episode in apart}
        lines.append({"judged": group, "level": level, **scored(apart, by_level[level])})
    return [*lines, {"judged": "all, each by what was chosen without it", **scored(episodes, together)}]


def _chosen(episodes: Sequence[Episode], by_level: Mapping[float, Alarms]) -> float:
    """The strictest level of those with the best recall, of those that alarm falsely seldom enough."""

    def worth(level: float) -> tuple[bool, float, float]:
        alarms = by_level[level]
        seldom = share_of(episodes, alarms, "quiet").rate <= _MOST_FALSE_ALARMS
        return seldom, share_of(episodes, alarms, "visible").rate, -level

    return max(by_level, key=worth)


def by_fold(episodes: Sequence[Episode]) -> dict[str, str]:
    """Return the fold of each episode."""
    return {episode.id: f"fold {episode.fold + 1} of {FOLDS}" for episode in episodes}


def by_system(episodes: Sequence[Episode]) -> dict[str, str]:
    """Return the system of each episode."""
    return {episode.id: episode.system for episode in episodes}
