"""From "firing" to "verified" by each kind of road, over and over on one long-lived rig.

Two dozen workloads at once, so these are the times of a busy controller. `platform_s` are the simulator's timings that
no controller can shorten: they are Azure's part, or that of whoever answers for a name or a flag.
"""

from collections.abc import Iterator

from bench.measuring import Figure
from bench.roads.rounds import all_rounds
from bench.roads.steered_rig import steered_rig
from bench.roads.table import ROADS


def road_times() -> Iterator[Figure]:
    """Seconds by kind of road."""
    with steered_rig(ROADS) as rig:
        found = all_rounds(rig, ROADS, lambda road: road.rounds)
    for kind, runs in found.items():
        spans = [(run.verified - run.firing).total_seconds() for run in runs]
        yield Figure(f"firing_to_verified_{kind}", "s", spans, notes={"platform_s": dict(ROADS[kind].platform_s)})
