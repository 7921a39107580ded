"""What must hold on the source besides its rows: sequences past every value, and no row that leads nowhere."""

from collections.abc import Iterable, Mapping
from typing import Any

from psycopg import Connection
from psycopg.sql import SQL, Composed

from shared.adapters.postgres.server.session import Rows
from shared.adapters.postgres.server.sql import column, leads, listed, table
from shared.decision.sync_sequences import alone, past, positions
from shared.model.sync import SyncTable
from shared.model.tables import Reference, Sequence, TableName


def advance_sequences(
    source: Connection[Rows],
    here: Mapping[TableName, Sequence],
    there: Mapping[TableName, Sequence],
    taken: Iterable[SyncTable],
) -> dict[TableName, int]:
    """Set every sequence of the source past what either side has handed out; returns those that were moved.

    Where the target has none of its like, the rows themselves say what was handed out.
    """
    fed = alone(here, there, taken).items()
    of_rows = {name: past(here[name], farthest(source, here[name], *owner)) for name, owner in fed}
    moved = positions(here, there) | {name: last for name, last in of_rows.items() if last is not None}
    for name, last in moved.items():
        source.execute("SELECT setval(%s::regclass, %s, true)", [table(name).as_string(), last])
    return moved


def farthest(side: Connection[Rows], one: Sequence, of: TableName, fed: str) -> int | None:
    """Return the value of a column that is the farthest on the way of its sequence; `None` if there is none."""
    asked = SQL("SELECT {}({}) FROM {}").format(SQL("max" if one.increment > 0 else "min"), column(fed), table(of))
    row: Any = side.execute(asked).fetchone()
    found: int | None = row[0]
    return found


def lonely(of: TableName, reference: Reference) -> Composed:
    """Return the query of the rows `c` that lead nowhere."""
    return SQL("SELECT c.* FROM {} AS c WHERE {} AND NOT EXISTS (SELECT FROM {} AS p WHERE {})").format(
        table(of), named_by(reference), table(reference.to), leads(reference, "c", "p")
    )


def named_by(reference: Reference) -> Composed:
    """Return the condition that a row `c` refers to one.

    A key with a null in it refers to nothing; with MATCH FULL all of it must be null.
    """
    named = (SQL("c.{} IS NOT NULL").format(column(name)) for name in reference.columns)
    return SQL("({})").format(listed(named, " OR " if reference.match_full else " AND "))
