"""Where samples come from."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from shared.model.policy import Policy
from shared.model.policy_signals import Signal
from shared.model.signal import Sample


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
