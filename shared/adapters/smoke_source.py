"""Samples from smoke tests: the share of the named checks that passed, made at once, each with its own time-out.

A check that got no answer says nothing of the site, as for every probe; then nothing is known of the whole suite. The
sample's note names the checks that failed and never what was sent or answered.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from datetime import datetime
from functools import partial
from typing import Any

from shared.errors import PermanentError
from shared.model.policy_outside_checks import named_checks
from shared.model.policy_outside_signals import SmokeSignal
from shared.model.policy_verify import Check, CheckBase
from shared.model.signal import Sample, failed, measured
from shared.ports import Checker, CheckResult, Collected, Expected, Job, Want


class SmokeSource:
    """Fulfils `ports.SampleSource`."""

    def __init__(self, checkers: Mapping[type[CheckBase], Checker[Any]], pool: Executor) -> None:
        """`pool` makes the checks of one suite at once; nothing that runs in it may wait for it."""
        self._checkers = checkers
        self._pool = pool

    def jobs(self, wants: Sequence[Want]) -> list[Job]:
        return [Job(wants=(want,), timeout=want.signal.timeout, run=partial(self._run, want)) for want in wants]

    def _run(self, want: Want, now: datetime) -> list[Collected]:
        signal, checks = _smoke(want), named_checks(want.policy)
        asked = {name: self._pool.submit(self._check, want, checks[name], now) for name in signal.smoke}
        found = {name: task.result() for name, task in asked.items()}
        sample = _sample(found, now.replace(microsecond=0))
        return [Collected(workload=want.policy.workload, name=want.name, samples=(sample,))]

    def _check(self, want: Want, check: Check, now: datetime) -> CheckResult:
        checker = self._checkers.get(type(check))
        if checker is None:
            raise PermanentError(f"no signal can make a check of the kind {type(check).__name__}")
        # What serves is what is tested, whichever build that is: no check of a suite may expect one.
        return checker.check(want.policy, check, Expected(known_good="", since=now))


def _smoke(want: Want) -> SmokeSignal:
    if not isinstance(want.signal, SmokeSignal):
        raise TypeError(f"{want.name} is no suite of smoke tests")
    return want.signal


def _sample(found: Mapping[str, CheckResult], at: datetime) -> Sample:
    silent = [name for name, result in found.items() if result.passed is None or result.unanswered]
    if silent:
        return failed(at, f"no answer to {', '.join(silent)}: {len(silent)} of {len(found)} checks say nothing")
    passed = sum(result.passed is True for result in found.values())
    return measured(at, passed / len(found), len(found))
