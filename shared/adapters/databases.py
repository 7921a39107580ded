"""Databases as the engine takes them; the driver is imported when the first of them is asked, not at a cold start."""

from collections.abc import Callable, Collection
from concurrent.futures import Executor
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from shared.adapters.azure_clients import credential
from shared.model.checkpoint import Begun, Watched
from shared.model.data_preview import DataPreview
from shared.model.policy_data import Database
from shared.model.sync import Finding
from shared.ports import Fence, RowsPicture

if TYPE_CHECKING:
    from shared.adapters.postgres.checkpoint.keeping import PostgresCheckpoints
    from shared.adapters.postgres.preview.previews import PostgresPreviews
    from shared.adapters.postgres.way_back.rows import PostgresRows


class Databases:
    """Fulfils `ports.RowsBack`, `Checkpointing` and `Previews`."""

    def __init__(self, pool: Executor, token: Callable[[], str]) -> None:
        """Take what the databases are reached with.

        Args:
            pool: Threads for both sides at once and for the workers of a slice.
            token: Returns a token that stands for a password.
        """
        self._pool = pool
        self._token = token

    def look(self, database: Database, sync_id: str) -> RowsPicture:
        return self._rows.look(database, sync_id)

    def work(
        self, database: Database, checkpoint_id: str, sync_id: str, fence: Fence, left_out: Collection[str] = ()
    ) -> None:
        self._rows.work(database, checkpoint_id, sync_id, fence, left_out)

    def fenced_by(self, database: Database) -> str:
        return self._rows.fenced_by(database)

    def let_go(self, database: Database, sync_id: str, fence: Fence) -> None:
        self._rows.let_go(database, sync_id, fence)

    def preflight(self, database: Database) -> tuple[Finding, ...]:
        return self._checkpoints.preflight(database)

    def begin(self, database: Database, checkpoint_id: str) -> Begun:
        return self._checkpoints.begin(database, checkpoint_id)

    def watch(self, database: Database, checkpoint_id: str) -> Watched:
        return self._checkpoints.watch(database, checkpoint_id)

    def end(self, database: Database, checkpoint_id: str) -> None:
        self._checkpoints.end(database, checkpoint_id)

    def preview(self, name: str, database: Database, checkpoint_id: str, within: timedelta) -> DataPreview:
        return self._previews.preview(name, database, checkpoint_id, within)

    @cached_property
    def _rows(self) -> "PostgresRows":
        from shared.adapters.postgres.way_back.rows import PostgresRows

        return PostgresRows(self._pool, self._token)

    @cached_property
    def _checkpoints(self) -> "PostgresCheckpoints":
        from shared.adapters.postgres.checkpoint.keeping import PostgresCheckpoints

        return PostgresCheckpoints(self._token)

    @cached_property
    def _previews(self) -> "PostgresPreviews":
        from shared.adapters.postgres.preview.previews import PostgresPreviews

        return PostgresPreviews(self._pool, self._token)


def database_token(audience: str, client_id: str | None) -> str:
    """Return a token of the app's identity that stands for a password; the SDK keeps it until shortly before its end.

    Raises:
        TransientError, PermanentError: there is no identity, or it gets no token.

    https://learn.microsoft.com/azure/postgresql/flexible-server/security-entra-configure
    """
    from shared.adapters.azure_errors import translated

    with translated("getting a token for a database"):
        return str(credential(client_id).get_token(f"{audience}/.default").token)
