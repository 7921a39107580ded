"""`python -m tests.functional.app.access_table`: calls every route as everybody and prints who was let in.

Exit code 1 if a call came out otherwise than expected.
"""

import sys
import tempfile
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tests.functional.app.access import VISITORS, Visit, visits
from tests.functional.app.tenant_app import tenant_app

_WIDTH = 190
NOTES = (
    "401 nobody is recognised; 403 recognised, and without the role. Whoever is let in is answered 200, 400 for the\n"
    "empty body, 404 for a rollback or link that is not there, or 503 for an app that never watched: nothing is done."
)


def access_table(found: Sequence[Visit]) -> Table:
    """One row for every route."""
    table = Table("", *(visitor.name for visitor in VISITORS), title="Who may call what")
    for row, calls in groupby(found, key=lambda visit: visit.row):
        table.add_row(str(row), *(_cell(visit) for visit in calls))
    return table


def _cell(visit: Visit) -> Text:
    if not visit.as_expected:
        return Text(f"{visit.answer.status}, not {visit.expected.value}", "bold red")
    return Text(str(visit.answer.status), "green" if visit.visitor.name in visit.row.let_in else "yellow")


def main() -> int:
    console = Console(highlight=False)
    shown = console if console.is_terminal else Console(highlight=False, width=_WIDTH)
    with tempfile.TemporaryDirectory(prefix="access-") as folder, tenant_app(Path(folder)) as app:
        found = list(visits(app))
    good = sum(visit.as_expected for visit in found)
    for printed in (access_table(found), NOTES, f"{good} of {len(found)} as expected"):
        shown.print(printed, markup=False)
    return int(good < len(found))


if __name__ == "__main__":
    sys.exit(main())
