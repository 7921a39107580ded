"""Which triggers a table's log needs, and which of them stand and fire: one answer for whoever asks.

On a partitioned table the triggers of rows are cloned to its partitions; those of TRUNCATE are on each of these.
https://www.postgresql.org/docs/current/sql-createtrigger.html
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from psycopg import Connection

from shared.adapters.postgres.server.catalogue import OURS
from shared.adapters.postgres.server.session import Rows

_STANDING = """
WITH wanted (oid, keyed) AS (SELECT * FROM unnest(%(oids)s::oid[], %(keyed)s::bool[])),
     needed AS (SELECT w.oid, w.oid AS relid, kind
                FROM wanted w, unnest(ARRAY['insert', 'update', 'delete', 'key']) AS kind WHERE kind <> 'key' OR w.keyed
                UNION ALL SELECT w.oid, coalesce(p.relid, w.oid), 'emptied' FROM wanted w LEFT JOIN LATERAL
                  (SELECT relid::oid FROM pg_partition_tree(w.oid) WHERE isleaf) AS p ON true)
SELECT n.oid::int8, coalesce(string_agg(DISTINCT n.kind, ', ') FILTER (WHERE t.oid IS NULL), ''),
       coalesce(string_agg(DISTINCT n.kind, ', ') FILTER (WHERE t.tgenabled = ANY (%(silent)s::"char"[])), '')
FROM needed n LEFT JOIN pg_trigger t ON t.tgrelid = n.relid AND t.tgname = %(ours)s || '_log_' || n.kind
WHERE n.relid <> ALL (%(besides)s::oid[]) GROUP BY 1
"""


@dataclass(frozen=True, slots=True)
class Standing:
    """The triggers of one table.

    Attributes:
        missing: Kinds that are not there, as a list for people; empty if none.
        silent: Kinds that are there and do not fire.
    """

    missing: str
    silent: str

    def __str__(self) -> str:
        if self.missing:
            return f"its triggers for {self.missing} are gone"
        return f"its triggers for {self.silent} are off" if self.silent else ""


def standing(
    side: Connection[Rows], keyed: Mapping[int, bool], *, always: bool, besides: Collection[int] = ()
) -> dict[int, Standing]:
    """Return how the triggers of tables stand.

    Args:
        keyed: By the number of a table, whether keys of it are logged.
        always: Writers in the replica role must be logged, too.
        besides: Partitions whose own triggers are not asked for.
    """
    asked = {
        "oids": list(keyed),
        "keyed": list(keyed.values()),
        "ours": OURS,
        "silent": ["D", "R", "O"] if always else ["D", "R"],
        "besides": list(besides),
    }
    rows: list[Any] = side.execute(_STANDING, asked).fetchall()
    return {oid: Standing(missing, silent) for oid, missing, silent in rows}
