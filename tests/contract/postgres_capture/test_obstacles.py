"""What would make a begin fail half-way, or somebody else's work later, is refused by name, and nothing is changed."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from psycopg.conninfo import make_conninfo

from shared.adapters.postgres.server.session import Access
from shared.model.sync import Severity
from tests.contract.postgres.pairs import Database
from tests.contract.postgres_capture.pooler import Pooler
from tests.contract.postgres_ports.moved import Moved, rows_of

_OURS = "SELECT FROM pg_namespace WHERE nspname = 'rollback_controller'"
_CLOSED = "keeper may not use the schema closed: GRANT USAGE ON SCHEMA closed TO keeper"
_FOREIGN = (
    "CREATE EXTENSION file_fdw; CREATE SERVER files FOREIGN DATA WRAPPER file_fdw",
    "CREATE TABLE parts (id int) PARTITION BY RANGE (id); CREATE FOREIGN TABLE afar PARTITION OF parts"
    " FOR VALUES FROM (0) TO (10) SERVER files OPTIONS (filename '/dev/null')",
    "ALTER TABLE parts OWNER TO keeper; ALTER TABLE afar OWNER TO keeper",
)
# By a superuser, on both sides.
_OBSTACLES = {
    "a publication of all tables": (
        ("CREATE PUBLICATION warehouse FOR ALL TABLES",),
        "{side}: the publication warehouse is FOR ALL TABLES",
    ),
    "a schema that is closed": (
        ("CREATE SCHEMA closed; CREATE TABLE closed.t (id int PRIMARY KEY); ALTER TABLE closed.t OWNER TO keeper",),
        "{side}: " + _CLOSED,
    ),
    "a type of a schema that is closed": (
        (
            "CREATE SCHEMA closed; CREATE TYPE closed.letter AS ENUM ('a')",
            "CREATE TABLE t (id closed.letter PRIMARY KEY); ALTER TABLE t OWNER TO keeper",
        ),
        "{side}: " + _CLOSED,
    ),
    "a partition elsewhere": (_FOREIGN, "public.parts: its partition afar on the {side} is on yet another server"),
    "names with dots": (
        (
            'CREATE SCHEMA "a.b"; CREATE SCHEMA a; GRANT ALL ON SCHEMA "a.b", a TO keeper',
            'CREATE TABLE "a.b".c (id int PRIMARY KEY); CREATE TABLE a."b.c" (id int PRIMARY KEY)',
            'ALTER TABLE "a.b".c OWNER TO keeper; ALTER TABLE a."b.c" OWNER TO keeper',
        ),
        "a.b.c: two tables are called that",
    ),
}


def _run(side: Database, statements: tuple[str, ...]) -> None:
    with side.connect() as superuser:
        for statement in statements:
            superuser.execute(statement.encode())


@pytest.mark.parametrize("case", _OBSTACLES)
def test_it_is_refused_by_name_on_each_side(shop: Moved, case: str) -> None:
    statements, says = _OBSTACLES[case]
    for side in (shop.pair.source, shop.pair.target):
        _run(side, statements)
    begun = shop.begin(tables=["*.*"], keyless="replace")
    refused = [str(one) for one in begun.findings if one.severity is Severity.BLOCKS]
    assert begun.taken_at is None
    for called in ("source", "target"):
        assert any(one.startswith(says.format(side=called)) for one in refused), refused
    for side in (shop.pair.source, shop.pair.target):
        assert rows_of(side, _OURS) == []


def test_a_publication_that_is_made_later_is_told_and_nothing_of_ours_fails(shop: Moved) -> None:
    shop.begin()
    for side in (shop.pair.source, shop.pair.target):
        _run(side, ("CREATE PUBLICATION warehouse FOR ALL TABLES",))
    shop.pair.target.run("UPDATE items SET a = 'x' WHERE id < 4", "TRUNCATE notes")
    watched = shop.checkpoints.watch(shop.policy(), "change")
    assert watched.lost is None
    assert watched.warning is not None
    assert "target: the publication warehouse is FOR ALL TABLES" in watched.warning
    shop.work()
    assert shop.look().proved
    shop.let_go()
    shop.checkpoints.end(shop.policy(), "change")


@contextmanager
def _pooled(side: Database, *, keeps: bool) -> Iterator[Access]:
    with Pooler(side.access.conninfo, keeps=keeps) as pooler:
        yield Access("target", make_conninfo(side.access.conninfo, port=pooler.port, sslmode="disable"), verified=False)


@pytest.mark.parametrize("keeps", [True, False])
def test_a_pooler_that_gives_sessions_away_is_refused(shop: Moved, keeps: bool) -> None:
    with _pooled(shop.pair.target, keeps=keeps) as access:
        begun = shop.begin(target=access.conninfo)
    says = [str(one) for one in begun.findings if "pooler" in one.what]
    if keeps:
        assert begun.taken_at is not None
        assert says == []
    else:
        assert begun.taken_at is None
        assert "in session mode" in says[0]
        assert rows_of(shop.pair.target, _OURS) == []
