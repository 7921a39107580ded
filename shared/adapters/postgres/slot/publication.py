"""What a slot carries: a publication of key columns alone, table by table, and the tables that it cannot carry.

A publication is no bystander: as soon as a table is in one, updates and deletes of the application fail where its
replica identity is missing, or is not in the column list. So a table is published only if neither can happen, and its
key is in that identity; otherwise all its rows are compared when they go back.

Partitions are published one by one, and not by way of their root: then a TRUNCATE of one of them is told, too. The
root is published without a list, which only stands for partitions that are made later.
https://www.postgresql.org/docs/current/logical-replication-col-lists.html
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import Connection
from psycopg.sql import SQL, Composed, Identifier

from shared.adapters.postgres.capture.key_log import captured_oids, log_of, remove_capture
from shared.adapters.postgres.server.session import Rows
from shared.adapters.postgres.server.sql import columns, listed, ours, table
from shared.model.tables import Table, TableName

# A partition that is made later takes its replica identity from the primary key of its root, and nothing else.
_RELATIONS = """
SELECT t.oid::int8, n.nspname, c.relname, c.relkind, c.relpersistence = 'u', c.relreplident = 'f' AND c.relkind = 'r',
       array(SELECT a.attname FROM pg_index i JOIN pg_attribute a
             ON a.attrelid = c.oid AND a.attnum = ANY (i.indkey[0:i.indnkeyatts - 1])
             WHERE i.indrelid = c.oid AND i.indisvalid AND i.indimmediate
               AND CASE WHEN c.relkind = 'p' OR c.relreplident = 'd' THEN i.indisprimary
                        ELSE c.relreplident = 'i' AND i.indisreplident END
             ORDER BY a.attnum),
       EXISTS (SELECT FROM pg_index i JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (i.indkey)
               WHERE i.indrelid = c.oid AND (i.indisprimary OR i.indisreplident) AND a.attgenerated <> '')
FROM unnest(%s::oid[]) AS t (oid)
CROSS JOIN LATERAL (SELECT t.oid::regclass UNION SELECT relid FROM pg_partition_tree(t.oid)) AS e (relid)
JOIN pg_class c ON c.oid = e.relid JOIN pg_namespace n ON n.oid = c.relnamespace
ORDER BY t.oid, n.nspname, c.relname
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A table, or a partition of one, as a publication would take it.

    Attributes:
        kind: `r` for one that holds rows, `p` for one that has partitions, `f` for a foreign one.
        identity: The columns that name its old rows.
    """

    name: TableName
    kind: str
    unlogged: bool
    full_identity: bool
    identity: tuple[str, ...]
    generated: bool

    def why_not(self, key: Sequence[str]) -> str | None:
        """Say why it cannot be carried; `None` means that it can."""
        reasons = {
            "it has no key": not key,
            "it is a foreign table": self.kind == "f",
            "it is unlogged: nothing that is written to it is in the server's log": self.unlogged,
            "its replica identity is FULL, for which no columns can be chosen": self.full_identity,
            f"its key ({', '.join(key)}) is not in its replica identity": not set(self.identity).issuperset(key),
            "its replica identity has a generated column": self.generated,
        }
        return next((reason for reason, holds in reasons.items() if holds), None)


def read_published(target: Connection[Rows], tables: Sequence[Table]) -> dict[int, list[Published]]:
    """Return each table with its partitions."""
    rows: list[Any] = target.execute(_RELATIONS, [[one.oid for one in tables]]).fetchall()
    found: dict[int, list[Published]] = {one.oid: [] for one in tables}
    for oid, schema, name, kind, unlogged, full, identity, generated in rows:
        found[oid].append(
            Published(
                name=TableName(schema, name),
                kind=kind,
                unlogged=unlogged,
                full_identity=full,
                identity=tuple(identity),
                generated=generated,
            )
        )
    return found


def not_carried(target: Connection[Rows], tables: Sequence[Table]) -> dict[TableName, str]:
    """Return the tables that a slot cannot carry, and why; with the partition if it is one's fault."""
    found = read_published(target, tables)
    said: dict[TableName, str] = {}
    for one in tables:
        for each in found[one.oid]:
            why = each.why_not(one.key)
            if why:
                said[one.name] = why if each.name == one.name else f"{each.name}: {why}"
                break
    return said


def publish(target: Connection[Rows], name: str, of: Table) -> None:
    """Carry a table from now on, with a log of its own; the caller's transaction decides from when.

    Open writers are waited for: what they wrote before the table was in the publication would not be told.
    """
    if of.oid in captured_oids(target):
        remove_capture(target, of.name, of.oid, of.leaves)
    target.execute(SQL("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE").format(table(of.name)))
    relations = [one for one in read_published(target, [of])[of.oid] if one.kind == "r" or one.name == of.name]
    _take_out(target, name, [one.name for one in relations])
    adding = SQL("ALTER PUBLICATION {} ADD TABLE {}")
    target.execute(adding.format(Identifier(name), listed(_listed(one) for one in relations)))
    for statement in _log(of):
        target.execute(statement)
    target.execute(
        SQL(
            "INSERT INTO {} (slot, oid, key, log, entries) SELECT %s, %s, %s, %s::regclass, array_agg(r.oid)"
            " FROM pg_publication_rel r JOIN pg_publication p ON p.oid = r.prpubid"
            " WHERE p.pubname = %s AND r.prrelid = ANY (%s::regclass[])"
            " ON CONFLICT (slot, oid) DO UPDATE SET key = excluded.key, log = excluded.log,"
            " entries = excluded.entries, rollback_xid = pg_current_xact_id()"
        ).format(ours("slot_table")),
        [name, of.oid, list(of.key), log_of(of.oid).as_string(), name, _quoted([one.name for one in relations])],
    )


def _take_out(target: Connection[Rows], name: str, relations: Sequence[TableName]) -> None:
    present: list[Any] = target.execute(
        "SELECT n.nspname, c.relname FROM pg_publication p JOIN pg_publication_rel r ON r.prpubid = p.oid"
        " JOIN pg_class c ON c.oid = r.prrelid JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE p.pubname = %s AND c.oid = ANY (%s::regclass[])",
        [name, _quoted(relations)],
    ).fetchall()
    if present:
        dropping = SQL("ALTER PUBLICATION {} DROP TABLE {}")
        target.execute(dropping.format(Identifier(name), listed(Identifier(*one) for one in present)))


def _quoted(names: Sequence[TableName]) -> list[str]:
    return [table(name).as_string() for name in names]


def _listed(one: Published) -> Composed:
    if one.kind == "p":
        return Composed([table(one.name)])
    return SQL("{} ({})").format(table(one.name), columns(one.identity))


def _log(of: Table) -> list[Composed]:
    """Whatever a log of this table holds is of no checkpoint that this slot covers."""
    return [
        SQL("DROP TABLE IF EXISTS {}").format(log_of(of.oid)),
        SQL("CREATE TABLE {} AS SELECT {}, pg_current_xact_id() AS rollback_xid FROM {} WITH NO DATA").format(
            log_of(of.oid), columns(of.key), table(of.name)
        ),
        SQL("ALTER TABLE {} ALTER rollback_xid SET NOT NULL").format(log_of(of.oid)),
    ]
