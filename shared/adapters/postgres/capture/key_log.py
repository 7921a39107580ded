"""Logs which keys are written on a database: triggers on its tables, into tables of our own beside them.

The log is ordinary transactional data: it survives a fail-over, and a key is in it exactly if its change was committed.
Each key stands with the id of the top-level transaction that wrote it (`xid8`), so that everything that a snapshot did
not see can be told later; a clock or a sequence cannot do that (`docs/adr/0014`). Updates log the new keys once a
statement; an old key is logged only when it was changed. A TRUNCATE marks the whole table.

Partitioned tables are logged by row: statement triggers see nothing that is written to a partition directly.
https://www.postgresql.org/docs/current/sql-createtrigger.html
"""

from collections.abc import Iterator
from functools import partial
from typing import Any, LiteralString

from psycopg import Connection
from psycopg.sql import SQL, Composable, Composed, Identifier, Literal

from shared.adapters.postgres.server.catalogue import OURS
from shared.adapters.postgres.server.session import Rows, at_once
from shared.adapters.postgres.server.sql import column, columns, listed, ours, table
from shared.model.tables import Table, TableName

_KINDS = ("insert", "update", "delete", "key", "emptied")
# The functions run as their owner: writers need no rights on our schema. Every name in them stands with its schema, so
# that nothing is found by a writer's search path; to set another one for each call would cost a fifth of what they do.
_FUNCTION = SQL("CREATE OR REPLACE FUNCTION {} RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS {}")
_BY_STATEMENT = SQL(
    "CREATE TRIGGER {name} AFTER {kind} ON {table} REFERENCING {side} TABLE AS written"
    " FOR EACH STATEMENT EXECUTE FUNCTION {function}()"
)
_BY_ROW = SQL("CREATE TRIGGER {name} AFTER {kind} ON {table} FOR EACH ROW EXECUTE FUNCTION {function}()")
_ROW = SQL("(SELECT {}.*) AS written")
# A migration must never make writers fail. A column of the key that has another name now is not found in `written`, so
# that its name means the NULL around it. One that has another type (the key was given one, or its old name was) is no
# key: that something was written is noted. A statement that does not fit is not even parsed before it is reached.
_LOGGING = SQL(
    "IF {as_it_was} THEN NULL; ELSIF NOT (SELECT {of_same_types} FROM (SELECT {unknown}) AS unknown)"
    " THEN {noting} RETURN NULL; END IF;"
    " INSERT INTO {log} ({keys}) SELECT {found} FROM (SELECT {unknown}) AS unknown,"
    " LATERAL (SELECT {keys} FROM {written}) AS found;"
)
# As long as the key's index is there by its number, its columns are what they were, and have the same types; only names
# may be others. To look that up costs a writer nothing that shows. An index that was built anew has another number:
# then each write takes a query more (a sixth of a small update), for the types of values that are never read.
_NAMED = SQL("pg_catalog.pg_get_indexdef({index}::pg_catalog.oid, {place}, false) OPERATOR(pg_catalog.=) {name}")
_SAME_TYPE = SQL(
    "pg_catalog.pg_typeof((SELECT {key} FROM {written} LIMIT 0))"
    " OPERATOR(pg_catalog.=) pg_catalog.pg_typeof(unknown.{key})"
)
_KEY_INDEX = """
SELECT indexrelid::int8,
       array(SELECT pg_get_indexdef(indexrelid, place, false) FROM generate_series(1, indnkeyatts) AS place)
FROM pg_index i
WHERE indrelid = %s AND indisunique AND indimmediate AND indisvalid AND indpred IS NULL AND indexprs IS NULL
  AND (SELECT array_agg(attname::text ORDER BY attname) FROM pg_attribute a
       WHERE a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey[0:i.indnkeyatts - 1]))
      = (SELECT array_agg(name ORDER BY name COLLATE "C") FROM unnest(%s::text[]) AS name)
ORDER BY indisprimary DESC, 1 LIMIT 1
"""
# Whoever publishes all tables publishes those of ours, too: what is deleted from them must be told somehow then.
_WHOLE_ROWS = SQL("ALTER TABLE {} REPLICA IDENTITY FULL")


def install_schema(connection: Connection[Rows]) -> None:
    """Make our schema, if it is not there."""
    emptied = ours("emptied")
    making = SQL(
        "CREATE TABLE IF NOT EXISTS {} (oid oid NOT NULL, rollback_xid xid8 NOT NULL DEFAULT pg_current_xact_id())"
    )
    schema = SQL("CREATE SCHEMA IF NOT EXISTS {}").format(Identifier(OURS))
    at_once(connection, [schema, making.format(emptied), _WHOLE_ROWS.format(emptied)])


def install_capture(connection: Connection[Rows], captured: Table, *, always: bool = True) -> None:
    """Log the keys of a table from now on; as `installing`."""
    at_once(connection, installing(connection, captured, always=always))


def installing(connection: Connection[Rows], captured: Table, *, always: bool) -> Iterator[Composed]:
    """Yield what logs the keys of a table; the transaction decides from when.

    Creating a trigger waits for open writers, so that none escapes, and holds up all others until the transaction ends.
    So triggers come last, and all of it goes as one message.

    Args:
        always: Also for sessions in the replica role, in which rows are taken back.
    """
    if captured.key:
        yield from creating_log(captured)
        yield from _functions(captured, _as_it_was(connection, captured))
    yield _function(captured, "emptied", _noting(captured))
    yield from _triggers(captured) if captured.key else _marks(captured)
    if always:
        yield from _always(captured)


def log_of(oid: int) -> Identifier:
    """Return the table that holds the keys that were written of a table."""
    return ours(f"log_{oid}")


def creating_log(of: Table) -> Iterator[Composed]:
    """Yield what makes an empty log of a table's keys.

    As a query's result it takes types and collations from the key, whatever schema they are in. A window function's
    result has no modifiers of a type: values of a column that was made wider since fit as well.
    """
    log, keys = log_of(of.oid), SQL("first_value({0}) OVER () AS {0}")
    yield SQL("CREATE TABLE {} AS SELECT {}, pg_current_xact_id() AS rollback_xid FROM {} WITH NO DATA").format(
        log, listed(keys.format(column(name)) for name in of.key), table(of.name)
    )
    yield SQL(
        "ALTER TABLE {} ALTER rollback_xid SET NOT NULL, ALTER rollback_xid SET DEFAULT pg_current_xact_id()"
    ).format(log)
    yield _WHOLE_ROWS.format(log)


def removing(oid: int) -> Iterator[Composed]:
    """Yield what logs a table no more, whatever became of it; what was logged is dropped with it.

    Triggers go with their functions: partitions that were detached have one, too.
    """
    yield SQL("DROP FUNCTION IF EXISTS {} CASCADE").format(listed(_named(oid, kind) for kind in _KINDS))
    yield SQL("DROP TABLE IF EXISTS {}").format(log_of(oid))


def _as_it_was(connection: Connection[Rows], of: Table) -> Composed:
    """Return the condition that the index of the key is, and has the columns that it has now."""
    row: Any = connection.execute(_KEY_INDEX, [of.oid, list(of.key)]).fetchone()
    index, names = row
    parts = (
        _NAMED.format(index=Literal(index), place=Literal(place), name=Literal(name))
        for place, name in enumerate(names, start=1)
    )
    return listed(parts, " AND ")


def _functions(of: Table, as_it_was: Composed) -> Iterator[Composed]:
    for kind, side in (("insert", "NEW"), ("update", "NEW"), ("delete", "OLD")):
        written = _ROW.format(SQL(side)) if of.partitioned else SQL("written")
        yield _function(of, kind, _logging(of, written, as_it_was))
    yield _function(of, "key", _logging(of, _ROW.format(SQL("OLD")), as_it_was))


def _triggers(of: Table) -> Iterator[Composed]:
    how = _BY_ROW if of.partitioned else _BY_STATEMENT
    for kind, event, side in (("insert", "INSERT", "NEW"), ("update", "UPDATE", "NEW"), ("delete", "DELETE", "OLD")):
        yield how.format(
            name=_trigger(of, kind),
            kind=SQL(event),
            table=table(of.name),
            side=SQL(side),
            function=_named(of.oid, kind),
        )
    yield SQL("CREATE TRIGGER {} AFTER UPDATE ON {} FOR EACH ROW WHEN ({}) EXECUTE FUNCTION {}()").format(
        _trigger(of, "key"), table(of.name), listed(map(partial(_rekeyed, of), of.key), " OR "), _named(of.oid, "key")
    )
    yield from (_noted(of, each, "emptied", "TRUNCATE") for each in of.leaves or (of.name,))


def _rekeyed(of: Table, name: str) -> Composed:
    """The `=` of an extension may be where we may not look, and should not hinder who drops it: not by that."""
    if of.by_name[name].equal.is_built_in:
        return SQL("(OLD.{0} OPERATOR(pg_catalog.=) NEW.{0}) IS NOT TRUE").format(column(name))
    return SQL("ROW(OLD.{0})::record OPERATOR(pg_catalog.*<>) ROW(NEW.{0})::record").format(column(name))


def _marks(of: Table) -> Iterator[Composed]:
    """Rows without a key cannot be named: it is only noted that some were written."""
    for kind, event in (("insert", "INSERT"), ("update", "UPDATE"), ("delete", "DELETE")):
        yield _noted(of, of.name, kind, event)
    yield from (_noted(of, each, "emptied", "TRUNCATE") for each in (of.name, *of.leaves))


def _noted(of: Table, at: TableName, kind: str, event: LiteralString) -> Composed:
    row = SQL("ROW") if of.partitioned and event != "TRUNCATE" else SQL("STATEMENT")
    return SQL("CREATE TRIGGER {} AFTER {} ON {} FOR EACH {} EXECUTE FUNCTION {}()").format(
        _trigger(of, kind), SQL(event), table(at), row, _named(of.oid, "emptied")
    )


def _noting(of: Table) -> Composed:
    return SQL("INSERT INTO {} (oid) VALUES ({});").format(ours("emptied"), Literal(of.oid))


def _logging(of: Table, written: Composable, as_it_was: Composed) -> Composed:
    log = log_of(of.oid)
    return _LOGGING.format(
        as_it_was=as_it_was,
        of_same_types=listed((_SAME_TYPE.format(key=column(name), written=written) for name in of.key), " AND "),
        log=log,
        keys=columns(of.key),
        found=columns(of.key, "found"),
        unknown=listed(SQL("(NULL::{}).{} AS {}").format(log, column(name), column(name)) for name in of.key),
        written=written,
        noting=_noting(of),
    )


def _function(of: Table, kind: str, does: Composed) -> Composed:
    body = f"#variable_conflict use_column\nBEGIN {does.as_string()} RETURN NULL; END"
    return _FUNCTION.format(SQL("{}()").format(_named(of.oid, kind)), Literal(body))


def _named(oid: int, kind: str) -> Identifier:
    return ours(f"log_{oid}_{kind}")


def trigger_name(kind: str, partitioned_oid: int = 0) -> str:
    """Return the name of a table's trigger.

    A partition takes those of its table by their names, and may be logged for itself already, or have been before.
    """
    return f"{OURS}_log_{kind}_{partitioned_oid}" if partitioned_oid else f"{OURS}_log_{kind}"


def _trigger(of: Table, kind: str) -> Identifier:
    return Identifier(trigger_name(kind, of.oid if of.partitioned else 0))


def _always(of: Table) -> Iterator[Composed]:
    leaves = (of.leaves or (of.name,)) if of.key else (of.name, *of.leaves)
    kinds = [kind for kind in _KINDS if kind != "emptied" and (of.key or kind != "key")]
    for each, kind in [*((of.name, kind) for kind in kinds), *((each, "emptied") for each in leaves)]:
        yield SQL("ALTER TABLE {} ENABLE ALWAYS TRIGGER {}").format(table(each), _trigger(of, kind))
