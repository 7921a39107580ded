"""Gets ready to go back, before a change begins: capture on both sides, then the checkpoint.

In this order: what is written between the two is in the log and after the snapshot, or was seen by it.
"""

from collections.abc import Mapping
from dataclasses import replace
from time import monotonic, sleep
from typing import Any

from psycopg import Connection, errors

from shared.adapters.postgres.capture import captured_oids, install_capture
from shared.adapters.postgres.catalogue import read_catalogue
from shared.adapters.postgres.checkpoints import Checkpoint, take_checkpoint
from shared.adapters.postgres.fence import GIVE_WAY
from shared.adapters.postgres.records import prepare_source, prepare_target
from shared.adapters.postgres.session import Access, Rows
from shared.decision.sync_plan import sync_plan
from shared.errors import PermanentError, TransientError
from shared.model.sync import SyncPlan, SyncRules
from shared.model.tables import Table

_PAUSE_S = 0.1


def begin(source: Access, target: Access, rules: SyncRules, checkpoint_id: str) -> tuple[SyncPlan, Checkpoint]:
    """Install capture on both sides, and take the checkpoint of both.

    Raises:
        PermanentError: something stands against going back later; all of it is named, and nothing was changed.
        TransientError: it may work later; beginning again is safe.
    """
    waits = {"statement": rules.statement_timeout, "lock": rules.lock_timeout}
    with source.connected(**waits) as here, target.connected(**waits) as there:
        catalogue, other = read_catalogue(here), read_catalogue(there)
        plan = sync_plan(catalogue, other, rules)
        if plan.blocking:
            raise PermanentError("; ".join(map(str, plan.blocking)))
        prepare_source(here)
        prepare_target(there)
        for of in plan.tables:
            _capture(there, replace(other.tables[of.name], key=of.key), rules, always=True)
            _capture(here, replace(catalogue.tables[of.name], key=of.key), rules, always=False)
        content = {"tables": {str(of.name): of.oid for of in plan.tables}}
        _checkpoint(here, checkpoint_id, content)
        return plan, _checkpoint(there, checkpoint_id, content)


def _capture(side: Connection[Rows], table: Table, rules: SyncRules, *, always: bool) -> None:
    """Install it in the gaps that writers leave: each wait for the lock holds up whoever comes after us."""
    if table.oid in captured_oids(side):
        return
    until = monotonic() + rules.fence_within.total_seconds()
    while True:
        try:
            with side.transaction():
                side.execute(GIVE_WAY)
                install_capture(side, table, always=always)
            return
        except (errors.LockNotAvailable, errors.DeadlockDetected):
            if monotonic() > until:
                raise TransientError(f"{table.name} was never free for a moment: capture is not installed") from None
            sleep(_PAUSE_S)


def _checkpoint(side: Connection[Rows], checkpoint_id: str, content: Mapping[str, Any]) -> Checkpoint:
    with side.transaction():
        return take_checkpoint(side, checkpoint_id, content)
