"""Checkpoints as the engine takes them: one at the start of a change, watched while it runs, ended with it."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from psycopg import Connection

from shared.adapters.postgres.begin import logged, take
from shared.adapters.postgres.checkpoints import Checkpoint, load_checkpoint
from shared.adapters.postgres.content import differing, unsummed
from shared.adapters.postgres.ending import end_capture
from shared.adapters.postgres.fence import fenced_tables
from shared.adapters.postgres.logs import gaps, lost_as_a_whole
from shared.adapters.postgres.retention import drop_old
from shared.adapters.postgres.session import Rows
from shared.adapters.postgres.sides import Sides, accesses, read_sides
from shared.adapters.postgres.slot import slot_name
from shared.adapters.postgres.slot_drain import drain
from shared.adapters.postgres.slot_limits import slot_limitations
from shared.adapters.postgres.slot_look import slot_standing
from shared.adapters.postgres.written import clock, mark_quiet, written_keys
from shared.model.checkpoint import Begun, Watched
from shared.model.policy_data import Capture, Database, Fencing
from shared.model.sync import Finding, Severity

# Of one look: the rest of a slot's log is drained by the next one.
_DRAIN_S = 5.0


@dataclass(frozen=True, slots=True)
class PostgresCheckpoints:
    """Fulfils `ports.Checkpointing`.

    Attributes:
        token: Returns a token of the app's identity for Azure's servers.
    """

    token: Callable[[], str]

    def preflight(self, database: Database) -> tuple[Finding, ...]:
        with self._open(database) as (here, there):
            return _findings(read_sides(here, there, database.sync_rules), database)

    def begin(self, database: Database, checkpoint_id: str) -> Begun:
        with self._open(database) as (here, there):
            sides = read_sides(here, there, database.sync_rules)
            found = _taken(sides, checkpoint_id)
            findings = sides.plan.findings if found else _findings(sides, database)
            if found is None and any(one.severity is Severity.BLOCKS for one in findings):
                return Begun(taken_at=None, findings=findings)
            mine, theirs = found or take(sides, database.sync_rules, checkpoint_id, database.capture)
            return Begun(taken_at=theirs.taken_at, findings=(*findings, *_of_taken(mine, theirs)))

    def watch(self, database: Database, checkpoint_id: str) -> Watched:
        with self._open(database) as (here, there):
            found, lost = lost_as_a_whole(there, checkpoint_id)
            if found is None or lost:
                return Watched(lost=f"target: {lost}", keys=0)
            now = clock(there)
            reasons = [*_of_target(there, found), *_of_source(here, checkpoint_id)]
            keys = written_keys(there, found)
            if not keys:
                mark_quiet(there, found, now)
            drop_old(here, database.keep_images)
            return Watched(lost="; ".join(reasons) or None, keys=keys)

    def end(self, database: Database, checkpoint_id: str) -> None:
        with self._open(database) as sides:
            for side in sides:
                end_capture(side, checkpoint_id)

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


def _findings(sides: Sides, database: Database) -> tuple[Finding, ...]:
    blocked = bool(sides.plan.blocking)
    of_policy = () if blocked else _of_policy(sides, database)
    return (*sides.plan.findings, *of_policy, *_of_fence(sides.target))


def _of_taken(here: Checkpoint, there: Checkpoint) -> Iterator[Finding]:
    for name in unsummed(there.content):
        rows = there.content["tables"][name]["rows"]
        yield _noted(name, f"about {rows:,} rows, too many to be summed at the checkpoint: they are when they go back")
    for name in differing(here, there):
        yield _noted(name, "it is not the same on both sides as the checkpoint is taken: what differs goes back, too")


def _of_policy(sides: Sides, database: Database) -> Iterator[Finding]:
    if database.capture is Capture.SLOT:
        yield from slot_limitations(sides.target, logged(sides)[1], slot_name(sides.target))
    if database.capture is Capture.COMPARE:
        yield _noted("target", "nothing is logged (capture: compare): all rows are compared when they go back")
    if database.fence is Fencing.HOOK and database.capture is not Capture.TRIGGERS:
        what = (
            f"only triggers could tell at once whether a hook stopped its writers, and not capture: {database.capture}"
        )
        yield Finding(severity=Severity.BLOCKS, about="target", what=what)


def _of_fence(target: Connection[Rows]) -> Iterator[Finding]:
    fenced = ", ".join(map(str, sorted(fenced_tables(target, only_firing=False))))
    if fenced:
        what = f"writers are still kept off {fenced} by the fence of a rollback: it must be released first"
        yield Finding(severity=Severity.BLOCKS, about="target", what=what)


def _of_target(target: Connection[Rows], found: Checkpoint) -> Iterator[str]:
    capture = found.content.get("capture")
    if capture == Capture.SLOT:
        yield from _of_slot(target)
    if capture == Capture.TRIGGERS:
        yield from (f"target: {name}: {why}" for name, why in _gaps(target, found, always=True).items())


def _of_slot(target: Connection[Rows]) -> Iterator[str]:
    name = slot_name(target)
    lost = slot_standing(target, name)
    if lost is None:
        lost = drain(target, name, _DRAIN_S).lost
    if lost is not None:
        yield f"target: {lost}"


def _of_source(source: Connection[Rows], checkpoint_id: str) -> Iterator[str]:
    """Without it, nobody sees whether a row was changed on both sides."""
    found, lost = lost_as_a_whole(source, checkpoint_id)
    if found is None or lost:
        yield f"source: {lost}: conflicts cannot be seen"
        return
    for name, why in _gaps(source, found, always=False).items():
        yield f"source: {name}: {why}: conflicts cannot be seen"


def _gaps(side: Connection[Rows], found: Checkpoint, *, always: bool) -> Mapping[str, str]:
    tables = found.content["tables"]
    keyed = [name for name, one in tables.items() if one["keyed"]]
    return gaps(side, {name: one["oid"] for name, one in tables.items()}, keyed, always=always)


def _noted(about: str, what: str) -> Finding:
    return Finding(severity=Severity.NOTED, about=about, what=what)
