"""The adapters of readiness as they are, on a simulator that plays Azure: a site with a slot, and sticky settings."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from local.azure_simulator import config as simulated
from local.azure_simulator.launch import RunningSimulator, launch_simulator
from shared.adapters.azure_clients import ArmAccess, credential
from shared.adapters.readiness.permissions import ArmRoles
from shared.adapters.readiness.slot_keeping import AppServiceSlotKeeping
from shared.model.policy import Policy
from tests.contract.roads.world import ARM_AUDIENCE, shop_policy
from tests.fakes.clock import FakeClock

SALT = "00ff"
_SETTINGS = {"production": "secret-of-production", "last-good": "secret-of-the-slot"}
_ROADS = """\
  names: {{dns: "{group}/providers/Microsoft.Network/dnsZones/example.com",
          records: {{www: {{cname: blue.example.net}}}}}}
"""


@dataclass(slots=True)
class Ground:
    """A simulator, and a worker in it whose clock a test drives."""

    simulator: RunningSimulator
    clock: FakeClock = field(default_factory=FakeClock)

    @property
    def arm(self) -> ArmAccess:
        return ArmAccess(self.simulator.url, ARM_AUDIENCE)

    @property
    def group_id(self) -> str:
        site: str = self.simulator.control("GET", "/state")["sites"]["demo"]["resource_id"]
        return site.partition("/providers/")[0]

    @property
    def policy(self) -> Policy:
        return self.policy_with("")

    def policy_with(self, text: str) -> Policy:
        named = _ROADS.format(group=self.group_id)
        roads = f"roads:\n  swap: {{slot_swap: last-good}}\n{named}levels: {{1: {{roads: [swap]}}}}\n"
        return shop_policy(self.simulator, roads + text)

    def deny(self, *actions: str) -> None:
        self.simulator.control("PUT", "/permissions", {"denied": list(actions)})

    def calls(self, api: str) -> int:
        return int(self.simulator.control("GET", "/state")["calls"].get(api, 0))


@pytest.fixture(scope="module")
def running() -> Iterator[RunningSimulator]:
    slots = {
        name: simulated.SlotConfig(build="b1", settings={"KEY": value, "MOVES": value})
        for name, value in _SETTINGS.items()
    }
    site = simulated.SiteConfig(name="demo", slots=slots, sticky_settings=["KEY"])
    credential.cache_clear()  # it keeps tokens, which only the simulator that gave them knows
    with (
        launch_simulator(simulated.SimulatorConfig(sites=[site])) as simulator,
        pytest.MonkeyPatch.context() as environment,
    ):
        for name, value in simulator.identity_environment.items():
            environment.setenv(name, value)
        yield simulator
    credential.cache_clear()


@pytest.fixture
def ground(running: RunningSimulator) -> Iterator[Ground]:
    yield Ground(running)
    running.control("PUT", "/permissions", {"denied": []})
    running.control("DELETE", "/faults")


@pytest.fixture
def roles(ground: Ground) -> ArmRoles:
    return ArmRoles(ground.arm, ground.clock)


@pytest.fixture
def keeping(ground: Ground) -> AppServiceSlotKeeping:
    return AppServiceSlotKeeping(ground.arm, ground.clock)
