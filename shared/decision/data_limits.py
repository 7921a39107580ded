"""What may stay behind when rows go back: the policy's limit, and what people agreed to above it."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import timedelta

from shared.model.ask import Agreeing
from shared.model.checkpoint import Checkpoints, DatabaseCheckpoint, Foreseen
from shared.model.policy import Policy
from shared.model.policy_data import LossLimit
from shared.model.policy_levels import Level
from shared.model.policy_roads import DataSyncRoad
from shared.model.run import Run, RunStatus, StepPhase

_HARDLY, _SELDOM, _OFTEN = timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=5)
# In the evidence of a step that brought rows back: of which database.
DATABASE = "database"


def databases_of(policy: Policy, roads: Iterable[str]) -> tuple[str, ...]:
    """Return the databases whose rows some roads take back."""
    found = (policy.all_roads.get(road) for road in roads)
    return tuple(dict.fromkeys(road.data_sync for road in found if isinstance(road, DataSyncRoad)))


def loss_limitation(limit: LossLimit, ahead: Foreseen, agreed: Collection[str]) -> str | None:
    """Return why rows may not go back as it is foreseen, or `None`."""
    if ahead.why_not is not None:
        return ahead.why_not
    if ahead.lost <= limit.rows:
        return None
    if limit.above == "ask" and ahead.digest in agreed:
        return None
    behind, allowed = "; ".join(ahead.behind), f"the policy lets {limit.rows:,} stay behind"
    if limit.above == "refuse":
        return f"{allowed}: {behind}"
    other = "what people agreed to was less, or something else" if agreed else "nobody agreed to more"
    return f"{allowed}, and {other}: {behind}"


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
    return Agreeing(digest=found.foreseen.digest, says=says, behind=found.foreseen.behind)


def _foreseen(policy: Policy, level: Level, checkpoints: Checkpoints) -> Iterator[tuple[str, DatabaseCheckpoint]]:
    for name in databases_of(policy, level.all_roads):
        found = checkpoints.by_database.get(name)
        if found is not None:
            yield name, found


def preview_every(cost: timedelta, *, asked: bool = False, over: bool = False) -> timedelta:
    """Return how often it is worth while to look ahead: a twentieth of the time, a quarter of it while people decide.

    Args:
        cost: How long it took last.
        over: The change has ended, and nobody is expected to go on with it.
    """
    if asked:
        return max(_OFTEN, 4 * cost)
    return max(_HARDLY if over else _SELDOM, 20 * cost)


def brought_back(run: Run, database: str) -> bool:
    """Tell whether a run brought the rows of a database back, and proved it."""
    return database in [step.evidence.get(DATABASE) for step in run.steps if step.phase is StepPhase.DONE]


def say_rows(policy: Policy, run: Run, status: RunStatus, checkpoints: Checkpoints) -> str:
    """Say what an outcome must not leave out of rows: where they are, and whether writers are kept out of them."""
    back = [name for name in policy.databases if brought_back(run, name)]
    if back and status is not RunStatus.VERIFIED:
        return f"; rows of {', '.join(back)} are back on the source, and writers are kept off the target"
    known = {name: checkpoints.by_database.get(name) for name in policy.databases if name not in back}
    left = [
        f"{found.foreseen.changes:,} rows of {name} stay on the target alone"
        for name, found in known.items()
        if found is not None and found.stands and found.foreseen is not None and found.foreseen.changes
    ]
    return f"; {'; '.join(left)}" if left else ""
