"""Rings, and what becomes of messages."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

SAMPLES = "samples"
"""The queue that samples and events are sent by."""


def queue_of_runs(level: int) -> str:
    """Return the queue that rings for the runs of a level; promotions have level 0."""
    return f"rollback-level-{level}" if level else "promotions"


class Doorbell(Protocol):
    """Rings that something may be due. A ring carries ids only; losing, doubling or reordering rings is harmless."""

    def rollback(self, rollback_id: str, level: int, *, after: timedelta = timedelta(0)) -> None: ...

    def watch(self, workload: str) -> None: ...

    def checkpoints(self, workload: str) -> None: ...

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


class Mail(Protocol):
    """What lies in a queue that others send to."""

    def waiting_since(self, queue: str) -> datetime | None:
        """Return when the foremost message was sent that nobody has taken; `None` when there is none.

        Raises:
            TransientError: the queue does not answer.
        """
        ...


class Warmer(Protocol):
    """Has the road of a level made ready by whoever would take it."""

    def warm_up(self, workload: str, level: int) -> None: ...
