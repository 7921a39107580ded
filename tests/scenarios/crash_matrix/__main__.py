"""`python -m tests.scenarios.crash_matrix [road ...]`: plays the matrix, prints it; exit code 1 if a cell is wrong."""

import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from rich.console import Console
from rich.progress import track

from local.azurite import Azurite
from tests.scenarios.crash_matrix.matrix import PLAYS, Cell, Plan, play
from tests.scenarios.crash_matrix.table import NOTES, matrix_table, summary, wrong_lines
from tests.scenarios.crash_matrix.worlds import ROADS

_WIDTH = 200
_AT_ONCE = 2


def main(roads: Sequence[str]) -> int:
    if unknown := set(roads) - set(ROADS):
        sys.exit(f"no such road: {', '.join(sorted(unknown))}; expected some of: {', '.join(ROADS)}")
    console = Console(highlight=False)
    shown = console if console.is_terminal else Console(highlight=False, width=_WIDTH)
    chosen = [(road, plan) for road, plan in PLAYS if not roads or road in roads]
    with Azurite() as azurite, ThreadPoolExecutor(_AT_ONCE) as pool:
        played = pool.map(partial(_played, azurite.connection_string), chosen)
        progress = track(played, "playing", total=len(chosen), console=Console(stderr=True), transient=True)
        cells = [cell for cells in progress for cell in cells]
    for printed in (matrix_table(cells), NOTES, *wrong_lines(cells), summary(cells)):
        shown.print(printed, markup=False)
    return any(cell.wrong for cell in cells)


def _played(storage: str, chosen: tuple[str, Plan]) -> list[Cell]:
    return list(play(*chosen, storage))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
