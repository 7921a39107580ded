"""Signals from sources that are not Azure Monitor's own: Prometheus, smoke tests, Azure SQL, events that are pushed."""

from datetime import timedelta
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from shared.model.policy_signal_base import SignalBase
from shared.model.quantity import Duration, Unit
from shared.model.strict import Host, Name, Rhythm, Url

PUSHED_PATTERN = r"^[A-Za-z][A-Za-z0-9_.-]{0,79}$"
_LOOPBACK = frozenset({"127.0.0.1", "localhost"})
QueryFile = Annotated[str, Field(pattern=r"^[a-z0-9_-]+\.promql$")]
SqlMeasure = Literal["dtu", "cpu", "data_io", "log_write", "memory", "connections", "storage_gb"]
_SHARES = frozenset({"dtu", "cpu", "data_io", "log_write", "memory"})


class PromqlSignal(SignalBase):
    """A query of Prometheus, or of an Azure Monitor workspace, that answers one series."""

    promql: QueryFile = Field(description="A file in infra/promql/.")
    endpoint: Url = Field(
        pattern=r"^[^?]+$", description="Where the query API is, without `/api/v1`; its host stands in reach.hosts."
    )
    values: dict[Name, str | int | float] = Field(
        default={}, alias="with", description="Values of the parameters that the file declares."
    )
    stands_on: QueryFile | None = Field(
        default=None, description="A query of the same parameters that tells on how many requests a value stands."
    )
    auth: Literal["none", "entra"] = Field(
        default="none", description="`entra`: the app's identity, as Azure Monitor workspaces want it."
    )
    unit: Unit = Unit.NUMBER
    every: Rhythm = timedelta(seconds=30)
    delay: Duration = timedelta(seconds=30)
    timeout: Rhythm = timedelta(seconds=10)

    @property
    def source(self) -> str:
        return "promql"

    @property
    def place(self) -> str:
        return self.endpoint

    @property
    def measures(self) -> Unit:
        return self.unit

    @model_validator(mode="after")
    def _keeps_its_token(self) -> "PromqlSignal":
        parts = urlsplit(self.endpoint)
        if self.auth == "entra" and parts.scheme != "https" and parts.hostname not in _LOOPBACK:
            raise ValueError("a token would travel in the clear; expected an https endpoint with `auth: entra`")
        return self


class SmokeSignal(SignalBase):
    """Checks of the policy, made now and then: the share of them that passed."""

    smoke: tuple[Name, ...] = Field(min_length=1, max_length=20, description="Names of `checks`, or of a level's.")
    every: Rhythm = timedelta(seconds=60)
    timeout: Rhythm = Field(default=timedelta(seconds=10), description="By then all of them must have ended.")

    @property
    def source(self) -> str:
        return "smoke"

    @property
    def measures(self) -> Unit:
        return Unit.SHARE


class SqlSignal(SignalBase):
    """What an Azure SQL database says of itself: its use of what it was given, its connections, its size."""

    sql: SqlMeasure = Field(description="What is measured; `dtu` is the largest of cpu, data_io and log_write.")
    server: Host = Field(description="Name of the server, such as orders.database.windows.net.")
    port: int = Field(default=1433, ge=1, le=65535)
    database: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9 _.-]{0,127}$", description="Name of the database.")
    every: Rhythm = timedelta(seconds=30)
    delay: Duration = timedelta(seconds=15)
    timeout: Rhythm = timedelta(seconds=10)

    @property
    def source(self) -> str:
        return "sql"

    @property
    def place(self) -> str:
        return f"{self.server}:{self.port}/{self.database}".lower()

    @property
    def measures(self) -> Unit:
        return Unit.PERCENT if self.sql in _SHARES else Unit.NUMBER


class EventSignal(SignalBase):
    """Events that the workload pushes: each is a sample of how often it happened."""

    event: str = Field(pattern=PUSHED_PATTERN, description="The name under which it is pushed.")
    severity: Literal["critical", "high", "medium", "low"] | None = Field(
        default=None, description="Only those of this severity."
    )
    category: Name | None = Field(default=None, description="Only those of this category.")
    every: Rhythm = timedelta(seconds=60)
    stale_after: Duration | None = Field(
        default=timedelta(minutes=30), description="What happened longer ago than this says nothing any more."
    )

    @property
    def source(self) -> str:
        return "event"

    @property
    def speaks_seldom(self) -> bool:
        return True
