"""What the engine needs from the outside, as Protocols of one to three methods. Adapters and test fakes fulfil them.

Every method may raise `TransientError` or `PermanentError` (`errors.py`) and nothing else on purpose.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

from shared.model.event import Delivery
from shared.model.policy import Policy, Site
from shared.model.policy_roads import RoadBase
from shared.model.policy_signals import Signal
from shared.model.policy_verify import CheckBase, Client
from shared.model.signal import Sample


@dataclass(frozen=True, slots=True)
class Row:
    """A stored record: its key within the workload's partition, its JSON body and the version that was read."""

    key: str
    body: str
    version: str


@dataclass(frozen=True, slots=True)
class Insert:
    """Write a record that must not exist yet."""

    key: str
    body: str


@dataclass(frozen=True, slots=True)
class Replace:
    """Write a record that must still have the version that was read."""

    key: str
    body: str
    version: str


@dataclass(frozen=True, slots=True)
class Put:
    """Write a record whatever is there."""

    key: str
    body: str


@dataclass(frozen=True, slots=True)
class Delete:
    """Remove a record; `version` of `None` removes whatever is there."""

    key: str
    version: str | None = None


Write = Insert | Replace | Put | Delete


class Ledger(Protocol):
    """Durable records, one partition per workload; what is committed together is one atomic step."""

    def read(self, workload: str, key: str) -> Row | None:
        """Return one record, or `None`."""
        ...

    def scan(self, workload: str, prefix: str, *, limit: int = 1000) -> list[Row]:
        """Return the records whose key begins with the prefix, in key order, at most `limit`."""
        ...

    def commit(self, workload: str, writes: Sequence[Write]) -> Mapping[str, str]:
        """Carry out all writes (at most 100, of different keys) or none.

        Returns:
            The new version by key.

        Raises:
            LostRace: a record was there, had another version, or was gone.
        """
        ...


class Doorbell(Protocol):
    """Rings that something may be due. A ring carries ids only; losing, doubling or reordering rings is harmless."""

    def rollback(self, rollback_id: str, level: int, *, after: timedelta = timedelta(0)) -> None: ...

    def watch(self, workload: str) -> None: ...

    def delivery(self, workload: str, delivery_id: str, *, after: timedelta = timedelta(0)) -> None: ...


class Returns(Protocol):
    """Takes a good message back that cannot be used yet, so that repeated attempts do not make it a poisoned one."""

    def put_back(self, name: str, text: str, *, after: timedelta) -> None: ...


@dataclass(frozen=True, slots=True)
class SetAside:
    """A message that the host gave up on; `receipt` is what removes it."""

    id: str
    text: str
    receipt: str = field(repr=False)


class PoisonQueues(Protocol):
    """What the host set aside, one queue for each of ours."""

    def set_aside(self, queue: str) -> list[SetAside]:
        """Take the next messages; they show up again after a while unless they are removed."""
        ...

    def remove(self, queue: str, message: SetAside) -> None: ...


class Warmer(Protocol):
    """Has the road of a level made ready by whoever would take it."""

    def warm_up(self, workload: str, level: int) -> None: ...


class OperationState(StrEnum):
    """How a long-running operation stands."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class SitePicture:
    """A site as the control plane tells it.

    Attributes:
        production_build: Value of the build setting in production; empty when it is not set.
        slot_build: The same in the slot that was asked for; `None` when there is no such slot.
        operation_id: Set while the control plane works on the site.
        last_swap: Time and slots of the last swap that succeeded, or empty.
    """

    production_build: str
    slot_build: str | None
    operation_id: str | None
    last_swap: str = ""


class SlotSite(Protocol):
    """An App Service site with slots."""

    def look(self, site: Site, slot: str) -> SitePicture:
        """Read what is live in production and in a slot now."""
        ...

    def swap(self, site: Site, slot: str) -> str:
        """Set the swap of a slot with production in motion, once, without waiting for its end.

        Returns:
            A token for `follow`.

        Raises:
            OutcomeUnknown: the call may have been accepted.
        """
        ...

    def follow(self, site: Site, slot: str, token: str) -> tuple[OperationState, str]:
        """Return how the operation stands, with the platform's own words when it failed."""
        ...


# Raises `LostRace` when the worker may not act any more: its lease ran out, or the run was ended or superseded.
Fence = Callable[[], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """For which run, and to which build, a road is taken."""

    rollback_id: str
    component: str
    known_good: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RoadPicture:
    """How the world stands towards the desired state of a road, as the control plane tells it.

    Attributes:
        established: The desired state is set.
        busy: The platform is still carrying something out; `established` counts only when it is not.
        why_not: Why this road must not or cannot be taken; `None` means that it can.
        shown: What was seen, as JSON values: what was there before and after an effect.
    """

    established: bool
    busy: bool = False
    why_not: str | None = None
    shown: Mapping[str, Any] = field(default_factory=dict)


class Routing[R: RoadBase](Protocol):
    """A kind of road whose desired state can be set again and again with the same result."""

    def look(self, policy: Policy, road: R, aim: Aim) -> RoadPicture:
        """Read what is set now; changes nothing."""
        ...

    def establish(self, policy: Policy, road: R, aim: Aim, fence: Fence) -> None:
        """Set the desired state in motion without waiting for its end.

        Args:
            fence: Called right before every call that changes something.

        Raises:
            OutcomeUnknown: some of it may have happened; setting it again is safe.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What a check holds the world against: the build that must answer, since when, and for which run."""

    known_good: str
    since: datetime
    rollback_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """What a check found.

    Attributes:
        passed: `None` when it says nothing, such as a kept-alive connection that was opened too late.
        note: What was seen against what was expected; never a secret.
        evidence: The same as JSON values.
    """

    passed: bool | None
    note: str
    evidence: Mapping[str, Any] = field(default_factory=dict)


class Checker[C: CheckBase](Protocol):
    """Carries out one kind of check from outside; what goes wrong is a result, never an error."""

    def check(self, policy: Policy, check: C, expected: Expected) -> CheckResult: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """What one request from outside saw.

    Attributes:
        status: HTTP status; `None` when no answer came.
        build: Value of the build header; empty when there was none.
        answered: False when the site could not be reached at all, which says nothing about the site.
        connection_age_s: How old the connection was, in seconds.
        cached: A cache answered, with what it knew before.
    """

    client: Client
    status: int | None
    build: str
    latency_ms: float
    answered: bool = True
    connection_age_s: float = 0.0
    note: str = ""
    cached: bool = False

    @property
    def served(self) -> bool:
        """An answer came and it was no server error."""
        return self.status is not None and self.status < 500


# What a client that is pinned to production has in its routing cookie.
PRODUCTION = "self"


class Prober(Protocol):
    """Looks at a site from outside, as its users do."""

    def look(
        self,
        policy: Policy,
        path: str,
        client: Client,
        count: int,
        *,
        timeout: timedelta,
        at: str | None = None,
        slot: str = PRODUCTION,
    ) -> list[Sighting]:
        """Send `count` requests of one kind at once; a failure is a sighting, never an error.

        Args:
            at: Where they go: a front without a path, whose host the policy names; the site if not given.
            slot: To which slot pinned clients were sent.
        """
        ...


@dataclass(frozen=True, slots=True)
class Want:
    """A signal of a workload that is due, and since when samples of it are wanted."""

    policy: Policy
    name: str
    signal: Signal
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """What a source delivered for one signal, and the build that it saw served, if it saw one."""

    workload: str
    name: str
    samples: tuple[Sample, ...]
    build_seen: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One call to a source for one or more signals; it ends by itself soon after `timeout`."""

    wants: tuple[Want, ...]
    timeout: timedelta
    run: Callable[[datetime], list[Collected]] = field(repr=False)


class SampleSource(Protocol):
    """A kind of source. It is asked for jobs first, so that one call can serve many workloads."""

    def jobs(self, wants: Sequence[Want]) -> list[Job]:
        """Group what is wanted into calls; nothing is asked yet, and nothing of a valid policy makes it fail."""
        ...


@dataclass(frozen=True, slots=True)
class Signature:
    """An Ed25519 signature and the public key that checks it, both in base64."""

    value: str
    public_key: str


class Signer(Protocol):
    """Signs what must be provable later."""

    def sign(self, document: bytes) -> Signature: ...


class Channel(Protocol):
    """A way to tell people."""

    def send(self, delivery: Delivery) -> None: ...
