"""What would make a begin fail half-way, or somebody else's work afterwards: found before anything is changed.

https://www.postgresql.org/docs/current/logical-replication-publication.html
https://www.postgresql.org/docs/current/ddl-partitioning.html
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from psycopg import Connection
from psycopg.sql import SQL, Literal

from shared.adapters.postgres.server.pooling import gives_sessions_away
from shared.adapters.postgres.server.session import Access, Rows, at_once
from shared.adapters.postgres.server.sides import Sides
from shared.decision.sync_findings import blocks
from shared.model.sync import Finding, SyncPlan
from shared.model.tables import Catalogue

_OF_ALL_TABLES = SQL("SELECT pubname::text FROM pg_publication WHERE puballtables ORDER BY 1")
# Of tables, of their partitions, and of the types of their columns, which rows are read as.
_CLOSED = SQL("""
WITH t (oid) AS (SELECT e.oid FROM unnest({tables}::oid[]) AS w (oid)
                 CROSS JOIN LATERAL (SELECT w.oid UNION SELECT relid FROM pg_partition_tree(w.oid)) AS e (oid))
SELECT nspname::text FROM pg_namespace n WHERE NOT has_schema_privilege(n.oid, 'USAGE') AND (
  n.oid IN (SELECT relnamespace FROM pg_class WHERE oid IN (SELECT oid FROM t))
  OR n.oid IN (SELECT typnamespace FROM pg_attribute a JOIN pg_type ON pg_type.oid = a.atttypid
               WHERE a.attrelid IN (SELECT oid FROM t) AND NOT a.attisdropped)) ORDER BY 1
""")
_FOREIGN = SQL("""
SELECT t.oid::int8, c.oid::regclass::text
FROM unnest({tables}::oid[]) AS t (oid), pg_partition_tree(t.oid) AS p JOIN pg_class c ON c.oid = p.relid
WHERE c.relkind = 'f' ORDER BY 2
""")


def obstacles(sides: Sides) -> Iterator[Finding]:
    """Yield what stands against capture on either side."""
    yield from _of_names(sides.plan)
    yield from _of_side("source", sides.source, sides.here, sides.plan)
    yield from _of_side("target", sides.target, sides.there, sides.plan)


def of_poolers(*reached: tuple[Access, Connection[Rows]]) -> Iterator[Finding]:
    """Say which connections are not ours for longer than a transaction."""
    for access, side in reached:
        if gives_sessions_away(access, side):
            yield blocks(
                access.called,
                "something between us and the server gives our session away after each transaction (a pooler in"
                " transaction mode): connect directly, or in session mode",
            )


def publications_of_all(side: Connection[Rows]) -> list[str]:
    """Return the publications that any new table is in."""
    rows: list[Any] = side.execute(_OF_ALL_TABLES).fetchall()
    return [name for (name,) in rows]


def _of_names(plan: SyncPlan) -> Iterator[Finding]:
    """Tables are kept by what they are called here, where a dot is not quoted."""
    for name, count in Counter(str(of.name) for of in plan.tables).items():
        if count > 1:
            yield blocks(name, "two tables are called that: schemas or tables with a dot in their name. Leave one out")


def _of_side(called: str, side: Connection[Rows], catalogue: Catalogue, plan: SyncPlan) -> Iterator[Finding]:
    tables = {catalogue.tables[of.name].oid: of.name for of in plan.tables}
    asked = [_OF_ALL_TABLES, *(one.format(tables=Literal(list(tables))) for one in (_CLOSED, _FOREIGN))]
    published, closed, foreign = (answer.fetchall() for answer in at_once(side, asked).results())
    for (name,) in published:
        yield blocks(
            called,
            f"the publication {name} is FOR ALL TABLES, also of those that are made to go back: who subscribes to it"
            " does not have them, and stops. Make it one of named tables or schemas",
        )
    role = catalogue.server.role
    for (schema,) in closed:
        yield blocks(called, f"{role} may not use the schema {schema}: GRANT USAGE ON SCHEMA {schema} TO {role}")
    for oid, leaf in foreign:
        yield blocks(str(tables[int(str(oid))]), f"its partition {leaf} on the {called} is on yet another server")
