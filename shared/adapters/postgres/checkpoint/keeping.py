"""Checkpoints as the engine takes them: one at the start of a change, watched while it runs, ended with it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from psycopg import Connection

from shared.adapters.postgres.capture.snapshot import Checkpoint, load_checkpoint
from shared.adapters.postgres.checkpoint.begin import logged, take
from shared.adapters.postgres.checkpoint.content import differing, unsummed
from shared.adapters.postgres.checkpoint.ending import end_capture
from shared.adapters.postgres.checkpoint.obstacles import obstacles, of_poolers
from shared.adapters.postgres.checkpoint.retention import drop_old
from shared.adapters.postgres.checkpoint.runnable import unrunnable
from shared.adapters.postgres.checkpoint.watching import look_at
from shared.adapters.postgres.server.fence import clear_fences, fenced_tables
from shared.adapters.postgres.server.session import Rows
from shared.adapters.postgres.server.sides import Sides, accesses, read_sides
from shared.adapters.postgres.server.subscriptions import of_subscriptions
from shared.adapters.postgres.slot.limits import slot_limitations
from shared.adapters.postgres.slot.look import look_at_slot
from shared.adapters.postgres.slot.publishing import slot_name
from shared.model.checkpoint import Begun, Watched
from shared.model.policy_data import Capture, Database
from shared.model.sync import Finding, Severity


@dataclass(frozen=True, slots=True)
class PostgresCheckpoints:
    """Fulfils `ports.Checkpointing`.

    Attributes:
        token: Returns a token of the app's identity for Azure's servers.
    """

    token: Callable[[], str]

    def preflight(self, database: Database) -> tuple[Finding, ...]:
        with self._open(database) as (here, there):
            return self._findings(read_sides(here, there, database.sync_rules), database)

    def begin(self, database: Database, checkpoint_id: str) -> Begun:
        with self._open(database) as (here, there):
            sides = read_sides(here, there, database.sync_rules)
            found = _taken(sides, checkpoint_id)
            findings = sides.plan.findings if found else self._findings(sides, database)
            if found is None and any(one.severity is Severity.BLOCKS for one in findings):
                return Begun(taken_at=None, findings=findings)
            mine, theirs = found or take(sides, database.sync_rules, checkpoint_id, database.capture)
            return Begun(taken_at=theirs.taken_at, findings=(*findings, *_of_taken(there, mine, theirs)))

    def watch(self, database: Database, checkpoint_id: str) -> Watched:
        with self._open(database) as (here, there):
            watched = look_at(here, there, checkpoint_id)
            drop_old(here, there, database.keep_images)
            clear_fences(there)
            return watched

    def end(self, database: Database, checkpoint_id: str) -> None:
        with self._open(database) as (here, there):
            for side in (here, there):
                end_capture(side, checkpoint_id)
            drop_old(here, there, database.keep_images)
            clear_fences(there)

    def _findings(self, sides: Sides, database: Database) -> tuple[Finding, ...]:
        source, target = accesses(database, self.token)
        of_capture = [*of_poolers((source, sides.source), (target, sides.target)), *obstacles(sides)]
        blocked = bool(sides.plan.blocking or of_capture)
        of_policy = () if blocked else _of_policy(sides, database)
        return (*sides.plan.findings, *of_capture, *of_policy, *_of_fence(sides.target))

    @contextmanager
    def _open(self, database: Database) -> Iterator[tuple[Connection[Rows], Connection[Rows]]]:
        source, target = accesses(database, self.token)
        rules = database.sync_rules
        waits = {"statement": rules.statement_timeout, "lock": rules.lock_timeout}
        with source.connected(**waits) as here, target.connected(**waits) as there:
            yield here, there


def _taken(sides: Sides, checkpoint_id: str) -> tuple[Checkpoint, Checkpoint] | None:
    """The target's is taken last: when it is there, so is all else."""
    here, there = (load_checkpoint(side, checkpoint_id) for side in (sides.source, sides.target))
    return (here, there) if here is not None and there is not None else None


def _of_taken(target: Connection[Rows], here: Checkpoint, there: Checkpoint) -> Iterator[Finding]:
    kept = 0 if there.content["capture"] == Capture.SLOT else look_at_slot(target, slot_name(target)).kept_bytes
    if kept:
        what = (
            f"the slot {slot_name(target)} of an earlier change is still there, and holds back {kept >> 20} MB of log"
        )
        yield _noted("target", f"{what}: drop it by a role that may")
    for name, why in unsummed(there.content).items():
        rows = there.content["tables"][name]["rows"]
        yield _noted(name, f"about {rows:,} rows were not summed at the checkpoint ({why}): they are when they go back")
    for name in differing(here, there):
        yield _noted(name, "it is not the same on both sides as the checkpoint is taken: what differs goes back, too")


def _of_policy(sides: Sides, database: Database) -> Iterator[Finding]:
    yield from unrunnable(sides.source, database)
    yield from of_subscriptions(sides, database.capture)
    if database.capture is Capture.SLOT:
        yield from slot_limitations(sides.target, logged(sides)[1], slot_name(sides.target))
    if database.capture is Capture.COMPARE:
        yield _noted("target", "nothing is logged (capture: compare): all rows are compared when they go back")


def _of_fence(target: Connection[Rows]) -> Iterator[Finding]:
    fenced = ", ".join(map(str, sorted(fenced_tables(target))))
    if fenced:
        what = f"writers are still kept off {fenced} by the fence of a rollback: it must be released first"
        yield Finding(severity=Severity.BLOCKS, about="target", what=what)


def _noted(about: str, what: str) -> Finding:
    return Finding(severity=Severity.NOTED, about=about, what=what)
