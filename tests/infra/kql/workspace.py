"""A Log Analytics workspace as small tables in DuckDB, with the columns and types that Microsoft documents."""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

import duckdb
import duckdb_kql

from shared.model.kql import KqlValue, with_values
from tests.infra.bicep_files import INFRA

KQL = INFRA / "kql"
TABLES: Mapping[str, Mapping[str, str]] = json.loads((INFRA.parent / "tests/infra/log_tables.json").read_text())
TEN = datetime(2026, 3, 1, 10, 0)  # noqa: DTZ001 - DuckDB's TIMESTAMP has no zone; Log Analytics' datetime is UTC
SITE_NAME = "demo"
SITE = "/subscriptions/s/resourcegroups/shop/providers/microsoft.web/sites/demo"
SITE_AS_WRITTEN = "/subscriptions/s/resourceGroups/Shop/providers/Microsoft.Web/sites/demo"
KNOWN = {"site_id": SITE_AS_WRITTEN, "site_name": SITE_NAME}
_DUCKDB = {
    "bool": "BOOLEAN",
    "datetime": "TIMESTAMP",
    "dynamic": "JSON",
    "int": "INTEGER",
    "real": "DOUBLE",
    "string": "VARCHAR",
}
_USUAL = {"AppRoleName": SITE_NAME, "_ResourceId": SITE, "ItemCount": 1, "Properties": "{}", "Measurements": "{}"}

Row = Mapping[str, Any]
Rows = list[tuple[Any, ...]]


def at(minutes: float = 0, seconds: float = 0) -> datetime:
    """So long after ten o'clock."""
    return TEN + timedelta(minutes=minutes, seconds=seconds)


def text(name: str) -> str:
    return (KQL / name).read_text(encoding="utf-8")


class Workspace:
    def __init__(self) -> None:
        self._connection = duckdb_kql.connect()
        for table, columns in TABLES.items():
            written = ", ".join(f"{column} {_DUCKDB[kind]}" for column, kind in columns.items())
            self._connection.execute(f"CREATE TABLE {table} ({written})")

    def close(self) -> None:
        self._connection.close()

    def fill(self, **tables: Iterable[Row]) -> None:
        """Let the workspace hold these rows alone; what a row does not say is as usual, or nothing."""
        for table, columns in TABLES.items():
            self._connection.execute(f"DELETE FROM {table}")  # noqa: S608 - the name stands in a file of ours
            for row in tables.get(table, ()):
                whole = dict.fromkeys(columns) | {name: _USUAL[name] for name in columns if name in _USUAL} | {**row}
                assert set(whole) == set(columns), f"{table} has no column {set(whole) - set(columns)}"
                marks = ", ".join("?" for _ in columns)
                self._connection.execute(
                    f"INSERT INTO {table} VALUES ({marks})",  # noqa: S608 - as above
                    [whole[name] for name in columns],
                )

    def answer(self, name: str, /, **given: KqlValue) -> Rows:
        """What a query answers, sent as the app sends it."""
        return self.run(with_values(text(name), given, KNOWN)).fetchall()

    def answer_declared(self, name: str, /, **given: Any) -> Rows:
        """What it answers when whoever runs it understands the declaration itself."""
        known = {each.name: KNOWN[each.name] for each in duckdb_kql.query_parameters(text(name)) if each.name in KNOWN}
        return duckdb_kql.kql(self._connection, text(name), known | given).fetchall()

    def run(self, query: str) -> duckdb.DuckDBPyRelation:
        return duckdb_kql.kql(self._connection, query)
