"""The Log Analytics workspaces as one in-memory database: takes in what was served, runs KQL over it.

KQL is run by duckdb-kql, which ignores the case of column names where Kusto does not.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from local.azure_simulator.request_log import ServedRequest
from local.azure_simulator.simulation import Simulation

SCHEMA = Path(__file__).with_name("tables.sql")
INSERT = "INSERT INTO served SELECT " + ", ".join(f"unnest(${number})" for number in range(1, 17))


class BadKqlError(Exception):
    """`code` is Kusto's: SyntaxError or SemanticError. The position counts from 1, 0 where it is unknown."""

    def __init__(self, code: str, message: str, line: int = 0, column: int = 0) -> None:
        super().__init__(message)
        self.code, self.line, self.column = code, line, column


@dataclass(frozen=True, slots=True)
class Scope:
    """What a query may see: one workspace, `starts_at <= TimeGenerated < ends_at` in naive UTC."""

    workspace_id: str
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Table:
    """`columns` are names with DuckDB's types."""

    columns: list[tuple[str, str]]
    rows: list[tuple[Any, ...]]


class Workspaces:
    """Not for two threads at a time."""

    def __init__(self, simulation: Simulation) -> None:
        # Half a second of imports: paid by the first query, in its thread, and not by the start.
        import duckdb_kql

        self._tenant_id = simulation.config.tenant_id
        self._kept_rows = simulation.config.request_log_rows
        self._sequence = 0
        self._connection = duckdb_kql.connect()
        self._connection.execute(SCHEMA.read_text())
        self._insert_sites(simulation)

    def close(self) -> None:
        self._connection.close()

    def take_in(self, arrived: Sequence[ServedRequest]) -> None:
        if not arrived:
            return
        rows = [_as_row(self._sequence + index, served) for index, served in enumerate(arrived)]
        self._connection.execute(INSERT, [list(column) for column in zip(*rows, strict=True)])
        self._sequence += len(rows)
        self._connection.execute("DELETE FROM served WHERE sequence < ?", [self._sequence - self._kept_rows])

    def query(self, kql: str, scope: Scope) -> Table:
        import duckdb
        import duckdb_kql

        self._see_only(scope)
        try:
            relation = duckdb_kql.query(self._connection, kql)
            columns = list(zip(relation.columns, map(str, relation.types), strict=True))
            return Table(columns, relation.fetchall())
        except duckdb_kql.KqlSyntaxError as wrong:
            span = wrong.diagnostics[0].span if wrong.diagnostics else None
            line, column = (span.line, span.column) if span else (0, 0)
            raise BadKqlError("SyntaxError", str(wrong), line, column) from wrong
        except (duckdb_kql.KqlError, duckdb.Error) as wrong:
            raise BadKqlError("SemanticError", str(wrong)) from wrong

    def _see_only(self, scope: Scope) -> None:
        self._connection.execute("DELETE FROM scope")
        row = (scope.workspace_id, self._tenant_id, scope.starts_at, scope.ends_at)
        self._connection.execute("INSERT INTO scope VALUES (?, ?, ?, ?)", row)

    def _insert_sites(self, simulation: Simulation) -> None:
        for site in simulation.sites.values():
            for slot in site.slots.values():
                role = site.host_name(slot.name).removesuffix(".azurewebsites.net")
                row = (site.name, slot.name, site.workspace_id, simulation.site_id(site, slot), role)
                self._connection.execute("INSERT INTO sites VALUES (?, ?, ?, ?, ?)", row)


def _as_row(sequence: int, served: ServedRequest) -> tuple[Any, ...]:
    return (
        sequence,
        datetime.fromtimestamp(served.finished_at_s, UTC).replace(tzinfo=None),
        served.site,
        served.slot,
        served.build,
        served.method,
        served.path,
        served.query,
        served.status,
        served.duration_s,
        served.user_agent,
        served.by_app,
        served.host,
        served.client_ip,
        served.received_bytes,
        served.sent_bytes,
    )
