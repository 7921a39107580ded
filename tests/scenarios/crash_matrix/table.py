"""The matrix as people read it: one row per road and step, one column per point."""

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from tests.scenarios.crash_matrix.matrix import Cell

# The order in which a step meets them; what is not named here comes after them.
_ORDER = (
    "before the intent",
    "after the intent",
    "before the fence",
    "before the effect",
    "between two changes",
    "after the effect",
    "before the outcome",
    "after the outcome",
    "before a wait",
    "after a wait",
    "before it is done",
    "after it is done",
)
NOTES = """\
start, end: the commits that start a run and end it. once: one worker is killed by SIGKILL, and the message is delivered
again. again before, after an effect: so is the next worker, at the first effect that it gets to.
fence: the worker is not killed; it stands still until another one has taken the run to its end, and then goes on.
ok: the world from outside, the run, all records, the history and what people are told are as without a crash; a swap
was accepted once.
"""


def matrix_table(cells: Sequence[Cell]) -> Table:
    found = dict.fromkeys(cell.point.where for cell in cells)
    columns = [where for where in _ORDER if where in found] + [where for where in found if where not in _ORDER]
    table = Table("road", "killed", "step", *map(_header, columns))
    for column in table.columns:
        column.no_wrap = True
    rows: dict[tuple[str, str, str], dict[str, Cell]] = {}
    for cell in cells:
        rows.setdefault((cell.road, cell.plan, cell.point.step), {})[cell.point.where] = cell
    last: tuple[str, str] | None = None
    for (road, plan, step), row in rows.items():
        if last not in (None, (road, plan)):
            table.add_section()
        shown = ("", "") if last == (road, plan) else (road, plan)
        table.add_row(*shown, step, *(_cell_text(row.get(where)) for where in columns))
        last = (road, plan)
    return table


def _header(where: str) -> str:
    side, _, what = where.partition(" ")
    return f"{side}\n{what.rpartition(' ')[2]}"


def _cell_text(cell: Cell | None) -> Text:
    if cell is None:
        return Text("·", "dim")
    return Text("WRONG", "bold red") if cell.wrong else Text("ok", "green")


def wrong_lines(cells: Sequence[Cell]) -> list[str]:
    """Everything that ended otherwise than it should have, in a line each."""
    return [f"{cell.road}, {cell.plan}, {cell.point}: {wrong}" for cell in cells for wrong in cell.wrong]


def summary(cells: Sequence[Cell]) -> str:
    """The last line."""
    return f"{sum(not cell.wrong for cell in cells)} of {len(cells)}"
