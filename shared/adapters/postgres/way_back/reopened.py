"""Whether what a way back has reached still holds: writers may have been let in again, or its list of keys be gone."""

from dataclasses import replace
from hashlib import sha256
from typing import Any

from psycopg.sql import SQL

from shared.adapters.postgres.server.fence import open_tables
from shared.adapters.postgres.server.sides import Sides
from shared.adapters.postgres.server.sql import ours
from shared.adapters.postgres.server.subscriptions import feeding
from shared.adapters.postgres.way_back.state import Stage, State
from shared.adapters.postgres.way_back.writers import written_since
from shared.model.sync import SyncPlan


def as_of_now(sides: Sides, sync: str, state: State, *, hook: bool) -> State:
    """Return where it goes on: at the fence again, if something was or could be written since the keys were pinned.

    Before writers were stopped, that is as it should be.
    """
    if state.stage is Stage.PREPARE or (state.stage is Stage.FENCE and not state.since):
        return state
    if state.shape != shape_of(sides.plan):  # what was copied, and proved, was of other columns
        return _from_the_checkpoint(sides, sync, state)
    if state.stage is Stage.DONE and not _is_open(sides, state, hook=hook):
        return state
    if state.system != sides.there.server.system or not _are_pins_there(sides, sync, state):
        return _from_the_checkpoint(sides, sync, state)
    if not state.ahead and _is_open(sides, state, hook=hook):
        return replace(state, stage=Stage.FENCE)
    return state


def _from_the_checkpoint(sides: Sides, sync: str, state: State) -> State:
    return replace(state, stage=Stage.FENCE, ahead=False, since="", behind=(), copied=last_round(sides, sync))


def shape_of(plan: SyncPlan) -> str:
    """Return a digest of the tables, the columns that go back, and those that stay, which images hold as well."""
    said = repr([(of.oid, of.source_oid, of.name, of.key, of.columns, of.rest) for of in plan.tables])
    return sha256(said.encode()).hexdigest()[:16]


def last_round(sides: Sides, sync: str) -> int:
    """Return the last round of which anything was pinned or applied; 0 if there was none."""
    asked = SQL("SELECT coalesce(max(round), 0) FROM {} WHERE sync = %s")
    found: list[Any] = [
        side.execute(asked.format(ours(name)), [sync]).fetchone()
        for side, name in ((sides.target, "pin"), (sides.source, "progress"))
    ]
    return max(int(row[0]) for row in found)


def _is_open(sides: Sides, state: State, *, hook: bool) -> bool:
    if hook and state.stage is not Stage.DONE:
        return False  # later stages prove for themselves that nobody writes, and stop; what is done goes on with it
    oids = [of.oid for of in sides.plan.tables]
    return bool(
        (not hook and open_tables(sides.target, oids))
        or feeding(sides.target, oids)
        or written_since(sides.target, state.names, state.pinned_at)
    )


def _are_pins_there(sides: Sides, sync: str, state: State) -> bool:
    """Another way back may have taken their place."""
    if state.stage is Stage.PIN:
        return True
    asked = SQL("SELECT EXISTS (SELECT FROM {} WHERE sync = %s AND round = %s)").format(ours("pin"))
    row: Any = sides.target.execute(asked, [sync, state.round]).fetchone()
    return bool(row[0]) or not sides.plan.tables
