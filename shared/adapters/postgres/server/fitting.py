"""Names the column of a value that does not fit: it may be of another type on the source, and take less."""

from collections.abc import Iterator, Sequence
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
    except _MISFIT as error:
        odd = [one for one in of.columns if not one.same and not _fits(target, of, one)]
        # Only the source knows the values of a type that people made; it does not say in which column one was.
        odd = odd or [one for one in of.columns if one.as_text and _is_of_made_type(error)]
        if odd:
            raise PermanentError(_said(of, odd)) from None
        raise


def _is_of_made_type(error: errors.Error) -> bool:
    return isinstance(error, errors.InvalidTextRepresentation) or error.diag.datatype_name is not None


def _said(of: SyncTable, odd: Sequence[SyncColumn]) -> str:
    names = " or ".join(f"{of.name}.{one.name}" for one in odd)
    types = " or ".join(dict.fromkeys(one.type for one in odd))
    return f"{names}: it holds a value on the target that is none of {types}, its type on the source"


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
