"""The bodies that the API and the queues take, read strictly and within bounds."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self

import azure.functions as func
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError, from_json

from shared.errors import InvalidInput
from shared.functions.names import reads_as_the_watch
from shared.model.pushed_event import PushedEvent
from shared.model.run import BY_WATCH
from shared.model.signal import Sample, measured

LARGEST_BODY_BYTES = 1_000_000
FORM_MEDIA = "application/x-www-form-urlencoded"
_LARGEST_VALUE = 1e15
Text = Annotated[str, StringConstraints(min_length=1, max_length=500, strip_whitespace=True)]
Digest = Annotated[
    str, StringConstraints(pattern=r"^[0-9a-f]{64}$"), Field(description="Of what was asked, as it was shown.")
]
PreviewDigest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")]
BuildId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]{0,127}$")]


Form = Annotated[
    bytes,
    WithJsonSchema(
        {
            "type": "object",
            "description": "The form of a page, as a browser sends it; the page itself reads it.",
            "properties": {
                "answer": {"type": "string", "enum": ["approve", "reject"]},
                "reason": {"type": "string", "maxLength": 300},
            },
            "required": ["answer"],
        }
    ),
]


class BodyTooLarge(InvalidInput):
    """More bytes than are read."""


class NotJson(InvalidInput):
    """The content type says that it is something else."""


class _Body(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


def _written_time(value: object) -> datetime:
    """Take a time only as people and programs write it: a number could be seconds or milliseconds, nobody knows."""
    found = datetime.fromisoformat(value) if isinstance(value, str) and "T" in value else None
    if found is None or found.tzinfo is None:
        raise ValueError("expected a time with a zone, such as 2026-11-20T12:00:00Z")
    return found


def _not_the_watch(name: str) -> str:
    """Refuse the name of the watch, and whatever looks like it: a rollback of its own is charged and decided again."""
    if reads_as_the_watch(name):
        raise PydanticCustomError(
            "reserved_name", f"`{BY_WATCH}` is the name of automatic rollbacks; expected the name of whoever asks"
        )
    return name


_ALERT = {
    "schemaId": "azureMonitorCommonAlertSchema",
    "data": {
        "essentials": {
            "alertId": "/subscriptions/s/providers/Microsoft.AlertsManagement/alerts/a1",
            "alertRule": "orders errors",
            "monitorCondition": "Fired",
            "firedDateTime": "2026-11-21T02:43:46Z",
            "alertTargetIDs": ["/subscriptions/s/resourceGroups/g/providers/Microsoft.Web/sites/orders"],
        }
    },
}
SaidName = Annotated[
    Text,
    AfterValidator(_not_the_watch),
    Field(description="Who asks. With a token: your own name, or none. With a function key alone: taken on trust."),
]
AlertDocument = Annotated[
    Any,
    WithJsonSchema(
        {
            "type": "object",
            "description": "An alert of Azure Monitor, common schema preferred.",
            "examples": [_ALERT],
        }
    ),
]


class PushedSample(_Body):
    """One sample as a workload sends it; `value` is in the unit that the policy gives the signal."""

    signal: Text
    at: Annotated[datetime, BeforeValidator(_written_time)]
    value: float = Field(ge=-_LARGEST_VALUE, le=_LARGEST_VALUE)
    count: int = Field(default=1, ge=1, le=1_000_000_000)
    id: str = Field(default="", max_length=80)


class PushedEventBody(_Body):
    """Something that happened to a workload. The same `id` again changes nothing."""

    event: Text
    at: Annotated[datetime, BeforeValidator(_written_time)]
    id: str = Field(min_length=1, max_length=80)
    times: int = Field(default=1, ge=1, le=1_000_000_000, description="How often, where the sender counts itself.")
    severity: Literal["critical", "high", "medium", "low"] | None = None
    category: str = Field(default="", pattern=r"^([a-z][a-z0-9_]{0,39})?$")
    text: str = Field(default="", max_length=500, description="For people; no secrets.")


class SamplesBody(_Body):
    """Samples and events of one workload, at least one of them."""

    samples: list[PushedSample] = Field(default=[], max_length=1000)
    events: list[PushedEventBody] = Field(default=[], max_length=1000)

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.samples and not self.events:
            raise PydanticCustomError("nothing", "nothing is said; expected at least one of `samples` or `events`")
        return self

    def by_signal(self) -> dict[str, tuple[Sample, ...]]:
        """The samples by the name they are pushed under."""
        found: dict[str, list[Sample]] = {}
        for one in self.samples:
            found.setdefault(one.signal, []).append(measured(one.at, one.value, one.count, sample_id=one.id))
        return {name: tuple(samples) for name, samples in found.items()}

    def happened(self) -> tuple[PushedEvent, ...]:
        """The events as the product knows them."""
        return tuple(
            PushedEvent(
                name=one.event,
                at=one.at,
                id=one.id,
                times=one.times,
                severity=one.severity or "",
                category=one.category,
                text=one.text,
            )
            for one in self.events
        )


class SamplesMessage(SamplesBody):
    """The same as a queue message, which has no route to name the workload."""

    workload: Text


class RollbackBody(_Body):
    """A rollback asked for by a person."""

    # It may be left out, for the sake of the sentence that says what is expected.
    model_config = ConfigDict(json_schema_extra={"required": ["reason", "confirm"]})

    reason: Text
    confirm: str = Field(default="", max_length=200, description="The workload's name, typed out; else nothing starts.")
    requested_by: SaidName | None = None
    level: int | None = Field(default=None, ge=1, le=4, description="1, unless the strategy says another one.")
    strategy: Text | None = Field(default=None, description="The plan of the policy by which the level is taken.")
    agreed: list[PreviewDigest] = Field(
        default=[],
        max_length=20,
        description="Digests of previews that were seen, where more would be lost than allowed.",
    )


class PromotionBody(_Body):
    """A build that is to go forward."""

    build: BuildId
    reason: Text | None = None
    requested_by: SaidName | None = None


class DrillBody(_Body):
    """A level that is to be rehearsed."""

    level: int = Field(ge=1, le=4)
    confirm: str = Field(
        default="",
        max_length=200,
        description="The name of the workload that the policy rehearses the level on, typed out; else nothing starts. "
        "Not needed where nothing is changed.",
    )
    requested_by: SaidName | None = None


class ApproveBody(_Body):
    """Yes to a question, as it was seen."""

    digest: Digest
    reason: Text | None = None


class RejectBody(_Body):
    """No to a question."""

    reason: Text | None = None


class CancelBody(_Body):
    """A run that a person ends, or a question that is taken back."""

    reason: Text
    cancelled_by: SaidName | None = None


class PauseBody(_Body):
    """A pause of the whole fleet."""

    reason: Text
    by: SaidName | None = None


class KnownGoodBody(_Body):
    """The build to go back to."""

    build: BuildId
    recorded_by: SaidName | None = None
    override: BuildId | None = None


class ChangeBody(_Body):
    """A change that begins."""

    build: BuildId
    known_good: BuildId | None = None
    override: BuildId | None = None
    kind: Literal["deployment", "migration", "rollout"] = "deployment"


def body_of(kind: Any, request: func.HttpRequest) -> Any:
    """Return the body as the type that an operation takes.

    Raises:
        InvalidInput: what `json_body` raises.
        pydantic.ValidationError: it is JSON, and not of that type.
    """
    return request.get_body() if kind == Form else TypeAdapter(kind).validate_python(json_body(request))


def json_body(request: func.HttpRequest) -> Any:
    """Return the parsed body.

    Raises:
        BodyTooLarge: over one million bytes.
        NotJson: another content type.
        InvalidInput: not UTF-8, not JSON, nested deeper than about 200, or with NaN or infinity.
    """
    media = request.headers.get("Content-Type", "application/json").partition(";")[0].strip().lower()
    if media and media != "application/json" and not media.endswith("+json"):
        raise NotJson(f"content type {media[:80]!r}; expected application/json", where="body")
    return parse(request.get_body())


def parse(body: bytes) -> Any:
    """Parse JSON within bounds; see `json_body` for what it raises."""
    if len(body) > LARGEST_BODY_BYTES:
        raise BodyTooLarge(f"{len(body):,} bytes; expected at most {LARGEST_BODY_BYTES:,}", where="body")
    try:
        return from_json(body, allow_inf_nan=False)
    except ValueError as error:
        raise InvalidInput(f"not valid JSON in UTF-8: {error}", where="body") from None
