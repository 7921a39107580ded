"""The checks by which a level is verified from outside: what clients see, requests and journeys, names that resolve.

Each kind is named by its key, as signals are. `expect` compares values of a JSON answer by their dotted path, such as
`dependencies.database.status` or `items.0.id`. In a journey, `{name}` stands for what an earlier request captured.
"""

import re
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, PlainSerializer, Tag, WithJsonSchema, model_validator

from shared.model.quantity import Duration, Share
from shared.model.strict import Host, Name, Path, Rhythm, Strict, Url, named_by_key

_STATUSES = re.compile(r"(?P<low>[1-5]\d\d)(?:-(?P<high>[1-5]\d\d))?")
_METHODS = ("get", "post", "put", "patch", "delete")
Json = str | int | float | bool | None
StatusRange = tuple[int, int]
# On the site when it is a path; elsewhere, its host must be one that the policy's `reach` names.
Target = Annotated[str, Field(pattern=r"^(/|https?://)\S*$", description="A path on the site, or an address.")]
DottedPath = Annotated[str, Field(pattern=r"^[^.\s]+(\.[^.\s]+)*$", max_length=200)]
Resolver = Annotated[
    str, Field(pattern=r"^[0-9a-fA-F.:]+(@\d{1,5})?$", description="Address of a resolver, `@port` if it is not 53.")
]


def parse_statuses(written: object) -> tuple[StatusRange, ...]:
    """Read `200`, `200-299` or a list of such.

    Raises:
        ValueError: it is no status, or a range that ends before it begins.
    """
    parts = written if isinstance(written, list | tuple) else [written]
    return tuple(_status_range(part) for part in parts)


def _status_range(written: object) -> StatusRange:
    found = _STATUSES.fullmatch(str(written).strip()) if isinstance(written, str | int) else None
    if isinstance(written, tuple) and len(written) == 2:  # a range that was read before
        return written
    if found is None or int(found["high"] or found["low"]) < int(found["low"]):
        raise ValueError(f"{written!r} is no HTTP status; write 200, 200-299 or a list of these")
    return int(found["low"]), int(found["high"] or found["low"])


Statuses = Annotated[
    tuple[StatusRange, ...],
    BeforeValidator(parse_statuses),
    PlainSerializer(lambda ranges: [f"{low}-{high}" for low, high in ranges]),
    WithJsonSchema({"type": ["integer", "string", "array"], "examples": [200, "200-299", [200, 404]]}),
    Field(min_length=1),
]


class Client(StrEnum):
    """From which kind of client a look is taken."""

    FRESH = "fresh"  # a new connection, no cookies
    PINNED = "pinned"  # holds the routing cookie of a slot
    KEPT_ALIVE = "kept_alive"  # a connection that was opened before, where this process still has one


class CheckBase(Strict):
    """What every check has."""

    component: Name | None = Field(default=None, description="The component of which a failure speaks.")
    timeout: Rhythm = Field(default=timedelta(seconds=5), description="How long one request may take.")


class ClientCheck(CheckBase):
    """One kind of client is served the known-good build, by every request of a look."""

    client: Client
    path: Path = "/"
    at: Url | None = Field(default=None, description="Where the requests go; the site if not given.")
    requests: int = Field(default=1, ge=1, le=50)
    slot: str = Field(default="self", description="For pinned clients: the slot they were sent to; self is production.")


class Answer(Strict):
    """What an answer must be like."""

    headers: dict[str, str] = Field(default={}, description="Sent with the request; secrets as %SETTING%.")
    status: Statuses = ((200, 200),)
    expect: dict[DottedPath, Json] = Field(default={}, description="Values of the JSON answer by their dotted path.")
    within: Duration | None = Field(default=None, description="The whole answer must be there by then.")
    build: Literal["known_good"] | None = Field(default=None, description="The build that must answer.")


class GetCheck(CheckBase, Answer):
    """One request and what must come back: an endpoint is up, a health route says that the database is reachable."""

    get: Target


class Exchange(Answer):
    """One request of a journey. Exactly one of the methods names where it goes."""

    get: Target | None = None
    post: Target | None = None
    put: Target | None = None
    patch: Target | None = None
    delete: Target | None = None
    body: Any = Field(default=None, description="Sent as JSON.")
    capture: dict[Name, DottedPath] = Field(default={}, description="Values of the answer for later requests.")

    @model_validator(mode="after")
    def _goes_one_way(self) -> Self:
        if sum(getattr(self, method) is not None for method in _METHODS) != 1:
            raise ValueError(f"a request names exactly one of {', '.join(_METHODS)}")
        return self

    @property
    def method(self) -> str:
        """The HTTP method in lower case."""
        return next(method for method in _METHODS if getattr(self, method) is not None)

    @property
    def target(self) -> str:
        target: str = getattr(self, self.method)
        return target


class JourneyCheck(CheckBase):
    """Requests in order, as a user makes them; the first that is not answered as it must be ends the journey."""

    journey: tuple[Exchange, ...] = Field(min_length=1, max_length=20)
    clean_up: tuple[Exchange, ...] = Field(
        default=(), max_length=10, description="Sent in any case for whatever was captured, such as a test user."
    )


class ResolvesCheck(CheckBase):
    """Every resolver answers a name with one of the addresses or names in `to`, and with nothing else."""

    resolves: Host
    to: tuple[str, ...] = Field(min_length=1, description="IPv4 addresses, or the names that a CNAME may lead to.")
    resolvers: tuple[Resolver, ...] = Field(default=(), description="Whom to ask; the system's own if none is given.")


class HoldsCheck(CheckBase):
    """The desired state of a road is read back, and holds."""

    holds: Name


_CHECK_KINDS: dict[str, type[CheckBase]] = {
    "client": ClientCheck,
    "get": GetCheck,
    "journey": JourneyCheck,
    "resolves": ResolvesCheck,
    "holds": HoldsCheck,
}
Check = Annotated[
    Annotated[ClientCheck, Tag("client")]
    | Annotated[GetCheck, Tag("get")]
    | Annotated[JourneyCheck, Tag("journey")]
    | Annotated[ResolvesCheck, Tag("resolves")]
    | Annotated[HoldsCheck, Tag("holds")],
    named_by_key("a check is of exactly one kind", _CHECK_KINDS),
]


class Verification(Strict):
    """What must be seen from outside before a level counts as verified."""

    checks: dict[Name, Check] = Field(default={}, description="What is checked besides the proofs of the roads taken.")
    at_least: Share = Field(default=0.95, gt=0, description="Share of the checks that must pass.")
    path: Path = Field(default="/", description="What clients of the site ask for.")
    fresh_clients: int = Field(default=5, ge=1, le=50, description="Fresh clients in one look.")
    looks: int = Field(default=2, ge=1, le=20, description="Consecutive looks that must all be good.")
    look_every: Rhythm = timedelta(seconds=1)
    give_up_after: Rhythm = Field(default=timedelta(seconds=120), description="Then it is partial or failed.")
    timeout: Rhythm = timedelta(seconds=5)
