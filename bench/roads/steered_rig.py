"""One rig with several workloads for each kind of road, every one under a policy of its own."""

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import yaml

from bench.roads.road import GOOD_BUILD, SHARED_SITE, Json, Place, Road
from local.azure_simulator.config import PRODUCTION, SimulatorConfig, SiteConfig, SlotConfig, Throttling
from local.rig.rig import Rig, RigOptions

# A rule that holds for a moment goes through `pending`, which has the road made ready, as a real one does.
RULE_S = 1.0
# An alert is resolved a moment after the rollback ended; until then it must not start another one.
COOL_DOWN_S = 5.0
ENDS = ("verified", "partial", "failed", "refused")
# ARM's limits are those of one subscription; a score of rollbacks at once would meet them and measure nothing else.
_NO_THROTTLING = Throttling(read_bucket=1_000_000, write_bucket=1_000_000, key_value_bucket=1_000_000)
_SETTINGS = {"FLEET_BUDGET": "10000 per 1h"}
_SITES = [SiteConfig(name=SHARED_SITE, slots={PRODUCTION: SlotConfig(build=GOOD_BUILD)})]


def names_of(kind: str, road: Road) -> list[str]:
    """Return the workloads of a kind of road."""
    return [f"{kind.replace('_', '-')}-{number}" for number in range(road.lanes)]


@contextmanager
def steered_rig(
    roads: Mapping[str, Road], settings: Callable[[Rig], Mapping[str, str]] = lambda _: {}
) -> Iterator[Rig]:
    """Run a rig whose one host guards all workloads of these roads.

    Args:
        settings: More app settings, which may depend on the rig.
    """
    options = RigOptions(config=_config(roads), hosts=0)
    with tempfile.TemporaryDirectory(prefix="policies-") as folder, Rig(options) as rig:
        for kind, road in roads.items():
            for name in names_of(kind, road):
                policy = _policy(name, road.policy(Place(rig, name)))
                (Path(folder) / f"{name}.yaml").write_text(yaml.safe_dump(policy), encoding="utf-8")
        rig.options.settings = {**_SETTINGS, "POLICY_FOLDER": folder, **settings(rig)}
        rig.start_host()
        yield rig


def _config(roads: Mapping[str, Road]) -> SimulatorConfig:
    parts: Json = {"sites": _SITES, "throttling": _NO_THROTTLING}
    for kind, road in roads.items():
        for field, part in road.world(names_of(kind, road)).items():
            parts[field] = [*parts.get(field, []), *part] if isinstance(part, Sequence) else part
    return SimulatorConfig(**parts)


def _policy(workload: str, steering: Json) -> Json:
    return {
        "workload": workload,
        "signals": {"reported": {"alert": workload}},
        "triggers": {"critical": [{"name": "errors", "when": "reported >= 1", "for": f"{RULE_S:.0f}s"}]},
        "guards": {"cool_down": f"{COOL_DOWN_S:.0f}s", "budget": "1000 per 1d"},
        "notify": {"to": ["webhook:ops"], "on": list(ENDS)},
        **steering,
    }
