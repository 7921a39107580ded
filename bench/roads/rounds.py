"""All workloads of all roads at once, each going its own rounds."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

from rich.progress import Progress

from bench.measuring import console
from bench.roads.lane import Lane, TakenBack
from bench.roads.road import Road
from bench.roads.steered_rig import names_of
from local.rig.rig import Rig


def all_rounds(rig: Rig, roads: Mapping[str, Road], rounds_of: Callable[[Road], int]) -> dict[str, list[TakenBack]]:
    """Return what was taken back, by kind of road."""
    with Progress(console=console) as shown, ThreadPoolExecutor(sum(road.lanes for road in roads.values())) as pool:

        def rounds(kind: str, name: str) -> list[TakenBack]:
            found = []
            with Lane(rig, roads[kind], name) as lane:
                for number in range(rounds_of(roads[kind])):
                    found.append(lane.round(number))
                    shown.advance(tasks[kind])
            return found

        tasks = {kind: shown.add_task(kind, total=road.lanes * rounds_of(road)) for kind, road in roads.items()}
        running = {
            kind: [pool.submit(rounds, kind, name) for name in names_of(kind, road)] for kind, road in roads.items()
        }
        return {kind: [found for lane in lanes for found in lane.result()] for kind, lanes in running.items()}
