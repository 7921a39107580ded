"""How rows of Azure SQL are read: shares of what was given, times of the server, and nothing made up."""

import struct
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from shared.adapters.azure_sql import connection_string, token_attribute
from shared.adapters.azure_sql_queries import Row, expensive_query, index_use, resource_use, value_now
from shared.errors import PermanentError
from shared.model.policy_outside_signals import SqlSignal
from shared.model.sql_rows import ExpensiveQuery, IndexUse, ResourceUse

_AT = datetime(2026, 3, 1, 12, 0, 15)  # noqa: DTZ001  # as the server says it
_UTC = _AT.replace(tzinfo=UTC)


def test_a_row_of_resource_use_is_shares_and_dtu_the_largest_of_three() -> None:
    use = resource_use((_AT, Decimal("12.50"), Decimal("96.00"), Decimal("3.00"), Decimal("99.00")))
    assert use == ResourceUse(at=_UTC, cpu=0.125, data_io=0.96, log_write=0.03, memory=0.99)
    assert use.dtu == 0.96


def test_a_value_of_now_keeps_the_servers_time() -> None:
    assert value_now((_AT, 85)) == (_UTC, 85.0)


def test_a_query_is_known_by_its_number() -> None:
    row = (7, 12, Decimal("340.5"), 28.4, None)
    with pytest.raises(PermanentError, match="what is no number"):
        expensive_query(row)
    assert expensive_query((*row[:4], 900)) == ExpensiveQuery(
        query_id=7, executions=12, cpu_ms=340.5, duration_ms=28.4, logical_reads=900
    )


def test_an_index_that_nobody_used_has_been_read_zero_times() -> None:
    assert index_use(("dbo.orders", "ix_old", 0, 5_000, None)) == IndexUse(
        table="dbo.orders", index="ix_old", reads=0, writes=5_000, size_mb=0
    )


@pytest.mark.parametrize(
    ("read", "row"),
    [
        (resource_use, ()),
        (resource_use, (_AT, 1, 2, 3)),
        (resource_use, ("now", 1, 2, 3, 4)),
        (resource_use, (_AT, None, 2, 3, 4)),
        (resource_use, (_AT, "NaN", 2, 3, 4)),
        (value_now, (_AT, "secret")),
        (value_now, (_AT, True)),
        (value_now, (None, 1)),
        (value_now, (_AT, None)),
    ],
)
def test_a_row_of_another_shape_is_an_error_that_quotes_nothing(read: Callable[[Row], Any], row: Row) -> None:
    with pytest.raises(PermanentError) as caught:
        read(row)
    assert "secret" not in str(caught.value)


def test_a_token_is_its_length_and_utf_16() -> None:
    made = token_attribute("aé")
    assert struct.unpack("<I", made[:4]) == (4,)
    assert made[4:].decode("utf-16-le") == "aé"


def test_tls_is_verified_everywhere_but_on_this_machine() -> None:
    signal = SqlSignal(sql="dtu", server="orders.database.windows.net", database="orders")
    assert connection_string(signal) == (
        "Server=tcp:orders.database.windows.net,1433;Database={orders};Encrypt=yes;TrustServerCertificate=no;"
    )
    assert "TrustServerCertificate=yes" in connection_string(signal.model_copy(update={"server": "127.0.0.1"}))


@pytest.mark.parametrize("name", ["a;b", "a}b", "a{b", "", " a", "a'b"])
def test_no_name_of_a_database_is_more_than_a_name(name: str) -> None:
    with pytest.raises(ValueError, match="database"):
        SqlSignal(sql="dtu", server="orders.database.windows.net", database=name)
