"""Keys of rows on their way between the sides: as lines of COPY's text format, never as values of this program."""

from collections.abc import Iterable
from itertools import batched

from psycopg import Connection
from psycopg.sql import SQL, Composed, Identifier, Literal

from shared.adapters.postgres.capture.key_log import log_of
from shared.adapters.postgres.server.session import Rows
from shared.adapters.postgres.server.sql import column, columns, table
from shared.model.sync import ROW_HASH, SyncTable

KEYS = Identifier("pg_temp", "keys_given")
# Each write of its own waits for the connection.
_KEYS_AT_ONCE = 1_000


def written_on(side: Connection[Rows], of: SyncTable, oid: int, snapshot: str) -> list[bytes]:
    """Return the keys that were written on a side since a snapshot, as lines of COPY's text format."""
    if not of.key:  # it is only noted that something was
        return []
    asked = SQL(
        "COPY (SELECT DISTINCT {} FROM {} WHERE NOT pg_visible_in_snapshot(rollback_xid, {}::pg_snapshot)) TO STDOUT"
    ).format(columns(of.key), log_of(oid), Literal(snapshot))
    with side.cursor().copy(asked) as lines:
        return [bytes(line) for line in lines]


def give_keys(side: Connection[Rows], of: SyncTable, keys: Iterable[bytes]) -> None:
    """Put keys into a temporary table of the running transaction."""
    side.execute(SQL("CREATE TEMP TABLE keys_given ON COMMIT DROP AS {} WITH NO DATA").format(no_keys(of)))
    with side.cursor().copy(SQL("COPY {} FROM STDIN").format(KEYS)) as copy:
        for some in batched(keys, _KEYS_AT_ONCE, strict=False):
            copy.write(b"".join(some))
    side.execute(SQL("ANALYZE {}").format(KEYS))


def no_keys(of: SyncTable) -> Composed:
    """Return a query of the shape that keys have."""
    if not of.key:
        return SQL("SELECT 0::int8 AS {} WHERE false").format(column(ROW_HASH))
    return SQL("SELECT {} FROM {} WHERE false").format(columns(of.key), table(of.name))
