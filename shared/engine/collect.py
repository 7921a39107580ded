"""Collecting: asks every source that is due, in parallel, each within its own time-out.

A source that does not answer in time, or breaks, yields `error` samples: the decision must know that it is blind.
"""

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor, Future
from concurrent.futures import TimeoutError as NotInTime
from dataclasses import dataclass
from datetime import datetime, timedelta

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


@dataclass(frozen=True, slots=True)
class Collector:
    """Fans out to the sources with one bounded pool."""

    sources: Mapping[str, SampleSource]
    pool: Executor

    def collect(self, wants: Sequence[Want], now: datetime) -> list[Collected]:
        """Ask the sources for what is wanted; there is an answer for every want that has a source."""
        by_source: dict[str, list[Want]] = defaultdict(list)
        for want in wants:
            by_source[want.signal.source].append(want)
        jobs = [
            job for kind, wanted in by_source.items() if kind in self.sources for job in self.sources[kind].jobs(wanted)
        ]
        started = [(job, self.pool.submit(job.run, now)) for job in jobs]
        return [collected for job, future in started for collected in _result(job, future, now)]


def _result(job: Job, future: Future[list[Collected]], now: datetime) -> list[Collected]:
    try:
        return future.result(timeout=(job.timeout + _GRACE).total_seconds())
    except NotInTime:
        future.cancel()
        return _all_failed(job, now, f"the source did not answer within {say_span(job.timeout)}")
    except ControllerError as error:
        return _all_failed(job, now, str(error))


def _all_failed(job: Job, now: datetime, why: str) -> list[Collected]:
    log.warning("%s of %s: %s", job.wants[0].signal.source, job.wants[0].policy.workload, why)
    return [Collected(workload=want.policy.workload, name=want.name, samples=(failed(now, why),)) for want in job.wants]
