"""Logs which keys are written on a database: triggers on its tables, into tables of our own beside them.

The log is ordinary transactional data: it survives a fail-over, and a key is in it exactly if its change was committed.
Each key stands with the id of the top-level transaction that wrote it (`xid8`), so that everything that a snapshot did
not see can be told later; a clock or a sequence cannot do that (`docs/adr/0014`). Updates log the new keys once a
statement; an old key is logged only when it was changed. A TRUNCATE marks the whole table.

Partitioned tables are logged by row: statement triggers see nothing that is written to a partition directly.
https://www.postgresql.org/docs/current/sql-createtrigger.html
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, LiteralString

from psycopg import Connection
from psycopg.sql import SQL, Composable, Composed, Identifier, Literal

from shared.adapters.postgres.capture.triggers import REWRITING
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
# A condition is read anew by each UPDATE, which takes a twentieth of a small one: where nothing but the UPDATE itself
# changes keys, only those that name one of its columns are asked.
_KEY_CHANGED = SQL(
    "CREATE TRIGGER {name} AFTER UPDATE{only} ON {table} FOR EACH ROW WHEN ({changed}) EXECUTE FUNCTION {function}()"
)
# A migration must never make writers fail. A statement that does not fit is not even parsed before it is reached: a
# column of the key that has another name now is not found in `written`, so that its name means the NULL around it. One
# that has another type (the key was given one, or its old name was) is no key: that something was written is noted.
_LOGGING = SQL(
    "IF {as_it_was} THEN INSERT INTO {log} ({keys}) SELECT {keys} FROM {written}; RETURN NULL; END IF;"
    " IF NOT (SELECT {of_same_types} FROM (SELECT {unknown}) AS unknown) THEN {noting} RETURN NULL; END IF;"
    " INSERT INTO {log} ({keys}) SELECT {found} FROM (SELECT {unknown}) AS unknown,"
    " LATERAL (SELECT {keys} FROM {written}) AS found;"
)
# As long as the key's index is there by its number, its columns are what they were, and have the same types; only names
# may be others. To describe both takes a fiftieth of a small update (`pg_get_indexdef`: a twentieth). Another index, or
# descriptions in another language, only take a query more, a sixth of one, for the types of values that are never read.
_THERE = SQL("pg_catalog.pg_describe_object({classes}, {index}, 0) IS NOT NULL")
_NAMED = SQL("pg_catalog.pg_describe_object({classes}, {table}, {number}) OPERATOR(pg_catalog.=) ANY ({names})")
_CLASSES = SQL("'pg_catalog.pg_class'::pg_catalog.regclass")
_SAME_TYPE = SQL(
    "pg_catalog.pg_typeof((SELECT {key} FROM {written} LIMIT 0))"
    " OPERATOR(pg_catalog.=) pg_catalog.pg_typeof(unknown.{key})"
)
_KEY = SQL("""
SELECT (SELECT indexrelid::int8 FROM pg_index i
        WHERE indrelid = c.oid AND indisunique AND indimmediate AND indisvalid AND indpred IS NULL AND indexprs IS NULL
          AND (SELECT array_agg(attname::text ORDER BY attname) FROM pg_attribute a
               WHERE a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey[0:i.indnkeyatts - 1]))
              = (SELECT array_agg(name ORDER BY name COLLATE "C") FROM unnest({key}::text[]) AS name)
        ORDER BY indisprimary DESC, 1 LIMIT 1),
       array(SELECT attnum::int4 FROM pg_attribute WHERE attrelid = c.oid AND attname = ANY ({key}::text[]) ORDER BY 1),
       array(SELECT pg_describe_object({classes}, c.oid, attnum) FROM pg_attribute
             WHERE attrelid = c.oid AND attname = ANY ({key}::text[]) ORDER BY attnum),
       format('%I.%I', n.nspname, c.relname), quote_ident(c.relname), {rewriting}
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = {oid}
""")
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
        key = _key_of(connection, captured)
        yield from _functions(captured, key)
    yield _function(captured, "emptied", _noting(captured))
    yield from _triggers(captured, key) if captured.key else _marks(captured)
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


@dataclass(frozen=True, slots=True)
class _Key:
    """What a table's log goes by.

    Attributes:
        as_it_was: The condition that its columns are those of now, and have the same names.
        rewritten: Triggers of the table's own may change keys that no UPDATE names.
    """

    as_it_was: Composed
    rewritten: bool


def _key_of(connection: Connection[Rows], of: Table) -> _Key:
    asked = _KEY.format(
        key=Literal(list(of.key)),
        oid=Literal(of.oid),
        classes=_CLASSES,
        rewriting=REWRITING.format(SQL("c.oid")),
    )
    row: Any = connection.execute(asked).fetchone()
    index, numbers, described, in_full, bare, rewritten = row
    named = [
        _NAMED.format(
            classes=_CLASSES,
            table=Literal(of.oid),
            number=Literal(number),
            names=Literal(_as_described(one, in_full, bare)),
        )
        for number, one in zip(numbers, described, strict=True)
    ]
    there = _THERE.format(classes=_CLASSES, index=Literal(index))
    return _Key(listed([there, *named], " AND "), rewritten)


def _as_described(described: str, in_full: str, bare: str) -> list[str]:
    """Return how a column is described to those who have its table on their search path, and to others."""
    names = next((name for name in (in_full, bare) if described.endswith(name)), None)
    return [described.removesuffix(names) + name for name in (bare, in_full)] if names else []


def _functions(of: Table, key: _Key) -> Iterator[Composed]:
    for kind, side in (("insert", "NEW"), ("update", "NEW"), ("delete", "OLD")):
        written = _ROW.format(SQL(side)) if of.partitioned else SQL("written")
        yield _function(of, kind, _logging(of, written, key))
    yield _function(of, "key", _logging(of, _ROW.format(SQL("OLD")), key))


def _triggers(of: Table, key: _Key) -> Iterator[Composed]:
    how = _BY_ROW if of.partitioned else _BY_STATEMENT
    for kind, event, side in (("insert", "INSERT", "NEW"), ("update", "UPDATE", "NEW"), ("delete", "DELETE", "OLD")):
        yield how.format(
            name=_trigger(of, kind),
            kind=SQL(event),
            table=table(of.name),
            side=SQL(side),
            function=_named(of.oid, kind),
        )
    yield _KEY_CHANGED.format(
        name=_trigger(of, "key"),
        only=SQL("") if of.partitioned or key.rewritten else SQL(" OF {}").format(columns(of.key)),
        table=table(of.name),
        changed=listed(map(partial(_rekeyed, of), of.key), " OR "),
        function=_named(of.oid, "key"),
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


def _logging(of: Table, written: Composable, key: _Key) -> Composed:
    log = log_of(of.oid)
    return _LOGGING.format(
        as_it_was=key.as_it_was,
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
