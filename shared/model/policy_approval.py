"""Who is asked before a level begins, for how long, and what happens when nobody answers."""

from collections.abc import Iterator
from datetime import timedelta
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from shared.model.policy_problem import Place, Problem
from shared.model.strict import Rhythm, Strict

# From this level on data or a platform are taken back: who asks for it is never who approves it.
FIRST_OF_FOUR_EYES = 3
_SHORTEST_TTL, _LONGEST_TTL = timedelta(minutes=1), timedelta(days=7)

Recipient = Annotated[str, Field(pattern=r"^webhook:[a-z][a-z0-9_]*$", max_length=48)]


class OnExpiry(StrEnum):
    """What happens when the time to answer is over."""

    ACT = "act"
    HOLD = "hold"
    CLIMB = "climb"


class Approval(Strict):
    """How people are asked."""

    quorum: int = Field(default=1, ge=1, le=10, description="How many different approvers it takes.")
    ttl: Annotated[Rhythm, Field(ge=_SHORTEST_TTL, le=_LONGEST_TTL)] = Field(
        default=timedelta(minutes=10), description="How long they may take."
    )
    on_expiry: OnExpiry = Field(
        default=OnExpiry.HOLD,
        description="Then: act all the same, hold, or climb to the next level; act and climb only while it is bad.",
    )
    to: tuple[Recipient, ...] = Field(default=(), description="Channels that are asked; those of `notify` if none.")
    four_eyes: bool = Field(
        default=False,
        strict=True,
        description="Signed-in approvers alone, and never who asked. Always so for levels 3 and 4.",
    )


class Approvals(Strict):
    """How people are asked by what a trigger's tier asks for."""

    warning: Approval = Field(default=Approval(), description="A trigger of tier `warning` fires.")


def is_four_eyes(level: int, approval: Approval) -> bool:
    """Tell whether only signed-in people approve, and never the one who asked."""
    return level >= FIRST_OF_FOUR_EYES or approval.four_eyes


def rule_for(level: int, own: Approval | None, warned: Approval | None) -> Approval | None:
    """Return the rule by which people are asked before a level begins, or `None` when it begins unasked.

    Args:
        own: The level's own rule.
        warned: The rule for warnings, when it is a warning that asks.
    """
    return own or warned or (Approval() if level >= FIRST_OF_FOUR_EYES else None)


def approval_problems(place: Place, level: int, approval: Approval, above: int | None) -> Iterator[Problem]:
    """Yield what no single field can see.

    Args:
        place: Where the rule stands in the file.
        above: The next level that the workload has.
    """
    if approval.on_expiry is OnExpiry.ACT and is_four_eyes(level, approval):
        text = "four eyes, and done without any when nobody answers; expected `hold` or `climb`"
        yield Problem((*place, "on_expiry"), text)
    if approval.on_expiry is OnExpiry.CLIMB and above is None:
        yield Problem((*place, "on_expiry"), f"no level above {level} to climb to; expected `hold` or `act`")
    for number, recipient in enumerate(approval.to):
        if recipient in approval.to[:number]:
            yield Problem((*place, "to", number), f"{recipient!r} stands twice; expected each channel once")
