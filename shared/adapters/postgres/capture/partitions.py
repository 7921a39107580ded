"""Partitions that come and go while a change is active: which rows came or went with them, past every trigger.

A partition that is made takes the triggers of rows from its table at once, so that every row it ever holds is logged.
Of what a TRUNCATE of its own takes away, each key is in the log already: before it was made, there was none of them.
But rows that a table brings along when it is attached are in no log, nor those that leave with one that is detached or
dropped. The former are listed by the look after; for the latter, and until then, all rows are compared.

When a partition came is told by the transaction that wrote its place in the catalogue, as only that number is there.
https://www.postgresql.org/docs/current/ddl-partitioning.html
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from psycopg import Connection
from psycopg.sql import SQL, Identifier, Literal

from shared.adapters.postgres.capture.key_log import log_of, trigger_name
from shared.adapters.postgres.capture.reading import captured_oids, logged_keys
from shared.adapters.postgres.capture.snapshot import Checkpoint
from shared.adapters.postgres.server.session import Rows
from shared.adapters.postgres.server.sql import columns, ours, table
from shared.adapters.postgres.server.turns import in_a_gap
from shared.model.tables import TableName

# What a larger one brings along is compared: its keys would make the log as large.
_LISTED_BYTES = 64 << 20
# The catalogue has 32 bits of a transaction's number: the latest one that ends in them is meant. A column of the system
# is written once, when a table is made: a partition that was made as one has its place from the same transaction.
_CAME = """
WITH x AS MATERIALIZED (SELECT pg_snapshot_xmax(pg_current_snapshot())::text::int8 AS next)
SELECT w.oid::int8, l.relid::oid::int8, n.nspname, c.relname, pg_table_size(c.oid), came.made
FROM x, unnest(%(oids)s::oid[]) AS w (oid) CROSS JOIN LATERAL pg_partition_tree(w.oid) AS l
JOIN pg_class c ON c.oid = l.relid JOIN pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN LATERAL (
  SELECT max(x.next - ((x.next - i.xmin::text::int8) & 4294967295)) AS at, bool_and(i.xmin = a.xmin) AS made
  FROM pg_partition_ancestors(l.relid) AS p JOIN pg_inherits i ON i.inhrelid = p.relid
  JOIN pg_attribute a ON a.attrelid = p.relid AND a.attname = 'tableoid') AS came
WHERE l.isleaf AND l.level > 0 AND NOT pg_visible_in_snapshot(came.at::text::xid8, %(snapshot)s::pg_snapshot)
  AND NOT EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = l.relid AND t.tgname = %(trigger)s || w.oid
                  AND x.next - ((x.next - t.xmin::text::int8) & 4294967295) > came.at)
ORDER BY 3, 4
"""
_GONE = """
SELECT w.oid::int8 FROM unnest(%s::oid[], %s::oid[]) AS w (oid, leaf)
WHERE w.leaf NOT IN (SELECT relid FROM pg_partition_tree(w.oid))
"""
_LEAVES = """
SELECT w.oid::int8, l.relid::oid::int8 FROM unnest(%s::oid[]) AS w (oid), pg_partition_tree(w.oid) AS l
WHERE l.isleaf AND l.level > 0 ORDER BY 1, 2
"""


@dataclass(frozen=True, slots=True)
class Newcomer:
    """A partition that came since a checkpoint, and is not looked after yet.

    Attributes:
        of: Its table.
        made: It was made as a partition: no row came along with it.
    """

    of: int
    oid: int
    name: TableName
    bytes: int
    made: bool


def leaves_of(side: Connection[Rows], oids: Iterable[int]) -> dict[int, list[int]]:
    """Return the partitions that hold the rows of tables."""
    rows: list[Any] = side.execute(_LEAVES, [list(oids)]).fetchall()
    found: dict[int, list[int]] = {}
    for oid, leaf in rows:
        found.setdefault(oid, []).append(leaf)
    return found


def newcomers(side: Connection[Rows], since: Checkpoint) -> list[Newcomer]:
    """Return the partitions that came since a checkpoint and are not looked after."""
    oids = [one["oid"] for one in since.content["tables"].values()]
    asked = {"oids": oids, "snapshot": since.snapshot, "trigger": f"{trigger_name('emptied')}_"}
    rows: list[Any] = side.execute(_CAME, asked).fetchall()
    return [Newcomer(of, oid, TableName(schema, name), size, made) for of, oid, schema, name, size, made in rows]


def regrouped(side: Connection[Rows], since: Checkpoint) -> set[int]:
    """Return the tables of which rows came or went with a partition since a checkpoint, without being logged."""
    pairs = [(one["oid"], leaf) for one in since.content["tables"].values() for leaf in one["leaves"]]
    gone: list[Any] = side.execute(_GONE, [[of for of, _ in pairs], [leaf for _, leaf in pairs]]).fetchall()
    return {oid for (oid,) in gone} | {one.of for one in newcomers(side, since) if not one.made}


def look_after(side: Connection[Rows], since: Checkpoint, *, always: bool) -> list[Newcomer]:
    """List what new partitions brought along, and note a TRUNCATE of them from now on.

    Of tables whose log does not say everything anyway, nothing is done.

    Returns:
        Those whose writers left no gap: the next look tries again.
    """
    came = newcomers(side, since)
    if not came:
        return []
    keyed = {one["oid"]: one["keyed"] for one in since.content["tables"].values()}
    fit = captured_oids(side, besides=[one.oid for one in came])
    return [one for one in came if fit.get(one.of) and not _looked_after(side, one, keyed=keyed[one.of], always=always)]


def _looked_after(side: Connection[Rows], one: Newcomer, *, keyed: bool, always: bool) -> bool:
    """The trigger says that it was done, so it comes last. What is written meanwhile is logged anyway."""
    if not one.made:
        _list_rows(side, one, keyed=keyed)
    trigger = Identifier(trigger_name("emptied", one.of))
    creating = SQL("CREATE OR REPLACE TRIGGER {} AFTER TRUNCATE ON {} FOR EACH STATEMENT EXECUTE FUNCTION {}()")
    switching = SQL("ALTER TABLE {} ENABLE ALWAYS TRIGGER {}").format(table(one.name), trigger)
    looking = [
        creating.format(trigger, table(one.name), ours(f"log_{one.of}_emptied")),
        *([switching] if always else []),
    ]
    return in_a_gap(side, looking, within_s=0)


def _list_rows(side: Connection[Rows], one: Newcomer, *, keyed: bool) -> None:
    if not keyed or one.bytes > _LISTED_BYTES:
        side.execute(SQL("INSERT INTO {} (oid) VALUES ({})").format(ours("emptied"), Literal(one.of)))
        return
    key = columns(logged_keys(side).get(one.of, ()))
    side.execute(SQL("INSERT INTO {} ({}) SELECT {} FROM {}").format(log_of(one.of), key, key, table(one.name)))
