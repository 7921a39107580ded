"""What may stay behind when rows go back: the policy's limit, and what people agreed to above it."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import timedelta

from shared.model.ask import Agreeing
from shared.model.checkpoint import Checkpoints, DatabaseCheckpoint
from shared.model.data_preview import DataPreview
from shared.model.policy import Policy
from shared.model.policy_data import LossLimit
from shared.model.policy_levels import Level
from shared.model.policy_roads import DataSyncRoad

_SELDOM, _OFTEN = timedelta(minutes=1), timedelta(seconds=5)


def databases_of(policy: Policy, roads: Iterable[str]) -> tuple[str, ...]:
    """Return the databases whose rows some roads take back."""
    found = (policy.all_roads.get(road) for road in roads)
    return tuple(dict.fromkeys(road.data_sync for road in found if isinstance(road, DataSyncRoad)))


def loss_limitation(limit: LossLimit, preview: DataPreview, agreed: Collection[str]) -> str | None:
    """Return why rows may not go back as a preview says that they would, or `None`."""
    if preview.why_not is not None:
        return preview.why_not
    if preview.lost <= limit.rows:
        return None
    if limit.above == "ask" and preview.digest in agreed:
        return None
    lost = "; ".join(f"{loss.about}: {loss.what} ({loss.rows:,})" for loss in preview.losses)
    allowed = f"the policy lets {limit.rows:,} stay behind"
    if limit.above == "refuse":
        return f"{allowed}: {lost}"
    other = "what people agreed to was less, or something else" if agreed else "nobody agreed to more"
    return f"{allowed}, and {other}: {lost}"


def takes_people(policy: Policy, level: Level, checkpoints: Checkpoints) -> str | None:
    """Return why a level must not begin unasked: it would leave behind more than the policy lets it; or `None`."""
    for name, found in _foreseen(policy, level, checkpoints):
        limit = policy.databases[name].loss
        if found.foreseen is not None and found.foreseen.lost > limit.rows and limit.above == "ask":
            return found.foreseen.says
    return None


def agreeing(
    policy: Policy, roads: Mapping[str, tuple[str, ...]], checkpoints: Checkpoints
) -> dict[str, Agreeing] | None:
    """Return what people would agree to of the rows that some roads take back; `None` when they take back none."""
    names = databases_of(policy, (road for several in roads.values() for road in several))
    return {name: _agreeing(name, checkpoints.by_database.get(name)) for name in names} or None


def _agreeing(name: str, found: DatabaseCheckpoint | None) -> Agreeing:
    if found is None or found.foreseen is None:
        why = f": {found.sentence}" if found else ""
        return Agreeing(digest="", says=f"{name}: nobody knows what would become of them{why}")
    says = f"{found.foreseen.says}, as of {found.foreseen.at:%H:%M:%S} UTC"
    return Agreeing(digest=found.foreseen.digest, says=says)


def _foreseen(policy: Policy, level: Level, checkpoints: Checkpoints) -> Iterator[tuple[str, DatabaseCheckpoint]]:
    for name in databases_of(policy, level.all_roads):
        found = checkpoints.by_database.get(name)
        if found is not None:
            yield name, found


def preview_every(cost: timedelta, *, asked: bool = False) -> timedelta:
    """Return how often it is worth while to look ahead: a twentieth of the time, a quarter of it while people decide.

    Args:
        cost: How long it took last.
    """
    return max(_OFTEN, 4 * cost) if asked else max(_SELDOM, 20 * cost)
