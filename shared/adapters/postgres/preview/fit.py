"""Whether what was written on the target fits where it goes: its columns may be of types that take less.

The source reads these values as it will when they go back. Hashes do not tell: they are of the widest type that is
written alike, so that values can be compared which do not fit. Nor do names of types that people made: an enum may have
one label more on the target.
"""

from collections.abc import Sequence

from psycopg import Connection, errors
from psycopg.sql import SQL, Composable, Composed

from shared.adapters.postgres.capture.keys import KEYS, give_keys
from shared.adapters.postgres.server.hashing import hashed_rows
from shared.adapters.postgres.server.session import Rows
from shared.adapters.postgres.server.sql import column, listed, same_row, table
from shared.errors import PermanentError
from shared.model.sync import SyncColumn, SyncTable

_INTO = SQL("COPY pg_temp.read FROM STDIN")


def read_listed(source: Connection[Rows], target: Connection[Rows], of: SyncTable, keys: Sequence[bytes]) -> None:
    """Have the source read the rows of some keys, given as lines of COPY's text format.

    Raises:
        PermanentError, psycopg.Error: as of `read_rows`.
    """
    if keys and _to_be_read(of):
        with source.transaction(force_rollback=True), target.transaction(force_rollback=True):
            give_keys(target, of, keys)
            read_rows(source, target, of, KEYS)


def read_rows(source: Connection[Rows], target: Connection[Rows], of: SyncTable, keys: Composable) -> None:
    """Have the source read the rows of keys that are a table or a subquery on the target, in transactions of both.

    Raises:
        PermanentError: a value is none of its type on the source; the sentence names the column.
        psycopg.Error: a value does not fit into a column of another type.
    """
    odd = _to_be_read(of)
    if not odd:
        return
    source.execute(_as_there(of, odd))
    with target.cursor().copy(_values(of, odd, keys)) as rows, source.cursor().copy(_INTO) as read:
        for some in rows:
            read.write(some)
    for one in odd:
        if one.as_text:
            _cast(source, of, one)


def _cast(source: Connection[Rows], of: SyncTable, one: SyncColumn) -> None:
    try:
        with source.transaction():
            source.execute(SQL("SELECT count({}::{}) FROM pg_temp.read").format(column(one.name), SQL(one.type)))
    except (errors.DataError, errors.IntegrityError):
        said = f"it holds a value on the target that is none of {one.type}, its type on the source"
        raise PermanentError(f"{of.name}.{one.name}: {said}") from None


def _to_be_read(of: SyncTable) -> list[SyncColumn]:
    return [one for one in of.values if one.as_text or not one.same]


def _as_there(of: SyncTable, odd: Sequence[SyncColumn]) -> Composed:
    """A text is cut when it is cast to a shorter type, and refused when it is stored: so they are stored."""
    taken = (SQL("''::text AS {}").format(column(one.name)) if one.as_text else column(one.name) for one in odd)
    making = SQL("CREATE TEMP TABLE read ON COMMIT DROP AS SELECT {} FROM {} WITH NO DATA")
    return making.format(listed(taken), table(of.name))


def _values(of: SyncTable, odd: Sequence[SyncColumn], keys: Composable) -> Composed:
    values = (SQL("{}::text" if one.as_text else "{}").format(column(one.name, "t")) for one in odd)
    rows = table(of.name) if of.key else hashed_rows(of, of_source=False)
    return SQL("COPY (SELECT {} FROM {} AS w JOIN {} AS t ON {}) TO STDOUT").format(
        listed(values), keys, rows, same_row(of, "w", "t")
    )
