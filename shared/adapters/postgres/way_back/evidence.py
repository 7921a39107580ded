"""What a way back shows for itself, as JSON values: for the receipt, and for people who watch it.

Of rows it names keys and columns, never what they hold: a receipt is kept for longer, and read by more people, than the
rows themselves. Those who may read these find both sides of them on the source (`listing`), until images are dropped.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from psycopg import Connection
from psycopg.sql import SQL

from shared.adapters.postgres.proof.differences import noted_differences
from shared.adapters.postgres.server.session import Rows
from shared.adapters.postgres.server.sql import ours
from shared.adapters.postgres.way_back.state import State
from shared.adapters.postgres.way_back.unexplained import shown_unexplained
from shared.model.sync import Pass

_EFFECTS = """
SELECT oid::int8, max(took_ms), sum(inserted)::int8, sum(updated)::int8, sum(deleted)::int8, sum(vacated)::int8
FROM {} WHERE sync = %s AND pass = ANY (%s) GROUP BY 1 ORDER BY 1
"""
# One row may have been decided in several rounds: the last one counts.
_CONFLICTS = """
SELECT oid::int8, kept, count(*)
FROM (SELECT DISTINCT ON (oid, key) oid, kept FROM {} WHERE sync = %s ORDER BY oid, key, round DESC) AS decided
GROUP BY 1, 2 ORDER BY 1, 2
"""
_NAMING = ("key", "column")
# Of passes over the same keys the last one counts: what is vacated is put, and what is put first is dropped last.
_APPLIED = """
SELECT coalesce(sum(keys) FILTER (WHERE pass NOT IN ('vacate', 'drop')), 0)::int8,
       coalesce(extract(epoch FROM max(at) - min(at)), 0)::float8
FROM {} WHERE sync = %s AND pass = ANY (%s)
"""
_PASSES = [one.value for one in Pass]


def shown(source: Connection[Rows], sync: str, state: State) -> dict[str, Any]:
    """Return what was done and found so far."""
    return {
        "stage": state.stage.value,
        "rounds": state.round,
        "fence_s": round(state.fence_s, 3),
        "seconds": state.seconds,
        "rows": state.rows,
        "tables": _tables(source, sync, state),
        "sequences": state.sequences,
        "foreign_keys": state.references,
        "rules": state.judged,
        "conflicts": _conflicts(source, sync, state),
        "conflicts_not_seen": state.unseen,
        "unexplained": {
            name: one | {"differences": _named(one["differences"])}
            for name, one in shown_unexplained(source, sync, state.names).items()
        },
        "unexplained_not_told": state.not_told,
        "differences": {
            name: one | {"rows": _named(one["rows"])} for name, one in noted_differences(source, sync).items()
        },
    }


def progress(source: Connection[Rows], target: Connection[Rows], sync: str, state: State) -> str:
    """Say how far it is: keys that were applied of those that are pinned, how fast, and how long the rest takes."""
    asked = SQL("SELECT coalesce(sum(keys), 0)::int8 FROM {} WHERE sync = %s").format(ours("pin"))
    pinned: Any = target.execute(asked, [sync]).fetchone()
    applied: Any = source.execute(SQL(_APPLIED).format(ours("progress")), [sync, _PASSES]).fetchone()
    keys, (done, took_s) = pinned[0], applied
    rate = done / took_s if took_s else 0.0
    left = f"; about {(keys - done) / rate:.0f} s left" if rate and keys > done else ""
    comparing = f"; {state.comparing}" if state.comparing else ""
    return f"{state.doing}, round {state.round}: {done:,} of {keys:,} keys, {rate:,.0f} a second{left}{comparing}"


def _tables(source: Connection[Rows], sync: str, state: State) -> dict[str, dict[str, Any]]:
    rows: list[Any] = source.execute(SQL(_EFFECTS).format(ours("progress")), [sync, _PASSES]).fetchall()
    effects = {
        state.names.get(oid, str(oid)): _in_the_end(*counts) | {"longest_chunk_ms": longest}
        for oid, longest, *counts in rows
    }
    none = {"inserted": 0, "updated": 0, "deleted": 0, "longest_chunk_ms": 0}
    compared = {
        name: {
            "rows_source": one.rows[0],
            "rows_target": one.rows[1],
            "digest": one.digest,
            "buckets": one.buckets,
            "different": one.different,
        }
        for name, one in state.tables.items()
    }
    return {name: effects.get(name, none) | compared.get(name, {}) for name in sorted(effects.keys() | compared.keys())}


def _in_the_end(inserted: int, updated: int, deleted: int, vacated: int) -> dict[str, int]:
    """A row that is vacated is inserted again, which is an update; unless the target has deleted it meanwhile.

    Which ones these are is not counted: with a row that was inserted, such a one counts as one update.
    """
    gone = max(0, vacated - inserted)
    return {
        "inserted": max(0, inserted - vacated),
        "updated": updated + vacated - gone,
        "deleted": deleted + gone,
    }


def _conflicts(source: Connection[Rows], sync: str, state: State) -> dict[str, dict[str, int]]:
    """Several rules may have decided, one after the other."""
    rows: list[Any] = source.execute(SQL(_CONFLICTS).format(ours("conflict")), [sync]).fetchall()
    shown: dict[str, dict[str, int]] = {}
    for oid, kept, count in rows:
        of_table = shown.setdefault(state.names.get(oid, str(oid)), {"rows": 0})
        of_table["rows"] += count
        of_table[f"kept_{kept}"] = count
    return shown


def _named(differences: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [{name: one[name] for name in _NAMING} for one in differences]
