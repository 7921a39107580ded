"""500 requests a second on a site while it is taken back: how many fail because of the rollback itself?

A failure that the bad build answered was put into it. Every other failure, from when the run starts, is held against
the rollback; the control, which is as long and is never taken back, tells how many of those there are anyway. People
come with connections that they keep and cookies that they send back; the load has a process of its own.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from typing import Any

from bench.load.visits import Visits
from bench.measuring import Finding, console
from bench.roads.lane import Lane
from bench.roads.road import Place
from bench.roads.slots import SLOT_SWAP, SLOT_TRAFFIC
from bench.roads.steered_rig import names_of, steered_rig
from local.processes import Child

RATE = 500.0
ROADS = {"slot_swap": replace(SLOT_SWAP, lanes=1), "slot_traffic": replace(SLOT_TRAFFIC, lanes=1)}
_FAIL_SHARE = 0.5
_HEALTHY_S = 5.0
_BROKEN_S = 5.0
_AFTER_S = 10.0


@dataclass(frozen=True, slots=True)
class _Span:
    """From when a run started until it was verified, in Unix seconds; for the control, as long a time."""

    began_s: float
    ended_s: float


def load() -> Iterator[Finding]:
    """What people met, with a rollback and without."""
    with steered_rig(ROADS) as rig:
        for kind, road in ROADS.items():
            (workload,) = names_of(kind, road)
            with Lane(rig, road, workload) as lane:
                place = Place(rig, workload)
                took_s, taken_back = _played(place, lane, f"{workload}-bad", partial(_taken_back, lane))
                _, control = _played(place, lane, f"{workload}-control", partial(_left_alone, took_s))
            asked = {"asked_per_s": RATE}
            yield Finding(f"load_{kind}", asked | taken_back | {"platform_s": dict(road.platform_s)})
            yield Finding(f"load_{kind}_control", asked | control)


def _taken_back(lane: Lane) -> _Span:
    found = lane.taken_back()
    return _Span(found.started.timestamp(), found.verified.timestamp())


def _left_alone(seconds: float) -> _Span:
    began_s = time.time()
    time.sleep(seconds)
    return _Span(began_s, time.time())


def _played(place: Place, lane: Lane, bad: str, do: Callable[[], _Span]) -> tuple[float, dict[str, Any]]:
    """Break a build under load, do something, and tell how long that took and what people met."""
    results = place.rig.logs / f"{bad}.jsonl"
    arguments = ["--url", place.rig.simulator.front_doors[place.workload], "--rate", str(RATE)]
    lane.steer_away(bad)
    with (
        console.status(f"load: {bad}"),
        Child("bench.load.generator", [*arguments, "--results", str(results)], place.rig.logs / "load.log"),
    ):
        time.sleep(_HEALTHY_S)
        place.control("PUT", f"/builds/{bad}/faults", {"fail_share": _FAIL_SHARE})
        time.sleep(_BROKEN_S)
        began_s = time.time()
        span = do()
        took_s = time.time() - began_s
        time.sleep(_AFTER_S)
    return took_s, _told(Visits.read(results), span, bad)


def _told(visits: Visits, span: _Span, bad: str) -> dict[str, Any]:
    edges = (visits.since_s, span.began_s, span.ended_s, visits.until_s)
    spans = zip(("before", "during", "after"), pairwise(edges), strict=True)
    counted = {name: visits.between(*edges).counted(bad) for name, edges in spans}
    since = counted["during"]["failed_otherwise"] + counted["after"]["failed_otherwise"]
    return {"failed_otherwise_since_the_start": since, **visits.sending, **counted}
