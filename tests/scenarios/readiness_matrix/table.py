"""The matrix as a table for people."""

from collections.abc import Sequence
from datetime import timedelta

from rich.table import Table
from rich.text import Text

from tests.scenarios.readiness_matrix.matrix import Played
from tests.scenarios.readiness_matrix.world import CYCLE


def matrix_table(found: Sequence[Played]) -> Table:
    """One row for every way."""
    table = Table("what was done", "found by", "after", "what is said", title="Ways to break readiness")
    for played in found:
        way = played.way
        after = f"{played.named_after / timedelta(minutes=1):g} min" if played.named_after else "never"
        named_by = f"{way.road} {way.finding}".strip() + (" (unknown)" if way.unknown else "")
        kept = ", no answers kept" if played.forgetful else ""
        table.add_row(
            way.name + kept,
            named_by,
            Text(after, style="red" if played.wrong else "green"),
            "\n".join([played.says, *played.wrong]),
        )
    return table


def summary(found: Sequence[Played]) -> str:
    """The last line."""
    good = sum(not played.wrong for played in found)
    kept = sum(played.named_after is not None and played.named_after > CYCLE for played in found)
    late = f"{kept} of them not before kept answers are too old, and in one cycle where none are kept"
    return f"{good} of {len(found)} named, and green when put right; {late}"
