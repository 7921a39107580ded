"""What a checkpoint holds besides its snapshot: rows, sums and definitions of its tables, and its sequences."""

from collections.abc import Collection, Mapping
from hashlib import sha256
from typing import Any

from psycopg import Connection

from shared.adapters.postgres.capture.partitions import leaves_of
from shared.adapters.postgres.capture.snapshot import Checkpoint
from shared.adapters.postgres.checkpoint.summing import Sum, sums_of
from shared.adapters.postgres.migration.records import restore_points
from shared.adapters.postgres.server.session import Rows
from shared.adapters.postgres.server.sides import Sides
from shared.model.policy_data import Capture
from shared.model.sync import SyncTable
from shared.model.tables import Table, TableName


def content_of(
    sides: Sides, capture: Capture, not_logged: Collection[TableName] = (), *, of_source: bool
) -> dict[str, Any]:
    """Return what is found on a side now, as JSON values.

    Args:
        not_logged: Tables that capture leaves out: nobody expects a log of them.
    """
    side, catalogue = (sides.source, sides.here) if of_source else (sides.target, sides.there)
    with side.transaction(force_rollback=True):  # it locks every partition
        leaves = leaves_of(side, [catalogue.tables[of.name].oid for of in sides.plan.tables])
    sums = sums_of(sides, of_source=of_source)
    tables = {
        str(of.name): _of_table(of, catalogue.tables[of.name], sums[of.name])
        | {"leaves": leaves.get(catalogue.tables[of.name].oid, []), "logged": of.name not in not_logged}
        for of in sides.plan.tables
    }
    return {
        "capture": capture.value,
        "hash": sides.by.value,
        "tables": tables,
        "sequences": {str(name): one.last for name, one in catalogue.sequences.items()},
        "summed_s": round(sum(one.took_s for one in sums.values()), 3),
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


def unsummed(of: Mapping[str, Any]) -> dict[str, str]:
    """Return the tables of a checkpoint's content whose rows were not summed, and why."""
    return {name: one["unsummed"] for name, one in of["tables"].items() if one["digest"] is None}


def differing(here: Checkpoint, there: Checkpoint) -> list[str]:
    """Return the tables that were not the same on both sides when their checkpoints were taken."""
    ours, theirs = here.content.get("tables", {}), there.content.get("tables", {})
    return [
        name
        for name in sorted(ours.keys() & theirs.keys())
        if ours[name]["digest"] and theirs[name]["digest"] and ours[name]["digest"] != theirs[name]["digest"]
    ]


def _of_table(of: SyncTable, found: Table, counted: Sum) -> dict[str, Any]:
    return {
        "oid": found.oid,
        "rows": counted.rows if counted.digest else found.rows,
        "digest": counted.digest,
        "unsummed": counted.why_not,
        "keyed": bool(of.key),
        "definition": fingerprint(found),
        "columns": {one.name: one.type for one in found.columns},
    }
