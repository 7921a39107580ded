"""How long one cycle of the watch takes for 1, 10 and 100 workloads, and what it costs at the storage account.

The app is built as in production, on a real Azurite; every workload has a burst of five probes of its own through one
front door, due in every cycle. Time is taken on a straight line to Azurite, transactions are counted through a proxy.
"""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import yaml

from bench.counting_proxy import through_proxies
from bench.measuring import Figure, progress, timed
from local.azure_simulator.config import default_config
from local.azure_simulator.launch import launch_simulator
from local.azurite import Azurite
from local.loopback import Request
from shared.settings import read_settings
from shared.wiring import App, build

SIZES = (1, 10, 100)
RUNS = 25
COUNTED_RUNS = 20
_WARM_UP = 3
_SITE = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Web/sites"


def watch_cycle() -> Iterator[Figure]:
    """Cycle times with and without collecting, then transactions, each per number of workloads."""
    with launch_simulator(default_config()) as simulator:
        for size in SIZES:
            yield from _of(size, simulator.front_doors["demo"])


def _of(size: int, front_door: str) -> Iterator[Figure]:
    with ExitStack() as stack:
        policies = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="policies-")))
        for number in range(size):
            _write_policy(policies / f"w{number}.yaml", f"w{number}", front_door)
        storage = stack.enter_context(Azurite()).connection_string
        app = _app(storage, policies)
        collecting = _cycle_times(app, f"watch cycle of {size}")
        evaluating = _evaluation_times(app, f"evaluation of {size}")
        yield Figure(
            f"watch_cycle_{size}_workloads", "ms", collecting, peer=Figure("evaluating alone", "ms", evaluating)
        )
        yield _transactions(storage, policies, size, stack)


def _write_policy(file: Path, workload: str, front_door: str) -> None:
    probe = {"probe": f"/health?of={workload}", "every": "1s", "stale_after": "60s", "requests": 5}
    policy = {
        "workload": workload,
        "site": {"resource": f"{_SITE}/{workload}", "url": front_door, "good_slot": "last-good"},
        "signals": {"error_rate": {**probe, "share": "failed"}, "p95": {**probe, "latency": "p95"}},
        "triggers": {
            "critical": [{"name": "errors", "when": "error_rate > 5%", "for": "60s"}],
            "warning": [{"name": "slow", "when": "p95 > 2000ms", "for": "10m"}],
        },
    }
    file.write_text(yaml.safe_dump(policy), encoding="utf-8")


def _app(storage: str, policies: Path) -> App:
    return build(read_settings({"AzureWebJobsStorage": storage, "POLICY_FOLDER": str(policies)}), {})


def _cycle_times(app: App, what: str) -> list[float]:
    for _ in range(_WARM_UP):
        app.watch.run()
    taken_ms: list[float] = []
    for _ in progress(range(RUNS), description=what):
        with timed(taken_ms):
            sentences = app.watch.run()
        unwatched = [sentence for sentence in sentences if ": healthy: " not in sentence]
        assert not unwatched, unwatched[:3]
    return taken_ms


def _evaluation_times(app: App, what: str) -> list[float]:
    taken_ms: list[float] = []
    for _ in progress(range(RUNS), description=what):
        with timed(taken_ms):
            app.watch.evaluate()
    return taken_ms


def _transactions(storage: str, policies: Path, size: int, stack: ExitStack) -> Figure:
    """Requests at tables and queues in one cycle in which nothing happens, as almost all are."""
    seen: list[Request] = []
    counted = _app(through_proxies(storage, seen, stack), policies)
    counted.watch.run()
    taken: list[float] = []
    for _ in progress(range(COUNTED_RUNS), description=f"transactions of {size}"):
        seen.clear()
        counted.watch.run()
        taken.append(len(seen))
    return Figure(f"storage_transactions_{size}_workloads", "transactions/cycle", taken)
