"""Collecting: asks every source that is due, in parallel, each until its own deadline.

A source that does not answer in time, or breaks, yields `error` samples: the decision must know that it is blind.
"""

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import CancelledError, Executor, Future
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic

from shared.engine.incidents import outcome_of
from shared.errors import ControllerError
from shared.model.policy import Policy
from shared.model.quantity import say_span
from shared.model.signal import failed
from shared.model.watch import WatchState
from shared.ports import Collected, Job, SampleSource, Want

log = logging.getLogger(__name__)

# A timer tick comes a little early or late; a signal that would be due before the next one is due now.
_JITTER = timedelta(seconds=1)
# Sources end by themselves at their time-out; this much later they are given up.
_GRACE = timedelta(seconds=1)


def due(policy: Policy, state: WatchState, now: datetime) -> list[Want]:
    """Return the signals of a workload whose time has come, with the event time from which samples are wanted."""
    return [
        Want(policy, name, signal, _since(policy, state, name, now))
        for name, signal in policy.signals.items()
        if name not in state.collected_at or now - state.collected_at[name] >= signal.every - _JITTER
    ]


def _since(policy: Policy, state: WatchState, name: str, now: datetime) -> datetime:
    """Ask again for what may still be revised; the first time, for all that a rule could look at."""
    signal = policy.signals[name]
    if name not in state.collected_at:
        return now - policy.horizon(name)
    return state.collected_at[name] - signal.delay - 2 * signal.every


class Collecting:
    """Jobs under way. A job that serves several workloads is waited for once."""

    def __init__(self, now: datetime, started: Sequence[tuple[Job, Future[list[Collected]]]]) -> None:
        self._now = now
        self._begun = monotonic()
        self._started = started

    def of(self, workload: str) -> list[Collected]:
        """Wait for the jobs of a workload, each until its own deadline; there is an answer for every want."""
        return [
            collected
            for job, future in self._started
            if any(want.policy.workload == workload for want in job.wants)
            for collected in self._result(job, future)
            if collected.workload == workload
        ]

    def _result(self, job: Job, future: Future[list[Collected]]) -> list[Collected]:
        ends = self._begun + (job.timeout + _GRACE).total_seconds()
        where = f"{job.wants[0].signal.source} of {job.wants[0].policy.workload}"
        try:
            found = outcome_of(future, where, max(0.0, ends - monotonic()))
        except (TimeoutError, CancelledError):  # another workload that shares the job may have given it up already
            future.cancel()
            return all_failed(job.wants, self._now, f"the source did not answer within {say_span(job.timeout)}")
        return all_failed(job.wants, self._now, str(found)) if isinstance(found, ControllerError) else found


@dataclass(frozen=True, slots=True)
class Collector:
    """Fans out to the sources with one bounded pool."""

    sources: Mapping[str, SampleSource]
    pool: Executor

    def begin(self, wants: Sequence[Want], now: datetime) -> Collecting:
        """Set everything in motion that is wanted."""
        by_source: dict[str, list[Want]] = defaultdict(list)
        for want in wants:
            by_source[want.signal.source].append(want)
        asked = ((self.sources[kind], wanted) for kind, wanted in by_source.items() if kind in self.sources)
        jobs = [job for source, wanted in asked for job in source.jobs(wanted)]
        return Collecting(now, [(job, self.pool.submit(_run, job, now)) for job in jobs])


def _run(job: Job, now: datetime) -> list[Collected]:
    try:
        return job.run(now)
    except ControllerError as error:
        return all_failed(job.wants, now, str(error))


def all_failed(wants: Sequence[Want], now: datetime, why: str) -> list[Collected]:
    """Return an `error` sample for every want."""
    log.warning("%s of %s: %s", wants[0].signal.source, wants[0].policy.workload, why)
    return [Collected(workload=want.policy.workload, name=want.name, samples=(failed(now, why),)) for want in wants]
