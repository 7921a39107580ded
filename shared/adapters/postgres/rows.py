"""The way back of rows as the engine takes it: a look at how far it is, and one slice of work after the other."""

from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from psycopg import Connection, errors
from psycopg.sql import SQL

from shared.adapters.postgres.records import load_state
from shared.adapters.postgres.session import Access, Rows
from shared.adapters.postgres.sql import ours
from shared.adapters.postgres.sync import Stage, State, Sync
from shared.model.policy_data import Database
from shared.ports import Fence, RowsPicture

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

    def look(self, database: Database, checkpoint_id: str, sync_id: str) -> RowsPicture:
        source, target = self._sides(database)
        with ExitStack() as stack:
            here = stack.enter_context(source.connected(statement=_LOOK))
            state = _state(here, sync_id)
            if state is None:
                return RowsPicture(proved=False, says="the way back has not begun")
            if state.stage is Stage.DONE:
                return RowsPicture(proved=True, says=state.said, shown=_shown(here, sync_id, state))
            there = stack.enter_context(target.connected(statement=_LOOK))
            return RowsPicture(
                proved=False, says=_progress(here, there, sync_id, state), shown=_shown(here, sync_id, state)
            )

    def work(self, database: Database, checkpoint_id: str, sync_id: str, fence: Fence) -> None:
        source, target = self._sides(database)
        fence()
        Sync(sync_id, checkpoint_id, source, target, database.sync_rules, self.pool).work(_SLICE_S)

    def _sides(self, database: Database) -> tuple[Access, Access]:
        token = self.token if database.identity else None
        return (
            Access("source", database.source, token=token, verified=database.tls),
            Access("target", database.target, token=token, verified=database.tls),
        )


def _state(source: Connection[Rows], sync_id: str) -> State | None:
    try:
        return load_state(source, sync_id, State)
    except (errors.InvalidSchemaName, errors.UndefinedTable):  # nothing of ours is there yet
        return None


def _progress(source: Connection[Rows], target: Connection[Rows], sync_id: str, state: State) -> str:
    """Say how far it is: keys that were applied of those that are pinned, how fast, and how long the rest takes."""
    asked = SQL("SELECT coalesce(sum(keys), 0) FROM {} WHERE sync = %s").format(ours("pin"))
    pinned: Any = target.execute(asked, [sync_id]).fetchone()
    done, took_s = _applied(source, sync_id)
    keys, rate = int(pinned[0]), done / took_s if took_s else 0.0
    left = f"; about {(keys - done) / rate:.0f} s left" if rate and keys > done else ""
    return f"{state.stage}, round {state.round}: {done:,} of {keys:,} keys, {rate:,.0f} a second{left}"


# Of passes over the same keys the last one counts: what is vacated is put, and what is put first is dropped last.
_APPLIED = """
SELECT coalesce(sum(keys) FILTER (WHERE pass IN ('put', 'move')), 0)::int8,
       coalesce(extract(epoch FROM max(at) - min(at)), 0)::float8
FROM {} WHERE sync = %s
"""


def _applied(source: Connection[Rows], sync_id: str) -> tuple[int, float]:
    """Return how many keys were applied, and within how many seconds."""
    row: Any = source.execute(SQL(_APPLIED).format(ours("progress")), [sync_id]).fetchone()
    return row[0], row[1]


_EFFECTS = """
SELECT oid::int8, sum(inserted - vacated)::int8, sum(updated + vacated)::int8, sum(deleted)::int8, max(took_ms)
FROM {} WHERE sync = %s GROUP BY 1 ORDER BY 1
"""


def _shown(source: Connection[Rows], sync_id: str, state: State) -> dict[str, Any]:
    rows: list[Any] = source.execute(SQL(_EFFECTS).format(ours("progress")), [sync_id]).fetchall()
    tables = {
        str(oid): {"inserted": inserted, "updated": updated, "deleted": deleted, "longest_chunk_ms": longest}
        for oid, inserted, updated, deleted, longest in rows
    }
    return {
        "stage": state.stage,
        "round": state.round,
        "fence_s": round(state.fence_s, 3),
        "rows": state.rows,
        "tables": tables,
    }
