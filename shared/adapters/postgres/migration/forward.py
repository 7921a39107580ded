"""Migrates a database: point, scripts in one transaction, what must hold, commit, what must hold again.

A commit is final, so what must hold is asked before it, within the transaction, and after it, by a connection that
sees what everybody sees. Whoever is stopped in between leaves scripts that are applied and not validated: the next run
begins with these. What is taken back after a commit is so by scripts that undo it, or by people from the restore point.
"""

from collections.abc import Sequence
from time import sleep

from psycopg import Connection

from shared.adapters.postgres.migration.back import made_up, take_back, undo
from shared.adapters.postgres.migration.job import Job, brought_to_end, must_hold, needs_people, rolled_back, with_tried
from shared.adapters.postgres.migration.records import (
    applied_scripts,
    prepare_migrations,
    record_applied,
    record_validated,
    restore_points,
)
from shared.adapters.postgres.migration.rules import check_rules, failed
from shared.adapters.postgres.migration.scripts import Ran, run_scripts
from shared.adapters.postgres.migration.session import look, only_migration
from shared.adapters.postgres.migration.transaction import Tried
from shared.adapters.postgres.server.session import Rows, translated
from shared.decision.migration_plan import changed, pending, without_undo
from shared.decision.migration_refusals import refusals
from shared.errors import ControllerError, PermanentError, Refused, TransientError
from shared.model.migration import Applied, MigrationOutcome, MigrationStatus, RestorePoint, Script, Verdict


def migrate(job: Job, point: str = "") -> MigrationOutcome:
    """Apply the scripts that a database has not taken yet.

    Args:
        point: Name of the restore point before them; made up if empty.

    Raises:
        Refused: something stands against it; nothing was changed.
        TransientError, PermanentError: the database does not answer, or does not let us; nothing was changed.
    """
    with only_migration(job.access, job.limits) as connection:
        look(connection, job.access.called)
        left, applied = _left(job, connection)
        open_ones = [one for one in applied if not one.validated]
        if open_ones:
            job.progress.say(f"applied before, and not validated yet: {', '.join(one.name for one in open_ones)}")
        if open_ones or not left:
            settled = _settle(job, connection, open_ones)
            if settled.status is not MigrationStatus.COMMITTED or not left:
                return settled
        return _apply(job, connection, left, point or made_up(left[0].name))


def rehearse(job: Job) -> MigrationOutcome:
    """Run the scripts that are left, roll all of it back, and say how long it took and what was locked.

    Locks are held and sequences go on as if it were meant.

    Raises:
        Refused, TransientError, PermanentError: as of `migrate`.
    """
    with only_migration(job.access, job.limits) as connection:
        look(connection, job.access.called)
        left, _ = _left(job, connection)
        try:
            tried = job.transaction(connection).do(lambda within: _run(job, within, left), keep=False)
        except PermanentError as error:
            return rolled_back(error, None)
        says = f"{_names(left)} would be applied, and what must hold did; all of it was rolled back"
        return with_tried(tried, MigrationOutcome(status=MigrationStatus.REHEARSED, says=says))


def take_back_to(job: Job, to: str) -> MigrationOutcome:
    """Take back every script that was applied since a restore point.

    Raises:
        Refused: there is no such point; nothing was changed.
        TransientError, PermanentError: as of `migrate`.
    """
    with only_migration(job.access, job.limits) as connection:
        look(connection, job.access.called)
        applied = applied_scripts(connection)
        points = {point.name: point for point in restore_points(connection)}
        if to not in points:
            raise Refused(f"there is no restore point {to}; there are: {', '.join(points) or 'none'}")
        back = [one for one in applied if points[one.restore_point].at >= points[to].at]
        missing = without_undo(job.scripts, [one.name for one in back])
        problems = changed(job.scripts, back)
        if problems:
            raise Refused("; ".join(problems))
        if missing:
            says = f"nothing undoes {', '.join(missing)}, and nothing was changed; a restore goes back to {points[to]}"
            return needs_people(says, points[to])
        if not back:
            return MigrationOutcome(status=MigrationStatus.COMMITTED, says=f"nothing was applied since {to}")
        return undo(job, connection, back, points[to])


def _left(job: Job, connection: Connection[Rows]) -> tuple[list[Script], list[Applied]]:
    applied = applied_scripts(connection)
    left, problems = pending(job.scripts, applied)
    problems += refusals(left)
    problems += refusals([script.undo for script in reversed(left) if script.undo is not None])
    if problems:
        raise Refused("; ".join(problems))
    return left, applied


def _apply(job: Job, connection: Connection[Rows], left: Sequence[Script], name: str) -> MigrationOutcome:
    prepare_migrations(connection)
    point = job.point(connection, name)
    names = [script.name for script in left]

    def work(within: Connection[Rows]) -> Ran:
        ran = _run(job, within, left)
        record_applied(within, left, point.name, job.begun_by(within))
        return ran

    def commit() -> Tried:
        return job.transaction(connection).do(work)

    def then(again: Connection[Rows]) -> MigrationOutcome:
        job.progress.say(f"committed: {', '.join(names)}")
        return _settle(job, again, [_applied(script, point) for script in left])

    return brought_to_end(job, connection, commit, lambda stand: stand.issuperset(names), then, point)


def _applied(script: Script, point: RestorePoint) -> Applied:
    return Applied(name=script.name, sha256=script.sha256, restore_point=point.name, validated=False)


def _run(job: Job, connection: Connection[Rows], left: Sequence[Script]) -> Ran:
    ran = run_scripts(connection, left, job.limits, job.progress)
    must_hold(connection, job.rules)
    return ran


def _settle(job: Job, connection: Connection[Rows], applied: Sequence[Applied]) -> MigrationOutcome:
    """Validate what was committed, and take it back if it does not hold; whatever happens, it is said what is true."""
    try:
        with translated(job.access.called):
            return _settled(job, connection, applied)
    except (ControllerError, KeyboardInterrupt) as error:
        said = str(error) or "it was stopped"
        if not applied:
            return needs_people(f"nothing is left to apply, and it was not validated ({said}): run it again", None)
        return needs_people(f"committed, and not validated ({said}): run it again, it begins with that", None)


def _settled(job: Job, connection: Connection[Rows], applied: Sequence[Applied]) -> MigrationOutcome:
    sleep(job.limits.settle.total_seconds() if applied else 0)
    verdicts = _validated(job, applied)
    why = f"it does not hold: {'; '.join(failed(verdicts))}"
    points = {point.name: point for point in restore_points(connection)}
    if not failed(verdicts):
        says = f"{_names(applied)} applied" if applied else "nothing is left to apply"
        return MigrationOutcome(
            status=MigrationStatus.COMMITTED,
            says=f"{says}; validations that hold: {len(verdicts)}",
            restore_point=points[applied[0].restore_point] if applied else None,
            verdicts=verdicts,
        )
    if not applied:
        return needs_people(f"nothing is left to apply, and {why}", None)
    return take_back(job, connection, applied, points[applied[0].restore_point], why)


def _validated(job: Job, applied: Sequence[Applied]) -> tuple[Verdict, ...]:
    with job.access.connected(statement=job.limits.statement, lock=job.limits.lock) as fresh:
        verdicts = check_rules(fresh, job.rules)
        passing = [verdict for verdict in verdicts if verdict.passing]
        if passing:  # nothing is taken back for that
            raise TransientError("; ".join(failed(passing)))
        if applied and not failed(verdicts):
            record_validated(fresh, [one.name for one in applied])
        return verdicts


def _names(scripts: Sequence[Script] | Sequence[Applied]) -> str:
    return ", ".join(script.name for script in scripts) or "nothing"
