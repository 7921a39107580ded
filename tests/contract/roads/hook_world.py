"""A traffic switch of one's own behind a hook: `blue` is the good side, `green` the bad one."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from local.azure_simulator import config as simulated
from local.azure_simulator.hook_target.config import HookTargetConfig
from local.azure_simulator.launch import RunningSimulator, launch_simulator
from shared.adapters.hook import HookRouting
from shared.adapters.outbound import Outbound
from shared.clock import utc_now
from shared.model.policy import Policy
from shared.model.policy_roads import HookRoad
from shared.model.policy_text import read_policy
from shared.ports import Aim
from tests.contract.roads.world import RoadWorld

AIM = Aim(rollback_id="r1", component="switch", known_good="b1")
QUICK = simulated.Timings(hook_s=0.0)
SECRET = "a secret that nobody guesses"
_POLICY = """\
workload: shop
site: {{resource: "{site}", url: "{url}"}}
signals:
  error_rate: {{probe: /health, share: failed}}
triggers:
  critical: [{{name: errors, when: error_rate > 5%}}]
roads:
  switch:
    hook: "{simulator}/hook/orders"
    read_back: "{simulator}/hook/state?of=shop"
    expect: {{traffic.target: blue, traffic.share: 1.0}}
    secret: "%HOOK_SECRET%"
levels:
  1: {{roads: [switch]}}
"""

type Json = dict[str, Any]


def make_config() -> simulated.SimulatorConfig:
    slots = {"production": simulated.SlotConfig(build="b1")}
    return simulated.SimulatorConfig(
        sites=[simulated.SiteConfig(name="demo", slots=slots)],
        hook_target=HookTargetConfig(secret=SECRET, state=make_state("blue")),
        timings=QUICK,
    )


@contextmanager
def hook_world() -> Iterator[RoadWorld]:
    with launch_simulator(make_config()) as simulator:
        policy = policy_for(simulator)
        yield RoadWorld(
            simulator=simulator,
            environment=simulator.identity_environment,
            policy=policy,
            road=road_of(policy),
            aim=AIM,
            new_routing=lambda: HookRouting(Outbound(), utc_now),
            steer_away=lambda: turn(simulator, "green"),
            seen_good=lambda: bool(hook_state(simulator)["state"]["traffic"]["target"] == "blue"),
            effects=lambda: int(simulator.control("GET", "/state")["calls"].get("hook_call", 0)),
            read_api="hook_read",
            write_api="hook_call",
        )


def policy_for(simulator: RunningSimulator, secret: str = SECRET) -> Policy:
    site = simulator.control("GET", "/state")["sites"]["demo"]["resource_id"]
    text = _POLICY.format(site=site, url=simulator.front_doors["demo"], simulator=simulator.url)
    return read_policy(text, file="shop.yaml", settings={"HOOK_SECRET": secret})


def road_of(policy: Policy) -> HookRoad:
    road = policy.roads["switch"]
    assert isinstance(road, HookRoad)
    return road


def make_state(target: str) -> Json:
    return {"traffic": {"target": target, "share": 1}, "owner": "ops"}


def turn(simulator: RunningSimulator, target: str) -> None:
    """By hand, behind everybody's back."""
    simulator.control("PUT", "/hook", {"state": make_state(target)})


def hook_state(simulator: RunningSimulator) -> Json:
    found: Json = simulator.control("GET", "/state")["hook"]
    return found
