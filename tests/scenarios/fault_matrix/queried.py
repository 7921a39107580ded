"""Azure SQL as a source: the adapter is the real one, and where its driver begins stands a server in memory.

No SQL Server can be run here. The stand-in answers the adapter's own statements with rows as they are documented, and
its errors are those that the driver makes of a server's messages. Refused and silent ports are met by the real driver,
as far as it can be loaded: without a library of the system (libltdl7) it fails at once, which is one more fault.
"""

import re
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from threading import Event
from typing import Any, Self
from unittest.mock import patch

import mssql_python
from mssql_python.exceptions import raise_exception

from shared.adapters.azure_sql import AzureSqlSource
from shared.adapters.azure_sql_queries import CONNECTIONS, RESOURCE_USE
from shared.clock import Clock
from shared.ports import SampleSource
from tests.contract.raw_server import RawServer
from tests.scenarios.fault_matrix.answered import Standing
from tests.scenarios.fault_matrix.ground import Address, Story, address_of
from tests.scenarios.fault_matrix.kinds import Fault, Kind

_ROW_EVERY = timedelta(seconds=15)
_ROWS = 240  # an hour of them
_HOUR = timedelta(hours=1)
_NO_TIME = timedelta(0)
_LONGEST_S = 60.0
_PORT = ",1433;"
_PREFIX = "[Microsoft][ODBC Driver 18 for SQL Server][SQL Server]"
_connect = mssql_python.connect

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class QueriedFace:
    """How a fault looks here.

    Attributes:
        connecting, asking: SQLSTATE and message that come instead of a connection, or of rows.
        port: Where the real driver is sent instead.
        shift: By so much the server's clock is wrong.
        spoils: What becomes of the rows of an answer.
        stands_still: The server's views are not written any more.
        never: A call does not come back.
        of_views: It can be met only by what is read from views; a number of now has no rows that could be old.
    """

    connecting: tuple[str, str] | None = None
    asking: tuple[str, str] | None = None
    port: Callable[[], AbstractContextManager[int]] | None = None
    shift: timedelta = _NO_TIME
    spoils: Callable[[Sequence[Row]], Sequence[Row]] | None = None
    stands_still: bool = False
    never: bool = False
    of_views: bool = False

    def fits(self, kind: Kind) -> bool:
        return not self.of_views or "sql: connections" not in kind.signal


@contextmanager
def _refusing() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    yield port


@contextmanager
def _silent() -> Iterator[int]:
    with RawServer(hold=True) as server:
        yield server.port


def _figures(figure: object) -> QueriedFace:
    return QueriedFace(spoils=lambda rows: [(row[0], *(figure for _ in row[1:])) for row in rows])


FACES: Mapping[Fault, Mapping[str, QueriedFace]] = {
    Fault.DOWN: {
        "connections are refused": QueriedFace(port=_refusing),
        "the link breaks": QueriedFace(asking=("08S01", "Communication link failure")),
        "not available": QueriedFace(
            connecting=("HY000", "Database 'orders' on server 'shop' is not currently available. Please retry.")
        ),
        "too many requests": QueriedFace(
            asking=("HY000", "Resource ID : 1. The request limit for the database is 60 and has been reached.")
        ),
    },
    Fault.FORBIDDEN: {
        "login failed": QueriedFace(connecting=("28000", "Login failed for user '<token-identified principal>'.")),
        "the firewall": QueriedFace(
            connecting=("42000", "Cannot open server 'shop' requested by the login. Client is not allowed.")
        ),
        "permission denied": QueriedFace(
            asking=("42000", "VIEW DATABASE STATE permission was denied in database 'orders'.")
        ),
    },
    Fault.EMPTY: {"no rows": QueriedFace(spoils=lambda _: [])},
    Fault.STALE: {
        "a clock an hour behind": QueriedFace(shift=-_HOUR),
        "a clock an hour ahead (views)": QueriedFace(shift=_HOUR, of_views=True),
        "views stand still (views)": QueriedFace(stands_still=True, of_views=True),
    },
    Fault.NAN: {
        "NULL": _figures(None),
        "NaN": _figures(float("nan")),
        "infinite": _figures(Decimal("Infinity")),
        "no number": _figures("many"),
        "no time": QueriedFace(spoils=lambda rows: [("now", *row[1:]) for row in rows]),
    },
    Fault.RENAMED: {
        "the view is gone": QueriedFace(asking=("42S02", "Invalid object name 'sys.dm_db_resource_stats'.")),
        "a column is gone": QueriedFace(asking=("42S22", "Invalid column name 'avg_cpu_percent'.")),
        "rows lack a column": QueriedFace(spoils=lambda rows: [row[:-1] for row in rows]),
    },
    Fault.NO_TRAFFIC: {
        "it pauses while nobody asks": QueriedFace(
            connecting=("HY000", "Database 'orders' is paused. Connection attempts resume it.")
        )
    },
    Fault.SLOW: {
        "a statement's time-out": QueriedFace(asking=("HYT00", "Query timeout expired")),
        "no answer to the login": QueriedFace(port=_silent),
        "a call does not come back": QueriedFace(never=True),
    },
}


class Server:
    """Stands in for `mssql_python.connect`: a database of each story, which nobody but the play moves.

    Attributes:
        kept: What a fault holds open.
        let_go: Set when calls that do not come back may end.
    """

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.standings = {story: Standing() for story in Story}
        self.kept = ExitStack()
        self.let_go = Event()
        self._face = QueriedFace()
        self._port = 0
        self._still_since = datetime.max.replace(tzinfo=UTC)

    def strike(self, face: QueriedFace) -> None:
        self._still_since = self.clock() if face.stands_still else self._still_since
        self._port = self.kept.enter_context(face.port()) if face.port else 0
        self._face = face

    def connect(self, connection_str: str, **options: Any) -> Any:
        if self._port:
            return _connect(connection_str.replace(_PORT, f",{self._port};"), **options)
        if self._face.never:
            self.let_go.wait(_LONGEST_S)
        if self._face.connecting:
            _raise(*self._face.connecting)
        found = re.search(r"Database=\{(\w+)\}", connection_str)
        assert found is not None
        return Session(self, Story(found[1]))

    def answer(self, story: Story, statement: str, values: Sequence[Any]) -> Sequence[Row]:
        """Answer one of the adapter's statements."""
        if self._face.asking:
            _raise(*self._face.asking)
        rows = self._use(story, *values) if statement == RESOURCE_USE else self._now(story, statement)
        return self._face.spoils(rows) if self._face.spoils else rows

    def _use(self, story: Story, since: datetime) -> Sequence[Row]:
        """Rows of the last hour. One whose clock is wrong wrote them so, and compares them with nothing else."""
        newest = self.clock().replace(microsecond=0)
        moments = [newest - ago * _ROW_EVERY for ago in reversed(range(_ROWS))]
        return [
            (_told(at + self._face.shift), *map(Decimal, ("12.50", cpu, "3.00", "40.00")))
            for at in moments
            if at.replace(tzinfo=None) > since and at <= self._still_since
            for cpu in ("96.00" if self.standings[story].bad_at(at.timestamp()) else "20.00",)
        ]

    def _now(self, story: Story, statement: str) -> Sequence[Row]:
        assert statement == CONNECTIONS
        return [(_told(self.clock() + self._face.shift), 190 if self.standings[story].bad else 20)]


def _raise(state: str, message: str) -> None:
    raise_exception(state, f"{_PREFIX}{message}")


def _told(at: datetime) -> datetime:
    return at.replace(tzinfo=None)


@dataclass(slots=True)
class Session:
    """What the adapter uses of a connection, and of a cursor on it."""

    server: Server
    story: Story
    rows: Sequence[Row] = ()

    def cursor(self) -> Self:
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def execute(self, statement: str, *values: Any) -> None:
        self.rows = self.server.answer(self.story, statement, values)

    def fetchall(self) -> Sequence[Row]:
        return self.rows

    def close(self) -> None:
        self.rows = ()


class QueriedGround:
    """Fulfils `Ground`."""

    def __init__(self, server: Server, face: QueriedFace | None) -> None:
        self._server = server
        self._face = face
        self._source = AzureSqlSource(lambda: "t0ken")

    def sources(self) -> Mapping[str, SampleSource]:
        return {"sql": self._source}

    def address(self, story: Story) -> Address:
        return address_of(story, f"https://{story.value}.example", {"DATABASE": story.value})

    def turn(self, story: Story, *, bad: bool) -> None:
        self._server.standings[story].note(self._server.clock(), bad=bad)

    def strike(self) -> None:
        assert self._face is not None
        self._server.strike(self._face)


@contextmanager
def queried(clock: Clock, face: QueriedFace | None) -> Iterator[QueriedGround]:
    """Put the server in the driver's place for as long as a play lasts."""
    server = Server(clock)
    with server.kept, patch.object(mssql_python, "connect", server.connect):
        try:
            yield QueriedGround(server, face)
        finally:
            server.let_go.set()
