"""Names the value that does not fit: a column may be of another type on the source, and take less."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from psycopg import Connection, errors
from psycopg.sql import SQL

from shared.adapters.postgres.server.session import Rows
from shared.adapters.postgres.server.sql import column, table
from shared.errors import PermanentError
from shared.model.sync import SyncColumn, SyncTable

# What is said of a value that is no integer, too long, or against the rule of a domain.
_MISFIT = (errors.DataError, errors.IntegrityError)


@contextmanager
def misfits_named(target: Connection[Rows], of: SyncTable) -> Iterator[None]:
    """Say of a value that cannot be read as the source's type, in which column it is.

    Raises:
        PermanentError: there is one; the sentence does not hold the value.
    """
    try:
        yield
    except _MISFIT:
        for one in of.columns:
            if not one.same and not _fits(target, of, one):
                said = f"it holds a value on the target that is none of {one.type}, its type on the source"
                raise PermanentError(f"{of.name}.{one.name}: {said}") from None
        raise


def _fits(target: Connection[Rows], of: SyncTable, one: SyncColumn) -> bool:
    value = SQL("{}::text").format(column(one.name, "t"))
    read = SQL("{}::{}").format(value, SQL(one.type))
    # A text is cut when it is read as another type, and refused when it is stored.
    wrong = SQL("{}::text <> {}").format(read, value) if one.type.startswith("character varying") else SQL("false")
    asked = SQL("SELECT count({}), count(*) FILTER (WHERE {}) FROM {} AS t").format(read, wrong, table(of.name))
    try:
        row: Any = target.execute(asked).fetchone()
    except _MISFIT:
        return False
    except errors.QueryCanceled:  # it is only asked for its name
        return True
    return not row[1]
