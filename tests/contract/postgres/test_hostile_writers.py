"""What captures keys runs as who owns the log, in a writer's session: nothing of that writer may be run by it.

Every name that a function could find by a search path is shadowed, in a schema before all others and in `pg_temp`; each
trap notes as whom it was sprung.
"""

from collections.abc import Sequence
from typing import Any

import pytest
from psycopg import Connection
from psycopg.sql import SQL, Identifier, Literal

from local.postgres import NEW, OLD
from shared.adapters.postgres.capture.key_log import install_capture, install_schema
from shared.adapters.postgres.server.catalogue import read_catalogue
from tests.contract.postgres.pairs import Database, Servers

_TABLES = (
    "CREATE DOMAIN public.code AS text NOT NULL CHECK (VALUE <> '')",
    "CREATE TABLE items (code code, id int, u uuid, n numeric(8, 2), PRIMARY KEY (code, id, u, n))",
    "CREATE TABLE parts (id bigint PRIMARY KEY, a text) PARTITION BY RANGE (id)",
    "CREATE TABLE parts_low PARTITION OF parts FOR VALUES FROM (0) TO (1000)",
    "CREATE TABLE keyless (a text)",
)
_U = "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"
# What a writer does; keys are changed as well.
_WRITES = (
    f"INSERT INTO public.items VALUES ('a', 1, '{_U}', 1), ('b', 2, '{_U}', 2)",  # noqa: S608  # of constants
    "UPDATE public.items SET id = 3 WHERE code OPERATOR(pg_catalog.=) 'a'",
    "DELETE FROM public.items WHERE code OPERATOR(pg_catalog.=) 'b'",
    "INSERT INTO public.parts VALUES (1, 'a'), (2, 'b')",
    "UPDATE public.parts_low SET id = 3 WHERE id OPERATOR(pg_catalog.=) 2",
    "DELETE FROM public.parts WHERE id OPERATOR(pg_catalog.=) 1",
    "INSERT INTO public.keyless VALUES ('a')",
    "TRUNCATE public.parts_low",
)
_TYPES = ("oid", "text", "int4", "int8", "numeric", "uuid", "xid8", "name", "bool", "unknown")
_SPRUNG = """
CREATE TABLE evil.sprung (who pg_catalog.text, what pg_catalog.text); GRANT ALL ON evil.sprung TO PUBLIC;
CREATE FUNCTION evil.spring(what pg_catalog.text) RETURNS pg_catalog.bool LANGUAGE plpgsql AS
'BEGIN INSERT INTO evil.sprung VALUES (current_user, what); RETURN true; END'
"""
_FUNCTION = """
CREATE FUNCTION {}({}) RETURNS {} LANGUAGE plpgsql AS
'BEGIN PERFORM evil.spring(''a function''); RETURN {}; END'
"""
_FUNCTIONS = (
    ("pg_get_indexdef", "pg_catalog.oid, pg_catalog.int4, pg_catalog.bool", "pg_catalog.text", "''no''"),
    ("pg_get_indexdef", "pg_catalog.int8, pg_catalog.int4, pg_catalog.bool", "pg_catalog.text", "''no''"),
    ("pg_typeof", "pg_catalog.anyelement", "pg_catalog.regtype", "''xid''::pg_catalog.regtype"),
    ("pg_current_xact_id", "", "pg_catalog.xid8", "''5''::pg_catalog.xid8"),
    *(
        ("equal", f"pg_catalog.{one}, pg_catalog.{one}", "pg_catalog.bool", "false")
        for one in ("int4", "int8", "text", "uuid")
    ),
)
_OPERATORS = tuple(
    f"CREATE OPERATOR evil.{sign} (LEFTARG = pg_catalog.{one}, RIGHTARG = pg_catalog.{one}, FUNCTION = evil.equal)"
    for one in ("int4", "int8", "text", "uuid")
    for sign in ("=", "<>")
)
# What a function that names things as most do would meet.
_CARELESS = """
CREATE FUNCTION public.careless() RETURNS bool LANGUAGE plpgsql SECURITY DEFINER AS
'BEGIN INSERT INTO emptied (oid) VALUES (1::oid);
       RETURN NULL::text IS NULL AND pg_get_indexdef(5::oid, 1, false) = ''a''; END'
"""
_PATHS = ("evil, pg_catalog, public", "pg_temp, evil, pg_catalog, public")


def _capture(side: Database) -> dict[str, int]:
    """Return the tables by name."""
    with side.connect("keeper") as connection:
        connection.execute(_CARELESS)
        install_schema(connection)
        tables = read_catalogue(connection).tables
        for one in tables.values():
            install_capture(connection, one)
    return {name.name: one.oid for name, one in tables.items()}


def _lay_traps(side: Database, oids: Sequence[int]) -> None:
    """Make the writer's schema, as its own."""
    with side.connect() as connection:
        connection.execute("CREATE SCHEMA evil AUTHORIZATION app; GRANT ALL ON SCHEMA evil TO PUBLIC")
    with side.connect("app") as connection:
        connection.execute(_SPRUNG)
        for name, takes, gives, said in _FUNCTIONS:
            connection.execute(_FUNCTION.format(f"evil.{name}", takes, gives, said))
        for operator in _OPERATORS:
            connection.execute(operator)
        _shadow(connection, "evil", oids)


def _shadow(connection: Connection, schema: str, oids: Sequence[int]) -> None:
    """Shadow types and tables; who writes into one springs a trap."""
    domain = SQL("CREATE DOMAIN {} AS {} CHECK (evil.spring({}))")
    for one in _TYPES:
        base = SQL("pg_catalog.{}").format(Identifier(one if one != "unknown" else "text"))
        connection.execute(domain.format(Identifier(schema, one), base, Literal(one)))
    for name in ("emptied", "written", "found", *(f"log_{oid}" for oid in oids)):
        of = SQL("CREATE TABLE {} (oid pg_catalog.oid DEFAULT 1 CHECK (evil.spring({})))")
        connection.execute(of.format(Identifier(schema, name), Literal(name)))
        connection.execute(SQL("GRANT ALL ON {} TO PUBLIC").format(Identifier(schema, name)))


def _logged(side: Database, oids: dict[str, int]) -> dict[str, set[Any]]:
    with side.connect() as connection:
        found = {
            name: set(connection.execute(f"SELECT {key} FROM rollback_controller.log_{oids[name]}").fetchall())  # noqa: S608  # ours
            for name, key in (("items", "code, id"), ("parts", "id"))
        }
        emptied = connection.execute("SELECT oid::int8 FROM rollback_controller.emptied").fetchall()
    return {**found, "emptied": {row[0] for row in emptied}}


def _sprung(side: Database) -> set[str]:
    with side.connect() as connection:
        return {row[0] for row in connection.execute("SELECT what FROM evil.sprung WHERE who = 'keeper'").fetchall()}


@pytest.mark.parametrize("path", _PATHS)
@pytest.mark.parametrize("version", [OLD, NEW])
def test_nothing_of_a_writer_is_run_and_no_key_is_lost(servers: Servers, version: str, path: str) -> None:
    with servers.pair(version, version) as pair:
        side = pair.target
        side.run(*_TABLES)
        side.open_to_writers()
        oids = _capture(side)
        _lay_traps(side, list(oids.values()))
        with side.connect("app") as writer:
            _shadow(writer, "pg_temp", list(oids.values()))
            writer.execute("SELECT set_config('search_path', %s, false)", [path])
            for statement in _WRITES:
                writer.execute(statement)
            assert _sprung(side) == set()
            assert _logged(side, oids) == {
                "items": {("a", 1), ("a", 3), ("b", 2)},
                "parts": {(1,), (2,), (3,)},
                "emptied": {oids["keyless"], oids["parts"]},
            }
            writer.execute("SELECT public.careless()")
            assert _sprung(side) == {"emptied", "oid", "text", "a function"}
