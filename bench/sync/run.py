"""One run: all parts, in rounds, on two servers that live for it."""

import tempfile
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from bench.measuring import console
from bench.sync.ahead import way_back_while_written
from bench.sync.aims import AFAR, COMPARING, COST, FENCE_TO_PROOF, LEAST_COST
from bench.sync.by_tools import missing
from bench.sync.checksums import compared, plant
from bench.sync.comparing import EXACT, WAYS
from bench.sync.distance import at_a_distance
from bench.sync.servers import Servers, facts, two_servers
from bench.sync.ways import Way, all_ways, installed, one_round
from bench.sync.world import World, changed_world
from bench.sync.writers import FREE, LEAST, WATCHED, batches, single_rows

_ROUND_TRIP_S = 0.010
_TURNS, _TURN_S = 15, 1.5
_PLANTED = ((0, False), (1, False), (100, False), (10_000, False), (100, True))


@dataclass(frozen=True, slots=True)
class Asked:
    """What to run."""

    rows: int
    rounds: int
    full: bool
    parts: tuple[str, ...]


@dataclass(slots=True)
class Report:
    """What came of it.

    Attributes:
        values: By name of the figure, one for each round; seconds, unless the name says otherwise.
        says: What one must know of a figure.
        inexact: Figures of ways that did not find what they were to find.
        left_out: What was not run, and why.
    """

    values: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    says: dict[str, str] = field(default_factory=dict)
    inexact: set[str] = field(default_factory=set)
    left_out: dict[str, str] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)

    def add(self, found: Mapping[str, float]) -> None:
        for name, value in found.items():
            self.values[name].append(value)


def run(asked: Asked) -> Report:
    """Run what is asked."""
    report = Report()
    with two_servers(asked.rows) as servers:
        report.facts = facts(servers)
        with console.status("filling both tables"), changed_world(servers, asked.rows) as world:
            report.facts |= {"changes": world.changes}
        for part in (PARTS[name] for name in PARTS if name in asked.parts):
            part(asked, world, report)
    return report


def _back(asked: Asked, world: World, report: Report) -> None:
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        log = Path(folder) / "distance.log"
        with at_a_distance(world.servers, _ROUND_TRIP_S, log) as far:
            ways, left_out = installed(all_ways(far, AFAR, full=asked.full))
            report.left_out |= left_out
            report.says |= {name: way.says for name, way in ways.items() if way.says}
            _rounds(asked, world, report, ways)


def _rounds(asked: Asked, world: World, report: Report, ways: Mapping[str, Way]) -> None:
    for number in range(asked.rounds):
        with console.status(f"ways back, round {number + 1} of {asked.rounds}"):
            report.add(one_round(world, ways, number))


def _ahead(asked: Asked, world: World, report: Report) -> None:
    """After the other ways back: what people write here is in the way of none of them."""
    for number in range(asked.rounds):
        with console.status(f"a way back while people write, round {number + 1} of {asked.rounds}"):
            took, written = way_back_while_written(world)
            assert world.same(), "rows are not the same"
        report.add({FENCE_TO_PROOF: took.fence_to_proof_s, f"{FENCE_TO_PROOF}: rows written meanwhile": written})


def _capture(asked: Asked, world: World, report: Report) -> None:
    servers = world.servers
    with console.status("writers, one row at a time"):
        rates = single_rows(servers, asked.rows, _TURNS, min(_TURN_S, asked.rows / 100_000))
    for figure, name in ((COST, WATCHED), (LEAST_COST, LEAST)):
        report.values[figure] = [100 * (1 - median(rates[name]) / median(rates[FREE]))]
        turns = zip(rates[name], rates[FREE], strict=True)
        report.values[f"{figure}, by turn"] = [100 * (1 - watched / free) for watched, free in turns]
    for name, per_s in rates.items():
        report.values[f"capture, single-row updates, {name}: per s"] = per_s
    with console.status("writers, 100 rows a transaction"):
        for name, took_s in batches(servers, asked.rows, asked.rounds).items():
            report.values[f"capture, 100 rows a transaction, {name}"] = took_s


def _compare(asked: Asked, world: World, report: Report) -> None:
    without = missing("reladiff")
    if without:
        report.left_out["reladiff"] = without
    for number in range(asked.rounds):
        for count, nulls in _PLANTED:
            with console.status(f"comparing, round {number + 1} of {asked.rounds}: {count} differences"):
                _comparison(world.servers, asked.rows, min(count, asked.rows // 20), report, nulls=nulls)


def _comparison(servers: Servers, rows: int, count: int, report: Report, *, nulls: bool) -> None:
    planted = plant(servers, rows, count, nulls=nulls)
    which = f"{count:,} different" + (", nulls among them" if nulls else "")
    for name, way in WAYS.items():
        figure = COMPARING.format(which, name)
        if name in report.left_out:
            continue
        try:
            found = compared(way, planted)
        except RuntimeError as error:
            report.left_out[figure] = f"broke off: {error}"
            continue
        assert found.exact or name not in EXACT, f"{figure}: {found}"
        report.values[figure].append(found.took_s)
        if not found.exact:
            report.inexact.add(figure)
            report.says[figure] = f"{found.missed} keys not found, {found.too_many} too many"


# In this order: the later ones make the tables of both sides anew.
PARTS: Mapping[str, Callable[[Asked, World, Report], None]] = {
    "back": _back,
    "ahead": _ahead,
    "capture": _capture,
    "compare": _compare,
}
