"""What a slot carries: a publication of key columns alone, table by table, and the tables that it cannot carry.

A publication is no bystander: as soon as a table is in one, updates and deletes of the application fail where its
replica identity is missing, or is not in the column list. So a table is published only if neither can happen, and its
key is in that identity; otherwise all its rows are compared when they go back.

Partitions are published one by one, and not by way of their root: then a TRUNCATE of one of them is told, too. The
root is published without a list, which only stands for partitions that are made later.
https://www.postgresql.org/docs/current/logical-replication-col-lists.html
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import Connection
from psycopg.sql import SQL, Composed, Identifier, Literal

from shared.adapters.postgres.capture.key_log import creating_log, log_of, removing
from shared.adapters.postgres.server.session import Rows
from shared.adapters.postgres.server.sql import columns, listed, ours, table
from shared.adapters.postgres.server.turns import in_a_gap
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


def publish(target: Connection[Rows], name: str, of: Table, within_s: float) -> bool:
    """Carry a table from now on, with a log of its own; return whether its writers left a gap for it.

    Open writers are waited for: what they wrote before the table was in the publication would not be told. A partition
    that came meanwhile is not in it: then it is done again.
    """
    relations: list[Published] = []
    while relations != (found := _relations(target, of)):
        relations = found
        if not in_a_gap(target, _publishing(target, name, of, relations), within_s):
            return False
    return True


def _relations(target: Connection[Rows], of: Table) -> list[Published]:
    return [one for one in read_published(target, [of])[of.oid] if one.kind == "r" or one.name == of.name]


def _publishing(target: Connection[Rows], name: str, of: Table, relations: Sequence[Published]) -> Iterator[Composed]:
    """Whatever a log of this table holds is of no checkpoint that this slot covers."""
    names = [one.name for one in relations]
    publication, quoted = Identifier(name), Literal([table(one).as_string() for one in names])
    yield SQL("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE").format(table(of.name))
    yield from removing(of.oid)
    present = _present(target, name, names)
    if present:
        yield SQL("ALTER PUBLICATION {} DROP TABLE {}").format(publication, listed(map(table, present)))
    yield SQL("ALTER PUBLICATION {} ADD TABLE {}").format(publication, listed(_listed(one) for one in relations))
    yield from creating_log(of)
    yield SQL(
        "INSERT INTO {tables} (slot, oid, key, log, entries) SELECT {name}, {oid}, {key}, {log}::regclass,"
        " array_agg(r.oid) FROM pg_publication_rel r JOIN pg_publication p ON p.oid = r.prpubid"
        " WHERE p.pubname = {name} AND r.prrelid = ANY ({relations}::regclass[])"
        " ON CONFLICT (slot, oid) DO UPDATE SET key = excluded.key, log = excluded.log,"
        " entries = excluded.entries, rollback_xid = pg_current_xact_id()"
    ).format(
        tables=ours("slot_table"),
        name=Literal(name),
        oid=Literal(of.oid),
        key=Literal(list(of.key)),
        log=Literal(log_of(of.oid).as_string()),
        relations=quoted,
    )


def _present(target: Connection[Rows], name: str, relations: Sequence[TableName]) -> list[TableName]:
    rows: list[Any] = target.execute(
        "SELECT n.nspname, c.relname FROM pg_publication p JOIN pg_publication_rel r ON r.prpubid = p.oid"
        " JOIN pg_class c ON c.oid = r.prrelid JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE p.pubname = %s AND c.oid = ANY (%s::regclass[])",
        [name, [table(one).as_string() for one in relations]],
    ).fetchall()
    return [TableName(*row) for row in rows]


def _listed(one: Published) -> Composed:
    if one.kind == "p":
        return Composed([table(one.name)])
    return SQL("{} ({})").format(table(one.name), columns(one.identity))
