"""Takes scripts back that were committed: those that undo them, in reverse, in one transaction.

What held at the restore point must hold again; of other rules nobody knows whether they are for the old schema.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from psycopg import Connection

from shared.adapters.postgres.migration.job import Job, brought_to_end, must_hold, needs_people
from shared.adapters.postgres.migration.records import record_undone
from shared.adapters.postgres.migration.scripts import Ran, run_scripts
from shared.adapters.postgres.migration.transaction import Tried
from shared.adapters.postgres.server.session import Rows, translated
from shared.decision.migration_plan import without_undo
from shared.decision.migration_refusals import refusals
from shared.errors import ControllerError, Refused
from shared.model.migration import Applied, MigrationOutcome, MigrationStatus, RestorePoint, Script

_LONGEST_NAME = 63
_RESTORE = "level 4 or a point-in-time restore goes back to {}"


def made_up(before: str) -> str:
    """Return a name for a restore point that no other has."""
    now = f"_{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}"
    return f"before_{before.removesuffix('.sql')}"[: _LONGEST_NAME - len(now)] + now


def take_back(
    job: Job, connection: Connection[Rows], applied: Sequence[Applied], to: RestorePoint, why: str
) -> MigrationOutcome:
    """Take back what was committed and does not hold.

    Args:
        to: The restore point before it.
        why: What does not hold.
    """
    missing = without_undo(job.scripts, [one.name for one in applied])
    if missing:
        return needs_people(f"committed, and {why}; nothing undoes {', '.join(missing)}: {_RESTORE.format(to)}", to)
    job.progress.say(f"committed, and {why}: taking it back")
    try:
        with translated(job.access.called):
            outcome = undo(job, connection, applied, to)
    except (ControllerError, KeyboardInterrupt) as error:
        said = str(error) or "it was stopped"
        outcome = needs_people(f"it could not be taken back: {said}: {_RESTORE.format(to)}", to)
    if outcome.status is not MigrationStatus.COMMITTED:
        return replace(outcome, says=f"committed, and {why}; {outcome.says}")
    return replace(outcome, status=MigrationStatus.UNDONE, says=f"{why}; {outcome.says}")


def undo(job: Job, connection: Connection[Rows], applied: Sequence[Applied], to: RestorePoint) -> MigrationOutcome:
    """Run what undoes some scripts; there is one for each.

    Raises:
        Refused: one of these cannot run in a transaction; nothing was changed.
    """
    names = [one.name for one in reversed(applied)]
    scripts = _undoing(job.scripts, names)
    rules = {name: rule for name, rule in job.rules.items() if name in to.held}
    before = job.point(connection, made_up(f"undo_{names[-1]}"))

    def work(within: Connection[Rows]) -> Ran:
        ran = run_scripts(within, scripts, job.limits, job.progress)
        must_hold(within, rules)
        record_undone(within, names, job.begun_by(within))
        return ran

    def commit() -> Tried:
        return job.transaction(connection).do(work)

    def done(_: Connection[Rows]) -> MigrationOutcome:
        holds = f"; {len(rules)} of {len(job.rules)} validations held at {to.name}, and hold again" if job.rules else ""
        says = f"taken back: {', '.join(names)}{holds}"
        return MigrationOutcome(status=MigrationStatus.COMMITTED, says=says, restore_point=before)

    outcome = brought_to_end(job, connection, commit, lambda stand: stand.isdisjoint(names), done, before)
    if outcome.status is MigrationStatus.COMMITTED:
        return outcome
    return needs_people(f"it could not be taken back: {outcome.says}: {_RESTORE.format(to)}", to)


def _undoing(scripts: Sequence[Script], names: Sequence[str]) -> list[Script]:
    by_name = {script.name: script.undo for script in scripts}
    undoing = [undo for undo in map(by_name.get, names) if undo is not None]
    problems = refusals(undoing)
    if problems:
        raise Refused("; ".join(problems))
    return undoing
