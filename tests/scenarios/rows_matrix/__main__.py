"""`python -m tests.scenarios.rows_matrix [--step N] [--links N] [--seed N] [kills doubles links]`: plays the matrix.

It prints one row for each point; exit code 1 if one is wrong. `--step 1` kills at every exchange with a server, before
it, in it and after it, which takes an hour or so; what is played by default takes a few minutes.
"""

import argparse
import sys
from collections.abc import Iterable, Iterator

from rich.console import Console
from rich.progress import track

from tests.scenarios.rows_matrix.doubles import overtaken
from tests.scenarios.rows_matrix.links import extent, faulty, points
from tests.scenarios.rows_matrix.plays import Cell, killed, plain
from tests.scenarios.rows_matrix.points import every_kill, some_kills, some_places
from tests.scenarios.rows_matrix.processes import Crew, Worker, crew
from tests.scenarios.rows_matrix.table import NOTES, matrix_table, summary, wrong_lines
from tests.scenarios.rows_matrix.world import Owner, Worlds, worlds

_WIDTH = 200
_AT_ONCE = 3
_PARTS = ("kills", "doubles", "links")


def main(asked: argparse.Namespace) -> int:
    console = Console(highlight=False)
    shown = console if console.is_terminal else Console(highlight=False, width=_WIDTH)
    with worlds() as made, crew(_AT_ONCE) as workers:
        played = [cell for owner in Owner for cell in _cells(asked, made, owner, workers)]
    for printed in (matrix_table(played), NOTES, *wrong_lines(played), summary(played)):
        shown.print(printed, markup=False)
    return any(cell.wrong for cell in played)


def _cells(asked: argparse.Namespace, made: Worlds, owner: Owner, workers: Crew) -> Iterator[Cell]:
    known = next(workers.each(lambda worker, owner: plain(made, owner, worker), [owner]))
    if "kills" in asked.parts:
        blows = list(every_kill(known, asked.step) if asked.step else some_kills(known, asked.seed))
        played = workers.each(lambda worker, blow: killed(made, owner, worker, known, blow, undone=True), blows)
        yield from _tracked(played, f"{owner}: kills", len(blows))
    if "doubles" in asked.parts:
        stops = list(some_places(known, asked.seed))
        with Worker() as one, Worker() as other:
            doubled = (
                overtaken(made, owner, (one, other), known, number, side, unlocked=unlocked)
                for side, number in stops
                for unlocked in (True, False)
            )
            yield from _tracked(doubled, f"{owner}: doubles", 2 * len(stops))
    if "links" in asked.parts:
        found = next(workers.each(lambda worker, owner: extent(made, owner, worker), [owner]))
        chosen = points(found, asked.seed, asked.links)
        faults = workers.each(lambda worker, point: faulty(made, owner, worker, known, point), chosen)
        yield from _tracked(faults, f"{owner}: links", len(chosen))


def _tracked(cells: Iterable[Cell], called: str, total: int) -> Iterable[Cell]:
    return track(cells, called, total=total, console=Console(stderr=True), transient=True)


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Kills workers and cuts links on the way back of rows.")
    parser.add_argument("parts", nargs="*", default=_PARTS, help=f"some of {', '.join(_PARTS)}")
    parser.add_argument("--step", type=int, default=0, help="kill at each so many exchanges; 0: some of each kind")
    parser.add_argument("--links", type=int, default=50, help="bad links of each owner")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    if unknown := set(asked.parts) - set(_PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    return asked


if __name__ == "__main__":
    sys.exit(main(_asked()))
