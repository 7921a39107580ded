"""`python -m tests.scenarios.answer_matrix`: plays all cases, prints the table; exit code 1 if a law is broken."""

import logging
import sys

from rich.console import Console
from rich.progress import track

from tests.scenarios.answer_matrix.matrix import Played, answers, cases, played, rows
from tests.scenarios.answer_matrix.table import NOTES, broken_lines, matrix_table, summary
from tests.scenarios.answer_matrix.world import world

_WIDTH = 170


def main() -> int:
    logging.disable(logging.CRITICAL)  # every wrong answer is logged, as it should be
    console = Console(highlight=False)
    shown = console if console.is_terminal else Console(highlight=False, width=_WIDTH)
    all_of_them = [case for road, api in rows() for answer in answers(road, api) for case in cases(road, api, answer)]
    with world() as played_in:
        found: list[Played] = [
            played(played_in, case)
            for case in track(all_of_them, "playing", console=Console(stderr=True), transient=True)
        ]
    broken = broken_lines(found)
    for printed in (matrix_table(found), NOTES, *broken, *summary(found)):
        shown.print(printed, markup=False)
    return bool(broken)


if __name__ == "__main__":
    sys.exit(main())
