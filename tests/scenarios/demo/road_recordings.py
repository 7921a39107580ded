"""Made-up recordings of the scenarios about other roads, each as it should be, to be bent by the tests."""

from dataclasses import replace

from local.demo.road_scenarios import ROAD_SCENARIOS
from local.demo.scene import Recording
from local.demo.users import Kind
from tests.scenarios.demo.recordings import EVENTS, SWAPPED_S, TAKEN_BACK, VISITS, bent, event, visit

# What was said right after the fault, what in the end, and the road.
HEARD: dict[str, tuple[list[str], list[str], str]] = {
    "percentage": (["candidate 20 %"], ["no rule"], "slot_traffic"),
    "pinned": (["candidate 0 %"], ["no rule"], "slot_traffic"),
    "slow-swap": (["at rest"], ["under way"], "front_door"),
    "dns": (["demo-next.azurewebsites.net"] * 3, ["demo.azurewebsites.net"] * 3, "dns"),
    "flag": (["on", "off"], ["off", "off"], "app_configuration"),
}
HELD = tuple(visit(Kind.HELD, tenth / 10) for tenth in range(-100, 800))


def as_it_must(name: str) -> Recording:
    """A recording in which the scenario ends as it must."""
    first, last, road = HEARD[name]
    asks = ROAD_SCENARIOS[name].asks
    by_road = (
        event("effect_accepted", 66, about="run", sentence=f"take:site:{road} accepted: it was otherwise"),
        event("step_done", SWAPPED_S, about="run", sentence=f"take:site:{road}: it is as wanted"),
    )
    good = bent(
        scenario=name,
        kinds=ROAD_SCENARIOS[name].stage.kinds,
        visits=VISITS + (HELD if name == "pinned" else ()),
        events=tuple(one for one in EVENTS if "slot_swap" not in one.sentence) + by_road,
        heard_first=dict.fromkeys(asks, tuple(first)),
        heard_last=dict.fromkeys(asks, tuple(last)),
        outcome="level 1 verified; still under way: take:site:slot_swap",
    )
    posts = TAKEN_BACK.site.swap_posts if name == "slow-swap" else ()
    return replace(good, site=TAKEN_BACK.site.model_copy(update={"swap_posts": posts}))
