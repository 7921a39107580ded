"""The queries that the API takes. A query is text: its numbers are read from texts, and an empty one is not there."""

from pydantic import BaseModel, ConfigDict, Field

from shared.functions.bodies import SaidName

MOST_ROWS = 500  # what one page of the audit shows at most


class _Query(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ResumeQuery(_Query):
    """The end of a pause."""

    by: SaidName | None = None


class LevelQuery(_Query):
    """Which level."""

    level: int = Field(default=2, ge=1, le=4)


class MetricsQuery(_Query):
    """Which time."""

    range: str = Field(
        default="1h",
        max_length=80,
        description="1h, 24h, 7d, or FROM/TO in UTC, such as 2026-11-20T12:00:00Z/2026-11-20T18:00:00Z.",
        examples=["1h", "2026-11-20T12:00:00Z/2026-11-20T18:00:00Z"],
    )


class AuditQuery(_Query):
    """Which rows of the audit."""

    before: int | None = Field(default=None, ge=1, le=999_999_999_999, description="Only rows with a lower number.")
    limit: int = Field(default=100, ge=1, le=MOST_ROWS)
    workload: str | None = Field(
        default=None, pattern=r"^[a-z][a-z0-9-]{0,39}$", description="Only acts on this workload and its runs."
    )
