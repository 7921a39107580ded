"""Collecting: asks every source that is due, in parallel, each until its own deadline.

A source that does not answer in time, or breaks, yields `error` samples: the decision must know that it is blind. So
does one that is left alone because it was sick a moment ago.
"""

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import CancelledError, Executor
from datetime import datetime, timedelta
from time import monotonic

from shared.decision.delays import learned_delay
from shared.engine.incidents import outcome_of
from shared.engine.source_calls import GRACE, Call, SourceCalls
from shared.errors import ControllerError
from shared.model.policy import Policy
from shared.model.policy_signal_base import SignalBase
from shared.model.signal import Outcome, failed
from shared.model.watch import WatchState
from shared.ports import Collected, SampleSource, Want

log = logging.getLogger(__name__)

# A timer tick comes a little early or late; a signal that would be due before the next one is due now.
_JITTER = timedelta(seconds=1)
_AGAIN = timedelta(minutes=5)


def due(policy: Policy, state: WatchState, now: datetime) -> list[Want]:
    """Return the signals of a workload whose time has come, with the event time from which samples are wanted."""
    return [
        Want(policy, name, signal, _since(policy, state, name, now))
        for name, signal in policy.signals.items()
        if name not in state.collected_at or now - state.collected_at[name] >= _pause(signal, state, name) - _JITTER
    ]


def _pause(signal: SignalBase, state: WatchState, name: str) -> timedelta:
    """What is asked seldom is asked again soon after it failed: half a day is too long to be blind for one 429."""
    asked_at = state.collected_at[name]
    failed_then = any(one.outcome is Outcome.ERROR and one.at >= asked_at for one in state.series.get(name, ())[-1:])
    return min(signal.every, _AGAIN) if failed_then else signal.every


def _since(policy: Policy, state: WatchState, name: str, now: datetime) -> datetime:
    """Ask again for what may still be revised; the first time, for all that a rule could look at.

    Where nothing was heard for longer than that, from the last word on: what comes late must be found.
    """
    signal, oldest = policy.signals[name], now - policy.horizon(name)
    if name not in state.collected_at:
        return oldest
    delay = max(signal.delay, learned_delay(state.arrivals.get(name)))
    revisable = state.collected_at[name] - delay - 2 * signal.every
    measured_at = (s.at for s in reversed(state.series.get(name, ())) if s.outcome is Outcome.MEASURED)
    return max(oldest, min(revisable, next(measured_at, revisable)))


class Collecting:
    """Calls under way. One that serves several workloads is waited for once."""

    def __init__(self, now: datetime, calls: SourceCalls, begun: Sequence[Call]) -> None:
        self._now = now
        self._begun = monotonic()
        self._calls = calls
        self._started = begun

    def of(self, workload: str) -> list[Collected]:
        """Wait for the calls of a workload, each until its own deadline; there is an answer for every want."""
        return [
            collected
            for call in self._started
            if any(want.policy.workload == workload for want in call.job.wants)
            for collected in self._result(call)
            if collected.workload == workload
        ]

    def _result(self, call: Call) -> list[Collected]:
        job = call.job
        ends = self._begun + (job.timeout + GRACE).total_seconds()
        where = f"{job.wants[0].signal.source} of {job.wants[0].policy.workload}"
        try:
            found = outcome_of(call.future, where, max(0.0, ends - monotonic()))
        except (TimeoutError, CancelledError):  # another workload that shares the job may have given it up already
            return all_failed(job.wants, self._now, self._calls.give_up(call))
        return all_failed(job.wants, self._now, str(found)) if isinstance(found, ControllerError) else found


class Collector:
    """Fans out to the sources with one bounded pool; what it learns of them outlasts a cycle."""

    def __init__(self, sources: Mapping[str, SampleSource], pool: Executor) -> None:
        self.sources = sources
        self.calls = SourceCalls(pool)

    def begin(self, wants: Sequence[Want], now: datetime) -> Collecting:
        """Set everything in motion that is wanted, and that may be asked."""
        by_source: dict[str, list[Want]] = defaultdict(list)
        for want in wants:
            by_source[want.signal.source].append(want)
        asked = ((self.sources[kind], wanted) for kind, wanted in by_source.items() if kind in self.sources)
        jobs = [job for source, wanted in asked for job in source.jobs(wanted)]
        return Collecting(now, self.calls, self.calls.begin(jobs, now))


def all_failed(wants: Sequence[Want], now: datetime, why: str) -> list[Collected]:
    """Return an `error` sample for every want."""
    log.warning("%s of %s: %s", wants[0].signal.source, wants[0].policy.workload, why)
    return [Collected(workload=want.policy.workload, name=want.name, samples=(failed(now, why),)) for want in wants]
