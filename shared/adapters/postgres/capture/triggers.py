"""Which triggers a table's log needs, and which of them stand and fire: one answer for whoever asks.

On a partitioned table the triggers of rows are cloned to its partitions; those of TRUNCATE are on each of these. All of
them are named after it (`key_log`).
https://www.postgresql.org/docs/current/sql-createtrigger.html
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from psycopg import Connection
from psycopg.sql import SQL, Composable, Composed, Literal

from shared.adapters.postgres.server.catalogue import OURS
from shared.adapters.postgres.server.session import Rows
from shared.adapters.postgres.server.sql import ours

# One of a row, before it is updated: it may give it another key, though the UPDATE names no column of it.
# https://www.postgresql.org/docs/current/sql-createtrigger.html (UPDATE OF; `tgtype`: row 1, before 2, update 16)
REWRITING = SQL("EXISTS (SELECT FROM pg_trigger b WHERE b.tgrelid = {} AND NOT b.tgisinternal AND b.tgtype & 19 = 19)")
_WANTED = SQL("SELECT * FROM unnest({}::oid[], {}::bool[])")
_STANDING = SQL("""
WITH wanted (oid, keyed) AS ({wanted}),
     needed AS (SELECT w.oid, w.oid AS relid, kind
                FROM wanted w, unnest(ARRAY['insert', 'update', 'delete', 'key']) AS kind WHERE kind <> 'key' OR w.keyed
                UNION ALL SELECT w.oid, coalesce(p.relid, w.oid), 'emptied' FROM wanted w LEFT JOIN LATERAL
                  (SELECT relid::oid FROM pg_partition_tree(w.oid) WHERE isleaf) AS p ON true)
SELECT n.oid::int8, coalesce(string_agg(DISTINCT n.kind, ', ') FILTER (WHERE t.oid IS NULL), ''),
       coalesce(string_agg(DISTINCT n.kind, ', ') FILTER (WHERE t.tgenabled = ANY ({silent}::"char"[])), ''),
       coalesce(bool_or(cardinality(t.tgattr::int2[]) > 0 AND {rewriting}), false)
FROM needed n LEFT JOIN pg_class c ON c.oid = n.oid
LEFT JOIN pg_trigger t ON t.tgrelid = n.relid
  AND t.tgname = {ours} || '_log_' || n.kind || CASE WHEN c.relkind = 'p' THEN '_' || n.oid ELSE '' END
WHERE n.relid <> ALL ({besides}::oid[]) GROUP BY 1
""")
# The catalogue has 32 bits of a transaction's number: the latest one that ends in them is meant. A new partition has a
# new trigger.
_SWITCHED = SQL("""
SELECT coalesce(pg_partition_root(t.tgrelid), t.tgrelid)::oid::int8
FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid JOIN pg_namespace n ON n.oid = p.pronamespace,
     LATERAL (SELECT pg_snapshot_xmax(pg_current_snapshot())::text::int8 AS next) AS x,
     LATERAL (SELECT (x.next - ((x.next - t.xmin::text::int8) & 4294967295))::text::xid8 AS by) AS s
WHERE n.nspname = {ours} AND t.tgname LIKE {triggers}
GROUP BY 1
HAVING bool_or(t.tgenabled = 'D') OR NOT bool_and(t.tgparentid <> 0 OR EXISTS (
  SELECT FROM pg_inherits i WHERE i.inhrelid = t.tgrelid AND t.tgname LIKE {emptied} AND NOT pg_visible_in_snapshot(
    (x.next - ((x.next - i.xmin::text::int8) & 4294967295))::text::xid8, {snapshot}::pg_snapshot))
  OR pg_visible_in_snapshot(s.by, {snapshot}::pg_snapshot) OR {by_us})
""")


@dataclass(frozen=True, slots=True)
class Standing:
    """The triggers of one table.

    Attributes:
        missing: Kinds that are not there, as a list for people; empty if none.
        silent: Kinds that are there and do not fire.
        rewritten: A trigger of the table's own may change keys unheard: it was made since.
    """

    missing: str
    silent: str
    rewritten: bool

    def __str__(self) -> str:
        if self.missing:
            return f"its triggers for {self.missing} are gone"
        if self.silent:
            return f"its triggers for {self.silent} are off"
        return "it has a new trigger that may change keys" if self.rewritten else ""


def standing(
    side: Connection[Rows], keyed: Mapping[int, bool], *, always: bool, besides: Collection[int] = ()
) -> dict[int, Standing]:
    """Return how the triggers of tables stand.

    Args:
        keyed: By the number of a table, whether keys of it are logged.
        always: Writers in the replica role must be logged, too.
        besides: Partitions whose own triggers are not asked for.
    """
    return stand(side.execute(standing_of(wanted(keyed), always=always, besides=besides)).fetchall())


def wanted(keyed: Mapping[int, bool]) -> Composed:
    """Return the query that gives tables to `standing_of`."""
    return _WANTED.format(Literal(list(keyed)), Literal(list(keyed.values())))


def standing_of(wanted: Composable, *, always: bool, besides: Collection[int] = ()) -> Composed:
    """Return what `standing` asks, of the tables that a query gives with `keyed`; its answer goes to `stand`."""
    silent = ["D", "R", "O"] if always else ["D", "R"]
    return _STANDING.format(
        wanted=wanted,
        ours=Literal(OURS),
        silent=Literal(silent),
        besides=Literal(list(besides)),
        rewriting=REWRITING.format(SQL("n.relid")),
    )


def stand(rows: Iterable[Any]) -> dict[int, Standing]:
    """Return the answer to `standing_of`."""
    return {oid: Standing(*how) for oid, *how in rows}


def switched(side: Connection[Rows], snapshot: str, *, of_source: bool) -> set[int]:
    """Return the tables whose triggers are off, or were made or switched since a snapshot."""
    rows: list[Any] = side.execute(switched_since(snapshot, of_source=of_source)).fetchall()
    return {oid for (oid,) in rows}


def switched_since(snapshot: str, *, of_source: bool) -> Composed:
    """Return what `switched` asks: whether something was written in between is in no log.

    A chunk of ours that sets triggers of the source aside lets nobody in meanwhile.
    """
    return _SWITCHED.format(
        ours=Literal(OURS),
        triggers=Literal(f"{OURS}_log_%"),
        emptied=Literal(f"{OURS}_log_emptied%"),
        snapshot=Literal(snapshot),
        by_us=SQL("s.by IN (SELECT xid FROM {})").format(ours("progress")) if of_source else SQL("false"),
    )
