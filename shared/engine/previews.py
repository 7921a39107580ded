"""What a level would do to the rows of databases, looked at now for whoever asks; nothing is changed or kept.

How many rows go back is told, and what could be lost; whether it would begin by itself, takes people, or is refused;
and whether it fits into the level's budget. The digest of each database is what an approval is bound to.
"""

from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import timedelta

from shared.decision.asking import approval_rule
from shared.decision.data_limits import databases_of, loss_limitation
from shared.engine.incidents import outcome_of
from shared.engine.records import snapshot
from shared.errors import ControllerError
from shared.model.checkpoint import DatabaseCheckpoint, Foreseen
from shared.model.data_preview import DataPreview
from shared.model.level_ahead import Begins, DatabaseAhead, LevelAhead
from shared.model.policy import Policy, policy_of
from shared.model.policy_data import Database
from shared.model.policy_levels import Level
from shared.ports import Ledger
from shared.ports import Previews as PreviewPort

_WITHIN = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class LookAhead:
    """The use case. `pool` looks at several databases at once."""

    ledger: Ledger
    previews: PreviewPort
    policies: Callable[[], Mapping[str, Policy]]
    pool: Executor

    def of(self, workload: str, number: int) -> LevelAhead:
        """Look what a level would do now.

        Raises:
            NotFound: no such workload, or it has no such level.
            TransientError, PermanentError: the storage does not answer; a record cannot be read.
        """
        policy = policy_of(self.policies(), workload)
        level = policy.level(number)
        found = snapshot(self.ledger, workload).checkpoints.by_database
        names = databases_of(policy, level.all_roads)
        asked = {
            name: self.pool.submit(self._look, name, policy.databases[name], found[name])
            for name in names
            if name in found and found[name].stands
        }
        ahead = []
        for name in names:
            if name not in asked:
                ahead.append(_ahead(name, policy.databases[name], _no_checkpoint(found.get(name))))
                continue
            told = outcome_of(asked[name], f"preview of {name}")
            ahead.append(_ahead(name, policy.databases[name], told))
        return _level_ahead(policy, number, level, tuple(ahead))

    def _look(self, name: str, database: Database, checkpoint: DatabaseCheckpoint) -> DataPreview:
        return self.previews.preview(name, database, checkpoint.key, _WITHIN)


def _no_checkpoint(found: DatabaseCheckpoint | None) -> str:
    return found.sentence if found else "there is no checkpoint: no change began since this database was named"


def _ahead(name: str, database: Database, told: DataPreview | ControllerError | str) -> DatabaseAhead:
    if not isinstance(told, DataPreview):
        why = f"nobody can tell: {told}" if isinstance(told, ControllerError) else told
        return DatabaseAhead(database=name, says=f"{name}: {why}", why_not=why)
    return DatabaseAhead(
        database=name,
        says=str(told),
        digest=told.digest,
        why_not=loss_limitation(database.loss, Foreseen.of(told, timedelta(0)), ()),
        lost=told.lost,
        behind=told.behind,
        noted=tuple(str(finding) for finding in told.findings),
        preview=told,
    )


def _level_ahead(policy: Policy, number: int, level: Level, ahead: tuple[DatabaseAhead, ...]) -> LevelAhead:
    known = [one.preview.takes for one in ahead if one.preview is not None]
    takes = max(known, default=None) if len(known) == len(ahead) else None
    begins, why = _begins(policy, number, ahead)
    said = "; ".join(one.says for one in ahead)
    return LevelAhead(
        workload=policy.workload,
        level=number,
        begins=begins,
        says=f"{said}; {why}" if ahead else f"level {number} takes no rows back",
        budget=level.budget,
        takes=takes,
        fits=takes <= level.budget if takes is not None else None,
        databases=ahead,
    )


def _begins(policy: Policy, number: int, ahead: tuple[DatabaseAhead, ...]) -> tuple[Begins, str]:
    """Say how it would begin: what cannot be agreed to is refused, whatever else is asked."""
    for one in ahead:
        limit = policy.databases[one.database].loss
        stands = one.preview is None or one.preview.why_not is not None
        if one.why_not is not None and (stands or limit.above == "refuse"):
            return Begins.REFUSED, f"the rows of {one.database} would not go back: {one.why_not}"
    if approval_rule(policy, number) is not None:
        return Begins.ASKS, f"level {number} takes an approval"
    asks = next((one.why_not for one in ahead if one.why_not is not None), None)
    return (Begins.ASKS, asks) if asks else (Begins.BY_ITSELF, f"level {number} begins by itself")
