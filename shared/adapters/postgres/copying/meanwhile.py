"""What somebody else has written on the source since it was decided which rows go over which: no chunk may undo that.

It is asked after a chunk's own writes, which hold its rows: who wrote one of them before has committed, and is in the
log; who wants to write one later waits, and writes over what has come back.
"""

from collections.abc import Collection
from dataclasses import dataclass

from psycopg.sql import SQL, Composable, Composed, Literal

from shared.adapters.postgres.capture.key_log import log_of
from shared.adapters.postgres.server.sql import column, ours, same_row
from shared.model.sync import SyncTable

_UNSEEN = SQL("NOT pg_visible_in_snapshot(rollback_xid, {}::pg_snapshot) AND rollback_xid <> pg_current_xact_id()")


class WrittenMeanwhileError(Exception):
    """Rows of a chunk were written on the source; nothing of it was applied."""


@dataclass(frozen=True, slots=True)
class Meanwhile:
    """Since when.

    Attributes:
        snapshot: Of the source; what it saw is decided.
        logged: Tables whose log there has their keys of now, by their number there. Of others it is only noted that
            something was written.
    """

    snapshot: str
    logged: Collection[int]

    def written(self, of: SyncTable) -> Composed:
        """Return the query whether a staged row was, or any that has no name."""
        unseen = _UNSEEN.format(Literal(self.snapshot))
        noted = SQL("EXISTS (SELECT FROM {} WHERE oid = {} AND {})").format(
            ours("emptied"), Literal(of.source_oid), unseen
        )
        named = self._named(of, unseen) if of.source_oid in self.logged and of.key else SQL("false")
        return SQL("SELECT ({} OR {})::int").format(noted, named)

    def _named(self, of: SyncTable, unseen: Composable) -> Composed:
        return SQL(
            "EXISTS (SELECT FROM {} AS l WHERE {} AND"
            " ({} IS NULL OR EXISTS (SELECT FROM pg_temp.staged AS s WHERE {})))"
        ).format(log_of(of.source_oid), unseen, column(of.key[0], "l"), same_row(of, "s", "l"))
