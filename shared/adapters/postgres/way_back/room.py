"""Whether the source's disk takes what goes back: tried before any writer is stopped, as no server tells its free room.

As much as the copy may need is written into a table that is taken back at once: new versions of rows, their images,
indexes. It is unlogged, so that it costs a disk's speed and no more. Beyond a bound, it is a sample.
"""

from psycopg import Connection, Error, errors
from psycopg.sql import SQL, Literal

from shared.adapters.postgres.capture.snapshot import Checkpoint
from shared.adapters.postgres.capture.written import written_keys
from shared.adapters.postgres.server.session import Rows, at_once
from shared.adapters.postgres.server.sides import Sides
from shared.adapters.postgres.server.sql import ours
from shared.errors import PermanentError

# A quarter of a second or so on any disk that a database should be on.
_MOST = 128 << 20
_LEAST = 4 << 20
# What a changed row leaves behind: its new version, its image, and what indexes and the server's log take.
_TIMES = 3
_PIECE = 8_000
_TAKING = (
    SQL("BEGIN"),
    SQL("CREATE UNLOGGED TABLE {} (filler text)").format(ours("room")),
    # Neither compressed nor moved out of line: each row is a page.
    SQL("ALTER TABLE {} ALTER filler SET STORAGE PLAIN").format(ours("room")),
)


def demand_room(source: Connection[Rows], changed_bytes: int) -> None:
    """Raise if the source has no room for that many bytes of changed rows.

    Raises:
        PermanentError: it has not.
    """
    wanted = min(_MOST, max(_LEAST, _TIMES * changed_bytes))
    fill = SQL("INSERT INTO {} SELECT repeat(' ', {}) FROM generate_series(1, {})")
    try:
        at_once(
            source, [*_TAKING, fill.format(ours("room"), Literal(_PIECE), Literal(wanted // 8192)), SQL("ROLLBACK")]
        )
    except Error as error:
        source.rollback()
        if not isinstance(error, errors.DiskFull):
            raise
        raise PermanentError(f"the disk of the source has no room for {wanted >> 20} MB of rows that go back") from None


def expected_bytes(sides: Sides, checkpoint: Checkpoint) -> int:
    """Return how many bytes of rows go back, by how many keys were logged, and how large the tables' rows are."""
    keys = written_keys(sides.target, checkpoint)
    rows = sum(of.rows for of in sides.plan.tables)
    size = sum(sides.there.tables[of.name].bytes for of in sides.plan.tables)
    return keys * size // rows if rows else size
