"""What the simulator is made of: subscription, sites, slots, timings. Read strictly, so that a typo is an error.

Defaults are the platform's own figures where Microsoft publishes them (ARM throttling, 230 s at the front end,
metric and log latencies) and a quick, ordinary slot swap otherwise.
"""

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from local.azure_simulator.afd.config import AfdProfileConfig
from local.azure_simulator.app_configuration.config import KeyValueConfig
from local.azure_simulator.dns_zones.config import DnsZoneConfig
from local.azure_simulator.hook_target.config import HookTargetConfig
from local.azure_simulator.name_servers.config import NameServersConfig
from local.azure_simulator.strict_model import StrictModel
from local.azure_simulator.traffic_manager.config import ProfileConfig

PRODUCTION = "production"


class Timings(StrictModel):
    """Everything that takes time, in seconds; `/_control/timings` changes it while the simulator runs."""

    swap_s: float = Field(8.0, ge=0)
    swap_jitter_s: float = Field(2.0, ge=0)
    warmup_ping_timeout_s: float = Field(90.0, gt=0)
    operation_retry_after_s: int = Field(15, ge=0)
    restart_s: float = Field(1.0, ge=0)
    post_swap_503_s: float = Field(0.0, ge=0)
    post_swap_503_share: float = Field(0.3, ge=0, le=1)
    front_door_timeout_s: float = Field(230.0, gt=0)
    ramp_up_s: float = Field(0.0, ge=0)
    afd_update_s: float = Field(10.0, ge=0)
    afd_propagation_s: float = Field(30.0, ge=0)
    afd_propagation_step_s: float = Field(30.0, ge=0)
    metrics_delay_s: float = Field(45.0, ge=0)
    logs_delay_s: float = Field(120.0, ge=0)
    token_lifetime_s: float = Field(86_400.0, gt=0)
    first_probe_s: float = Field(2.0, ge=0)
    dns_propagation_s: float = Field(1.0, ge=0)
    dns_stagger_s: float = Field(0.5, ge=0)
    key_value_settles_s: float = Field(1.0, ge=0)
    feature_refresh_s: float = Field(30.0, ge=0)
    hook_s: float = Field(0.0, ge=0)


class Throttling(StrictModel):
    """ARM's token buckets per subscription and principal: size, and tokens given back per second."""

    read_bucket: int = Field(250, ge=1)
    read_refill_per_s: float = Field(25.0, gt=0)
    write_bucket: int = Field(200, ge=1)
    write_refill_per_s: float = Field(10.0, gt=0)
    key_value_bucket: int = Field(1000, ge=1)
    key_value_refill_per_s: float = Field(8.0, gt=0)
    cost_scope_bucket: int = Field(4, ge=1)
    cost_scope_refill_per_s: float = Field(4 / 60, gt=0)


class RampUpRule(BaseModel):
    """One entry of `siteConfig.experiments.rampUpRules`, in ARM's own spelling; unknown keys are kept."""

    model_config = ConfigDict(extra="allow")

    name: str | None = None
    actionHostName: str | None = None  # noqa: N815 - ARM's spelling
    reroutePercentage: float = Field(0.0, ge=0, le=100)  # noqa: N815 - ARM's spelling


class SlotConfig(StrictModel):
    build: str = Field(min_length=1)
    settings: dict[str, str] = Field(default={})


class SiteConfig(StrictModel):
    """A site; `build_setting` names the app setting that tells the build, filled in where `settings` omit it."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    slots: dict[str, SlotConfig]
    build_setting: str = "BUILD_ID"
    sticky_settings: list[str] = Field(default=[])
    ramp_up_rules: list[RampUpRule] = Field(default=[])
    pins_outlive_rules: bool = False
    workspace_id: str = "11111111-2222-3333-4444-555555555555"
    tags: dict[str, str] = Field(default={})

    @model_validator(mode="after")
    def has_production(self) -> Self:
        if PRODUCTION not in self.slots:
            raise ValueError(f"site {self.name!r} needs a slot named {PRODUCTION!r}")
        return self


class PlanConfig(StrictModel):
    """The App Service plan and what its metrics say."""

    name: str = "demo-plan"
    cpu_percentage: float = Field(35.0, ge=0, le=100)
    memory_percentage: float = Field(60.0, ge=0, le=100)


class SimulatorConfig(StrictModel):
    subscription_id: str = "00000000-0000-0000-0000-0000000000aa"
    tenant_id: str = "00000000-0000-0000-0000-0000000000bb"
    resource_group: str = "demo-rg"
    location: str = "westeurope"
    plan: PlanConfig = PlanConfig()
    sites: list[SiteConfig] = Field(min_length=1)
    traffic_manager_profiles: list[ProfileConfig] = Field(default=[])
    dns_zones: list[DnsZoneConfig] = Field(default=[])
    name_servers: NameServersConfig = NameServersConfig()
    afd_profiles: list[AfdProfileConfig] = Field(default=[])
    key_values: list[KeyValueConfig] = Field(default=[])
    hook_target: HookTargetConfig = HookTargetConfig()
    timings: Timings = Timings()
    throttling: Throttling = Throttling()
    allow_fine_grain: bool = False
    request_log_rows: int = Field(200_000, ge=1000)
    seed: int = 1

    @model_validator(mode="after")
    def names_are_unique(self) -> Self:
        names = [site.name for site in self.sites]
        if len(set(names)) != len(names):
            raise ValueError(f"site names must be unique, got {names}")
        return self


def default_config() -> SimulatorConfig:
    """One site `demo` that serves build b1, with the same build kept in slot `last-good`."""
    slots = {PRODUCTION: SlotConfig(build="b1"), "last-good": SlotConfig(build="b1")}
    return SimulatorConfig(sites=[SiteConfig(name="demo", slots=slots)])
