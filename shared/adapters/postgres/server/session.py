"""Connections to a PostgreSQL database, set so that the same value is written the same way on every server.

What a row looks like as text depends on the session: time zone, float digits and five more settings are fixed here
for both sides, or equal rows would differ. `row_security=off` makes a hidden row an error; left on, rows that a policy
hides would look deleted. Planner settings are those that keep small joins on the index (`docs/adr/0014`).
https://www.postgresql.org/docs/current/runtime-config-client.html
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar

import psycopg
from psycopg import Connection, Cursor, errors
from psycopg.abc import PQGen
from psycopg.conninfo import conninfo_to_dict
from psycopg.sql import SQL, Composable

from shared.adapters.postgres.server.authorities import authorities
from shared.adapters.postgres.server.translation import sentence, translated
from shared.errors import PermanentError

__all__ = ["Access", "Rows", "at_once", "sentence", "translated"]

Rows = tuple[object, ...]
_T = TypeVar("_T")
# How often a wait for the server looks up, for a signal.
_LOOK_UP_S = 0.1
_SETTINGS = {
    "timezone": "UTC",
    "datestyle": "ISO",
    "intervalstyle": "postgres",
    "extra_float_digits": "1",
    "bytea_output": "hex",
    "lc_monetary": "C",
    "xmlbinary": "base64",
    "row_security": "off",
    "jit": "off",
    "random_page_cost": "1.1",
    "temp_buffers": "16384",
    "default_transaction_isolation": "read committed",
    "synchronous_commit": "on",
    # A server that waits for a client within a COPY has no time-out for that: only its network can tell.
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
}
_CONNECT_WITHIN_S = 10
# How much later than the server's own time-out its answer may come.
_MARGIN_S = 2.0


class _Side(Connection[Rows]):
    """A connection whose errors say of which side they are: two are open at once, one inside of the other."""

    called = ""
    answers_within_s: float = _CONNECT_WITHIN_S

    def wait(self, gen: PQGen[_T], interval: float = _LOOK_UP_S, timeout: float | None = None) -> _T:
        """Wait for an answer, but not for ever.

        A link may stall without its end being told: gateways acknowledge what they do not deliver. Then neither the
        server's time-out comes through, nor does one of TCP pass.
        """
        try:
            return super().wait(gen, interval, self.answers_within_s if timeout is None else timeout)
        except errors._WaitTimeout:
            if timeout is not None:  # the driver's own, which it expects
                raise
            self.close()  # what it is at nobody knows
            late = psycopg.OperationalError("no answer in time")
            late.add_note(self.called)
            raise late from None
        except psycopg.Error as error:
            error.add_note(self.called)
            raise


@dataclass(frozen=True, slots=True)
class Access:
    """How to reach one database.

    Attributes:
        called: What people call it: source or target.
        conninfo: A connection string or URI. Its password may come from `token` instead.
        token: Returns a token of the app's identity, which stands for a password (Entra ID on Azure's servers).
        verified: The server's certificate is verified; only a rig on the loopback does without.
    """

    called: str
    conninfo: str = field(repr=False)  # it holds a password
    token: Callable[[], str] | None = field(default=None, repr=False)
    verified: bool = True

    @contextmanager
    def connected(
        self,
        *,
        statement: timedelta,
        lock: timedelta = timedelta(seconds=2),
        idle: timedelta | None = None,
        answer: timedelta | None = None,
    ) -> Iterator[Connection[Rows]]:
        """Open a connection in autocommit, and close it.

        Args:
            statement: The longest that one statement may take.
            lock: The longest that one may wait for another's lock.
            idle: The longest that the server waits for the next statement of a transaction; twice that of a statement
                if not given, as the other side may be worked at meanwhile.
            answer: The longest that the server may be at something, where that is not `statement`: some statements
                have limits of their own. Whose answer takes longer is given up.

        Raises:
            TransientError: it does not answer, or not now.
            PermanentError: it will not work however often it is tried.
        """
        with translated(self.called):
            connection = self._open(statement, lock, idle or 2 * statement)
            connection.answers_within_s = (answer or statement) / timedelta(seconds=1) + _MARGIN_S
        try:
            with translated(self.called):
                yield connection
        finally:
            connection.close()

    def _open(self, statement: timedelta, lock: timedelta, idle: timedelta) -> "_Side":
        given = self._given()
        given |= {"connect_timeout": _CONNECT_WITHIN_S, "application_name": "rollback-controller"}
        given |= {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3, "client_encoding": "UTF8"}
        given |= {"tcp_user_timeout": int(statement / timedelta(milliseconds=1)) + 10_000}
        if self.verified:
            given |= {"sslmode": "verify-full", "sslrootcert": given.get("sslrootcert") or authorities()}
        if self.token is not None:
            given |= {"password": self.token()}
        connection = _Side.connect(**given, autocommit=True, prepare_threshold=None)
        connection.called = self.called
        with ExitStack() as unready:
            unready.callback(connection.close)
            _configure(connection, statement, lock, idle)
            unready.pop_all()
        return connection

    def _given(self) -> dict[str, Any]:
        """Read the connection string; what the driver says of a malformed one quotes it, and it holds a password."""
        try:
            given: dict[str, Any] = conninfo_to_dict(self.conninfo)
        except psycopg.ProgrammingError:
            given = {}
        if not given or not str(given.get("port", "1")).replace(",", "").isdigit():
            raise PermanentError(f"{self.called} database: its connection string cannot be read")
        return given


def _configure(connection: Connection[Rows], statement: timedelta, lock: timedelta, idle: timedelta) -> None:
    settings = _SETTINGS | {
        "statement_timeout": _ms(statement),
        "lock_timeout": _ms(lock),
        "idle_in_transaction_session_timeout": _ms(idle),
    }
    connection.execute(
        "SELECT set_config(name, value, false) FROM unnest(%s::text[], %s::text[]) AS wanted (name, value)",
        [list(settings), list(settings.values())],
    )


def _ms(span: timedelta) -> str:
    return str(int(span / timedelta(milliseconds=1)))


def at_once(side: Connection[Rows], statements: Iterable[Composable]) -> Cursor[Rows]:
    """Send statements as one message: on a long way, an answer for each takes longer than the work.

    Outside of a transaction they are one; they may begin and end one themselves. After an error nothing of what follows
    is done, and the error is that of its statement, as if it had been sent alone.
    https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-MULTI-STATEMENT

    Returns:
        The results of all, by `results()`.
    """
    return side.execute(SQL("; ").join(statements))
