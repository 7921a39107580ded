"""One transaction, begun again while others hold what it needs, and told for certain how it ended.

Each wait for a lock is short: whoever comes after us waits behind us. So the whole transaction gives way, lets others
through, and is begun anew.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from time import monotonic, sleep

import psycopg
from psycopg import Connection

from shared.adapters.postgres.migration.scripts import NotFree, Ran
from shared.adapters.postgres.migration.session import still_ours
from shared.adapters.postgres.server.holders import holders
from shared.adapters.postgres.server.session import Rows, sentence
from shared.errors import OutcomeUnknown, PermanentError
from shared.model.migration import Limits, Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """A transaction that was brought to its end.

    Attributes:
        waited_s: From when it was first begun to when it was begun for the last time.
    """

    ran: Ran
    tries: int
    waited_s: float


class Transaction:
    """Does some work in one transaction."""

    def __init__(self, connection: Connection[Rows], limits: Limits, progress: Progress) -> None:
        """Take a connection in autocommit; it may be lost afterwards."""
        self._connection = connection
        self._limits = limits
        self._progress = progress

    def do(self, work: Callable[[Connection[Rows]], Ran], *, keep: bool = True) -> Tried:
        """Do it all and commit, or nothing.

        Args:
            keep: False rolls it back at the end, as if it had failed.

        Raises:
            PermanentError: nothing is left of it; it says why.
            OutcomeUnknown: the connection was lost at the commit.
        """
        began = monotonic()
        for tries in range(1, self._limits.tries + 1):
            waited_s = monotonic() - began
            try:
                return Tried(ran=self._once(work, keep=keep), tries=tries, waited_s=waited_s)
            except NotFree as error:
                by = holders(self._connection)
                said = f"{error} (try {tries} of {self._limits.tries}; who holds locks on tables: {by})"
                self._progress.say(said)
            if tries < self._limits.tries:
                sleep(self._limits.pause.total_seconds())
        raise PermanentError(f"{said}; waited {monotonic() - began:.1f} s in all")

    def _once(self, work: Callable[[Connection[Rows]], Ran], *, keep: bool) -> Ran:
        with self._rolled_back():
            self._connection.execute("BEGIN")
            if not still_ours(self._connection):
                raise PermanentError(
                    "a pooler in transaction mode stands between: connect to the server, or in session mode"
                )
            ran = work(self._connection)
        if keep:
            self._commit()
        else:
            self._connection.execute("ROLLBACK")
        return ran

    @contextmanager
    def _rolled_back(self) -> Iterator[None]:
        """Leave nothing behind when something goes wrong, whoever stops us."""
        with ExitStack() as undone:
            undone.callback(self._roll_back)
            try:
                yield
            except psycopg.Error as error:
                raise PermanentError(sentence(error)) from None
            except KeyboardInterrupt:
                raise PermanentError("it was stopped") from None
            undone.pop_all()

    def _roll_back(self) -> None:
        # A session that is lost is rolled back by the server.
        with suppress(psycopg.Error):
            self._connection.execute("ROLLBACK")

    def _commit(self) -> None:
        try:
            done = self._connection.execute("COMMIT").statusmessage
        except psycopg.Error as error:
            if self._connection.closed:
                raise OutcomeUnknown("the connection was lost at the commit") from None
            raise PermanentError(f"at the commit: {sentence(error)}") from None
        except KeyboardInterrupt:
            self._connection.close()
            raise OutcomeUnknown("it was stopped at the commit") from None
        if done != "COMMIT":
            raise PermanentError(f"at the commit: the server said {done}")
