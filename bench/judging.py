"""What judging costs: a thousand workloads of twelve triggers, memory over the run, transactions at a storage account.

Deciding is pure, so that the first two need no storage. Most kinds of triggers that look at more than their newest
samples are among the twelve.
"""

import gc
import tempfile
import tracemalloc
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import cycle
from pathlib import Path
from random import Random
from typing import Any

import yaml

from bench.counting_proxy import through_proxies
from bench.measuring import Figure, Finding, progress, timed
from local.azure_simulator.config import default_config
from local.azure_simulator.launch import launch_simulator
from local.azurite import Azurite
from local.loopback import Request
from shared.decision.cycle import Cycle, Known, News, next_cycle
from shared.model.change import Change, KnownGood
from shared.model.policy import Policy
from shared.model.signal import Sample, measured
from shared.model.watch import WatchState
from shared.settings import read_settings
from shared.wiring import App, build

WORKLOADS, TRIGGERS = 1_000, 12
_EVERY = timedelta(seconds=10)
_NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
_ROUNDS = 5
_PASTS = 100
# Long enough for what is remembered for all workloads together to be full: it takes 4 MB.
_PARTS, _CYCLES_A_PART = 14, 300
_COUNTED = 20, 20
_SITE = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Web/sites"
_LIKE = {"error_rate": (0.004, 50), "p95": (420.0, 50), "cpu": (40.0, 1), "throughput": (900.0, 1)}


def judging() -> Iterator[Figure | Finding]:
    """Evaluate, watch the memory, count the transactions."""
    yield evaluating()
    yield _memory()
    yield _transactions()


def policy_of(workload: str, url: str = "https://shop.example", path: str = "/health") -> dict[str, Any]:
    """Return a policy of twelve triggers over four signals, as it is written."""
    probe = {"probe": path, "every": "10s", "stale_after": "60s"}
    pushed = {"every": "10s", "stale_after": "60s"}
    return {
        "workload": workload,
        "site": {"resource": f"{_SITE}/{workload}", "url": url, "good_slot": "last-good"},
        "signals": {
            "error_rate": {**probe, "share": "failed"},
            "p95": {**probe, "latency": "p95"},
            "cpu": {**pushed, "pushed": "cpu"},
            "throughput": {**pushed, "pushed": "throughput"},
        },
        "triggers": {
            "critical": [
                {"name": "errors", "when": "error_rate > 5%", "for": "60s"},
                {"name": "very_slow", "when": "p95 > 10s", "for": "3m"},
                {"name": "breaker", "trips": "error_rate > 50%", "over": "60s"},
                {"name": "more_errors", "more_errors": "error_rate"},
            ],
            "warning": [
                {"name": "slow", "when": "p95 > 2s", "for": "10m"},
                {"name": "some", "when": "error_rate > 2%", "over": "5m", "clears": "1%"},
                {"name": "hot", "when": "cpu > 90", "periods": "2 of 3", "each": "5m"},
                {"name": "judged", "judge": ["error_rate", "p95"], "falls": ["throughput"]},
            ],
            "investigation": [
                {"name": "often", "when": "p95 > 1500ms", "often": "more than 5", "over": "10m"},
                {"name": "odd", "anomaly": "p95", "worse": "up", "baseline": "1h"},
                {"name": "rising", "trend": "cpu", "rises": "50%", "at_least_by": 5, "over": "30m"},
                {"name": "issues", "issues": ["error_rate > 2%", "p95 > 2s", "cpu > 90"], "count": 2},
            ],
        },
    }


def _samples(at: datetime, noise: Random) -> dict[str, tuple[Sample, ...]]:
    return {
        name: (measured(at, max(0.0, usual * noise.gauss(1, 0.1)), count),) for name, (usual, count) in _LIKE.items()
    }


def _known(state: WatchState) -> Known:
    change = Change(id="c", kind="deployment", build="new", started_at=_NOON)
    good = KnownGood(build="good", recorded_at=_NOON, recorded_by="pipeline")
    return Known(state=state, change=change, known_good=good)


def _next(policy: Policy, state: WatchState, at: datetime, noise: Random) -> Cycle:
    news = News(samples=_samples(at, noise), asked=tuple(policy.signals), asked_at=at)
    return next_cycle(policy, _known(state), news, at)


def _filled(policy: Policy, noise: Random) -> tuple[WatchState, datetime]:
    """Return a state that knows as much as it ever will, in the middle of a change."""
    longest = max(policy.horizon(name) for name in policy.signals)
    at, state = _NOON + timedelta(minutes=20), WatchState()
    series = {name: list[Sample]() for name in policy.signals}
    for number in range(int(longest / _EVERY), 0, -1):
        for name, found in _samples(at - number * _EVERY, noise).items():
            series[name] += found
    state = replace(state, series={name: tuple(found) for name, found in series.items()})
    return _next(policy, state, at, noise).state, at


def evaluating(workloads: int = WORKLOADS, rounds: int = _ROUNDS) -> Figure:
    """A cycle of all workloads, each at its own place in the noise, one after the other on one core.

    There are so many different pasts that nothing which the product remembers of one is still there when it comes
    round again.
    """
    policies = [Policy.model_validate(policy_of(f"w{number}")) for number in range(workloads)]
    assert {len(policy.rules) for policy in policies} == {TRIGGERS}
    noise = Random(1)
    pasts = [_filled(policies[0], noise) for _ in range(min(workloads, _PASTS))]
    taken_ms: list[float] = []
    for number in progress(range(rounds), description=f"judging {workloads} x {TRIGGERS}"):
        with timed(taken_ms):
            for policy, (state, at) in zip(policies, cycle(pasts), strict=False):
                found = _next(policy, state, at + (number + 1) * _EVERY, noise)
                assert len(found.state.readings) == TRIGGERS
    kept = sum(len(series) for series in pasts[0][0].series.values())
    each_ms = [round(taken / workloads, 2) for taken in taken_ms]
    return Figure(
        f"judging_{workloads}_workloads_of_{TRIGGERS}_triggers",
        "ms",
        taken_ms,
        notes={"samples_kept_each": kept, "ms_each": each_ms},
    )


def _memory() -> Finding:
    """What is held of one workload at first, with as much as is ever kept, and after each part of a run."""
    noise = Random(2)
    policy = Policy.model_validate(policy_of("w0"))
    tracemalloc.start()  # before there are samples: what takes the place of uncounted ones would look like growth
    state, at = _filled(policy, noise)
    held_kib = [tracemalloc.get_traced_memory()[0] // 1024]
    for _ in progress(range(_PARTS), description="memory"):
        for _ in range(_CYCLES_A_PART):
            at += _EVERY
            state = _next(policy, state, at, noise).state
        gc.collect()
        held_kib.append(tracemalloc.get_traced_memory()[0] // 1024)
    peak = tracemalloc.get_traced_memory()[1] // 1024
    tracemalloc.stop()
    return Finding(
        "judging_memory",
        {
            "cycles": _PARTS * _CYCLES_A_PART,
            "held_kib_at_first_and_after_each_part": held_kib,
            "peak_kib": peak,
        },
    )


def _transactions() -> Figure:
    """Requests at tables and queues, a workload and cycle, with probes that really go to a site."""
    workloads, cycles = _COUNTED
    seen: list[Request] = []
    with ExitStack() as stack:
        simulator = stack.enter_context(launch_simulator(default_config()))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="policies-")))
        for number in range(workloads):
            written = policy_of(f"w{number}", simulator.front_doors["demo"], f"/health?of={number}")
            (folder / f"w{number}.yaml").write_text(yaml.safe_dump(written), encoding="utf-8")
        storage = through_proxies(stack.enter_context(Azurite()).connection_string, seen, stack)
        app = _app(storage, folder)
        app.watch.run()
        taken = [_requests(app, seen) / workloads for _ in progress(range(cycles), description="transactions")]
    return Figure(f"storage_transactions_a_workload_and_cycle_of_{TRIGGERS}_triggers", "transactions", taken)


def _requests(app: App, seen: list[Request]) -> int:
    seen.clear()
    app.watch.run()
    return len(seen)


def _app(storage: str, policies: Path) -> App:
    return build(read_settings({"AzureWebJobsStorage": storage, "POLICY_FOLDER": str(policies)}), {})
