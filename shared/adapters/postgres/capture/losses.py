"""Counts what cannot go back: rows of tables and values of columns that the source does not have."""

from collections.abc import Iterable, Iterator
from typing import Any

from psycopg import Connection
from psycopg.sql import SQL, Composed, Literal

from shared.adapters.postgres.capture.key_log import log_of
from shared.adapters.postgres.server.session import Rows
from shared.adapters.postgres.server.sides import Sides
from shared.adapters.postgres.server.sql import column, columns, same_row, table
from shared.model.data_preview import Loss
from shared.model.sync import Finding, Severity, SyncTable
from shared.model.tables import TableName

_LARGE_OBJECTS = SQL("SELECT count(*) FROM pg_largeobject_metadata")


def losses(sides: Sides, logged: Iterable[int], since: str) -> list[Loss]:
    """Return what the plan says would stay behind, with how much of it there is; nothing that is not there.

    Args:
        logged: Tables whose log says what was written since the snapshot `since`: of columns, only what these rows
            hold is lost; of other tables all of it may be.
    """
    by_name = {str(of.name): of for of in sides.plan.tables if of.oid in set(logged)}
    found = [
        Loss(about=one.about, what=one.what, rows=rows)
        for one in sides.plan.findings
        if one.severity is Severity.LOSES
        for rows in (_ask(sides.target, query) for query in _counting(sides, one, by_name, since))
    ]
    return [one for one in found if one.rows]


def _counting(sides: Sides, one: Finding, logged: dict[str, SyncTable], since: str) -> Iterator[SQL | Composed]:
    """Return the query that counts what a finding is about."""
    names = {str(name): name for name in sides.there.tables}
    columns_ = {f"{name}.{one}": (name, one) for name, of in sides.there.tables.items() for one in of.by_name}
    if one.about in names:
        yield SQL("SELECT count(*) FROM {}").format(table(names[one.about]))
    elif one.about in columns_:
        name, lost = columns_[one.about]
        yield _values(name, lost, logged.get(str(name)), since)
    else:
        yield _LARGE_OBJECTS


def _values(name: TableName, lost: str, of: SyncTable | None, since: str) -> SQL | Composed:
    if of is None or not of.key:
        return SQL("SELECT count({}) FROM {}").format(column(lost), table(name))
    return SQL(
        "SELECT count({}) FROM (SELECT DISTINCT {} FROM {} WHERE NOT pg_visible_in_snapshot(rollback_xid,"
        " {}::pg_snapshot)) AS w JOIN {} AS t ON {}"
    ).format(column(lost, "t"), columns(of.key), log_of(of.oid), Literal(since), table(name), same_row(of, "w", "t"))


def _ask(target: Connection[Rows], query: SQL | Composed) -> int:
    row: Any = target.execute(query).fetchone()
    return int(row[0])
