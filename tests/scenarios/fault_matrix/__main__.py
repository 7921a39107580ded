"""`python -m tests.scenarios.fault_matrix`: plays all cells, prints the table; exit code 1 if a law is broken."""

import logging
import sys

from rich.console import Console
from rich.progress import track

from shared.model.trigger import Tier
from tests.scenarios.fault_matrix.kept import KINDS as KEPT_KINDS
from tests.scenarios.fault_matrix.kept import KeptCell, Way, kept_cells
from tests.scenarios.fault_matrix.kinds import KINDS, Fault
from tests.scenarios.fault_matrix.matrix import Cell, stage
from tests.scenarios.fault_matrix.stream_matrix import StreamCell, Trials
from tests.scenarios.fault_matrix.table import (
    NOTES,
    broken_kept,
    broken_lines,
    broken_streams,
    faces_table,
    kept_summary,
    kept_table,
    matrix_table,
    streams_summary,
    streams_table,
    summary,
)
from tests.scenarios.fault_matrix.written import ALL

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
    kept = _kept()
    streams = _streams()
    broken = [*broken_lines(cells, controls), *broken_kept(kept), *broken_streams(streams)]
    tables = (faces_table(), matrix_table(cells, controls), NOTES, kept_table(kept), streams_table(streams))
    for printed in (*tables, *broken, kept_summary(kept), streams_summary(streams), summary(cells)):
        shown.print(printed, markup=False)
    return bool(broken)


def _kept() -> list[KeptCell]:
    """Play every trouble of our own storage."""
    plays = [(kind, way) for kind in KEPT_KINDS for way in Way]
    shown = track(plays, "storage", console=Console(stderr=True), transient=True)
    return [cell for kind, way in shown for cell in kept_cells(kind, way)]


def _streams() -> list[StreamCell]:
    """Play every kind of trigger with every faulty stream."""
    cells = []
    for written in track(ALL, "streams", console=Console(stderr=True), transient=True):
        trials = Trials(written)
        cells += [trials.cell(name) for name in trials.names]
    return cells


if __name__ == "__main__":
    sys.exit(main())
