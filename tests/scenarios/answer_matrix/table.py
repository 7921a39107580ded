"""The matrix as a table for people."""

from collections.abc import Mapping, Sequence

from rich.table import Table
from rich.text import Text

from local.azure_simulator.faults import Api
from shared.model.run import RunStatus
from tests.scenarios.answer_matrix.answers import Answer, Times
from tests.scenarios.answer_matrix.laws import LAWS
from tests.scenarios.answer_matrix.matrix import Played, rows
from tests.scenarios.answer_matrix.play import Course
from tests.scenarios.answer_matrix.shapes import Shape

_LETTERS: Mapping[RunStatus, str] = {
    RunStatus.VERIFIED: "V",
    RunStatus.PARTIAL: "P",
    RunStatus.FAILED: "F",
    RunStatus.REFUSED: "R",
    RunStatus.RUNNING: "?",
}
_ORDER = ((Times.ONCE, Shape.ALONE), (Times.THREE, Shape.ALONE), *((Times.EVER, shape) for shape in Shape))
NOTES = """\
V verified, P partial, F failed, R refused: people are called. C climbed: the level above took up and was verified.
A cell: the road alone, answered so once, three times, for ever; for ever with a second road; with a level above.
- not played: what never ends does so once and for all, and where waiting does not help three answers are as one.
slot_swap, operation: asked only while the settings still tell what was before the swap. swap_preview: a swap with
preview is in the way, and it is the call that takes it back.
"""


def matrix_table(found: Sequence[Played]) -> Table:
    """One row for every call of every road, one column for every answer."""
    table = Table("road", "call", *(answer.value for answer in Answer), title="What becomes of a rollback")
    cells: dict[tuple[str, Api, Answer], list[Played]] = {}
    for played in found:
        case = played.course.case
        cells.setdefault((case.road.name, case.api, case.answer), []).append(played)
    for road, api in rows():
        texts = [_cell_text(cells.get((road.name, api, answer), [])) for answer in Answer]
        table.add_row(road.name, api.value, *texts, end_section=api is list(road.calls)[-1])
    return table


def _cell_text(cell: Sequence[Played]) -> Text:
    if not cell:
        return Text("")
    letters = {(played.course.case.times, played.course.case.shape): _ending(played.course) for played in cell}
    said = "".join(letters.get(variant, "-") for variant in _ORDER)
    wrong = sorted({law for played in cell for law in played.broken})
    style = "bold red" if {"loop", "lie"} & set(wrong) else "yellow" if wrong else "green"
    return Text("\n".join([said, *wrong]), style)


def _ending(course: Course) -> str:
    return "C" if course.next_run is not None else _LETTERS[course.run.status]


def broken_lines(found: Sequence[Played]) -> list[str]:
    """Every law that was broken, in a line."""
    return [
        f"{law}: {played.course.case}: {wrong}"
        for law in LAWS
        for played in found
        for wrong in played.broken.get(law, ())
    ]


def counts(found: Sequence[Played]) -> Mapping[str, int]:
    """How many cases broke each law."""
    return {law: sum(law in played.broken for played in found) for law in LAWS}


def summary(found: Sequence[Played]) -> tuple[str, str]:
    """The last two lines."""
    of = counts(found)
    others = (
        f"{of['unclear']} ends do not name the reason, {of['given up']} need not have been or were not taken up, "
        f"in {of['asleep']} an SDK held a worker"
    )
    return others, f"{len(found)} cases: {of['loop']} loops, {of['lie']} lies"
