"""From the fault to "firing", and from "firing" to "verified", over and over on one long-lived rig.

Four workloads with a site each run at once: deploy a bad build, break it at a random moment of the watch's tick, wait
for the rollback, heal. The rule holds for 10 s instead of the demo's 60 s, and its own time is subtracted; swap time,
tick, probes and verification are the rig's and the demo's usual ones.
"""

import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from threading import Lock

import yaml
from rich.progress import Progress

from bench.guarded_site import GuardedSite, Times
from bench.measuring import Figure, console
from local.azure_simulator.config import PRODUCTION, SimulatorConfig, SiteConfig, SlotConfig
from local.rig.rig import APP_FOLDER, Rig, RigOptions

WORKLOADS = ("demo", "shop", "mail", "desk")
ROUNDS = 6
RULE = timedelta(seconds=10)
GOOD_BUILD = "good"


def rollback() -> Iterator[Figure]:
    """Seconds of both spans."""
    with tempfile.TemporaryDirectory(prefix="policies-") as folder, Rig(RigOptions(config=_sites(), hosts=0)) as rig:
        for workload in WORKLOADS:
            _write_policy(Path(folder), workload, rig)
        rig.options.settings = {"POLICY_FOLDER": folder, "FLEET_BUDGET": "10000 per 1h"}
        rig.start_host()
        times = _all_rounds(rig)
    rule_s = RULE.total_seconds()
    beyond = [(one.firing - one.fault).total_seconds() - rule_s for one in times]
    yield Figure("fault_to_firing_beyond_rule", "s", beyond)
    yield Figure("firing_to_verified", "s", [(one.verified - one.firing).total_seconds() for one in times])


def _sites() -> SimulatorConfig:
    slots = {PRODUCTION: SlotConfig(build=GOOD_BUILD), "last-good": SlotConfig(build=GOOD_BUILD)}
    return SimulatorConfig(sites=[SiteConfig(name=workload, slots=slots) for workload in WORKLOADS])


def _write_policy(folder: Path, workload: str, rig: Rig) -> None:
    """Write the demo's policy as far as it concerns the main job, with a shorter rule and no rest between rounds."""
    demo = yaml.safe_load((APP_FOLDER / "policies" / "demo.yaml").read_text(encoding="utf-8"))
    policy = {
        "workload": workload,
        "site": {
            "resource": rig.site_id(workload),
            "url": rig.simulator.front_doors[workload],
            "good_slot": "last-good",
        },
        "signals": {"error_rate": demo["signals"]["error_rate"]},
        "triggers": {"critical": [demo["triggers"]["critical"][0] | {"for": f"{RULE.total_seconds():.0f}s"}]},
        "levels": demo["levels"],
        "guards": {"cool_down": "1s", "budget": "1000 per 1d"},
    }
    (folder / f"{workload}.yaml").write_text(yaml.safe_dump(policy), encoding="utf-8")


def _all_rounds(rig: Rig) -> list[Times]:
    times: list[Times] = []
    lock = Lock()
    with Progress(console=console) as shown, ThreadPoolExecutor(len(WORKLOADS)) as pool:
        task = shown.add_task("rollbacks", total=ROUNDS * len(WORKLOADS))

        def rounds(workload: str) -> None:
            with GuardedSite(rig, workload) as site:
                for number in range(ROUNDS):
                    found = site.broken_and_taken_back(GOOD_BUILD, f"{workload}-{number}")
                    with lock:
                        times.append(found)
                    shown.advance(task)

        for done in [pool.submit(rounds, workload) for workload in WORKLOADS]:
            done.result()
    return times
