"""The matrix as people read it: one row for each point."""

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from tests.scenarios.rows_matrix.plays import Cell

NOTES = """\
killed before, sent, after: by SIGKILL before a statement goes out, once it has gone out, once it is answered; fresh
processes go on. overtaken: it stands still before a statement until another worker has gone as far as it gets; where
that is the end, the application writes on the source again, and then it goes on. link cut, reset, stall: by a proxy at
a byte or a moment, healed once the worker has given up by itself. link stranded: it stalls, and the worker is killed;
another one has to get past what its sessions hold, and then what the link has held back arrives.
ok: rows, every single change in the source's write-ahead log, images, progress, conflicts, sequences and triggers are
as without a fault; the fence stands; nothing is left on the servers."""


def matrix_table(cells: Sequence[Cell]) -> Table:
    table = Table("owner", "mode", "point", "asked for", "seen", "verdict")
    for cell in cells:
        verdict = Text("WRONG", "bold red") if cell.wrong else Text("ok", "green")
        table.add_row(cell.owner, cell.mode, cell.point, cell.asked_for, cell.seen, verdict)
    return table


def wrong_lines(cells: Sequence[Cell]) -> list[str]:
    """Everything that ended otherwise than it should have, in a line each."""
    return [
        f"{cell.owner}, {cell.mode}, {cell.point} {cell.asked_for}: {wrong}" for cell in cells for wrong in cell.wrong
    ]


def summary(cells: Sequence[Cell]) -> str:
    """The last line."""
    return f"{sum(not cell.wrong for cell in cells)} of {len(cells)} ended the same"
