"""The databases of a workload: where rows are written now, where they would go back to, and by which rules."""

from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from shared.model.quantity import Duration
from shared.model.strict import Name, Rhythm, Strict
from shared.model.sync import Conflicts, Keyless, SyncRules

Pattern = Annotated[str, Field(pattern=r"^[^.]+\.[^.]+$", description="`schema.table`, with * for any part of a name.")]
Part = Annotated[
    str, Field(pattern=r"^[^.]+(\.[^.]+){1,2}$", description="`schema.table` or `schema.table.column`, with *.")
]


class Capture(StrEnum):
    """How it is known what was written on the target."""

    TRIGGERS = "triggers"
    SLOT = "slot"
    COMPARE = "compare"


class Fencing(StrEnum):
    """What keeps writers off the target while rows go back."""

    TRIGGERS = "triggers"
    HOOK = "hook"


def _one_statement(query: str) -> str:
    query = query.strip("; \n")
    if ";" in query:
        raise ValueError("expected one statement")
    if query.partition(" ")[0].strip("(").casefold() not in ("select", "with", "values", "table"):
        raise ValueError("expected a SELECT: it is asked, and changes nothing")
    return query


Query = Annotated[str, Field(min_length=8, max_length=8_000), AfterValidator(_one_statement)]


class Rule(Strict):
    """A query, and the one value that it must give: a business rule, or a schema version."""

    query: Query = Field(description="One SELECT of one value; it runs read-only, within `within`.")
    expect: str = Field(description="That value as text.")
    within: Rhythm = timedelta(seconds=10)


class LossLimit(Strict):
    """How much may stay behind before people are asked, or it is refused."""

    rows: int = Field(default=0, ge=0, description="Rows, and values of columns, that cannot go back.")
    above: Annotated[str, Field(pattern=r"^(ask|refuse)$")] = "ask"


class Database(Strict):
    """A database that was moved from a source to a target, and can go back."""

    # No `repr` of them: they hold passwords.
    source: str = Field(
        min_length=1, repr=False, description="Connection string of where rows go back to; write it as %SETTING%."
    )
    target: str = Field(min_length=1, repr=False, description="Connection string of where they are written now.")
    identity: bool = Field(
        default=False, strict=True, description="The app's identity stands for the password (Entra ID)."
    )
    tls: bool = Field(default=True, strict=True, description="Certificates are verified; off on a loopback alone.")
    tables: tuple[Pattern, ...] = Field(default=("public.*",), min_length=1)
    leave_out: tuple[Part, ...] = Field(default=(), description="Tables, or columns.")
    conflicts: Conflicts = Field(default=Conflicts.STOP, description="A row that was changed on both sides.")
    unexplained: Conflicts = Field(
        default=Conflicts.STOP,
        description="A row that differs although nobody wrote it: it did before, or was damaged.",
    )
    keyless: Keyless = Field(default=Keyless.REFUSE, description="A table without a key.")
    capture: Capture = Capture.TRIGGERS
    fence: Fencing = Fencing.TRIGGERS
    fence_within: Rhythm = Field(default=timedelta(seconds=30), description="How long open writers are waited for.")
    copy_ahead: bool = Field(
        default=True,
        strict=True,
        description="Rows are copied before writers are stopped, and only what was written meanwhile afterwards.",
    )
    keep_fence: bool = Field(
        default=False, strict=True, description="When it fails, writes on the target stay stopped."
    )
    hold_change: bool = Field(
        default=True, strict=True, description="A change is told to pause until there is a checkpoint."
    )
    chunk: int = Field(default=5_000, ge=100, le=50_000, description="Rows a transaction.")
    workers: int = Field(default=2, ge=1, le=8)
    loss: LossLimit = LossLimit()
    readable: Rule | None = Field(default=None, description="Whether the old build can read the schema as it is now.")
    rules: dict[Name, Rule] = Field(default={}, description="What must hold on the source afterwards.")
    keep_images: Duration = Field(default=timedelta(days=14), description="How long overwritten rows are kept.")

    @model_validator(mode="after")
    def _has_two_sides(self) -> Self:
        if self.source == self.target:
            raise ValueError("source and target are the same database")
        if self.fence is Fencing.HOOK and self.capture is not Capture.TRIGGERS:
            raise ValueError("only triggers tell whether a hook stopped its writers: expected `capture: triggers`")
        return self

    @property
    def sync_rules(self) -> SyncRules:
        """The same, as the sync takes it."""
        return SyncRules(
            tables=self.tables,
            leave_out=self.leave_out,
            conflicts=self.conflicts,
            unexplained=self.unexplained,
            keyless=self.keyless,
            copy_ahead=self.copy_ahead and not self.keep_fence,  # who fails ahead of a fence leaves none
            chunk=self.chunk,
            workers=self.workers,
            fence_within=self.fence_within,
        )
