"""Reads what a database holds from its system catalogues, in one statement each and one snapshot for all.

https://www.postgresql.org/docs/current/catalogs.html
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from psycopg import Connection
from psycopg.errors import InsufficientPrivilege

from shared.adapters.postgres.server.session import Rows
from shared.model.tables import Catalogue, Column, Generated, Reference, Server, Table, TableName
from shared.model.tables import Sequence as TableSequence

# Everything of ours lives in it, on both sides.
OURS = "rollback_controller"

# Types whose equal values are one value, and hash the same everywhere. Not numeric without a scale (1.0 = 1.00), floats
# (0 = -0), interval ('1 day' = '24 hours'), timetz, enums (they hash by a number that differs between servers), JSON.
_EXACT = ("bool", "int2", "int4", "int8", "oid", "uuid", "date", "time", "timestamp", "timestamptz", "bytea", "name")
_EXACT_TEXT = ("text", "varchar")

_SERVER = """
SELECT current_setting('server_version_num')::int, (SELECT system_identifier::text FROM pg_control_system()),
       pg_encoding_to_char(d.encoding), current_user::text, r.rolsuper, r.rolsuper OR r.rolbypassrls,
       pg_is_in_recovery() OR current_setting('default_transaction_read_only')::bool,
       has_database_privilege(current_database(), 'CREATE'),
       array(SELECT gid FROM pg_prepared_xacts WHERE database = current_database()),
       EXISTS (SELECT FROM pg_largeobject_metadata), clock_timestamp()
FROM pg_database d, pg_roles r WHERE d.datname = current_database() AND r.rolname = current_user
"""

_TABLES = """
SELECT c.oid, n.nspname, c.relname, c.relkind = 'p', c.relpersistence <> 'u', c.relrowsecurity OR c.relforcerowsecurity,
       pg_has_role(c.relowner, 'USAGE'), greatest(c.reltuples, 0)::int8,
       CASE WHEN c.relkind = 'p'
            THEN (SELECT coalesce(sum(pg_total_relation_size(relid)), 0)::int8 FROM pg_partition_tree(c.oid))
            ELSE pg_total_relation_size(c.oid) END,
       EXISTS (SELECT FROM pg_inherits i WHERE i.inhrelid = c.oid OR (c.relkind = 'r' AND i.inhparent = c.oid))
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence <> 't'
  AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_' AND n.nspname <> %(ours)s
ORDER BY 2, 3
"""

_COLUMNS = """
SELECT a.attrelid, a.attname, format_type(a.atttypid, a.atttypmod),
       b.typname = ANY (%(exact)s) OR (b.typname = ANY (%(texts)s) AND coalesce(l.collisdeterministic, true))
         OR (b.typname = 'numeric' AND coalesce(nullif(a.atttypmod, -1), t.typtypmod) > 0),
       a.attnotnull, a.attnotnull AND NOT a.atthasdef AND a.attidentity = '',
       a.attidentity::text || a.attgenerated::text
FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
JOIN pg_type b ON b.oid = CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.oid END
LEFT JOIN pg_collation l ON l.oid = a.attcollation
WHERE a.attrelid = ANY (%(tables)s) AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attrelid, a.attnum
"""

# A unique index names rows if it is immediate, whole, over plain columns, and none of these can be null.
_INDEXES = """
SELECT i.indrelid, c.relname, i.indisprimary,
       i.indisunique AND i.indimmediate AND i.indpred IS NULL AND i.indexprs IS NULL
         AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
                         AND NOT a.attnotnull),
       CASE WHEN i.indexprs IS NULL AND i.indpred IS NULL THEN array(
              SELECT a.attname FROM unnest(i.indkey[0:i.indnkeyatts - 1]) WITH ORDINALITY AS k (attnum, place)
              JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum ORDER BY place)
            ELSE '{}' END
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE i.indrelid = ANY (%(tables)s) AND (i.indisunique OR i.indisexclusion) AND i.indisvalid
ORDER BY i.indrelid, i.indisprimary DESC, i.indnkeyatts, c.relname
"""

_REFERENCES = """
SELECT c.conrelid, c.conname, n.nspname, t.relname, c.confmatchtype = 'f',
       array(SELECT a.attname FROM unnest(c.conkey) WITH ORDINALITY AS k (attnum, place)
             JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.attnum ORDER BY place),
       array(SELECT a.attname FROM unnest(c.confkey) WITH ORDINALITY AS k (attnum, place)
             JOIN pg_attribute a ON a.attrelid = c.confrelid AND a.attnum = k.attnum ORDER BY place)
FROM pg_constraint c JOIN pg_class t ON t.oid = c.confrelid JOIN pg_namespace n ON n.oid = t.relnamespace
WHERE c.contype = 'f' AND c.conparentid = 0 AND c.conrelid = ANY (%(tables)s)
ORDER BY c.conrelid, c.conname
"""

_TRIGGERS = """
SELECT tgrelid, tgname, tgenabled FROM pg_trigger
WHERE NOT tgisinternal AND tgenabled <> 'D' AND tgrelid = ANY (%(tables)s) ORDER BY 1, 2
"""

_RULES = """
SELECT ev_class, rulename FROM pg_rewrite
WHERE ev_type <> '1' AND ev_enabled <> 'D' AND ev_class = ANY (%(tables)s) ORDER BY 1, 2
"""

_LEAVES = """
SELECT p.oid, n.nspname, c.relname
FROM unnest(%(tables)s::oid[]) AS p (oid), pg_partition_tree(p.oid) AS t
JOIN pg_class c ON c.oid = t.relid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE t.relid <> p.oid ORDER BY 1, 2, 3
"""

_SEQUENCES = """
SELECT n.nspname, c.relname, tn.nspname, t.relname, a.attname, s.seqincrement,
       CASE WHEN has_sequence_privilege(c.oid, 'SELECT, USAGE') THEN pg_sequence_last_value(c.oid) END,
       s.seqmin, s.seqmax, s.seqcycle, has_sequence_privilege(c.oid, 'UPDATE'),
       has_sequence_privilege(c.oid, 'SELECT, USAGE')
FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype IN ('a', 'i')
  AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0
LEFT JOIN pg_class t ON t.oid = d.refobjid LEFT JOIN pg_namespace tn ON tn.oid = t.relnamespace
LEFT JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
WHERE n.nspname !~ '^pg_' AND n.nspname <> %(ours)s ORDER BY 1, 2
"""


def read_catalogue(connection: Connection[Rows]) -> Catalogue:
    """Return what the database holds, outside of our own schema.

    Raises:
        psycopg.Error: it could not be read.
    """
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        connection.execute("SET LOCAL search_path = pg_catalog")
        server, now = _server(connection)
        return Catalogue(read_at=now, server=server, tables=_tables(connection), sequences=_sequences(connection))


def _server(connection: Connection[Rows]) -> tuple[Server, datetime]:
    row: Any = connection.execute(_SERVER).fetchone()
    version, system, encoding, role, superuser, bypasses, read_only, creates, in_doubt, large_objects, now = row
    server = Server(
        version=version,
        system=system,
        encoding=encoding,
        role=role,
        superuser=superuser,
        bypasses_row_security=bypasses,
        replica_role=_may_set_replica_role(connection),
        read_only=read_only,
        can_create_schema=creates,
        in_doubt=tuple(in_doubt),
        large_objects=large_objects,
    )
    return server, now


def _may_set_replica_role(connection: Connection[Rows]) -> bool:
    """Try it: who may is a matter of grants, of extensions and of who runs the server."""
    try:
        with connection.transaction():
            connection.execute("SET LOCAL session_replication_role = replica")
            connection.execute("SET LOCAL session_replication_role = origin")
    except InsufficientPrivilege:
        return False
    return True


def _tables(connection: Connection[Rows]) -> dict[TableName, Table]:
    found: list[Any] = connection.execute(_TABLES, {"ours": OURS}).fetchall()
    asked = {
        "tables": [row[0] for row in found],
        "exact": list(_EXACT),
        "texts": list(_EXACT_TEXT),
    }

    def by_table(query: str) -> dict[int, list[Any]]:
        return _by_first(connection.execute(query, asked).fetchall())

    columns, indexes, references = by_table(_COLUMNS), by_table(_INDEXES), by_table(_REFERENCES)
    triggers, leaves, rules = by_table(_TRIGGERS), by_table(_LEAVES), by_table(_RULES)
    tables = [
        Table(
            oid=oid,
            name=TableName(schema, name),
            columns=tuple(_column(row) for row in columns.get(oid, [])),
            key=_key(indexes.get(oid, [])),
            references=tuple(_reference(row) for row in references.get(oid, [])),
            unique=_unique(indexes.get(oid, [])),
            leaves=tuple(TableName(*row[1:]) for row in leaves.get(oid, [])),
            inherited=inherits,
            logged=logged,
            row_security=secured,
            rules=tuple(row[1] for row in rules.get(oid, [])),
            triggers={name: fires for _, name, fires in triggers.get(oid, [])},
            owned=owned,
            rows=rows,
            bytes=size,
        )
        for oid, schema, name, _, logged, secured, owned, rows, size, inherits in found
    ]
    return {table.name: table for table in tables}


def _by_first(rows: Iterable[Any]) -> dict[int, list[Any]]:
    grouped: dict[int, list[Any]] = {}
    for row in rows:
        grouped.setdefault(row[0], []).append(row)
    return grouped


def _column(row: Sequence[Any]) -> Column:
    _, name, kind, exact, not_null, required, generated = row
    return Column(
        name=name, type=kind, exact=exact, not_null=not_null, required=required, generated=Generated(generated.strip())
    )


def _key(indexes: Sequence[Any]) -> tuple[str, ...]:
    return next((tuple(columns) for _, _, _, names_rows, columns in indexes if names_rows), ())


def _unique(indexes: Sequence[Any]) -> dict[str, tuple[str, ...]]:
    key = next((name for _, name, _, names_rows, _ in indexes if names_rows), None)
    return {name: tuple(columns) for _, name, _, _, columns in indexes if name != key}


def _reference(row: Sequence[Any]) -> Reference:
    _, name, schema, table, match_full, columns, to_columns = row
    return Reference(
        name=name,
        columns=tuple(columns),
        to=TableName(schema, table),
        to_columns=tuple(to_columns),
        match_full=match_full,
    )


def _sequences(connection: Connection[Rows]) -> dict[TableName, TableSequence]:
    rows: list[Any] = connection.execute(_SEQUENCES, {"ours": OURS}).fetchall()
    return {one.name: one for one in map(_sequence, rows)}


def _sequence(row: Sequence[Any]) -> TableSequence:
    schema, name, owner_schema, owner, column, increment, last, lowest, highest, cycles, settable, readable = row
    return TableSequence(
        name=TableName(schema, name),
        owner=(TableName(owner_schema, owner), column) if owner else None,
        increment=increment,
        last=last,
        lowest=lowest,
        highest=highest,
        cycles=cycles,
        settable=settable,
        readable=readable,
    )
