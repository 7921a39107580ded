"""What other rows refer to, where foreign keys cannot be set aside: no change of ours may cascade into rows unseen.

A foreign key of the source may delete, or set to something else, the rows that refer to one that goes or takes another
value. Nobody would have an image of them, and rows of tables that are on the source alone would be lost.
"""

from psycopg import Connection
from psycopg.sql import SQL, Composable

from shared.adapters.postgres.copying.images import stored
from shared.adapters.postgres.server.session import Rows
from shared.adapters.postgres.server.sql import differs, leads, same_row, same_values, table
from shared.errors import PermanentError
from shared.model.sync import SyncTable
from shared.model.tables import Reference, TableName


def refuse_dropped(source: Connection[Rows], of: SyncTable) -> None:
    """Refuse to drop staged rows that others still refer to.

    Raises:
        PermanentError: some do.
    """
    for child, reference in of.referred:
        rows = _referring(source, of, child, reference, SQL("NOT s.rollback_live"))
        if rows:
            raise PermanentError(
                f"{child}: {rows} rows of {reference.name} would lead nowhere: the target has deleted what they name"
            )


def refuse_renamed(source: Connection[Rows], of: SyncTable) -> None:
    """Refuse to change a value, besides the key, by which others refer to a row.

    Raises:
        PermanentError: some do.
    """
    for child, reference in of.referred:
        if set(reference.to_columns) <= set(of.key):
            continue
        rows = _referring(source, of, child, reference, SQL("s.rollback_live AND {}").format(_moved(of, reference)))
        if rows:
            raise PermanentError(
                f"{child}: {rows} rows of {reference.name} would change with what they name, and foreign keys may not "
                "be set aside on the source: GRANT SET ON PARAMETER session_replication_role"
            )


def _moved(of: SyncTable, reference: Reference) -> Composable:
    if not set(reference.to_columns) <= set(stored(of)):  # computed from others
        return differs(of, "t", "s")
    return SQL("({}) IS NOT TRUE").format(same_values(of, reference.to_columns, "t", "s"))


def _referring(
    source: Connection[Rows], of: SyncTable, child: TableName, reference: Reference, which: Composable
) -> int:
    asked = SQL("SELECT count(*) FROM pg_temp.staged AS s JOIN {} AS t ON {} JOIN {} AS c ON {} WHERE {}")
    joined = asked.format(table(of.name), same_row(of, "s", "t"), table(child), leads(reference, "c", "t"), which)
    row = source.execute(joined).fetchone()
    return int(str(row[0])) if row else 0
