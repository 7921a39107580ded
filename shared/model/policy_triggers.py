"""The triggers of a policy as they are written, by tier: each of one kind, which its key tells."""

from typing import Annotated

from pydantic import Tag

from shared.model.policy_conditions.anomaly import AnomalyEntry
from shared.model.policy_conditions.burn import BurnEntry
from shared.model.policy_conditions.concurrent import ConcurrentEntry
from shared.model.policy_conditions.deviation import DeviationEntry
from shared.model.policy_conditions.entry import EntryBase
from shared.model.policy_conditions.forecast import ForecastEntry
from shared.model.policy_conditions.issues import IssuesEntry
from shared.model.policy_conditions.judged import JudgeEntry, SlowerEntry
from shared.model.policy_conditions.more_errors import MoreErrorsEntry
from shared.model.policy_conditions.periods import PeriodsEntry
from shared.model.policy_conditions.pooled import OftenEntry, PooledEntry
from shared.model.policy_conditions.silence import SilenceEntry
from shared.model.policy_conditions.threshold import ThresholdEntry
from shared.model.policy_conditions.trend import TrendEntry
from shared.model.policy_conditions.trips import TripsEntry
from shared.model.strict import Strict, named_by_key
from shared.model.trigger import Tier

_CONDITION_KINDS: dict[str, type[EntryBase]] = {
    "when": ThresholdEntry,
    "periods": PeriodsEntry,
    "pool": PooledEntry,
    "often": OftenEntry,
    "trips": TripsEntry,
    "silent": SilenceEntry,
    "issues": IssuesEntry,
    "trend": TrendEntry,
    "burns": BurnEntry,
    "reaches": ForecastEntry,
    "deviates": DeviationEntry,
    "judge": JudgeEntry,
    "slower": SlowerEntry,
    "anomaly": AnomalyEntry,
    "more_errors": MoreErrorsEntry,
    "worse": ConcurrentEntry,
}
# `periods`, `pool` and `often` say what becomes of the comparison in `when`; `worse` is also a direction.
_GENERAL = frozenset({"when", "worse"})
TriggerEntry = Annotated[
    Annotated[ThresholdEntry, Tag("when")]
    | Annotated[PeriodsEntry, Tag("periods")]
    | Annotated[PooledEntry, Tag("pool")]
    | Annotated[OftenEntry, Tag("often")]
    | Annotated[TripsEntry, Tag("trips")]
    | Annotated[SilenceEntry, Tag("silent")]
    | Annotated[IssuesEntry, Tag("issues")]
    | Annotated[TrendEntry, Tag("trend")]
    | Annotated[BurnEntry, Tag("burns")]
    | Annotated[ForecastEntry, Tag("reaches")]
    | Annotated[DeviationEntry, Tag("deviates")]
    | Annotated[JudgeEntry, Tag("judge")]
    | Annotated[SlowerEntry, Tag("slower")]
    | Annotated[AnomalyEntry, Tag("anomaly")]
    | Annotated[MoreErrorsEntry, Tag("more_errors")]
    | Annotated[ConcurrentEntry, Tag("worse")],
    named_by_key("a trigger names exactly one condition", _CONDITION_KINDS, general=_GENERAL),
]


class Triggers(Strict):
    """Triggers by tier: critical acts, warning asks, investigation pauses the change."""

    critical: tuple[TriggerEntry, ...] = ()
    warning: tuple[TriggerEntry, ...] = ()
    investigation: tuple[TriggerEntry, ...] = ()

    def by_tier(self) -> list[tuple[Tier, int, EntryBase]]:
        """Every trigger with its tier and its place in it."""
        return [(tier, place, entry) for tier in Tier for place, entry in enumerate(getattr(self, tier.value))]
