"""Promotions in the matrix: a build goes forward by a share and a swap, or goes back when a trigger fires on the way.

Build `b1` goes forward, `b2` is the known good: the swap that takes its time (`slow_swaps.py`) is the one that puts
`b1` into production. The watch lives elsewhere; what it says is written beside the run before each pass.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import httpx

from local.azure_simulator import config as simulated
from local.azure_simulator.launch import RunningSimulator, launch_simulator
from shared.engine.records import WATCH, encode
from shared.model.policy_text import read_policy
from shared.model.run import Run
from shared.model.trigger import Tier, TriggerReading, TriggerState, Verdict
from shared.model.watch import WatchState
from shared.ports import Ledger, Put
from tests.scenarios.crash_matrix.slow_swaps import BAD, GOOD, SITE, SLOT, SlowSwaps
from tests.scenarios.crash_matrix.worlds import CrashWorld, Forward

_POLICY = """\
workload: shop
site: {{resource: "{site}", url: "{url}", good_slot: last-good}}
signals:
  error_rate: {{probe: /health, share: failed}}
triggers:
  critical: [{{name: errors, when: error_rate > 5%}}]
roads:
  # So slow that no road overtakes the other while a killed worker's lease runs out.
  split: {{slot_traffic: last-good, takes: 10m}}
  slot_swap: {{slot_swap: last-good, takes: 11m}}
promotion:
  slot: last-good
  url: "{slot_url}"
  road: split
  steps: [25%]
  smoke: {{front: {{get: /, build: known_good}}}}
  bake: 20s
levels:
  1: {{roads: [split, slot_swap]}}
"""
_FIRES_AT, _IN_PRODUCTION = "bake:25", "bake:production"


@contextmanager
def promotion_world(*, goes_back: bool) -> Iterator[CrashWorld]:
    slots = {"production": simulated.SlotConfig(build=BAD), SLOT: simulated.SlotConfig(build=GOOD)}
    config = simulated.SimulatorConfig(
        sites=[simulated.SiteConfig(name=SITE, slots=slots)],
        timings=simulated.Timings(swap_s=0.0, swap_jitter_s=0.0),
    )
    with launch_simulator(config) as simulator:
        swaps, url, wanted = SlowSwaps(simulator), simulator.front_doors[SITE], BAD if goes_back else GOOD
        site = simulator.control("GET", "/state")["sites"][SITE]["resource_id"]
        text = _POLICY.format(site=site, url=url, slot_url=simulator.slot_fronts[SITE][SLOT])

        def begin_anew() -> None:
            simulator.control("PUT", f"/sites/{SITE}/routing", {"rules": []})
            swaps.put_bad_in()

        yield CrashWorld(
            simulator=simulator,
            policy=read_policy(text, file="shop.yaml", settings={}),
            steer_away=begin_anew,
            seen_good=lambda: _served(simulator) == {wanted},
            age=swaps.age,
            forward=Forward(build=GOOD, known_good=BAD, fires_at=_FIRES_AT if goes_back else ""),
        )


def _served(simulator: RunningSimulator) -> set[str]:
    """What fresh clients are served, and one that was sent to the slot before."""
    url = simulator.front_doors[SITE]
    pinned = httpx.get(url, headers={"Cookie": f"x-ms-routing-name={SLOT}"}).headers["x-build-id"]
    return {pinned} | {str(httpx.get(url).headers["x-build-id"]) for _ in range(3)}


def watch_says(ledger: Ledger, workload: str, forward: Forward, run: Run | None, now: datetime) -> None:
    """Leave the watch's word: it is healthy, unless the run has come to where a trigger fires."""
    steps = [step.name for step in run.steps] if run else []
    fires = forward.fires_at in steps and bool(forward.fires_at)
    reading = TriggerReading(
        name="errors",
        tier=Tier.CRITICAL,
        state=TriggerState.FIRING if fires else TriggerState.INACTIVE,
        verdict=Verdict.UNHEALTHY if fires else Verdict.HEALTHY,
        sentence="error_rate 0.31 > 0.05 for 60 s",
    )
    state = WatchState(
        readings=(reading,),
        verdict=reading.verdict or Verdict.BLIND,
        sentence=reading.sentence,
        cycled_at=now,
        watched_at=now,
        production_build=forward.build if _IN_PRODUCTION in steps else forward.known_good,
        production_build_at=now,
    )
    ledger.commit(workload, [Put(WATCH, encode(state))])
