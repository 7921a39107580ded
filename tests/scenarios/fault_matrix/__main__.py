"""`python -m tests.scenarios.fault_matrix`: plays all cells, prints the table; exit code 1 if a law is broken."""

import logging
import sys

from rich.console import Console
from rich.progress import track

from shared.model.trigger import Tier
from tests.scenarios.fault_matrix.kinds import KINDS, Fault
from tests.scenarios.fault_matrix.matrix import Cell, stage
from tests.scenarios.fault_matrix.table import NOTES, broken_lines, faces_table, matrix_table, summary

_WIDTH = 190


def main() -> int:
    logging.disable(logging.CRITICAL)  # every fault is logged, as it should be
    console = Console(highlight=False)
    shown = console if console.is_terminal else Console(highlight=False, width=_WIDTH)
    cells: list[Cell] = []
    controls: dict[str, dict[Tier, tuple[str, ...]]] = {}
    with stage() as staged:
        for kind in track(KINDS, "playing", console=Console(stderr=True), transient=True):
            controls[kind.name] = staged.control(kind)
            for fault in Fault:
                cells += staged.cells(kind, fault)
    broken = broken_lines(cells, controls)
    for printed in (faces_table(), matrix_table(cells, controls), NOTES, *broken, summary(cells)):
        shown.print(printed, markup=False)
    return bool(broken)


if __name__ == "__main__":
    sys.exit(main())
