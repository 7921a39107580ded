"""Samples from bursts of requests: what an answer says of a site's health, and what says nothing of it.

Azure's front ends answer for a site even when it is down, so that silence of a connection speaks of the path, not of
the site: it is blind. So is an answer that cannot come from the build that is watched.
"""

import math
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import groupby

from shared.adapters.dependencies import HealthReader, sample_of
from shared.adapters.outbound import Outbound
from shared.model.policy_signals import ProbeSignal
from shared.model.policy_verify import Client
from shared.model.signal import Sample, failed, measured
from shared.ports import Collected, Job, Prober, Sighting, Want

_FIRST_REFUSAL = 400


class ProbeSource:
    """Fulfils `ports.SampleSource`: signals that want the same burst share it, and so do those of one health answer."""

    def __init__(self, prober: Prober, outbound: Outbound) -> None:
        self._prober = prober
        self._health = HealthReader(outbound)

    def jobs(self, wants: Sequence[Want]) -> list[Job]:
        ordered = sorted(wants, key=_burst)
        return [self._job(tuple(group)) for _, group in groupby(ordered, key=_burst)]

    def _job(self, wants: tuple[Want, ...]) -> Job:
        run = self._read if _probe(wants[0]).of_dependencies else self._run
        return Job(wants=wants, timeout=2 * wants[0].signal.timeout, run=partial(run, wants))

    def _read(self, wants: tuple[Want, ...], now: datetime) -> list[Collected]:
        policy, first, at = wants[0].policy, _probe(wants[0]), now.replace(microsecond=0)
        down = self._health.ask(policy, first.probe, first.timeout)
        return [
            Collected(workload=want.policy.workload, name=want.name, samples=(sample_of(_probe(want), down, at),))
            for want in wants
        ]

    def _run(self, wants: tuple[Want, ...], now: datetime) -> list[Collected]:
        policy, first = wants[0].policy, _probe(wants[0])
        sightings = self._prober.look(policy, first.probe, Client.FRESH, first.requests, timeout=first.timeout)
        # A timer ticks some milliseconds late, each time others: in whole seconds, six ticks of 10 s cover 60 s.
        at = now.replace(microsecond=0)
        build_seen = _build_of_most(sightings)
        return [
            Collected(
                workload=want.policy.workload,
                name=want.name,
                samples=(_sample(_probe(want), sightings, at),),
                build_seen=build_seen,
            )
            for want in wants
        ]


def _probe(want: Want) -> ProbeSignal:
    if not isinstance(want.signal, ProbeSignal):
        raise TypeError(f"{want.name} is no probe")
    return want.signal


def _burst(want: Want) -> tuple[bool, str, str, bool, str, int, timedelta]:
    signal, site = _probe(want), want.policy.site
    shape = site.url, site.build.header, want.policy.reach.private, signal.probe, signal.requests, signal.timeout
    return signal.of_dependencies, *shape


def _build_of_most(sightings: Sequence[Sighting]) -> str:
    """Return the build that served more than half of what was answered, or the empty text.

    An answer without a name counts too: a build that fails without its header must not let the one before it stand.
    """
    builds = Counter(sighting.build for sighting in sightings if sighting.answered and not sighting.cached)
    return next((build for build, times in builds.items() if 2 * times > builds.total()), "")


def _sample(signal: ProbeSignal, sightings: Sequence[Sighting], now: datetime) -> Sample:
    speaking = [sighting for sighting in sightings if not _silence(signal, sighting)]
    if not speaking:
        return failed(now, _silence(signal, sightings[0]) if sightings else "nothing was asked")
    if signal.latency is None:
        bad = sum(_is_failure(signal, sighting) for sighting in speaking)
        return measured(now, bad / len(speaking), len(speaking))
    latencies = sorted(sighting.latency_ms for sighting in speaking)
    return measured(now, _quantile(latencies, _QUANTILES[signal.latency]), len(speaking))


def _is_failure(signal: ProbeSignal, sighting: Sighting) -> bool:
    """No whole answer in time, or a status that the policy calls a failure."""
    return sighting.status is None or any(low <= sighting.status <= high for low, high in signal.fails)


def _silence(signal: ProbeSignal, sighting: Sighting) -> str:
    """Return why an answer says nothing of how the site is, or the empty text.

    A site that was stopped, a health route that moved, a sign-in page, an empty page, a cache: each answers, and none
    of them is the build that is watched. To take them for health would be to fail open.
    """
    if not sighting.answered:
        return sighting.note
    if _is_failure(signal, sighting):
        return ""
    if sighting.status is not None and sighting.status >= _FIRST_REFUSAL:
        return f"the probe was answered {sighting.status}, which says nothing; name it in `fails` if it should count"
    if sighting.cached:
        return "a cache answered for the site"
    return "" if sighting.build else "the answer names no build"


_QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "max": 1.0}


def _quantile(ordered: Sequence[float], share: float) -> float:
    """Return the nearest-rank quantile of ordered values (Hyndman and Fan, 1996, definition 1)."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]
