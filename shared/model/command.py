"""What a change may be told, and what it tells of itself: the same body by HTTP and by the queue `commands`.

A command may carry an `id`: one that comes again under the same id is answered and changes nothing. It may name the
`change` that it is for: it is refused when that is not the active one.
"""

from collections.abc import Mapping
from hashlib import sha256
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel, StringConstraints

_MOST_COUNTED = 1_000_000_000_000
MOST_COUNTS = 50

Text = Annotated[str, StringConstraints(min_length=1, max_length=500, strip_whitespace=True)]
BuildId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]{0,127}$")]
CommandId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,79}$")]
ChangeId = Annotated[str, StringConstraints(min_length=1, max_length=80)]
CountName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,39}$")]
Severity = Literal["critical", "high", "medium", "low"]


class CommandBase(BaseModel):
    """What every command has."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)
    id: CommandId | None = Field(default=None, description="The same when it is sent again.")


class ToChange(CommandBase):
    """A command to a change that there is."""

    change: ChangeId | None = Field(default=None, description="Refused when this is not the active change.")


class Start(CommandBase):
    """A change begins, and with it the build to go back to if one is given."""

    command: Literal["start"] = "start"
    build: BuildId
    known_good: BuildId | None = None
    override: BuildId | None = Field(default=None, description="The build in quarantine to which this goes on purpose.")
    kind: Literal["deployment", "migration", "rollout"] = "deployment"


class Checkpoint(ToChange):
    """How sure the change is that all is well, and how far it is."""

    command: Literal["checkpoint"] = "checkpoint"
    confidence: float | None = Field(default=None, ge=0, le=10)
    counts: dict[CountName, Annotated[int, Field(ge=0, le=_MOST_COUNTED)]] = Field(
        default={}, max_length=MOST_COUNTS, description="How many so far, by name; a smaller number is an older one."
    )


class Error(ToChange):
    """Something went wrong in the change."""

    command: Literal["error"] = "error"
    severity: Severity
    text: Text


class Pause(ToChange):
    """Hold the change up."""

    command: Literal["pause"] = "pause"
    reason: Text | None = None


class Resume(ToChange):
    """Let the change go on, at its full pace."""

    command: Literal["resume"] = "resume"
    reason: Text | None = None


class Slow(ToChange):
    """Let the change go on slowly."""

    command: Literal["slow"] = "slow"
    reason: Text | None = None


class Complete(ToChange):
    """The change came to its good end."""

    command: Literal["complete"] = "complete"
    reason: Text | None = None


class Fail(ToChange):
    """The change came to a bad end."""

    command: Literal["fail"] = "fail"
    reason: Text | None = None


Steering = Pause | Resume | Slow | Complete | Fail
Reporting = Checkpoint | Error
Command = Annotated[Start | Reporting | Steering, Field(discriminator="command")]


class CommandBody(RootModel[Command]):
    """A command as HTTP brings it: `CommandBody.model_validate(body).root`."""


class _Addressed(BaseModel):
    workload: Text


def read_message(value: Any) -> tuple[str, Command]:
    """Read a command as the queue brings it: the same body with `workload` in it.

    Raises:
        pydantic.ValidationError: it is none.
    """
    workload = _Addressed.model_validate(value).workload
    body = {key: part for key, part in value.items() if key != "workload"} if isinstance(value, Mapping) else value
    return workload, CommandBody.model_validate(body).root


def fingerprint(command: Command) -> str:
    """Return what tells two commands apart that came under one id."""
    return sha256(command.model_dump_json().encode()).hexdigest()[:16]
