"""What is asked of the system catalogues, as one message: one snapshot, and one wait for the answer.

Catalogues are read without locks on what they describe. What takes some, such as how large a table is, or how far a
sequence, is asked of those alone that are wanted: nobody waits for what others do to tables that are none of ours.
https://www.postgresql.org/docs/current/catalogs.html
"""

import re
from collections.abc import Iterable

from psycopg.sql import SQL, Composable, Composed, Literal

# Everything of ours lives in it, on both sides.
OURS = "rollback_controller"

# Types whose equal values are one value, and hash the same everywhere. Not numeric without a scale (1.0 = 1.00), floats
# (0 = -0), interval ('1 day' = '24 hours'), timetz, enums (they hash by a number that differs between servers), JSON.
_EXACT = ("bool", "int2", "int4", "int8", "oid", "uuid", "date", "time", "timestamp", "timestamptz", "bytea", "name")
_EXACT_TEXT = ("text", "varchar")

# Outside of a transaction, what is sent at once is one.
BEFORE = (
    SQL("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"),
    SQL("SET LOCAL search_path = pg_catalog"),
    # Who may take the replica role is a matter of grants, of extensions and of who runs the server: it is tried.
    SQL("""
DO $$ BEGIN
  SET LOCAL session_replication_role = replica;
  SET LOCAL session_replication_role = origin;
  PERFORM set_config('rollback_controller.replica_role', 'on', true);
EXCEPTION WHEN insufficient_privilege THEN
  PERFORM set_config('rollback_controller.replica_role', 'off', true);
END $$
"""),
)

_TAKEN = SQL("""c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence <> 't'
  AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_' AND n.nspname <> {}""").format(Literal(OURS))
_OIDS = SQL("array(SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {})").format(_TAKEN)

_SERVER = """
SELECT current_setting('server_version_num')::int, (SELECT system_identifier::text FROM pg_control_system()),
       pg_encoding_to_char(d.encoding), current_user::text, r.rolsuper, r.rolsuper OR r.rolbypassrls,
       pg_is_in_recovery() OR current_setting('default_transaction_read_only')::bool,
       current_setting('rollback_controller.replica_role')::bool,
       has_database_privilege(current_database(), 'CREATE'),
       array(SELECT gid FROM pg_prepared_xacts WHERE database = current_database()
             AND prepared < clock_timestamp() - interval '2 s'),
       EXISTS (SELECT FROM pg_largeobject_metadata), d.oid || ' since ' || pg_postmaster_start_time(),
       clock_timestamp()
FROM pg_database d, pg_roles r WHERE d.datname = current_database() AND r.rolname = current_user
"""

_TREE = """
WITH RECURSIVE tree (root, oid) AS (
  SELECT i.inhparent, i.inhrelid FROM pg_inherits i JOIN pg_class p ON p.oid = i.inhparent AND p.relkind = 'p'
  WHERE i.inhparent = ANY ({tables})
  UNION ALL SELECT tree.root, i.inhrelid FROM tree JOIN pg_inherits i ON i.inhparent = tree.oid)
"""

_TABLES = """
{tree}
SELECT c.oid, n.nspname, c.relname, c.relkind = 'p', c.relpersistence <> 'u', c.relrowsecurity OR c.relforcerowsecurity,
       pg_has_role(c.relowner, 'USAGE'), greatest(c.reltuples, 0)::int8,
       CASE WHEN (n.nspname || '.' || c.relname) LIKE ANY ({wanted})
            THEN (SELECT coalesce(sum(pg_total_relation_size(e.oid)), 0)::int8
                  FROM (SELECT c.oid UNION ALL SELECT tree.oid FROM tree WHERE tree.root = c.oid) AS e) ELSE 0 END,
       EXISTS (SELECT FROM pg_inherits i WHERE i.inhrelid = c.oid OR (c.relkind = 'r' AND i.inhparent = c.oid))
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE {taken} ORDER BY 2, 3
"""

_COLUMNS = """
SELECT a.attrelid, a.attname, format_type(a.atttypid, a.atttypmod),
       b.typname = ANY ({exact}) OR (b.typname = ANY ({texts}) AND coalesce(l.collisdeterministic, true))
         OR (b.typname = 'numeric' AND coalesce(nullif(a.atttypmod, -1), t.typtypmod) > 0),
       a.attnotnull, a.attnotnull AND NOT a.atthasdef AND a.attidentity = '',
       a.attidentity::text || a.attgenerated::text, e.schema, e.operator
FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
JOIN pg_type b ON b.oid = CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.oid END
LEFT JOIN pg_collation l ON l.oid = a.attcollation
LEFT JOIN (
  SELECT c.opcintype AS type, n.nspname::text AS schema, o.oprname::text AS operator
  FROM pg_opclass c JOIN pg_am m ON m.oid = c.opcmethod AND m.amname = 'btree'
  JOIN pg_amop p ON p.amopfamily = c.opcfamily AND p.amopstrategy = 3
    AND (p.amoplefttype, p.amoprighttype) = (c.opcintype, c.opcintype)
  JOIN pg_operator o ON o.oid = p.amopopr JOIN pg_namespace n ON n.oid = o.oprnamespace
  WHERE c.opcdefault AND n.nspname <> 'pg_catalog') AS e ON e.type = b.oid
WHERE a.attrelid = ANY ({tables}) AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attrelid, a.attnum
"""

# A unique index names rows if it is immediate, whole, over plain columns, and none of these can be null. It must take
# the same values for equal as a comparison of the columns does: by the operator of their type, and their collation.
_INDEXES = """
SELECT i.indrelid, c.relname,
       i.indisunique AND i.indimmediate AND i.indpred IS NULL AND i.indexprs IS NULL AND NOT EXISTS (
         SELECT FROM unnest(i.indkey::int2[], i.indclass::oid[], i.indcollation::oid[]) AS k (attnum, class, collated)
         JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum JOIN pg_opclass o ON o.oid = k.class
         LEFT JOIN pg_collation mine ON mine.oid = k.collated LEFT JOIN pg_collation its ON its.oid = a.attcollation
         WHERE (k.collated <> a.attcollation
                AND NOT (coalesce(mine.collisdeterministic, true) AND coalesce(its.collisdeterministic, true)))
           OR NOT EXISTS (
             SELECT FROM pg_amop p JOIN pg_amop q ON q.amopopr = p.amopopr AND q.amopstrategy = 3
             JOIN pg_opclass d ON d.opcfamily = q.amopfamily AND d.opcdefault AND d.opcmethod = o.opcmethod
               AND d.opcintype = o.opcintype
             WHERE p.amopfamily = o.opcfamily AND p.amopstrategy = 3
               AND (p.amoplefttype, p.amoprighttype) = (o.opcintype, o.opcintype))),
       NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
                   AND NOT a.attnotnull),
       CASE WHEN i.indexprs IS NULL AND i.indpred IS NULL THEN array(
              SELECT a.attname FROM unnest(i.indkey[0:i.indnkeyatts - 1]) WITH ORDINALITY AS k (attnum, place)
              JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum ORDER BY place)
            ELSE '{{}}' END
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE i.indrelid = ANY ({tables}) AND (i.indisunique OR i.indisexclusion) AND i.indisvalid
ORDER BY i.indrelid, i.indisprimary DESC, i.indnkeyatts, c.relname
"""

_REFERENCES = """
SELECT c.conrelid, c.conname, n.nspname, t.relname, c.confmatchtype = 'f',
       array(SELECT a.attname FROM unnest(c.conkey) WITH ORDINALITY AS k (attnum, place)
             JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.attnum ORDER BY place),
       array(SELECT a.attname FROM unnest(c.confkey) WITH ORDINALITY AS k (attnum, place)
             JOIN pg_attribute a ON a.attrelid = c.confrelid AND a.attnum = k.attnum ORDER BY place),
       array(SELECT s.nspname::text || ' ' || o.oprname FROM unnest(c.conpfeqop) WITH ORDINALITY AS k (operator, place)
             JOIN pg_operator o ON o.oid = k.operator JOIN pg_namespace s ON s.oid = o.oprnamespace ORDER BY place)
FROM pg_constraint c JOIN pg_class t ON t.oid = c.confrelid JOIN pg_namespace n ON n.oid = t.relnamespace
WHERE c.contype = 'f' AND c.conparentid = 0 AND c.conrelid = ANY ({tables})
ORDER BY c.conrelid, c.conname
"""

_TRIGGERS = """
SELECT tgrelid, tgname, tgenabled FROM pg_trigger
WHERE NOT tgisinternal AND tgenabled <> 'D' AND tgrelid = ANY ({tables}) ORDER BY 1, 2
"""

_RULES = """
SELECT ev_class, rulename FROM pg_rewrite
WHERE ev_type <> '1' AND ev_enabled <> 'D' AND ev_class = ANY ({tables}) ORDER BY 1, 2
"""

_LEAVES = """
{tree}
SELECT tree.root, n.nspname, c.relname
FROM tree JOIN pg_class c ON c.oid = tree.oid JOIN pg_namespace n ON n.oid = c.relnamespace ORDER BY 1, 2, 3
"""

# Of a column of a wanted table, by its default as well; or of none, and beside wanted tables.
_WANTED_FOR = """
(tn.nspname || '.' || t.relname) LIKE ANY ({wanted}) OR (t.oid IS NULL AND n.nspname LIKE ANY ({schemas})) OR EXISTS (
  SELECT FROM pg_depend u JOIN pg_attrdef f ON f.oid = u.objid JOIN pg_class w ON w.oid = f.adrelid
  JOIN pg_namespace s ON s.oid = w.relnamespace
  WHERE u.classid = 'pg_attrdef'::regclass AND u.refclassid = 'pg_class'::regclass AND u.refobjid = c.oid
    AND (s.nspname || '.' || w.relname) LIKE ANY ({wanted}))
"""

_SEQUENCES = """
SELECT n.nspname, c.relname, tn.nspname, t.relname, a.attname, s.seqincrement,
       CASE WHEN has_sequence_privilege(c.oid, 'SELECT, USAGE') AND ({wanted_for})
            THEN pg_sequence_last_value(c.oid) END,
       s.seqmin, s.seqmax, s.seqcycle, has_sequence_privilege(c.oid, 'UPDATE'),
       has_sequence_privilege(c.oid, 'SELECT, USAGE')
FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype IN ('a', 'i')
  AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0
LEFT JOIN pg_class t ON t.oid = d.refobjid LEFT JOIN pg_namespace tn ON tn.oid = t.relnamespace
LEFT JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
WHERE n.nspname !~ '^pg_' AND n.nspname <> {ours} ORDER BY 1, 2
"""

_ASKED = {
    "server": _SERVER,
    "tables": _TABLES,
    "columns": _COLUMNS,
    "indexes": _INDEXES,
    "references": _REFERENCES,
    "triggers": _TRIGGERS,
    "rules": _RULES,
    "leaves": _LEAVES,
    "sequences": _SEQUENCES,
}


def asked(wanted: Iterable[str]) -> dict[str, Composed]:
    """Return the queries by name.

    Args:
        wanted: Patterns of tables of which is asked what takes locks; at least of these.
    """
    patterns = [_like(pattern) for pattern in wanted]
    given: dict[str, Composable] = {
        "ours": Literal(OURS),
        "exact": Literal(list(_EXACT)),
        "texts": Literal(list(_EXACT_TEXT)),
        "taken": _TAKEN,
        "tables": _OIDS,
        "wanted": SQL("{}::text[]").format(Literal(patterns)),
        "schemas": SQL("{}::text[]").format(Literal([pattern.rpartition(".")[0] for pattern in patterns])),
    }
    given["tree"] = SQL(_TREE).format(tables=_OIDS)
    given["wanted_for"] = SQL(_WANTED_FOR).format(**given)
    return {name: SQL(query).format(**given) for name, query in _ASKED.items()}


def _like(pattern: str) -> str:
    """Return a pattern as LIKE takes it; of characters in brackets, any one."""
    escaped = re.sub(r"([\\%_])", r"\\\1", pattern)
    return re.sub(r"\[!?[^]]+\]|\?", "_", escaped).replace("*", "%")
