"""Logs which keys are written on a database: triggers on its tables, into tables of our own beside them.

The log is ordinary transactional data: it survives a fail-over, and a key is in it exactly if its change was committed.
Each key stands with the id of the top-level transaction that wrote it (`xid8`), so that everything that a snapshot did
not see can be told later; a clock or a sequence cannot do that (`docs/adr/0014`). Updates log the new keys once a
statement; an old key is logged only when it was changed. A TRUNCATE marks the whole table.

Partitioned tables are logged by row: statement triggers see nothing that is written to a partition directly.
https://www.postgresql.org/docs/current/sql-createtrigger.html
"""

from collections.abc import Iterable, Iterator

from psycopg import Connection
from psycopg.sql import SQL, Composed, Identifier, Literal

from shared.adapters.postgres.catalogue import OURS
from shared.adapters.postgres.session import Rows
from shared.adapters.postgres.sql import column, columns, listed, ours, table
from shared.model.tables import Table, TableName

# The functions run as their owner: writers need no rights on our schema, and no search path of theirs is followed.
_FUNCTION = SQL(
    "CREATE OR REPLACE FUNCTION {} RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER"
    " SET search_path = pg_catalog, pg_temp AS {}"
)
_BY_STATEMENT = SQL(
    "CREATE TRIGGER {} AFTER {} ON {} REFERENCING {} TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION {}()"
)


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
    for statement in _statements(captured):
        connection.execute(statement)
    for statement in _always(captured) if always else ():
        connection.execute(statement)


def log_of(oid: int) -> Identifier:
    """Return the table that holds the keys that were written of a table."""
    return ours(f"log_{oid}")


def captured_oids(connection: Connection[Rows]) -> dict[int, bool]:
    """Return the tables that are logged, and whether all their triggers stand and fire."""
    rows = connection.execute(
        "SELECT t.tgrelid::int8, bool_and(t.tgenabled <> 'D') AND count(*) >= 4 FROM pg_trigger t"
        " JOIN pg_proc p ON p.oid = t.tgfoid JOIN pg_namespace n ON n.oid = p.pronamespace"
        " WHERE n.nspname = %s AND t.tgname LIKE %s AND t.tgparentid = 0 GROUP BY 1",
        [OURS, f"{OURS}_log_%"],
    ).fetchall()
    return {int(str(oid)): bool(whole) for oid, whole in rows}


def remove_capture(connection: Connection[Rows], of: TableName, oid: int, leaves: Iterable[TableName] = ()) -> None:
    """Log a table no more; what was logged is dropped with it."""
    for name in ("insert", "update", "delete", "key", "emptied"):
        for each in (of, *leaves):
            trigger = Identifier(f"{OURS}_log_{name}")
            connection.execute(SQL("DROP TRIGGER IF EXISTS {} ON {}").format(trigger, table(each)))
        function = ours(f"log_{oid}_{name}")
        connection.execute(SQL("DROP FUNCTION IF EXISTS {}").format(function))
    connection.execute(SQL("DROP TABLE IF EXISTS {}").format(log_of(oid)))


def _statements(of: Table) -> Iterator[Composed]:
    # As a query's result, it takes the collations of the keys, too.
    yield SQL("CREATE TABLE {} AS SELECT {}, pg_current_xact_id() AS rollback_xid FROM {} WITH NO DATA").format(
        log_of(of.oid), columns(of.key), table(of.name)
    )
    yield SQL(
        "ALTER TABLE {} ALTER rollback_xid SET NOT NULL, ALTER rollback_xid SET DEFAULT pg_current_xact_id()"
    ).format(log_of(of.oid))
    yield from _by_row(of) if of.leaves else _by_statement(of)
    yield _function(of, "key", _logging(of, SQL("VALUES ({})").format(columns(of.key, "old"))), "RETURN NULL")
    changed = listed((SQL("OLD.{0} IS DISTINCT FROM NEW.{0}").format(column(name)) for name in of.key), " OR ")
    yield SQL("CREATE TRIGGER {} AFTER UPDATE ON {} FOR EACH ROW WHEN ({}) EXECUTE FUNCTION {}()").format(
        _trigger("key"), table(of.name), changed, ours(f"log_{of.oid}_key")
    )
    emptied = SQL("INSERT INTO {} (oid) VALUES ({})").format(ours("emptied"), Literal(of.oid))
    yield _function(of, "emptied", emptied, "RETURN NULL")
    for each in of.leaves or (of.name,):
        yield SQL("CREATE TRIGGER {} AFTER TRUNCATE ON {} FOR EACH STATEMENT EXECUTE FUNCTION {}()").format(
            _trigger("emptied"), table(each), ours(f"log_{of.oid}_emptied")
        )


def _by_statement(of: Table) -> Iterator[Composed]:
    for name, side in (("insert", "NEW"), ("update", "NEW"), ("delete", "OLD")):
        yield _function(
            of, name, _logging(of, SQL("SELECT {} FROM written").format(columns(of.key, "written"))), "RETURN NULL"
        )
        yield _BY_STATEMENT.format(
            _trigger(name), SQL(name.upper()), table(of.name), SQL(side), ours(f"log_{of.oid}_{name}")
        )


def _by_row(of: Table) -> Iterator[Composed]:
    for name, side in (("insert", "new"), ("update", "new"), ("delete", "old")):
        yield _function(of, name, _logging(of, SQL("VALUES ({})").format(columns(of.key, side))), "RETURN NULL")
        yield SQL("CREATE TRIGGER {} AFTER {} ON {} FOR EACH ROW EXECUTE FUNCTION {}()").format(
            _trigger(name), SQL(name.upper()), table(of.name), ours(f"log_{of.oid}_{name}")
        )


def _logging(of: Table, keys: Composed) -> Composed:
    return SQL("INSERT INTO {} ({}) {}").format(log_of(of.oid), columns(of.key), keys)


def _function(of: Table, name: str, does: Composed, returns: str) -> Composed:
    body = f"BEGIN {does.as_string()}; {returns}; END"
    return _FUNCTION.format(SQL("{}()").format(ours(f"log_{of.oid}_{name}")), Literal(body))


def _trigger(name: str) -> Identifier:
    return Identifier(f"{OURS}_log_{name}")


def _always(of: Table) -> Iterator[Composed]:
    names = [(of.name, name) for name in ("insert", "update", "delete", "key")]
    for each, name in [*names, *((each, "emptied") for each in of.leaves or (of.name,))]:
        yield SQL("ALTER TABLE {} ENABLE ALWAYS TRIGGER {}").format(table(each), _trigger(name))
