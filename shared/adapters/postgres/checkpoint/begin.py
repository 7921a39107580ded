"""Gets ready to go back, before a change begins: capture on both sides, then the checkpoint.

In this order: what is written between the two is in the log and after the snapshot, or was seen by it.
"""

from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from time import monotonic, sleep

from psycopg import Connection, errors
from psycopg.sql import SQL, Literal

from shared.adapters.postgres.capture.key_log import install_capture, remove_capture
from shared.adapters.postgres.capture.records import prepare_source, prepare_target
from shared.adapters.postgres.capture.snapshot import Checkpoint, take_checkpoint
from shared.adapters.postgres.checkpoint.content import content_of, newest_point
from shared.adapters.postgres.checkpoint.logs import gaps
from shared.adapters.postgres.server.fence import GIVE_WAY
from shared.adapters.postgres.server.session import Access, Rows
from shared.adapters.postgres.server.sides import Sides, read_sides
from shared.adapters.postgres.server.sql import ours
from shared.adapters.postgres.slot.publishing import drop_slot, install_slot, slot_name
from shared.errors import PermanentError, TransientError
from shared.model.policy_data import Capture
from shared.model.sync import SyncPlan, SyncRules
from shared.model.tables import Catalogue, Table, TableName

_PAUSE_S = 0.1


def begin(source: Access, target: Access, rules: SyncRules, checkpoint_id: str) -> tuple[SyncPlan, Checkpoint]:
    """Install capture on both sides, and take the checkpoint of both.

    Raises:
        PermanentError: something stands against going back later; all of it is named, and nothing was changed.
        TransientError: it may work later; beginning again is safe.
    """
    waits = {"statement": rules.statement_timeout, "lock": rules.lock_timeout}
    with source.connected(**waits) as here, target.connected(**waits) as there:
        sides = read_sides(here, there, rules)
        if sides.plan.blocking:
            raise PermanentError("; ".join(map(str, sides.plan.blocking)))
        return sides.plan, take(sides, rules, checkpoint_id)[1]


def take(
    sides: Sides, rules: SyncRules, checkpoint_id: str, capture: Capture = Capture.TRIGGERS
) -> tuple[Checkpoint, Checkpoint]:
    """Install capture on both sides, and take the checkpoint of both, where nothing stands against it.

    The source is always captured by triggers: it is not written to while the change is active, so that they cost
    nothing, and tell if it was.
    """
    prepare_source(sides.source)
    prepare_target(sides.target)
    here, there = logged(sides)
    not_logged = _capture_target(sides.target, there, rules, capture)
    _capture(sides.source, here, rules, always=False)
    return _checkpoints(sides, checkpoint_id, capture, not_logged)


def logged(sides: Sides) -> tuple[list[Table], list[Table]]:
    """Return the tables of both sides, with the key that is logged."""
    tables = sides.plan.tables
    return (
        [replace(sides.here.tables[of.name], key=of.key) for of in tables],
        [replace(sides.there.tables[of.name], key=of.key) for of in tables],
    )


def _capture_target(
    target: Connection[Rows], tables: Sequence[Table], rules: SyncRules, capture: Capture
) -> Collection[TableName]:
    """Return the tables that are not logged; a slot that nobody reads any more would hold back the server's log."""
    name = slot_name(target)
    if capture is Capture.SLOT:
        return install_slot(target, tables, name, rules.fence_within.total_seconds())
    if capture is Capture.TRIGGERS:
        _capture(target, tables, rules, always=True)
    with suppress(errors.InsufficientPrivilege):  # it is told by who asks afterwards whether it is there
        drop_slot(target, name)
    return [one.name for one in tables] if capture is Capture.COMPARE else ()


def _capture(side: Connection[Rows], tables: Sequence[Table], rules: SyncRules, *, always: bool) -> None:
    keyed = {str(one.name) for one in tables if one.key}
    broken = gaps(side, {str(one.name): one.oid for one in tables}, keyed, always=always)
    for one in tables:
        if str(one.name) in broken:
            _in_a_gap(side, one, lambda one=one: _anew(side, one, always=always), rules)  # type: ignore[misc]


def _anew(side: Connection[Rows], one: Table, *, always: bool) -> None:
    """What half of a capture had logged is of no use: for older checkpoints, all rows of it are compared."""
    remove_capture(side, one.name, one.oid, one.leaves)
    install_capture(side, one, always=always)
    side.execute(SQL("INSERT INTO {} (oid) VALUES ({})").format(ours("emptied"), Literal(one.oid)))


def _in_a_gap(side: Connection[Rows], one: Table, does: Callable[[], None], rules: SyncRules) -> None:
    """Do it in the gaps that writers leave: each wait for the lock holds up whoever comes after us."""
    until = monotonic() + rules.fence_within.total_seconds()
    while True:
        try:
            with side.transaction():
                side.execute(GIVE_WAY)
                does()
            return
        except (errors.LockNotAvailable, errors.DeadlockDetected):
            if monotonic() > until:
                raise TransientError(f"{one.name} was never free for a moment: capture is not installed") from None
            sleep(_PAUSE_S)


def _checkpoints(
    sides: Sides, checkpoint_id: str, capture: Capture, not_logged: Collection[TableName]
) -> tuple[Checkpoint, Checkpoint]:
    """What is found is of the very snapshot that is stored. Both sides are summed at once.

    The target's is stored last: when it is there, so is all else.
    """
    points = [newest_point(side, of.server.system) for side, of in _both(sides)]
    with sides.target.transaction(), sides.source.transaction(), ThreadPoolExecutor(1) as beside:
        for side, _ in _both(sides):
            side.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        there = beside.submit(content_of, sides, capture, not_logged, of_source=False)
        here = content_of(sides, capture, of_source=True)
        mine = take_checkpoint(sides.source, checkpoint_id, here | points[0])
        return mine, take_checkpoint(sides.target, checkpoint_id, there.result() | points[1])


def _both(sides: Sides) -> list[tuple[Connection[Rows], Catalogue]]:
    return [(sides.source, sides.here), (sides.target, sides.there)]
