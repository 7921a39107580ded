"""`python -m tests.contract.identity.table`: plays every case against the issuer and prints who was let in.

Exit code 1 if a case came out otherwise than expected.
"""

import logging
import sys
from collections.abc import Sequence
from itertools import groupby

from rich.console import Console
from rich.progress import track
from rich.table import Table
from rich.text import Text

from local.entra_issuer.directory import API_URI, CLIENT_ID, TENANT_ID
from local.entra_issuer.launch import launch_issuer
from tests.contract.identity.cases import CASES
from tests.contract.identity.desk import Outcome, Played, play

_WIDTH = 190
_STYLES = {200: "green", 401: "red", 403: "yellow", 503: "magenta"}
_SHORT = {API_URI: "<api uri>", CLIENT_ID: "<client id>", TENANT_ID: "<tenant>"}
NOTES = (
    "200 let in, with the roles; 401 nobody is recognised; 403 known, and without the role; 503 cannot be told now.\n"
    "fetches: requests for keys that reached the issuer. No sentence repeats what was presented."
)


def token_table(found: Sequence[Played]) -> Table:
    """One row for every case."""
    table = Table("", "presented", "outcome", "fetches", "as expected", title="Who is who")
    for area, rows in groupby(found, key=lambda played: played.case.area):
        for position, played in enumerate(rows):
            table.add_row(
                area if position == 0 else "",
                played.case.name,
                _outcomes_text(played.outcomes),
                "" if played.case.fetches is None else str(played.fetches),
                Text("yes", "green") if played.as_expected else Text(_missed(played), "bold red"),
            )
        table.add_section()
    return table


def _outcomes_text(outcomes: Sequence[Outcome]) -> Text:
    """Return what a case came to; calls that came to the same one after the other are counted."""
    lines = []
    for said, alike in groupby(outcomes, key=str):
        calls = list(alike)
        line = Text(f"{len(calls)} x " if len(calls) > 1 else "")
        lines.append(line.append(_shortened(said), _STYLES[calls[0].status]))
    return Text("\n").join(lines)


def _shortened(text: str) -> str:
    for id_, word in _SHORT.items():
        text = text.replace(id_, word)
    return text


def _missed(played: Played) -> str:
    """Return what was expected instead."""
    wrong = (outcome for outcome in played.outcomes if not outcome.as_expected)
    lines = [f"{outcome.expected}{' (it leaks)' if outcome.leaks else ''}" for outcome in wrong]
    return "\n".join(dict.fromkeys(lines)) or f"{played.case.fetches} fetches"


def main() -> int:
    logging.disable(logging.CRITICAL)  # every outage is logged, as it should be
    console = Console(highlight=False)
    shown = console if console.is_terminal else Console(highlight=False, width=_WIDTH)
    with launch_issuer() as issuer:
        progress = track(CASES, "playing", console=Console(stderr=True), transient=True)
        found = [play(issuer, case) for case in progress]
    good = sum(played.as_expected for played in found)
    for printed in (token_table(found), NOTES, f"{good} of {len(found)} as expected"):
        shown.print(printed, markup=False)
    return int(good < len(found))


if __name__ == "__main__":
    sys.exit(main())
