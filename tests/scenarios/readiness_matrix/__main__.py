"""`python -m tests.scenarios.readiness_matrix`: plays all ways, prints the table; exit code 1 if a law is broken."""

import logging
import sys

from rich.console import Console
from rich.progress import track

from tests.scenarios.readiness_matrix.matrix import all_plays, play
from tests.scenarios.readiness_matrix.table import matrix_table, summary
from tests.scenarios.readiness_matrix.world import world

_WIDTH = 170


def main() -> int:
    logging.disable(logging.CRITICAL)  # everything that is wrong is logged, as it should be
    console = Console(highlight=False)
    shown = console if console.is_terminal else Console(highlight=False, width=_WIDTH)
    with world() as played_in:
        played_in.cycle()
        progress = track(all_plays(), "playing", console=Console(stderr=True), transient=True)
        found = [play(played_in, way, forgetful=forgetful) for way, forgetful in progress]
    shown.print(matrix_table(found), markup=False)
    shown.print(summary(found), markup=False)
    return any(played.wrong for played in found)


if __name__ == "__main__":
    sys.exit(main())
