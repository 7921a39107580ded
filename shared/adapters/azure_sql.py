"""Azure SQL: what a database says of its own use, and rows for advice. Signed in with a token of the app's identity.

The driver is imported on first use. Its calls block, and let other threads run meanwhile; connecting and each statement
have a time-out of whole seconds. https://learn.microsoft.com/sql/connect/python/mssql-python/python-sql-driver-mssql-python
"""

import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from itertools import groupby
from math import ceil
from typing import TYPE_CHECKING, Any

from shared.adapters.azure_sql_queries import (
    CONNECTIONS,
    EXPENSIVE_QUERIES,
    INDEX_USE,
    RESOURCE_USE,
    STORAGE,
    expensive_query,
    index_use,
    resource_use,
    value_now,
)
from shared.errors import PermanentError, TransientError
from shared.model.policy_outside_signals import SqlMeasure, SqlSignal
from shared.model.signal import Sample, measured, no_data
from shared.model.sql_rows import ExpensiveQuery, IndexUse, ResourceUse
from shared.ports import Collected, Job, Want

if TYPE_CHECKING:
    from mssql_python import Connection

# Attributes of a connection, as ODBC numbers them (sqlext.h, msodbcsql.h).
_LOGIN_TIMEOUT = 103
_ACCESS_TOKEN = 1256
_NOW: dict[SqlMeasure, str] = {"connections": CONNECTIONS, "storage_gb": STORAGE}
# What the server refuses for good, as its messages say it:
# https://learn.microsoft.com/azure/azure-sql/database/troubleshoot-common-errors-issues
_REFUSED = ("login failed", "permission", "invalid object", "invalid column", "not supported")
_LOOPBACK = frozenset({"127.0.0.1", "localhost"})


class AzureSqlSource:
    """Fulfils `ports.SampleSource`: signals of one database share a connection."""

    def __init__(self, token: Callable[[], str]) -> None:
        """`token` returns a token of the app's identity for Azure SQL."""
        self._token = token

    def jobs(self, wants: Sequence[Want]) -> list[Job]:
        ordered = sorted(wants, key=_call)
        return [self._job(tuple(group)) for _, group in groupby(ordered, key=_call)]

    def _job(self, wants: tuple[Want, ...]) -> Job:
        return Job(wants=wants, timeout=wants[0].signal.timeout, run=partial(self._run, wants))

    def _run(self, wants: tuple[Want, ...], now: datetime) -> list[Collected]:
        measures = {_sql(want).sql for want in wants}
        since = min(want.since for want in wants)
        with _connected(_sql(wants[0]), self._token) as connection:
            wanted = _rows(connection, RESOURCE_USE, since.replace(tzinfo=None)) if measures - _NOW.keys() else []
            values = {measure: value_now(_one(_rows(connection, _NOW[measure]))) for measure in measures & _NOW.keys()}
        used = [resource_use(row) for row in wanted]
        return [_collected(want, used, values, now) for want in wants]


def _collected(
    want: Want, used: Sequence[ResourceUse], values: Mapping[SqlMeasure, tuple[datetime, float]], now: datetime
) -> Collected:
    measure = _sql(want).sql
    if measure in values:
        at, value = values[measure]
        samples: tuple[Sample, ...] = (measured(min(at, now), value),)
    else:
        timely = (use for use in used if want.since < use.at <= now)
        samples = tuple(measured(use.at, getattr(use, measure)) for use in timely)
    nothing = no_data(now, "the database has no row for this time")
    return Collected(workload=want.policy.workload, name=want.name, samples=samples or (nothing,))


class AzureSqlAdvisor:
    """Fulfils `ports.Advisor`: rows of a database on which advice can be given."""

    def __init__(self, token: Callable[[], str]) -> None:
        self._token = token

    def expensive_queries(self, signal: SqlSignal, since: datetime) -> list[ExpensiveQuery]:
        """Return the ten queries that used the most CPU since then, the most expensive first.

        Args:
            signal: Any signal of the database; its time-out bounds each statement.

        Raises:
            TransientError, PermanentError
        """
        with _connected(signal, self._token) as connection:
            return [expensive_query(row) for row in _rows(connection, EXPENSIVE_QUERIES, since)]

    def index_use(self, signal: SqlSignal) -> list[IndexUse]:
        """Return how the hundred largest indexes were used; see `expensive_queries` for what it raises."""
        with _connected(signal, self._token) as connection:
            return [index_use(row) for row in _rows(connection, INDEX_USE)]


def _sql(want: Want) -> SqlSignal:
    if not isinstance(want.signal, SqlSignal):
        raise TypeError(f"{want.name} is no measure of Azure SQL")
    return want.signal


def _call(want: Want) -> tuple[str, str, timedelta]:
    signal = _sql(want)
    return signal.place, want.policy.workload, signal.timeout


@contextmanager
def _connected(signal: SqlSignal, token: Callable[[], str]) -> Iterator["Connection"]:
    """Connect, and close whatever comes.

    Raises:
        TransientError: it cannot be reached now.
        PermanentError: it does not let us in, or there is no driver here that works.
    """
    try:
        import mssql_python
    except ImportError as error:
        raise PermanentError(f"the driver of Azure SQL cannot be loaded here ({type(error).__name__})") from None
    seconds = max(1, ceil(signal.timeout.total_seconds() / 2))
    attributes: dict[int, int | str | bytes] = {_LOGIN_TIMEOUT: seconds, _ACCESS_TOKEN: token_attribute(token())}
    try:
        connection = mssql_python.connect(
            connection_string(signal), autocommit=True, attrs_before=attributes, timeout=seconds
        )
    except (mssql_python.Error, RuntimeError, ValueError) as error:
        raise _translated("connecting to the database", error) from None
    try:
        yield connection
    except (mssql_python.Error, RuntimeError) as error:
        raise _translated("asking the database", error) from None
    finally:
        connection.close()


def connection_string(signal: SqlSignal) -> str:
    """Return how the driver is told where the database is. TLS is verified; on this machine alone it is not.

    https://learn.microsoft.com/sql/connect/odbc/dsn-connection-string-attribute
    """
    trust = "yes" if signal.server in _LOOPBACK else "no"
    place = f"Server=tcp:{signal.server},{signal.port};Database={{{signal.database}}}"
    return f"{place};Encrypt=yes;TrustServerCertificate={trust};"


def token_attribute(token: str) -> bytes:
    """Return a token as the driver takes it: its length, and UTF-16.

    https://learn.microsoft.com/sql/connect/odbc/using-azure-active-directory#authenticating-with-an-access-token
    """
    encoded = token.encode("utf-16-le")
    return struct.pack(f"<I{len(encoded)}s", len(encoded), encoded)


def _rows(connection: "Connection", statement: str, *values: Any) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, *values)
        return list(cursor.fetchall())


def _one(rows: Sequence[Any]) -> Any:
    if len(rows) != 1:
        raise PermanentError(f"the database answered {len(rows)} rows; expected one")
    return rows[0]


def _translated(what: str, error: Exception) -> TransientError | PermanentError:
    """Return our error; the driver's own text may name what callers must not see."""
    text = str(error).casefold()
    if "failed to load the driver" in text:
        return PermanentError("the driver of Azure SQL lacks a library of the system (libltdl7)")
    refused = next((word for word in _REFUSED if word in text), None)
    if refused is not None:
        return PermanentError(f"{what}: refused ({refused})")
    return TransientError(f"{what}: {type(error).__name__}")
