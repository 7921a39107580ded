"""A traffic switch of one's own behind a hook: `blue` is the good side, `green` the bad one."""

from contextlib import AbstractContextManager

from local.azure_simulator import config as simulated
from local.azure_simulator.hook_target.config import HookTargetConfig
from local.azure_simulator.launch import RunningSimulator
from shared.adapters.hook import HookRouting
from shared.adapters.outbound import Outbound
from shared.clock import utc_now
from shared.model.policy_roads import HookRoad
from tests.contract.roads.world import Json, RoadWorld, launched, shop_policy, site_with

QUICK = simulated.Timings(hook_s=0.0)
SECRET = "a secret that nobody guesses"
_ROADS = """\
roads:
  switch:
    hook: "{simulator}/hook/orders"
    read_back: "{simulator}/hook/state?of=shop"
    expect: {{traffic.target: blue, traffic.share: 1.0}}
    secret: "%HOOK_SECRET%"
levels:
  1: {{roads: [switch]}}
"""


def make_config() -> simulated.SimulatorConfig:
    return simulated.SimulatorConfig(
        sites=[site_with()],
        hook_target=HookTargetConfig(secret=SECRET, state=make_state("blue")),
        timings=QUICK,
    )


def hook_world() -> AbstractContextManager[RoadWorld[HookRoad]]:
    return launched(
        make_config(),
        HookRoad,
        policy=lambda simulator: shop_policy(
            simulator, _ROADS.format(simulator=simulator.url), settings={"HOOK_SECRET": SECRET}
        ),
        routing=lambda _: HookRouting(Outbound(), utc_now),
        steer_away=lambda simulator: turn(simulator, "green"),
        seen_good=lambda simulator: bool(hook_state(simulator)["state"]["traffic"]["target"] == "blue"),
        read_api="hook_read",
        write_api="hook_call",
    )


def make_state(target: str) -> Json:
    return {"traffic": {"target": target, "share": 1}, "owner": "ops"}


def turn(simulator: RunningSimulator, target: str) -> None:
    """By hand, behind everybody's back."""
    simulator.control("PUT", "/hook", {"state": make_state(target)})


def hook_state(simulator: RunningSimulator) -> Json:
    found: Json = simulator.control("GET", "/state")["hook"]
    return found
