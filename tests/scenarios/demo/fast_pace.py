"""The demo's scenarios at a pace for tests: a rule of four seconds, a look every two, a swap of two."""

from dataclasses import replace
from typing import Any

import yaml

from local.azure_simulator.config import Timings
from local.demo.pace import Pace

_RHYTHM = {"every": "2s", "timeout": "4s", "stale_after": "8s"}


def quick(text: str) -> str:
    """The same policy at a faster rhythm."""
    policy = yaml.safe_load(text)
    for signal in policy["signals"].values():
        if "probe" in signal:
            signal.update(_RHYTHM)
    for rule in policy["triggers"]["critical"]:
        if rule["name"] == "errors":
            rule.update({"for": "4s", "max_gap": "8s", **({"over": "4s"} if "over" in rule else {})})
    for place, span in (("roads.*.takes", "2s"), ("levels.*.verify.give_up_after", "3s"), ("promotion.bake", "2s")):
        _shorten(policy, place.split("."), span)
    return _written(policy, blind_page_after="5s")


def _shorten(found: dict[str, Any], place: list[str], span: str) -> None:
    """Set a span where the policy has one; an asterisk stands for every name."""
    first, *rest = place
    for name in found.keys() & (found.keys() if first == "*" else {first}):
        if rest:
            _shorten(found[name], rest, span)
        else:
            found[name] = span


def idle(text: str) -> str:
    """The same with nobody who acts: it decides and tells, and does nothing."""
    return _written(yaml.safe_load(quick(text)), observe_only=True)


def _written(policy: dict[str, Any], **guards: Any) -> str:
    return yaml.safe_dump(policy | {"guards": {**policy.get("guards", {}), **guards}})


FAST_PACE = Pace(
    settings={"WATCH_SCHEDULE": "*/2 * * * * *"},
    of_policy=quick,
    timings=Timings(
        swap_s=2,
        swap_jitter_s=0.5,
        afd_update_s=1,
        afd_propagation_s=0.5,
        afd_propagation_step_s=0.5,
        feature_refresh_s=1,
    ),
    before_fault_s=1,
    blip_s=2.5,
    after_blip_s=8,
    quiet_s=6,
    after_page_s=3.5,
    aftermath_s=3.5,
    patience_s=90,
    thinking_s=6,
    rows=20_000,
)
# Long enough for the rule to fire, and for people to be failed afterwards.
IDLE_PACE = replace(FAST_PACE, of_policy=idle, patience_s=9)
