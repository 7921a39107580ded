"""What a database tells of itself when people ask for advice."""

from datetime import datetime
from typing import Protocol

from shared.model.policy_outside_signals import SqlSignal
from shared.model.sql_rows import ExpensiveQuery, IndexUse


class Advisor(Protocol):
    """Asks a database for what advice rests on. Each call ends by itself within time-outs made from the signal's."""

    def expensive_queries(self, signal: SqlSignal, since: datetime) -> list[ExpensiveQuery]:
        """Return the queries that used the most CPU since then.

        Args:
            signal: Any signal of the database.

        Raises:
            TransientError, PermanentError: it does not answer; it does not let us.
        """
        ...

    def index_use(self, signal: SqlSignal) -> list[IndexUse]:
        """Return how the largest indexes were used since the database was last started; raises the same."""
        ...
