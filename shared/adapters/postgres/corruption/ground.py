"""What a search for damage can stand on: a checkpoint of both sides, and logs that say everything since.

The log of a table is only good if the triggers that fill it stand as they stood at the checkpoint. That is told by the
transaction that wrote them last in the catalogue: if the checkpoint's snapshot did not see it, they were made or
switched since, and what was written in between is in no log. What a subscription applies is in none either: its worker
fires no statement triggers.
https://www.postgresql.org/docs/current/logical-replication-architecture.html
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from psycopg import Connection, errors
from psycopg.sql import SQL

from shared.adapters.postgres.capture.reading import read_logs
from shared.adapters.postgres.capture.snapshot import Checkpoint, load_checkpoint
from shared.adapters.postgres.capture.triggers import switched
from shared.adapters.postgres.checkpoint.logs import gaps
from shared.adapters.postgres.server.hashing import Hash
from shared.adapters.postgres.server.session import Rows
from shared.adapters.postgres.server.sides import Sides
from shared.adapters.postgres.server.sql import ours
from shared.adapters.postgres.server.subscriptions import feeding
from shared.decision.corruption import Side
from shared.decision.sync_tables import is_written, like
from shared.model.policy_data import Capture
from shared.model.sync import SyncColumn, SyncPlan, SyncRules, SyncTable
from shared.model.tables import Catalogue

# Values of a family are written alike in each of its types; the widest one first.
_FAMILIES = {"bigint": {"smallint", "integer", "bigint"}, "text": {"text", "character varying"}}


@dataclass(frozen=True, slots=True)
class Since:
    """The checkpoint, as each side took it."""

    source: Checkpoint
    target: Checkpoint

    def of(self, side: Side) -> Checkpoint:
        return self.source if side is Side.SOURCE else self.target


@dataclass(frozen=True, slots=True)
class Ground:
    """Which tables can be searched, and why others cannot.

    Attributes:
        comparable: Tables whose rows can be compared, whatever is known of writes.
        tables: Those that can be searched.
    """

    by: Hash
    comparable: Mapping[str, SyncTable]
    tables: Mapping[str, SyncTable]
    left_out: Mapping[str, str]
    lost: Mapping[str, str]

    def holds(self, of: SyncTable) -> bool:
        """Whether a table can still be searched, and is what it was."""
        now = self.tables.get(str(of.name))
        return now is not None and replace(now, rows=of.rows) == of


def newest_checkpoint(source: Connection[Rows], target: Connection[Rows]) -> Since | str:
    """Return the newest checkpoint of both sides, or why there is none."""
    try:
        newest: Any = target.execute(
            SQL("SELECT id FROM {} ORDER BY taken_at DESC LIMIT 1").format(ours("checkpoint"))
        ).fetchone()
    except (errors.InvalidSchemaName, errors.UndefinedTable):
        newest = None
    if newest is None:
        return "there is no checkpoint on the target: nobody knows what was written since the change began"
    try:
        here, there = load_checkpoint(source, newest[0]), load_checkpoint(target, newest[0])
    except (errors.InvalidSchemaName, errors.UndefinedTable):
        here = there = None
    if here is None or there is None:
        return f"blind: the checkpoint {newest[0]} is not on both sides"
    return Since(here, there)


def lay_ground(sides: Sides, since: Since) -> Ground | str:
    """Return what can be searched now, or why nothing can."""
    source, target, there, plan = sides.source, sides.target, sides.there, sides.plan
    for side, catalogue in ((Side.SOURCE, sides.here), (Side.TARGET, there)):
        why = _all_lost(side, catalogue, since)
        if why:
            return f"blind: {why}"
    content = since.target.content["tables"]
    planned = {name: of for name, of in _comparable(plan).items() if name in content}
    taken = {name: _compared(of, since, there) for name, of in planned.items() if of.key}
    gone = {name: _gone(plan, name) for name in content if name not in planned}
    lost = gone | dict(_lost(taken, since, source, target))
    left_out = {name: "has no key" for name in planned if name not in taken}
    left_out |= dict.fromkeys(_emptied(taken, since, source, target), "was emptied by TRUNCATE since the checkpoint")
    return Ground(
        by=sides.by,
        comparable=taken,
        tables={name: of for name, of in taken.items() if name not in lost and name not in left_out},
        left_out={name: why for name, why in left_out.items() if name not in lost},
        lost=lost,
    )


def without_narrower(ground: Ground, sides: Sides, since: Since, rules: SyncRules) -> Ground:
    """Leave nothing to be searched of a table of which a column cannot be compared any more.

    Its rows would look alike in what is left, and damage that was found in that column would be forgotten.
    """
    found = {name: _missing(name, of, sides, since, rules) for name, of in ground.comparable.items()}
    said = "cannot be compared any more: its column {} is not on both sides"
    narrower = {name: said.format(column) for name, column in found.items() if column}
    return replace(
        ground,
        comparable={name: of for name, of in ground.comparable.items() if name not in narrower},
        tables={name: of for name, of in ground.tables.items() if name not in narrower},
        left_out={name: why for name, why in ground.left_out.items() if name not in narrower},
        lost={**narrower, **ground.lost},
    )


def _missing(name: str, of: SyncTable, sides: Sides, since: Since, rules: SyncRules) -> str | None:
    """Return a column that both sides had at the checkpoint, that writers fill, and that one of them lacks now."""
    known = [since.of(side).content["tables"][name]["columns"] for side in Side]
    now = [catalogue.tables[of.name].by_name for catalogue in (sides.here, sides.there)]
    gone = [column for column in known[0] if column in known[1] and not all(column in side for side in now)]
    computed = {column for side in now for column, one in side.items() if not is_written(one)}
    kept = (column for column in gone if not like(f"{name}.{column}", rules.leave_out))
    return next((column for column in kept if column not in computed), None)


def _comparable(plan: SyncPlan) -> dict[str, SyncTable]:
    return {name: of for of in plan.tables if not _blocking(plan, name := str(of.name))}


def _compared(of: SyncTable, since: Since, there: Catalogue) -> SyncTable:
    """Compare the columns that were there at the checkpoint: one that came later has on each side a default of its own.

    Those whose types are of one family are compared in its widest type: what came to be there need not fit here.
    """
    known = [since.of(side).content["tables"][str(of.name)]["columns"] for side in Side]
    types = there.tables[of.name].by_name
    columns = [one for one in of.columns if all(one.name in names for names in known)]
    return replace(of, columns=tuple(_widest(one, types[one.name].type) for one in columns))


def _widest(one: SyncColumn, other: str) -> SyncColumn:
    if one.same:
        return one
    family = next((widest for widest, types in _FAMILIES.items() if {_bare(one.type), _bare(other)} <= types), None)
    return replace(one, type=family, same=True, exact=False) if family else one


def _bare(name: str) -> str:
    """Return the name of a type without its modifiers."""
    return name.partition("(")[0]


def _blocking(plan: SyncPlan, name: str) -> list[str]:
    """Return what stands against comparing a table; that a role may not do everything does not."""
    return [str(one) for one in plan.blocking if one.about == name or one.about.startswith(f"{name}.")]


def _gone(plan: SyncPlan, name: str) -> str:
    return "cannot be compared any more: " + "; ".join(_blocking(plan, name) or ["it is gone from a side"])


def _all_lost(side: Side, catalogue: Catalogue, since: Since) -> str:
    if catalogue.server.system != since.of(side).system:
        return f"the {side} is on another server than at the checkpoint, which numbers its transactions anew"
    if since.target.content["capture"] != Capture.TRIGGERS:
        return "only triggers log a write together with the row; what a slot drains comes later"
    return ""


def _lost(
    taken: Mapping[str, SyncTable], since: Since, source: Connection[Rows], target: Connection[Rows]
) -> Iterator[tuple[str, str]]:
    for side, connection in ((Side.SOURCE, source), (Side.TARGET, target)):
        oids = {name: of.source_oid if side is Side.SOURCE else of.oid for name, of in taken.items()}
        gone = gaps(connection, oids, list(oids), always=side is Side.TARGET)
        fed = {oid: one.name for one in feeding(connection, oids.values()) for oid in one.into}
        off = switched(connection, since.of(side).snapshot, of_source=side is Side.SOURCE)
        for name, oid in oids.items():
            if name in gone:
                yield name, f"is not logged on the {side}: {gone[name]}"
            elif oid in fed:
                yield name, f"is written by the subscription {fed[oid]} on the {side}, past its log"
            elif oid in off:
                yield (
                    name,
                    f"was not logged on the {side} at some time since the checkpoint: its triggers were switched",
                )


def _emptied(
    taken: Mapping[str, SyncTable], since: Since, source: Connection[Rows], target: Connection[Rows]
) -> list[str]:
    """Return the tables of which only the log of TRUNCATE says which rows are gone, and that is all of them."""
    here, there = read_logs(source, since.source.snapshot).emptied, read_logs(target, since.target.snapshot).emptied
    return [name for name, of in taken.items() if of.source_oid in here or of.oid in there]
