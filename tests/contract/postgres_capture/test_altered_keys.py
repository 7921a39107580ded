"""Migrations that alter a key while it is captured: no writer fails by it, and no unknown key is passed over."""

from dataclasses import dataclass

import pytest

from tests.contract.postgres.pairs import Database
from tests.contract.postgres_capture.captured import captured

_TABLE = "CREATE TABLE items (id int PRIMARY KEY, a text)"
_FILLED = "CREATE TABLE items (id int PRIMARY KEY, a text); INSERT INTO items VALUES (3)"
_OLD_NAME = "ALTER TABLE items RENAME id TO old"
_OFF = "DROP TRIGGER rollback_controller_log_key ON items"


@dataclass(frozen=True, slots=True)
class Altered:
    """What is altered, and what is written then.

    Attributes:
        logged: The keys that are known at the end; there was one before, of 1.
        whole: All keys are known.
    """

    by: tuple[str, ...]
    writes: tuple[str, ...]
    logged: set[str]
    whole: bool = False
    table: str = _TABLE
    by_superuser: tuple[str, ...] = ()


def _by_old_name(kind: str) -> Altered:
    """The key has another name now, and a new column its name."""
    return Altered(
        (_OLD_NAME, f"ALTER TABLE items ADD id {kind}"),
        ("INSERT INTO items (old, a) VALUES (2, 'b')", "UPDATE items SET a = 'c'", "DELETE FROM items WHERE old = 2"),
        {"1"},
    )


# A trigger of the table's own gives a row another key.
_REKEYS = (
    "CREATE FUNCTION rekey() RETURNS trigger LANGUAGE plpgsql AS"
    " $$BEGIN NEW.id := NEW.id + 10; RETURN NEW; END$$;"
    " CREATE TRIGGER rekey BEFORE UPDATE ON items FOR EACH ROW WHEN (NEW.id < 10) EXECUTE FUNCTION rekey()"
)
_WRITES = ("INSERT INTO items VALUES (2, 'b')", "UPDATE items SET a = 'c'", "DELETE FROM items WHERE a = 'c'")
_OF_TYPE = ("DELETE FROM items", "INSERT INTO items VALUES ('b')", "UPDATE items SET id = 'c'")
_ALTERED = {
    "an index that is built anew": Altered(("REINDEX INDEX CONCURRENTLY items_pkey",), _WRITES, {"1", "2"}, whole=True),
    "changed by a trigger": Altered(
        (),
        ("UPDATE items SET a = 'c'",),
        {"1", "11", "3", "13"},
        whole=True,
        table=f"{_FILLED}; {_REKEYS}",
    ),
    "changed by a trigger that is made meanwhile": Altered((_REKEYS,), ("UPDATE items SET a = 'c'",), {"1", "11"}),
    "changed by an update": Altered(
        (),
        ("UPDATE items SET id = id + 4",),
        {"1", "5", "3", "7"},
        whole=True,
        table=_FILLED,
    ),
    "a column before it goes": Altered(
        ("ALTER TABLE items DROP a", "ALTER TABLE items ADD a text"),
        ("INSERT INTO items (id) VALUES (2)", "UPDATE items SET id = 3 WHERE id = 2"),
        {"1", "2", "3"},
        whole=True,
        table="CREATE TABLE items (a text, id int PRIMARY KEY)",
    ),
    "renamed": Altered((_OLD_NAME,), _WRITES, {"1", ""}),
    "renamed and back": Altered(
        (_OLD_NAME, "INSERT INTO items VALUES (2, 'b')", "ALTER TABLE items RENAME old TO id"),
        _WRITES[1:],
        {"1", "", "2"},
    ),
    "its name is that of a uuid": _by_old_name("uuid DEFAULT gen_random_uuid()"),
    "its name is that of larger numbers": _by_old_name("bigint DEFAULT 5000000000"),
    "its name is that of a text": _by_old_name("varchar(50) DEFAULT 'abcdefgh'"),
    "its name is that of a column of the same type": Altered(
        (_OLD_NAME, "ALTER TABLE items ADD id int DEFAULT 7"),
        ("INSERT INTO items (old, a) VALUES (2, 'b')",),
        {"1", "7"},
    ),
    "a text with the name of a shorter one": Altered(
        ("ALTER TABLE items RENAME id TO old", "ALTER TABLE items ADD id varchar(50) DEFAULT 'abcdefgh'"),
        ("INSERT INTO items (old) VALUES ('b')",),
        {"1", "abcdefgh"},
        table="CREATE TABLE items (id varchar(3) PRIMARY KEY, a text)",
    ),
    "another type": Altered((_OFF, "ALTER TABLE items ALTER id TYPE text"), _WRITES, {"1"}),
    "none": Altered((_OFF, "ALTER TABLE items DROP id"), ("INSERT INTO items (a) VALUES ('b')",), {"1", ""}),
    "a part of it renamed and back": Altered(
        (
            "ALTER TABLE items RENAME part TO old",
            "INSERT INTO items VALUES (2, 2)",
            "ALTER TABLE items RENAME old TO part",
        ),
        ("INSERT INTO items VALUES (3, 3)",),
        {"1,1", "2,", "3,3"},
        table="CREATE TABLE items (id int, part int DEFAULT 1, a text, PRIMARY KEY (id, part))",
    ),
    "an enumeration that is renamed": Altered(
        ("ALTER TYPE letter RENAME TO letters",),
        _OF_TYPE,
        {"1", "b", "c"},
        whole=True,
        table="CREATE TYPE letter AS ENUM ('1', 'b', 'c'); CREATE TABLE items (id letter PRIMARY KEY, a text)",
    ),
    "a type of a schema that we may not use": Altered(
        (),
        _OF_TYPE,
        {"1", "b", "c"},
        whole=True,
        table="SELECT",
        by_superuser=(
            "CREATE SCHEMA extensions; CREATE EXTENSION citext SCHEMA extensions",
            "CREATE TABLE items (id extensions.citext PRIMARY KEY, a text); ALTER TABLE items OWNER TO keeper",
        ),
    ),
    "a type whose equality is on no path": Altered(
        (),
        _OF_TYPE,
        {"1", "b", "c"},
        whole=True,
        table="SELECT",
        by_superuser=(
            "CREATE SCHEMA extensions; CREATE EXTENSION ltree SCHEMA extensions",
            "GRANT USAGE ON SCHEMA extensions TO app",
            "CREATE TABLE items (id extensions.ltree PRIMARY KEY, a text); ALTER TABLE items OWNER TO keeper",
        ),
    ),
    "an index of a domain that is built anew": Altered(
        ("REINDEX INDEX CONCURRENTLY items_pkey",),
        _OF_TYPE,
        {"1", "b", "c"},
        whole=True,
        table="CREATE DOMAIN code AS text; CREATE TABLE items (id code PRIMARY KEY, a text)",
    ),
    "a domain without null": Altered(
        (_OLD_NAME,),
        ("INSERT INTO items VALUES ('2', 'b')", "UPDATE items SET a = 'c'"),
        {"1", ""},
        table="CREATE DOMAIN code AS text NOT NULL; CREATE TABLE items (id code PRIMARY KEY, a text)",
    ),
}


@pytest.mark.parametrize("case", _ALTERED)
def test_writers_go_on_and_what_is_not_known_is_said(side: Database, case: str) -> None:
    """One session has its plans from before, and one comes new."""
    altered = _ALTERED[case]
    with captured(side, altered.table, by_superuser=altered.by_superuser) as items, side.connect("app") as before:
        before.execute("INSERT INTO items (id) VALUES ('1')")
        assert items.is_whole("items")
        items.altered(*altered.by)
        for statement in altered.writes:
            before.execute(statement.encode())
        with side.connect("app") as new:
            new.execute("UPDATE items SET a = 'd' WHERE false")
            new.execute("UPDATE items SET a = 'd'")
            new.execute("DELETE FROM items")
        assert items.logged("items") >= altered.logged
        assert items.is_whole("items") is altered.whole


_ODD = 'CREATE TABLE "Odd "" of" (a text, "of ""x" int, "Odd "" of" int, PRIMARY KEY ("Odd "" of", "of ""x"))'


@pytest.mark.parametrize("path", ["public", "pg_catalog", ""])
@pytest.mark.parametrize(("table", "name"), [(_TABLE, "items"), (_ODD, 'Odd " of')], ids=["plain", "odd"])
def test_the_short_way_is_taken_whatever_the_search_path(side: Database, table: str, name: str, path: str) -> None:
    with captured(side, table) as items, side.connect("keeper") as writer:
        writer.execute("SELECT set_config('search_path', %s, false)", [path])
        for kind in ("insert", "update", "delete", "key"):
            asked = "SELECT prosrc FROM pg_catalog.pg_proc WHERE proname = %s"
            row = writer.execute(asked, [f"log_{items.oids[name]}_{kind}"]).fetchone()
            assert row is not None
            as_it_was = row[0].partition("IF ")[2].partition(" THEN ")[0]
            assert writer.execute(f"SELECT {as_it_was}").fetchone() == (True,)  # ours
