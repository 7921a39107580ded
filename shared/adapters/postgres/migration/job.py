"""What a migration goes by, and what its way forward and its way back have in common."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from psycopg import Connection, errors

from shared.adapters.postgres.migration.records import applied_scripts, make_point
from shared.adapters.postgres.migration.rules import check_rules, failed
from shared.adapters.postgres.migration.session import found_again
from shared.adapters.postgres.migration.transaction import Transaction, Tried
from shared.adapters.postgres.server.session import Access, Rows
from shared.errors import ControllerError, OutcomeUnknown, PermanentError, Refused
from shared.model.migration import Limits, MigrationOutcome, MigrationStatus, Progress, RestorePoint, Script
from shared.model.policy_data import Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """The scripts of one database, and what must hold after them.

    Attributes:
        by: Who asked for it; the role of the connection if empty.
    """

    access: Access
    scripts: Sequence[Script]
    rules: Mapping[str, Rule]
    limits: Limits
    progress: Progress
    by: str = ""

    def begun_by(self, connection: Connection[Rows]) -> str:
        return self.by or connection.info.user

    def transaction(self, connection: Connection[Rows]) -> Transaction:
        return Transaction(connection, self.limits, self.progress)

    def point(self, connection: Connection[Rows], name: str) -> RestorePoint:
        """Make a restore point, with which of the rules hold at it.

        Raises:
            Refused: there is one of that name.
        """
        held = [verdict.name for verdict in check_rules(connection, self.rules) if verdict.holds]
        try:
            point = make_point(connection, name, held)
        except errors.UniqueViolation:
            raise Refused(f"there is a restore point {name} already; give another name") from None
        self.progress.say(str(point))
        return point


def must_hold(connection: Connection[Rows], rules: Mapping[str, Rule]) -> None:
    """Ask within a transaction whether rules hold.

    Raises:
        PermanentError: some do not; it names them with what was expected and what was found.
    """
    broken = failed(check_rules(connection, rules))
    if broken:
        raise PermanentError(f"it does not hold: {'; '.join(broken)}")


def brought_to_end(
    job: Job,
    connection: Connection[Rows],
    commit: Callable[[], Tried],
    landed: Callable[[set[str]], bool],
    then: Callable[[Connection[Rows]], MigrationOutcome],
    point: RestorePoint,
) -> MigrationOutcome:
    """Commit, and go on from what is true then, heard of or read back.

    Args:
        landed: Tells by the names of the scripts that stand as applied.
        then: What comes after the commit, on a connection that keeps other migrations out.
        point: The restore point before it.
    """
    pid = connection.info.backend_pid
    try:
        tried = commit()
    except PermanentError as error:
        return rolled_back(error, point)
    except OutcomeUnknown as error:
        job.progress.say(f"{error}: reading back what is true")
        return _read_back(job, error, pid, landed, then, point)
    return with_tried(tried, then(connection))


def _read_back(
    job: Job,
    error: OutcomeUnknown,
    pid: int,
    landed: Callable[[set[str]], bool],
    then: Callable[[Connection[Rows]], MigrationOutcome],
    point: RestorePoint,
) -> MigrationOutcome:
    try:
        with found_again(job.access, job.limits, pid) as connection:
            if not landed({one.name for one in applied_scripts(connection)}):
                return rolled_back(PermanentError(f"{error}; it was read back: it did not take place"), point)
            job.progress.say("it was read back: it is committed")
            return then(connection)
    except ControllerError as lost:
        return needs_people(
            f"{error}, and nobody knows whether it took place ({lost}): run it again to find out", point
        )


def rolled_back(error: ControllerError, point: RestorePoint | None) -> MigrationOutcome:
    says = f"{error}; all of it was rolled back, nothing is left of it"
    return MigrationOutcome(status=MigrationStatus.ROLLED_BACK, says=says, restore_point=point)


def needs_people(says: str, point: RestorePoint | None) -> MigrationOutcome:
    return MigrationOutcome(status=MigrationStatus.NEEDS_PEOPLE, says=says, restore_point=point)


def with_tried(tried: Tried, outcome: MigrationOutcome) -> MigrationOutcome:
    """Add what a transaction did, besides how it ended."""
    return replace(
        outcome,
        scripts=tried.ran.took,
        tries=tried.tries,
        waited_s=tried.waited_s,
        locks=tried.ran.locks,
    )
