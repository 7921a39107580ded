"""What is sent back, in bytes: made before anything is recorded, so that what cannot be sent is never told as done."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Annotated, Self

import azure.functions as func
from pydantic import WithJsonSchema
from pydantic_core import from_json, to_json

from shared.model.caller import Caller

JSON_MEDIA = "application/json"
HTML_MEDIA = "text/html"
NOT_IN_AUDIT = "not_in_audit"


Html = Annotated[str, WithJsonSchema({"type": "string", "description": "A page for people."})]


class Document(str):
    """JSON that is sent as it is: somebody signed it."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What the audit is told of an answer by a link: nobody has signed in, and the link says who it is.

    Attributes:
        about: What was answered.
        says: What became of it.
    """

    who: Caller
    about: str
    says: str


@dataclass(frozen=True, slots=True)
class Reply:
    """What is sent.

    Attributes:
        refusal: The sentence of a refusal.
        answered: Of a page whose form was sent.
    """

    status: HTTPStatus
    body: bytes
    media: str = JSON_MEDIA
    headers: Mapping[str, str] = field(default_factory=dict)
    refusal: str = ""
    answered: Answered | None = None

    @classmethod
    def of(cls, value: object, status: HTTPStatus) -> Self:
        """Return the answer that a use case came to.

        Args:
            value: A JSON-ready value, a dataclass, a model, a pair of HTTP status and such a value, or a reply.
            status: The status of success.
        """
        if isinstance(value, cls):
            return value
        if isinstance(value, tuple):
            status, value = value
        return cls(status, value.encode() if isinstance(value, Document) else to_json(value))

    @property
    def ok(self) -> bool:
        """It was done."""
        return self.status < HTTPStatus.BAD_REQUEST

    def outcome(self, template: str) -> str:
        """Return what became of it in one sentence: the refusal, or a template filled from the answer's JSON."""
        said = self.answered.says if self.answered else self.refusal
        return said or template.format_map(from_json(self.body))

    def without_record(self, why: str) -> Self:
        """Return the same answer, which also says that it is not in the audit; a page leaves that to the log."""
        if self.answered is not None:
            return self
        return replace(self, body=to_json({**from_json(self.body), NOT_IN_AUDIT: why}))

    def sent(self) -> func.HttpResponse:
        """Return it as the host takes it."""
        return func.HttpResponse(self.body, status_code=self.status, mimetype=self.media, headers=self.headers)
