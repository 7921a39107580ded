"""A question to people: may this be done? It says exactly what, and who answered so far.

What is approved is the digest of what would be done. Whatever changes in that has another digest, and approvals of the
old one count for nothing.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from shared.model.caller import Proof
from shared.model.policy_approval import OnExpiry


class AskStatus(StrEnum):
    """How a question stands or ended."""

    OPEN = "open"
    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    SUPERSEDED = "superseded"

    @property
    def over(self) -> bool:
        return self is not AskStatus.OPEN


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """One approval.

    Attributes:
        digest: Of what this approver saw.
        nonce: Of the link that it came by; empty for whoever was signed in.
    """

    by_id: str
    by: str
    at: datetime
    proof: Proof
    origin: str
    digest: str
    reason: str = ""
    nonce: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreeing:
    """What people agree to of the rows of one database.

    Attributes:
        digest: Of what would be lost or decided between two sides.
        says: The preview's sentence, as of when it was asked.
        behind: What stays behind or is decided, by name.
    """

    digest: str
    says: str
    behind: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One question.

    Attributes:
        id: Of the run that it asks for.
        strategy: The plan of the policy by that name; empty for the level as it stands.
        share: What the plan sets its road to; `None` is what the road itself says.
        build: What production would run.
        bad_build: What would be taken back, as it was seen or named when it was asked; never `build`, perhaps empty.
        roads: By component, as the policy ranks them.
        cause: The sentence of whoever asks, with numbers.
        trigger: The trigger that asks; empty for a person.
        requested_by_id: `watch`, or the id of the caller who asks.
        to: The channels that are asked. Only these can answer by link.
        budget: How long the level should take.
        takes: How long it is expected to take.
        preview: What would become of the rows, by database; `None` when none go back.
        healthy_since: When an approval found that the trigger does not fire any more.
        given: The approvals, also those of an older digest.
        used: Nonces of the links that were answered by.
        also: Triggers that ask as well, and were told of.
        begun_below: Lower levels that began while it stood, and were told of.
        sentence: What is asked, or what became of it.
    """

    id: str
    workload: str
    level: int
    build: str
    bad_build: str
    roads: dict[str, tuple[str, ...]]
    cause: str
    trigger: str
    requested_by_id: str
    requested_by: str
    asked_at: datetime
    expires_at: datetime
    on_expiry: OnExpiry
    quorum: int
    four_eyes: bool
    to: tuple[str, ...]
    policy_version: str
    budget: timedelta
    takes: timedelta
    strategy: str = ""
    share: float | None = None
    preview: dict[str, Agreeing] | None = None
    healthy_since: datetime | None = None
    digest: str = ""
    given: tuple[Given, ...] = ()
    used: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    begun_below: tuple[int, ...] = ()
    status: AskStatus = AskStatus.OPEN
    ended_at: datetime | None = None
    sentence: str = ""

    @property
    def counted(self) -> tuple[Given, ...]:
        """The approvals of what would be done now; each approver stands in them once."""
        return tuple(given for given in self.given if given.digest == self.digest)

    @property
    def missing(self) -> int:
        """How many approvers it still takes."""
        return max(0, self.quorum - len({given.by_id for given in self.counted}))


@dataclass(frozen=True, slots=True)
class Settled:
    """The firings of triggers that nobody is asked about again: people answered, or their silence was the answer.

    Attributes:
        since: By trigger, when the firing began; another one of it is asked about anew.
    """

    since: dict[str, datetime] = field(default_factory=dict)

    def has(self, trigger: str, since: datetime | None) -> bool:
        """Tell whether a firing that began at that moment is settled."""
        return since is not None and self.since.get(trigger) == since


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkClaim:
    """What a signed link says: for which question, of what, to whom, until when.

    Attributes:
        nonce: Unlike that of any other link.
    """

    ask_id: str
    digest: str
    recipient: str
    expires_at: datetime
    nonce: str = field(repr=False)
