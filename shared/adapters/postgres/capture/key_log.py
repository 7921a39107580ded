"""Logs which keys are written on a database: triggers on its tables, into tables of our own beside them.

The log is ordinary transactional data: it survives a fail-over, and a key is in it exactly if its change was committed.
Each key stands with the id of the top-level transaction that wrote it (`xid8`), so that everything that a snapshot did
not see can be told later; a clock or a sequence cannot do that (`docs/adr/0014`). Updates log the new keys once a
statement; an old key is logged only when it was changed. A TRUNCATE marks the whole table.

Partitioned tables are logged by row: statement triggers see nothing that is written to a partition directly.
https://www.postgresql.org/docs/current/sql-createtrigger.html
"""

from collections.abc import Collection, Iterable, Iterator
from typing import Any, LiteralString

from psycopg import Connection
from psycopg.sql import SQL, Composable, Composed, Identifier, Literal

from shared.adapters.postgres.capture.triggers import standing
from shared.adapters.postgres.server.catalogue import OURS
from shared.adapters.postgres.server.session import Rows
from shared.adapters.postgres.server.sql import column, columns, listed, ours, table
from shared.model.tables import Table, TableName

# The functions run as their owner: writers need no rights on our schema, and no search path of theirs is followed.
_FUNCTION = SQL(
    "CREATE OR REPLACE FUNCTION {} RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER"
    " SET search_path = pg_catalog, pg_temp AS {}"
)
_BY_STATEMENT = SQL(
    "CREATE TRIGGER {name} AFTER {kind} ON {table} REFERENCING {side} TABLE AS written"
    " FOR EACH STATEMENT EXECUTE FUNCTION {function}()"
)
_BY_ROW = SQL("CREATE TRIGGER {name} AFTER {kind} ON {table} FOR EACH ROW EXECUTE FUNCTION {function}()")
_ROW = SQL("(SELECT {}.*) AS written")
# A migration must never make writers fail. The server lets a key's column take another type or go only when the `key`
# trigger is dropped first; whoever does that, the key's index is gone then, and what is written is only noted. A column
# of the key that has another name now is not found in `written`, so that its name means the NULL around it. Both cost
# less than a look into the catalogue.
_LOGGING = SQL(
    "IF pg_index_has_property({index}::oid, 'clusterable') THEN INSERT INTO {log} ({keys}) SELECT {found}"
    " FROM (SELECT {unknown}) AS unknown, LATERAL (SELECT {keys} FROM {written}) AS found; ELSE {noting} END IF;"
)
_KEY_INDEX = """
SELECT indexrelid::int8 FROM pg_index i
WHERE indrelid = %s AND indisunique AND indimmediate AND indisvalid AND indpred IS NULL AND indexprs IS NULL
  AND (SELECT array_agg(attname::text ORDER BY attname) FROM pg_attribute a
       WHERE a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey[0:i.indnkeyatts - 1]))
      = (SELECT array_agg(name ORDER BY name COLLATE "C") FROM unnest(%s::text[]) AS name)
ORDER BY indisprimary DESC, 1 LIMIT 1
"""
_LOGS = """
SELECT substr(l.relname, 5)::int8, array_agg(a.attname::text ORDER BY a.attnum)
FROM pg_class l JOIN pg_namespace n ON n.oid = l.relnamespace JOIN pg_attribute a ON a.attrelid = l.oid
WHERE n.nspname = %s AND l.relname ~ '^log_[0-9]+$' AND l.relkind = 'r' AND a.attnum > 0 AND a.attname <> 'rollback_xid'
GROUP BY 1
"""
# A table without a key has no function for one. Of others the log must be there, and have the columns of now.
_CAPTURED = """
SELECT f.oid::int8, f.keyed, NOT f.keyed OR EXISTS (
         SELECT FROM pg_class l JOIN pg_namespace n ON n.oid = l.relnamespace
         WHERE n.nspname = %(ours)s AND l.relname = 'log_' || f.oid AND NOT EXISTS (
           SELECT FROM pg_attribute a LEFT JOIN pg_attribute now
             ON now.attrelid = f.oid AND now.attname = a.attname AND now.atttypid = a.atttypid
           WHERE a.attrelid = l.oid AND a.attnum > 0 AND a.attname <> 'rollback_xid' AND now.attnum IS NULL))
FROM (SELECT substr(proname, 5, length(proname) - 12)::oid AS oid, EXISTS (
               SELECT FROM pg_proc k WHERE k.pronamespace = p.pronamespace
               AND k.proname = regexp_replace(p.proname, 'emptied$', 'key')) AS keyed
      FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
      WHERE n.nspname = %(ours)s AND p.proname ~ '^log_[0-9]+_emptied$') AS f
WHERE EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = f.oid AND t.tgname LIKE %(triggers)s)
"""


def install_schema(connection: Connection[Rows]) -> None:
    """Make our schema, if it is not there."""
    connection.execute(SQL("CREATE SCHEMA IF NOT EXISTS {}").format(Identifier(OURS)))
    connection.execute(
        SQL(
            "CREATE TABLE IF NOT EXISTS {} (oid oid NOT NULL, rollback_xid xid8 NOT NULL DEFAULT pg_current_xact_id())"
        ).format(ours("emptied"))
    )


def install_capture(connection: Connection[Rows], captured: Table, *, always: bool = True) -> None:
    """Log the keys of a table from now on; the caller's transaction decides from when.

    Creating a trigger waits for open writers, so that none escapes.

    Args:
        always: Also for sessions in the replica role, in which rows are taken back.

    Raises:
        psycopg.Error: among them `LockNotAvailable`, when a writer holds the table for too long.
    """
    for statement in _statements(captured, _key_index(connection, captured)) if captured.key else _marks(captured):
        connection.execute(statement)
    for statement in _always(captured) if always else ():
        connection.execute(statement)


def _key_index(connection: Connection[Rows], of: Table) -> int:
    row: Any = connection.execute(_KEY_INDEX, [of.oid, list(of.key)]).fetchone()
    return int(row[0])


def log_of(oid: int) -> Identifier:
    """Return the table that holds the keys that were written of a table."""
    return ours(f"log_{oid}")


def captured_oids(connection: Connection[Rows], *, besides: Collection[int] = ()) -> dict[int, bool]:
    """Return the tables that are logged, and whether it says all: triggers stand and fire, columns are as they were.

    Args:
        besides: Partitions whose own triggers are not asked for.
    """
    asked = {"ours": OURS, "triggers": f"{OURS}_log_%"}
    rows: list[Any] = connection.execute(_CAPTURED, asked).fetchall()
    stand = standing(connection, {oid: keyed for oid, keyed, _ in rows}, always=False, besides=besides)
    return {oid: fits and not str(stand[oid]) for oid, _, fits in rows}


def logged_keys(connection: Connection[Rows]) -> dict[int, tuple[str, ...]]:
    """Return the columns of the keys that are logged, by table."""
    rows: list[Any] = connection.execute(_LOGS, [OURS]).fetchall()
    return {oid: tuple(names) for oid, names in rows}


def remove_capture(connection: Connection[Rows], of: TableName, oid: int, leaves: Iterable[TableName] = ()) -> None:
    """Log a table no more; what was logged is dropped with it."""
    for name in ("insert", "update", "delete", "key", "emptied"):
        for each in (of, *leaves):
            trigger = Identifier(f"{OURS}_log_{name}")
            connection.execute(SQL("DROP TRIGGER IF EXISTS {} ON {}").format(trigger, table(each)))
        function = ours(f"log_{oid}_{name}")
        connection.execute(SQL("DROP FUNCTION IF EXISTS {}").format(function))
    connection.execute(SQL("DROP TABLE IF EXISTS {}").format(log_of(oid)))


def _statements(of: Table, index: int) -> Iterator[Composed]:
    # As a query's result, it takes the collations of the keys, too.
    yield SQL("CREATE TABLE {} AS SELECT {}, pg_current_xact_id() AS rollback_xid FROM {} WITH NO DATA").format(
        log_of(of.oid), columns(of.key), table(of.name)
    )
    yield SQL(
        "ALTER TABLE {} ALTER rollback_xid SET NOT NULL, ALTER rollback_xid SET DEFAULT pg_current_xact_id()"
    ).format(log_of(of.oid))
    for name, kind, side in (("insert", "INSERT", "NEW"), ("update", "UPDATE", "NEW"), ("delete", "DELETE", "OLD")):
        written = _ROW.format(SQL(side)) if of.leaves else SQL("written")
        yield _function(of, name, _logging(of, index, written))
        how = _BY_ROW if of.leaves else _BY_STATEMENT
        yield how.format(
            name=_trigger(name), kind=SQL(kind), table=table(of.name), side=SQL(side), function=_named(of, name)
        )
    yield _function(of, "key", _logging(of, index, _ROW.format(SQL("OLD"))))
    changed = listed((SQL("OLD.{0} IS DISTINCT FROM NEW.{0}").format(column(name)) for name in of.key), " OR ")
    yield SQL("CREATE TRIGGER {} AFTER UPDATE ON {} FOR EACH ROW WHEN ({}) EXECUTE FUNCTION {}()").format(
        _trigger("key"), table(of.name), changed, _named(of, "key")
    )
    yield _function(of, "emptied", _noting(of))
    yield from (_noted(of, each, "emptied", "TRUNCATE") for each in of.leaves or (of.name,))


def _marks(of: Table) -> Iterator[Composed]:
    """Rows without a key cannot be named: it is only noted that some were written."""
    yield _function(of, "emptied", _noting(of))
    for name, kind in (("insert", "INSERT"), ("update", "UPDATE"), ("delete", "DELETE")):
        yield _noted(of, of.name, name, kind)
    yield from (_noted(of, each, "emptied", "TRUNCATE") for each in (of.name, *of.leaves))


def _noted(of: Table, at: TableName, name: str, kind: LiteralString) -> Composed:
    row = SQL("ROW") if of.leaves and kind != "TRUNCATE" else SQL("STATEMENT")
    return SQL("CREATE TRIGGER {} AFTER {} ON {} FOR EACH {} EXECUTE FUNCTION {}()").format(
        _trigger(name), SQL(kind), table(at), row, _named(of, "emptied")
    )


def _noting(of: Table) -> Composed:
    return SQL("INSERT INTO {} (oid) VALUES ({});").format(ours("emptied"), Literal(of.oid))


def _logging(of: Table, index: int, written: Composable) -> Composed:
    return _LOGGING.format(
        index=Literal(index),
        log=log_of(of.oid),
        keys=columns(of.key),
        found=columns(of.key, "found"),
        unknown=listed(SQL("NULL::{} AS {}").format(SQL(of.by_name[name].type), column(name)) for name in of.key),
        written=written,
        noting=_noting(of),
    )


def _function(of: Table, name: str, does: Composed) -> Composed:
    body = f"#variable_conflict use_column\nBEGIN {does.as_string()} RETURN NULL; END"
    return _FUNCTION.format(SQL("{}()").format(_named(of, name)), Literal(body))


def _named(of: Table, name: str) -> Identifier:
    return ours(f"log_{of.oid}_{name}")


def _trigger(name: str) -> Identifier:
    return Identifier(f"{OURS}_log_{name}")


def _always(of: Table) -> Iterator[Composed]:
    leaves = (of.leaves or (of.name,)) if of.key else (of.name, *of.leaves)
    names = [(of.name, name) for name in ("insert", "update", "delete", *(("key",) if of.key else ()))]
    for each, name in [*names, *((each, "emptied") for each in leaves)]:
        yield SQL("ALTER TABLE {} ENABLE ALWAYS TRIGGER {}").format(table(each), _trigger(name))
