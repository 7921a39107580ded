"""The rig of these tests: five workloads, quick swaps, and queues that try again at once.

`demo` is the shipped policy. `shop` has a site of its own, for rollbacks by hand; `books` has one for promotions.
`orders` pushes signals without a scale and stands on a site that does not exist, so that a fuzzer may ask anything of
it. `crm` stands on no site either: what an alert asks for there is to hold a change up.
"""

import json
from pathlib import Path
from typing import Any

from local.azure_simulator.config import PRODUCTION, SimulatorConfig, SiteConfig, SlotConfig, Timings
from local.processes import Child
from local.rig.rig import APP_FOLDER, Rig

WATCH_EVERY_SECOND = "* * * * * *"
ONCE_A_YEAR = "0 0 0 1 1 *"
SITES = ("demo", "shop", "books")


def simulated_azure() -> SimulatorConfig:
    """Sites whose swaps take a second."""
    return SimulatorConfig(
        sites=[
            SiteConfig(name=name, slots={PRODUCTION: SlotConfig(build="b1"), "last-good": SlotConfig(build="b1")})
            for name in SITES
        ],
        timings=Timings(swap_s=1.0, swap_jitter_s=0.0),
    )


def write_policies(folder: Path, rig: Rig) -> Path:
    """Write the policies; JSON is YAML."""
    folder.mkdir()
    (folder / "demo.yaml").write_text((APP_FOLDER / "policies" / "demo.yaml").read_text(encoding="utf-8"))
    orders = {
        "latency": {"pushed": "orders.latency", "unit": "s"},
        "amount": {"pushed": "orders.amount"},
        "fired": {"alert": "orders errors"},
    }
    policies = [
        policy("shop", rig.site_id("shop"), rig.simulator.front_doors["shop"], {}),
        policy("books", rig.site_id("books"), rig.simulator.front_doors["books"], {}) | promoting(rig, "books"),
        policy("orders", rig.site_id("orders"), rig.site_url, orders),
        policy("crm", rig.site_id("crm"), rig.site_url, {"pressure": {"alert": "CrmMemoryPressure"}}) | holding(),
    ]
    for each in policies:
        (folder / f"{each['workload']}.yaml").write_text(json.dumps(each))
    return folder


def policy(workload: str, site_id: str, url: str, signals: dict[str, Any]) -> dict[str, Any]:
    """A policy that probes a site, and watches signals."""
    conditions = {"latency": "latency > 2s", "amount": "amount > 1000", "fired": "fired >= 1"}
    watched = [{"name": name, "when": when} for name, when in conditions.items() if name in signals]
    failing = {"name": "errors", "when": "error_rate > 5%", "for": "60s"}
    return {
        "workload": workload,
        "site": {"resource": site_id, "region": "westeurope", "url": url, "good_slot": "last-good"},
        "signals": {"error_rate": {"probe": "/health", "share": "failed", "every": "2s"}, **signals},
        "triggers": {"critical": [failing], "investigation": watched},
    }


def holding() -> dict[str, Any]:
    """The part of a policy by which an alert holds a change up, by the name of its rule."""
    failing = {"name": "errors", "when": "error_rate > 5%", "for": "60s", "does": "tell"}
    named = {"name": "pressure", "when": "pressure >= 1", "strategy": "pause", "confidence": "50%", "while": "change"}
    return {"triggers": {"critical": [failing], "warning": [named]}, "strategies": {"pause": {"does": "pause"}}}


def promoting(rig: Rig, site: str) -> dict[str, Any]:
    """The part of a policy by which a build in the slot goes forward, after a moment's bake."""
    return {"promotion": {"slot": "last-good", "url": rig.simulator.slot_fronts[site]["last-good"], "bake": "2s"}}


def start_impatient_host(folder: Path, rig: Rig) -> Child:
    """Start the app with its own host.json but for one value: a message whose run failed is tried again at once.

    With the 15 s of production, eight attempts take two minutes until a message is poison.
    """
    folder.mkdir()
    (folder / "function_app.py").symlink_to(APP_FOLDER / "function_app.py")
    host = json.loads((APP_FOLDER / "host.json").read_text(encoding="utf-8"))
    host["extensions"]["queues"]["visibilityTimeout"] = "00:00:00"
    (folder / "host.json").write_text(json.dumps(host))
    arguments = ["--app-dir", str(folder), "--instance", "app-tests"]
    child = Child("local.functions_host", arguments, rig.logs / "app-tests.log", rig.app_settings())
    rig.hosts.append(child)
    return child
