"""What a checkpoint holds besides its snapshot: rows, sums and definitions of its tables, and its sequences."""

from collections.abc import Collection, Mapping
from hashlib import sha256
from itertools import accumulate
from time import monotonic
from typing import Any

from psycopg import Connection
from psycopg.sql import SQL

from shared.adapters.postgres.capture.partitions import leaves_of
from shared.adapters.postgres.capture.snapshot import Checkpoint
from shared.adapters.postgres.migration.records import restore_points
from shared.adapters.postgres.server.hashing import row_hash
from shared.adapters.postgres.server.session import Rows
from shared.adapters.postgres.server.sides import Sides
from shared.adapters.postgres.server.sql import table
from shared.model.policy_data import Capture
from shared.model.sync import SyncTable
from shared.model.tables import Table, TableName

# All rows that are summed at the start of a change: at 0.4 to 0.9 million a second, some seconds. Of larger tables, the
# planner's estimate is kept, and the first sum of all rows is the proof.
_SUMMED = 3_000_000
_BYTES_A_ROW = 100


def content_of(
    sides: Sides, capture: Capture, not_logged: Collection[TableName] = (), *, of_source: bool
) -> dict[str, Any]:
    """Return what is found on a side now, as JSON values.

    Args:
        not_logged: Tables that capture leaves out: nobody expects a log of them.
    """
    catalogue = sides.here if of_source else sides.there
    leaves = leaves_of(_side(sides, of_source=of_source), [catalogue.tables[of.name].oid for of in sides.plan.tables])
    summed = _summed(sides)
    began = monotonic()
    tables = {
        str(of.name): _of_table(sides, of, catalogue.tables[of.name], is_summed=of in summed, of_source=of_source)
        | {"leaves": leaves.get(catalogue.tables[of.name].oid, []), "logged": of.name not in not_logged}
        for of in sides.plan.tables
    }
    return {
        "capture": capture.value,
        "hash": sides.by.value,
        "tables": tables,
        "sequences": {str(name): one.last for name, one in catalogue.sequences.items()},
        "summed_s": round(monotonic() - began, 3),
    }


def newest_point(side: Connection[Rows], system: str) -> dict[str, Any]:
    """Return the restore point that a restore would go back to, if there is one: its name, and what finds it.

    Not within a transaction: where there was no migration, the question fails.

    Args:
        system: Identifier of the server: a point of another one is in no log of this one.
    """
    found = next((one for one in restore_points(side) if one.system == system), None)
    if found is None:
        return {"restore_point": None, "restore": None}
    told = {"name": found.name, "at": found.at.isoformat(), "lsn": found.lsn, "exact": found.exact}
    return {"restore_point": found.name, "restore": told | {"timeline": found.timeline, "system": found.system}}


def fingerprint(of: Table) -> str:
    """Return a name for a table's definition: another one has another name."""
    columns = [(one.name, one.type, one.not_null, one.generated.value) for one in of.columns]
    said = repr((sorted(columns), of.key, sorted(map(repr, of.references)), sorted(of.unique.items()), of.leaves))
    return sha256(said.encode()).hexdigest()[:16]


def unsummed(of: Mapping[str, Any]) -> list[str]:
    """Return the tables of a checkpoint's content whose rows were not summed."""
    return [name for name, one in of["tables"].items() if one["digest"] is None]


def differing(here: Checkpoint, there: Checkpoint) -> list[str]:
    """Return the tables that were not the same on both sides when their checkpoints were taken."""
    ours, theirs = here.content.get("tables", {}), there.content.get("tables", {})
    return [
        name
        for name in sorted(ours.keys() & theirs.keys())
        if ours[name]["digest"] and theirs[name]["digest"] and ours[name]["digest"] != theirs[name]["digest"]
    ]


def _summed(sides: Sides) -> list[SyncTable]:
    """The smallest first, as many as there is time for."""
    by_size = sorted((_size(sides, of), of.place, of) for of in sides.plan.tables)
    counted = accumulate(size for size, _, _ in by_size)
    return [of for (_, _, of), rows in zip(by_size, counted, strict=True) if rows <= _SUMMED]


def _size(sides: Sides, of: SyncTable) -> int:
    """A table that was never analysed has no estimate but its size."""
    return of.rows or sides.there.tables[of.name].bytes // _BYTES_A_ROW


def _of_table(sides: Sides, of: SyncTable, found: Table, *, is_summed: bool, of_source: bool) -> dict[str, Any]:
    rows, digest = _sum(sides, of, of_source=of_source) if is_summed else (found.rows, None)
    return {
        "oid": found.oid,
        "rows": rows,
        "digest": digest,
        "keyed": bool(of.key),
        "definition": fingerprint(found),
        "columns": {one.name: one.type for one in found.columns},
    }


def _sum(sides: Sides, of: SyncTable, *, of_source: bool) -> tuple[int, str]:
    hashed = row_hash(sides.by, of.columns, "t", of_source=of_source)
    row: Any = (
        _side(sides, of_source=of_source)
        .execute(SQL("SELECT count(*), coalesce(sum({}), 0) FROM {} AS t").format(hashed, table(of.name)))
        .fetchone()
    )
    return row[0], f"{int(row[1]) % 2**64:016x}"


def _side(sides: Sides, *, of_source: bool) -> Connection[Rows]:
    return sides.source if of_source else sides.target
