"""Commit first, then ring for what the commit made due. A ring that fails is only late: the watch rings again."""

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from shared.engine.records import ASK, OUTBOX, RUN, decode
from shared.errors import ControllerError
from shared.model.ask import Ask
from shared.model.run import Run
from shared.ports import Doorbell, Insert, Ledger, Replace, Write

log = logging.getLogger(__name__)

_WRITTEN = (Insert, Replace)


def commit_and_ring(ledger: Ledger, doorbell: Doorbell, workload: str, writes: Sequence[Write]) -> Mapping[str, str]:
    """Carry out the writes as one atomic step and ring for every new delivery and rollback among them.

    Returns:
        The new version by key.

    Raises:
        LostRace: nothing was written, nothing rung.
        TransientError: the storage does not answer.
    """
    versions = ledger.commit(workload, writes)
    inserted = [write for write in writes if isinstance(write, Insert)]
    for write in inserted:
        if write.key.startswith(RUN):
            run = decode(Run, write.body)
            ring_rollback(doorbell, run, run.created_at)
        elif write.key.startswith(OUTBOX):
            ring_delivery(doorbell, workload, write.key.removeprefix(OUTBOX))
    if any(write.key == ASK and decode(Ask, write.body).preview for write in writes if isinstance(write, _WRITTEN)):
        ring_checkpoints(doorbell, workload)  # whoever reads the question should read how it is now
    return versions


def ring_rollback(doorbell: Doorbell, run: Run, now: datetime | None = None) -> None:
    """Ring for a run when it is due; at once without `now`."""
    after = max(timedelta(0), run.due_at - now) if now else timedelta(0)
    try:
        doorbell.rollback(run.id, run.level, after=after)
    except ControllerError as error:
        log.warning("rollback %s will be rung for again: %s", run.id, error)


def ring_checkpoints(doorbell: Doorbell, workload: str) -> None:
    """Ring for the checkpoints of a workload's databases; a timer looks after them all the same."""
    try:
        doorbell.checkpoints(workload)
    except ControllerError as error:
        log.warning("the checkpoints of %s are looked after in the next minute: %s", workload, error)


def ring_delivery(doorbell: Doorbell, workload: str, delivery_id: str, *, after: timedelta = timedelta(0)) -> bool:
    """Ring for a delivery; tells whether the queue took it."""
    try:
        doorbell.delivery(workload, delivery_id, after=after)
    except ControllerError as error:
        log.warning("delivery %s of %s will be rung for again: %s", delivery_id, workload, error)
        return False
    return True
