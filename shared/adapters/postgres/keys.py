"""Keys of rows on their way between the sides: as lines of COPY's text format, never as values of this program."""

from collections.abc import Iterable

from psycopg import Connection
from psycopg.sql import SQL, Identifier, Literal

from shared.adapters.postgres.capture import log_of
from shared.adapters.postgres.session import Rows
from shared.adapters.postgres.sql import columns, table
from shared.model.sync import SyncTable

KEYS = Identifier("pg_temp", "keys_given")


def written_on(side: Connection[Rows], of: SyncTable, oid: int, snapshot: str) -> list[bytes]:
    """Return the keys that were written on a side since a snapshot, as lines of COPY's text format."""
    asked = SQL(
        "COPY (SELECT DISTINCT {} FROM {} WHERE NOT pg_visible_in_snapshot(rollback_xid, {}::pg_snapshot)) TO STDOUT"
    ).format(columns(of.key), log_of(oid), Literal(snapshot))
    with side.cursor().copy(asked) as lines:
        return [bytes(line) for line in lines]


def give_keys(side: Connection[Rows], of: SyncTable, keys: Iterable[bytes]) -> None:
    """Put keys into a temporary table of the running transaction."""
    side.execute(
        SQL("CREATE TEMP TABLE keys_given ON COMMIT DROP AS SELECT {} FROM {} WITH NO DATA").format(
            columns(of.key), table(of.name)
        )
    )
    with side.cursor().copy(SQL("COPY {} FROM STDIN").format(KEYS)) as copy:
        for key in keys:
            copy.write(key)
    side.execute(SQL("ANALYZE {}").format(KEYS))
