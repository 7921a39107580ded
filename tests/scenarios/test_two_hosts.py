"""Two hosts on one storage, every message twice, everything sent to the app twice: the same result as one host.

The same bad release is watched and taken back on a real rig in both ways, by a swap and a hook at once; what is
compared is what anybody could see afterwards.
"""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import httpx
import pytest

from local.azure_simulator.config import PRODUCTION, SimulatorConfig, SiteConfig, SlotConfig, Timings
from local.azure_simulator.hook_target.config import HookTargetConfig
from local.rig.rig import Rig, RigOptions

pytestmark = [pytest.mark.rig, pytest.mark.timeout(300)]

_SECRET = "a secret that nobody guesses"
_SOON_S = 90.0
_KINDS = ("change_started", "firing", "decided", "started", "verified", "held_back", "failed", "partial", "refused")


@dataclass(frozen=True, slots=True)
class Seen:
    """What anybody can see when all is over."""

    builds: dict[str, str]
    hook: str
    status: str
    steps: list[tuple[str, str]]
    change: str
    quarantine: list[str]
    events: Counter[str]
    told: Counter[str]
    swaps_accepted: int


def config() -> SimulatorConfig:
    slots = {PRODUCTION: SlotConfig(build="b1"), "last-good": SlotConfig(build="b1")}
    return SimulatorConfig(
        sites=[SiteConfig(name="shop", slots=slots)],
        hook_target=HookTargetConfig(secret=_SECRET, state={"jobs": "new"}),
        timings=Timings(swap_s=2.0, swap_jitter_s=0.0, hook_s=0.0),
    )


def policy(rig: Rig) -> dict[str, Any]:
    """JSON is YAML."""
    return {
        "workload": "shop",
        "site": {"resource": rig.site_id("shop"), "url": rig.simulator.front_doors["shop"], "good_slot": "last-good"},
        "signals": {
            "error_rate": {"probe": "/health", "share": "failed", "requests": 20, "every": "2s", "stale_after": "8s"},
            "load": {"pushed": "load", "every": "60s"},
        },
        "triggers": {
            "critical": [{"name": "errors", "when": "error_rate > 5%", "for": "4s", "max_gap": "8s"}],
            "investigation": [{"name": "load", "when": "load > 1000", "no_data": "hold"}],
        },
        "roads": {
            "jobs": {
                "hook": f"{rig.simulator.url}/hook/orders",
                "read_back": f"{rig.simulator.url}/hook/state",
                "expect": {"jobs": "old"},
                "secret": _SECRET,
            }
        },
        "levels": {"1": {"components": {"site": ["slot_swap"], "jobs": ["jobs"]}}},
        "notify": {"to": ["webhook:ops"]},
    }


@contextmanager
def running(folder: Path, *, hosts: int, twice: bool) -> Iterator[Rig]:
    with Rig(RigOptions(config=config(), hosts=0, deliver_twice=twice)) as rig:
        (folder / "shop.yaml").write_text(json.dumps(policy(rig)))
        rig.options.settings = {"POLICY_FOLDER": str(folder), "WATCH_SCHEDULE": "*/2 * * * * *"}
        for number in range(hosts):
            rig.start_host(number)
        yield rig


class Story:
    """A bad release, from its announcement to its end."""

    def __init__(self, rig: Rig, api: httpx.Client, *, times: int) -> None:
        self.rig = rig
        self.api = api
        self.times = times

    def tell(self) -> Seen:
        self._wait(lambda shop: shop["verdict"] == "healthy")
        self._control("POST", "/sites/shop/deploy", {"slot": PRODUCTION, "build": "b2", "setting": True})
        self._send("/api/workloads/shop/changes", {"build": "b2", "known_good": "b1"})
        sample = {"signal": "load", "at": datetime.now(UTC).isoformat(), "value": 5, "id": "one"}
        self._send("/api/workloads/shop/samples", {"samples": [sample]})
        self._wait(lambda shop: shop["production_build"] == "b2")
        self._control("PUT", "/builds/b2/faults", {"fail_share": 0.5})
        self._wait(lambda shop: shop["last_rollback"] is not None and shop["active_rollback"] is None)
        shop = self._wait(lambda shop: shop["deliveries_pending"] == 0)
        return self._seen(shop)

    def _seen(self, shop: dict[str, Any]) -> Seen:
        run = self.api.get(f"/api/rollbacks/{shop['last_rollback']['id']}").json()
        state = self._control("GET", "/state")
        kinds = Counter(event["kind"] for event in shop["events"] if event["kind"] in _KINDS)
        # Readiness is told of when its own timer happens to look: that is another story.
        received = {one["id"]: one["kind"] for one in self.rig.inbox.received}
        told = Counter(kind for kind in received.values() if kind in _KINDS)
        return Seen(
            builds=self._builds(),
            hook=state["hook"]["state"]["jobs"],
            status=run["status"],
            steps=sorted((step["name"], step["phase"]) for step in run["steps"]),
            change=shop["change"]["status"],
            quarantine=list(shop["quarantine"]),
            events=kinds,
            told=told,
            swaps_accepted=sum(post["accepted"] for post in state["sites"]["shop"]["swap_posts"]),
        )

    def _builds(self) -> dict[str, str]:
        url = self.rig.simulator.front_doors["shop"]
        pinned = {"Cookie": "x-ms-routing-name=self"}
        return {
            "fresh": httpx.get(url).headers["x-build-id"],
            "pinned": httpx.get(url, headers=pinned).headers["x-build-id"],
        }

    def _send(self, path: str, body: dict[str, Any]) -> None:
        for _ in range(self.times):
            assert self.api.post(path, json=body).is_success

    def _control(self, method: str, path: str, body: Any = None) -> Any:
        return self.rig.simulator.control(method, path, body)

    def _wait(self, holds: Any) -> dict[str, Any]:
        until = monotonic() + _SOON_S
        shown: dict[str, Any] = {}
        while monotonic() < until:
            answer = self.api.get("/api/workloads/shop")
            shown = answer.json() if answer.is_success else {}
            if shown and holds(shown):
                return shown
            sleep(0.3)
        raise AssertionError(f"it never came to be: {shown}")


def client(rig: Rig) -> httpx.Client:
    return httpx.Client(base_url=rig.app_url, headers={"x-functions-key": rig.function_key}, timeout=30)


def doubled(rig: Rig) -> int:
    """How many messages the hosts ran twice, by their logs."""
    return sum(log.read_text(errors="replace").count(" was delivered twice\n") for log in rig.logs.glob("host-*.log"))


def test_doubled_messages_on_two_hosts_come_to_the_same_as_clean_ones_on_one(tmp_path: Path) -> None:
    seen = []
    for name, hosts, twice in (("one", 1, False), ("two", 2, True)):
        folder = tmp_path / name
        folder.mkdir()
        with running(folder, hosts=hosts, twice=twice) as rig, client(rig) as api:
            seen.append(Story(rig, api, times=2 if twice else 1).tell())
            assert (doubled(rig) > 0) is twice
    one, two = seen
    assert one.status == "verified"
    assert one.builds == {"fresh": "b1", "pinned": "b1"}
    assert (one.hook, one.swaps_accepted, one.quarantine, one.change) == ("old", 1, ["b2"], "rolled_back")
    assert two == one
