"""Gets ready to go back, before a change begins: capture on both sides, then the checkpoint.

In this order: what is written between the two is in the log and after the snapshot, or was seen by it.
"""

from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace

import psycopg
from psycopg import Connection, errors
from psycopg.sql import SQL, Composed, Literal

from shared.adapters.postgres.capture.key_log import installing, removing
from shared.adapters.postgres.capture.reading import captured_oids
from shared.adapters.postgres.capture.records import prepare_source, prepare_target
from shared.adapters.postgres.capture.snapshot import Checkpoint, take_checkpoint
from shared.adapters.postgres.checkpoint.alone import alone_at
from shared.adapters.postgres.checkpoint.content import content_of, newest_point
from shared.adapters.postgres.checkpoint.logs import gaps
from shared.adapters.postgres.server.holders import WRITING, holders
from shared.adapters.postgres.server.session import Rows, translated
from shared.adapters.postgres.server.sides import Sides
from shared.adapters.postgres.server.sql import ours
from shared.adapters.postgres.server.turns import BRIEFLY, in_a_gap
from shared.adapters.postgres.slot.look import slot_standing
from shared.adapters.postgres.slot.publishing import drop_slot, install_slot, slot_name
from shared.errors import PermanentError, TransientError
from shared.model.policy_data import Capture
from shared.model.sync import SyncRules
from shared.model.tables import Catalogue, Table, TableName

_TAKEN_DOWN_WITHIN_S = 2.0


@dataclass(slots=True)
class _Installed:
    """What one attempt has put up."""

    captured: list[tuple[Connection[Rows], int]] = field(default_factory=list)
    slots: list[tuple[Connection[Rows], str]] = field(default_factory=list)

    def take_down(self) -> None:
        """What is not free, or cannot be reached any more, stays until capture ends."""
        for side, oid in self.captured:
            with suppress(psycopg.Error):
                in_a_gap(side, removing(oid), _TAKEN_DOWN_WITHIN_S, BRIEFLY)
        for side, name in self.slots:
            with suppress(psycopg.Error):
                drop_slot(side, name)


def take(
    sides: Sides, rules: SyncRules, checkpoint_id: str, capture: Capture = Capture.TRIGGERS
) -> tuple[Checkpoint, Checkpoint]:
    """Install capture on both sides, and take the checkpoint of both, where nothing stands against it.

    The source is always captured by triggers: it is not written to while the change is active, so that they cost
    nothing, and tell if it was.

    Raises:
        PermanentError: it cannot be done: nothing is captured that was not before.
        TransientError: it may work later, and goes on from there.
    """
    with alone_at(sides.source), alone_at(sides.target), _or_nothing() as installed:
        prepare_source(sides.source)
        prepare_target(sides.target)
        here, there = logged(sides)
        not_logged = _capture_target(sides.target, there, rules, capture, installed)
        _capture(sides.source, here, rules, installed, always=False)
        return _checkpoints(sides, checkpoint_id, capture, not_logged)


@contextmanager
def _or_nothing() -> Iterator[_Installed]:
    installed = _Installed()
    try:
        with translated("target"):
            yield installed
    except PermanentError:
        installed.take_down()
        raise


def logged(sides: Sides) -> tuple[list[Table], list[Table]]:
    """Return the tables of both sides, with the key that is logged."""
    tables = sides.plan.tables
    return (
        [replace(sides.here.tables[of.name], key=of.key) for of in tables],
        [replace(sides.there.tables[of.name], key=of.key) for of in tables],
    )


def _capture_target(
    target: Connection[Rows], tables: Sequence[Table], rules: SyncRules, capture: Capture, installed: _Installed
) -> Collection[TableName]:
    """Return the tables that are not logged; a slot that nobody reads any more would hold back the server's log."""
    name = slot_name(target)
    if capture is Capture.SLOT:
        if slot_standing(target, name) is not None:
            installed.slots.append((target, name))
        return install_slot(target, tables, name, rules.fence_within.total_seconds())
    if capture is Capture.TRIGGERS:
        _capture(target, tables, rules, installed, always=True)
    with suppress(errors.InsufficientPrivilege):  # it is told by who asks afterwards whether it is there
        drop_slot(target, name)
    return [one.name for one in tables] if capture is Capture.COMPARE else ()


def _capture(
    side: Connection[Rows], tables: Sequence[Table], rules: SyncRules, installed: _Installed, *, always: bool
) -> None:
    keyed = {str(one.name) for one in tables if one.key}
    broken = gaps(side, {str(one.name): one.oid for one in tables}, keyed, always=always)
    unfit = {oid for oid, is_whole in captured_oids(side).items() if not is_whole}
    for one in tables:
        if str(one.name) not in broken and one.oid not in unfit:
            continue
        if not in_a_gap(side, _anew(side, one, always=always), rules.fence_within.total_seconds()):
            held = holders(side, one.name, WRITING)
            raise TransientError(f"{one.name} was never free for a moment: capture is not installed (held by {held})")
        installed.captured.append((side, one.oid))


def _anew(side: Connection[Rows], one: Table, *, always: bool) -> Iterator[Composed]:
    """What half of a capture had logged is of no use: for older checkpoints, all rows of it are compared."""
    yield from removing(one.oid)
    yield from installing(side, one, always=always)
    yield SQL("INSERT INTO {} (oid) VALUES ({})").format(ours("emptied"), Literal(one.oid))


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
