"""A result table in the query API's JSON: Kusto's type names, times in UTC with a Z, timespans as text."""

import json
import math
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from local.azure_simulator.monitor.workspace import Table

KUSTO_TYPES = {
    "TIMESTAMP": "datetime",
    "DATE": "datetime",
    "BIGINT": "long",
    "HUGEINT": "long",
    "INTEGER": "int",
    "DOUBLE": "real",
    "FLOAT": "real",
    "BOOLEAN": "bool",
    "VARCHAR": "string",
    "INTERVAL": "timespan",
    "UUID": "guid",
}


def kusto_table(table: Table) -> dict[str, Any]:
    columns = [{"name": name, "type": kusto_type(duckdb_type)} for name, duckdb_type in table.columns]
    rows = [[kusto_value(value) for value in row] for row in table.rows]
    return {"name": "PrimaryResult", "columns": columns, "rows": rows}


def kusto_type(duckdb_type: str) -> str:
    if duckdb_type.startswith("DECIMAL"):
        return "decimal"
    return KUSTO_TYPES.get(duckdb_type, "dynamic")


def kusto_value(value: Any) -> Any:
    match value:
        case datetime():
            return value.isoformat(timespec="microseconds") + "Z"
        case timedelta():
            return kusto_timespan(value)
        case float() if not math.isfinite(value):
            return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")
        case Decimal() | UUID():
            return str(value)
        case list() | dict():
            return json.dumps(value, default=str)
    return value


def kusto_timespan(span: timedelta) -> str:
    """`[-][d.]hh:mm:ss[.fffffff]`"""
    sign = "-" if span < timedelta() else ""
    span = abs(span)
    hours, rest = divmod(span.seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    days = f"{span.days}." if span.days else ""
    fraction = f".{span.microseconds:06d}0" if span.microseconds else ""
    return f"{sign}{days}{hours:02d}:{minutes:02d}:{seconds:02d}{fraction}"
