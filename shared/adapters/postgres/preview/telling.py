"""What people must know beside the numbers of a preview: what nobody knows, what has changed, what is damaged."""

from collections.abc import Iterator
from dataclasses import replace

from shared.adapters.postgres.capture.snapshot import Checkpoint
from shared.adapters.postgres.checkpoint.content import fingerprint
from shared.adapters.postgres.checkpoint.logs import SourceLog
from shared.adapters.postgres.server.sides import Sides
from shared.adapters.postgres.way_back.judging import judge
from shared.adapters.postgres.way_back.unexplained import known_damage
from shared.errors import PermanentError
from shared.model.data_preview import Loss, Readable
from shared.model.policy_data import Database
from shared.model.sync import Conflicts, Finding, Severity

_FEW_KEYS = 3


def noted(sides: Sides, checkpoint: Checkpoint, log: SourceLog, by: Conflicts) -> Iterator[Finding]:
    """Yield what people must know of tables, by name.

    Args:
        by: What becomes of rows that were changed on both sides: where it stops for them, so it does for what may be.
    """
    severity = Severity.BLOCKS if by is Conflicts.STOP else Severity.NOTED
    for name, why in log.unseen.items():
        what = f"nobody knows whether its rows were changed on the source as well: {why}"
        yield Finding(severity=severity, about=name, what=what)
    then = checkpoint.content["tables"]
    for of in sides.plan.tables:
        name = str(of.name)
        if name not in then:
            yield _noted(name, "it was not there, or not taken, at the checkpoint")
        elif then[name]["definition"] != fingerprint(sides.there.tables[of.name]):
            yield _noted(name, "its definition on the target has changed since the checkpoint")
    for name, keys in known_damage(sides.target, checkpoint.id).items():
        few = ", ".join(f"({', '.join(key)})" for key in keys[:_FEW_KEYS])
        yield _noted(name, f"{len(keys):,} of its rows differ that nobody wrote, as the search for damage found: {few}")


def readable(sides: Sides, database: Database) -> Readable | None:
    """Say whether the old build can read the source as it is now: that will use it, so it is asked there."""
    if database.readable is None:
        return None
    try:
        got = judge(sides.source, "readable", database.readable)
    except PermanentError as error:
        return Readable(ok=False, says=f"the old build may not be able to read the source as it is now: {error}")
    return Readable(ok=True, says=f"the old build can read the source as it is now: {got}")


def cannot_go(error: PermanentError) -> Finding:
    """Return what stands against a table, as it was said with the table's or the column's name before it."""
    about, _, what = str(error).partition(": ")
    return replace(_noted(about, what), severity=Severity.BLOCKS)


def stays_behind(loss: Loss) -> Finding:
    """Return what is said of rows that would stay behind; it is only worth telling where none were written."""
    return Finding(severity=Severity.LOSES if loss.rows else Severity.NOTED, about=loss.about, what=loss.what)


def _noted(about: str, what: str) -> Finding:
    return Finding(severity=Severity.NOTED, about=about, what=what)
