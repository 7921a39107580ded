"""Reads what a database holds from its system catalogues.

https://www.postgresql.org/docs/current/catalogs.html
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

from psycopg import Connection

from shared.adapters.postgres.server.catalogue_queries import BEFORE, OURS, asked
from shared.adapters.postgres.server.session import Rows, at_once
from shared.model.tables import BUILT_IN, Catalogue, Column, Equality, Generated, Reference, Server, Table, TableName
from shared.model.tables import Sequence as TableSequence

__all__ = ["OURS", "read_catalogue"]


def read_catalogue(connection: Connection[Rows], wanted: Collection[str] = ("*.*",)) -> Catalogue:
    """Return what the database holds, outside of our own schema; not within a transaction.

    Args:
        wanted: Patterns of tables whose size is asked for, and how far their sequences are.

    Raises:
        psycopg.Error: it could not be read.
    """
    queries = asked(wanted)
    answers = at_once(connection, [*BEFORE, *queries.values()]).results()
    found: dict[str, list[Any]] = {
        name: answer.fetchall() for name, answer in zip(queries, islice(answers, len(BEFORE), None), strict=True)
    }
    server, now = _server(found["server"][0])
    sequences = {one.name: one for one in map(_sequence, found["sequences"])}
    return Catalogue(read_at=now, server=server, tables=_tables(found), sequences=sequences)


def _server(row: Sequence[Any]) -> tuple[Server, datetime]:
    version, system, encoding, role, superuser, bypasses, read_only, replica, creates, in_doubt, large, place, now = row
    server = Server(
        version=version,
        system=system,
        encoding=encoding,
        role=role,
        superuser=superuser,
        bypasses_row_security=bypasses,
        replica_role=replica,
        read_only=read_only,
        can_create_schema=creates,
        in_doubt=tuple(in_doubt),
        large_objects=large,
        place=place,
    )
    return server, now


def _tables(found: Mapping[str, list[Any]]) -> dict[TableName, Table]:
    columns, indexes, references, triggers, leaves, rules = (
        _by_first(found[name]) for name in ("columns", "indexes", "references", "triggers", "leaves", "rules")
    )
    tables = [
        Table(
            oid=oid,
            name=TableName(schema, name),
            columns=tuple(_column(row) for row in columns.get(oid, [])),
            key=_key(indexes.get(oid, [])),
            references=tuple(_reference(row) for row in references.get(oid, [])),
            unique=_unique(indexes.get(oid, [])),
            naming=tuple(tuple(columns) for _, _, names_rows, _, columns in indexes.get(oid, []) if names_rows),
            leaves=tuple(TableName(*row[1:]) for row in leaves.get(oid, [])),
            partitioned=partitioned,
            inherited=inherits,
            logged=logged,
            row_security=secured,
            rules=tuple(row[1] for row in rules.get(oid, [])),
            triggers={name: fires for _, name, fires in triggers.get(oid, [])},
            owned=owned,
            rows=rows,
            bytes=size,
        )
        for oid, schema, name, partitioned, logged, secured, owned, rows, size, inherits in found["tables"]
    ]
    return {table.name: table for table in tables}


def _by_first(rows: Iterable[Any]) -> dict[int, list[Any]]:
    grouped: dict[int, list[Any]] = {}
    for row in rows:
        grouped.setdefault(row[0], []).append(row)
    return grouped


def _column(row: Sequence[Any]) -> Column:
    _, name, kind, exact, not_null, required, generated, schema, operator = row
    return Column(
        name=name,
        type=kind,
        exact=exact,
        not_null=not_null,
        required=required,
        generated=Generated(generated.strip()),
        equal=Equality(schema, operator) if schema else BUILT_IN,
    )


def _key(indexes: Sequence[Any]) -> tuple[str, ...]:
    return next((tuple(columns) for _, _, names_rows, filled, columns in indexes if names_rows and filled), ())


def _unique(indexes: Sequence[Any]) -> dict[str, tuple[str, ...]]:
    key = next((name for _, name, names_rows, filled, _ in indexes if names_rows and filled), None)
    return {name: tuple(columns) for _, name, _, _, columns in indexes if name != key}


def _reference(row: Sequence[Any]) -> Reference:
    _, name, schema, table, match_full, columns, to_columns, operators = row
    return Reference(
        name=name,
        columns=tuple(columns),
        to=TableName(schema, table),
        to_columns=tuple(to_columns),
        match_full=match_full,
        equal=tuple(Equality(*operator.rsplit(" ", 1)) for operator in operators),
    )


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
