"""What a row of the table is: steps that are taken one after the other, each call with what it must come to.

An expectation is written as it is printed: `200` and the caller's roles, `401` or `503` and a part of the sentence,
`403` for a caller who is known and lacks the role that the call needs.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from local.entra_issuer.outages import Mode
from shared.adapters.entra import Pace
from shared.model.caller import Role

type Presenting = Callable[[str], str]


def as_bearer(token: str) -> str:
    return f"Bearer {token}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call, or many alike.

    Attributes:
        expected: What it must come to.
        who: Whose token is presented.
        asked: Further fields of the issuer's `TokenRequest`; `{authority}` stands for the issuer's address.
        header: Makes the `Authorization` header from the token.
        principal: What is presented as Easy Auth's header: its JSON, or the header itself.
        needs: The role that the call needs.
        times: How often it is made, with as many different keys named if it names `{n}`.
        every: How much later each further call comes.
        at_once: The calls are made by as many threads.
    """

    expected: str
    who: str = "vera"
    asked: Mapping[str, Any] = field(default_factory=dict)
    header: Presenting = as_bearer
    principal: Mapping[str, Any] | str = ""
    needs: Role = Role.VIEWER
    times: int = 1
    every: timedelta = timedelta(0)
    at_once: bool = False


@dataclass(frozen=True, slots=True)
class Answering:
    """From now on keys are answered so."""

    mode: Mode
    delay_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Later:
    """Time passes."""

    by: timedelta


@dataclass(frozen=True, slots=True)
class Rotating:
    """The tenant withdraws its key and signs with the next one."""


type Step = Call | Answering | Later | Rotating


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A row.

    Attributes:
        fetches: How many requests for keys all of it may cause; `None` where that is not the point.
        easy_auth: The app is told that Easy Auth is on.
        fetch_within: How long the app waits for keys; short where no answer comes.
    """

    area: str
    name: str
    steps: tuple[Step, ...]
    fetches: int | None = None
    easy_auth: bool = False
    fetch_within: timedelta = Pace().fetch_within

    def __str__(self) -> str:
        return f"{self.area}: {self.name}"


def call(area: str, name: str, expected: str, *, easy_auth: bool = False, **of_the_call: Any) -> Case:
    """Return a row of one call; what is no field of `Call` is asked of the issuer."""
    own = {name: value for name, value in of_the_call.items() if name in Call.__dataclass_fields__}
    asked = {name: value for name, value in of_the_call.items() if name not in own}
    return Case(area=area, name=name, steps=(Call(expected=expected, asked=asked, **own),), easy_auth=easy_auth)
