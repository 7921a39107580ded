"""What a scenario is played on: the policy, what Azure has at the start, and who comes."""

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from local.azure_simulator.config import PRODUCTION, SimulatorConfig, SiteConfig, SlotConfig
from local.demo.pace import Pace
from local.demo.scene import GOOD_BUILD
from local.demo.users import USUAL_KINDS, Kind
from local.rig.rig import APP_FOLDER, SITE, RigOptions, Surroundings

_USUAL_POLICY = APP_FOLDER / "policies" / "demo.yaml"
_OWN_POLICIES = Path(__file__).parent / "policies"
GOOD_SLOT = "last-good"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One stage.

    Attributes:
        policy: File of the policy.
        azure: What Azure has at the start; its timings are the pace's.
        timings: What takes another time here, whatever the pace.
        surroundings: What stands around the simulator, with the app settings that the policy names.
        sized: The same where it goes by the pace.
        kinds: Who comes.
    """

    policy: Path
    azure: SimulatorConfig
    timings: Mapping[str, float] = field(default_factory=dict)
    surroundings: Surroundings = field(default=lambda _: nullcontext({}))
    sized: Callable[[Pace], Surroundings] | None = None
    kinds: tuple[Kind, ...] = USUAL_KINDS

    def options(self, pace: Pace, logs: Path, *, hosts: int, deliver_twice: bool) -> RigOptions:
        """The rig of this stage at a pace, its policy in a folder of its own."""
        folder = logs / "policies"
        folder.mkdir(parents=True, exist_ok=True)
        text = pace.of_policy(self.policy.read_text(encoding="utf-8"))
        (folder / "demo.yaml").write_text(text, encoding="utf-8")
        timings = pace.timings.model_copy(update=dict(self.timings))
        return RigOptions(
            config=self.azure.model_copy(update={"timings": timings}),
            hosts=hosts,
            deliver_twice=deliver_twice,
            settings={**pace.settings, "POLICY_FOLDER": str(folder)},
            surroundings=self.sized(pace) if self.sized else self.surroundings,
            logs=logs,
        )


def own_policy(scenario: str) -> Path:
    """The policy that is there for one scenario alone."""
    return _OWN_POLICIES / f"{scenario}.yaml"


def site_of(builds: Mapping[str, str], name: str = SITE) -> SiteConfig:
    """A site by the builds of its slots."""
    return SiteConfig(name=name, slots={slot: SlotConfig(build=build) for slot, build in builds.items()})


def usual_stage(kept: str = GOOD_BUILD) -> Stage:
    """One site that serves the good build, and what its slot `last-good` keeps."""
    site = site_of({PRODUCTION: GOOD_BUILD, GOOD_SLOT: kept})
    return Stage(policy=_USUAL_POLICY, azure=SimulatorConfig(sites=[site]))
