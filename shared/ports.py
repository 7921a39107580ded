"""What the engine needs from the outside, as Protocols of one to three methods. Adapters and test fakes fulfil them.

Every method may raise `TransientError` or `PermanentError` (`errors.py`) and nothing else on purpose.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from shared.model.event import Delivery
from shared.model.policy import Policy, Site
from shared.model.policy_signals import Signal
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
        good_slot_build: The same in the slot that keeps the known good; `None` when there is no such slot.
        operation_id: Set while the control plane works on the site.
        last_swap: Time and slots of the last swap that succeeded, or empty.
    """

    production_build: str
    good_slot_build: str | None
    operation_id: str | None
    last_swap: str = ""


class SlotSite(Protocol):
    """An App Service site with slots."""

    def look(self, site: Site) -> SitePicture:
        """Read what is live now."""
        ...

    def swap(self, site: Site) -> str:
        """Set the swap of the good slot with production in motion, once, without waiting for its end.

        Returns:
            A token for `follow`.

        Raises:
            OutcomeUnknown: the call may have been accepted.
        """
        ...

    def follow(self, site: Site, token: str) -> tuple[OperationState, str]:
        """Return how the operation stands, with the platform's own words when it failed."""
        ...


class Client(StrEnum):
    """From which kind of client a look is taken."""

    FRESH = "fresh"  # a new connection, no cookies
    PINNED = "pinned"  # holds the routing cookie of production
    KEPT_ALIVE = "kept_alive"  # a connection that was opened before, where this process still has one


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """What one request from outside saw.

    Attributes:
        status: HTTP status; `None` when no answer came.
        build: Value of the build header; empty when there was none.
        answered: False when the site could not be reached at all, which says nothing about the site.
        connection_age_s: How old the connection was, in seconds.
    """

    client: Client
    status: int | None
    build: str
    latency_ms: float
    answered: bool = True
    connection_age_s: float = 0.0
    note: str = ""

    @property
    def served(self) -> bool:
        """An answer came and it was no server error."""
        return self.status is not None and self.status < 500


class Prober(Protocol):
    """Looks at a site from outside, as its users do."""

    def look(self, site: Site, path: str, client: Client, count: int, *, timeout: timedelta) -> list[Sighting]:
        """Send `count` requests of one kind at once; a failure is a sighting, never an error."""
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


class Channel(Protocol):
    """A way to tell people."""

    def send(self, delivery: Delivery) -> None: ...
