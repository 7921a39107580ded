"""The way back of rows as the engine takes it: a look at how far it is, and one slice of work after the other."""

from collections.abc import Callable, Collection
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import timedelta

from psycopg import Connection

from shared.adapters.postgres.server.fence import fenced_by, fenced_tables, lower_fences, open_tables
from shared.adapters.postgres.server.one_worker import instead_of_others
from shared.adapters.postgres.server.session import Rows
from shared.adapters.postgres.server.sides import accesses
from shared.adapters.postgres.way_back.evidence import progress, shown
from shared.adapters.postgres.way_back.state import Stage, State, stored_state
from shared.adapters.postgres.way_back.sync import Sync
from shared.adapters.postgres.way_back.writers import written_since
from shared.model.policy_data import Database, Fencing
from shared.ports.data import RowsPicture
from shared.ports.traffic import Fence

# One slice: well within what a function may take, and within the lease of a step.
_SLICE_S = 8.0
_LOOK = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class PostgresRows:
    """Fulfils `ports.RowsBack`.

    Attributes:
        pool: Threads for both sides at once and for the workers of a slice.
        token: Returns a token of the app's identity for Azure's servers.
    """

    pool: Executor
    token: Callable[[], str]

    def look(self, database: Database, sync_id: str) -> RowsPicture:
        source, target = accesses(database, self.token)
        with source.connected(statement=_LOOK) as here:
            state = stored_state(here, sync_id)
            if state is None:
                return RowsPicture(begun=False, proved=False, says="the way back has not begun")
            with target.connected(statement=_LOOK) as there:
                return _picture(here, there, database, sync_id, state)

    def work(
        self, database: Database, checkpoint_id: str, sync_id: str, fence: Fence, left_out: Collection[str] = ()
    ) -> None:
        source, target = accesses(database, self.token)
        Sync(
            sync_id,
            checkpoint_id,
            source,
            target,
            database.sync_rules,
            self.pool,
            hook=database.fence is Fencing.HOOK,
            demands=database.rules,
            left_out=left_out,
        ).work(_SLICE_S, fence)

    def fenced_by(self, database: Database) -> str:
        _, target = accesses(database, self.token)
        with target.connected(statement=_LOOK) as there:
            return fenced_by(there)

    def let_go(self, database: Database, sync_id: str, fence: Fence) -> None:
        """The source is not asked: writers are let in although it may be down. The next slice sees it for itself.

        A slice that still waits for open writers would put up more of the fence afterwards: it is ended.
        """
        _, target = accesses(database, self.token)
        with target.connected(statement=_LOOK) as there:
            if fenced_by(there) in (sync_id, "?"):
                fence()
                with instead_of_others(there):
                    lower_fences(there)


def _picture(
    source: Connection[Rows], target: Connection[Rows], database: Database, sync_id: str, state: State
) -> RowsPicture:
    undone = _not_as_of_now(target, database, state) if state.stage is Stage.DONE else ""
    says = state.said if state.stage in (Stage.DONE, Stage.UNDONE) else progress(source, target, sync_id, state)
    return RowsPicture(
        begun=state.begun,
        proved=state.stage is Stage.DONE and not undone,
        says=undone or says,
        why_not=says if state.stage is Stage.UNDONE else state.why_not or None,
        fenced=bool(fenced_tables(target)) and fenced_by(target) in (sync_id, "?"),
        shown=shown(source, sync_id, state),
    )


def _not_as_of_now(target: Connection[Rows], database: Database, state: State) -> str:
    """Say what has become of a proof since; empty if it holds."""
    written = written_since(target, state.names, state.pinned_at)
    if written:
        return f"rows were written since the proof: {', '.join(written)}"
    if database.fence is Fencing.HOOK:
        return ""
    let_in = open_tables(target, state.names)
    return f"writers were let in again since the proof: {', '.join(let_in)}" if let_in else ""
