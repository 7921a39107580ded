"""The matrix as a table for people, and how each fault looks at each kind of source."""

from collections.abc import Callable, Mapping, Sequence
from itertools import groupby

from rich.table import Table
from rich.text import Text

from shared.model.trigger import Tier
from tests.scenarios.fault_matrix.kept import TROUBLES, KeptCell
from tests.scenarios.fault_matrix.kinds import KINDS, Fault, Kind, Source
from tests.scenarios.fault_matrix.matrix import Cell, faces
from tests.scenarios.fault_matrix.stream_matrix import StreamCell

Control = Mapping[Tier, Sequence[str]]


def matrix_table(cells: Sequence[Cell], controls: Mapping[str, Control]) -> Table:
    """One row for every kind in every tier, one column for every fault, and the control."""
    table = Table("trigger", "tier", *(fault.value for fault in Fault), "no fault", title="Fault matrix of the watch")
    table.columns[0].no_wrap = True
    found = {(cell.kind, cell.tier, cell.fault): cell for cell in cells}
    for kind in KINDS:
        for tier in Tier:
            texts = [_cell_text(found[kind.name, tier, fault]) for fault in Fault]
            control = _control_text(tier, controls[kind.name][tier])
            table.add_row(_SAID[tier](kind), tier.value, *texts, control, end_section=tier is Tier.INVESTIGATION)
    return table


# What the rows of a kind say of it: its name and its shape, in as many lines as there are tiers.
_SAID: Mapping[Tier, Callable[[Kind], Text]] = {
    Tier.CRITICAL: lambda kind: Text(kind.name, "bold"),
    Tier.WARNING: lambda kind: Text(kind.shape, "dim"),
    Tier.INVESTIGATION: lambda _: Text(),
}


def _cell_text(cell: Cell) -> Text:
    wrong = ["FAIL-OPEN"] * bool(cell.fail_open) + ["OUTAGE-CAUSED"] * bool(cell.outage_caused)
    if wrong:
        return Text(" ".join(wrong), "bold red")
    return Text("ok (word)" if cell.by_word else "ok", "green")


_DOES = {Tier.CRITICAL: "rolls back", Tier.WARNING: "asks", Tier.INVESTIGATION: "pauses"}


def _control_text(tier: Tier, wrong: Sequence[str]) -> Text:
    return Text("WRONG", "bold red") if wrong else Text(_DOES[tier], "green")


def faces_table() -> Table:
    """What each fault is, for each kind of source."""
    table = Table("fault", *_SOURCES, title="What was played", show_lines=True)
    for fault in Fault:
        table.add_row(fault.value, *("\n".join(faces(source, fault)) for source in _SOURCES.values()))
    return table


_SOURCES = {
    "probe": Source.PROBE,
    "metric, log": Source.METRIC,
    "pushed": Source.PUSHED,
    "alert": Source.ALERT,
    "event": Source.EVENT,
    "promql": Source.PROMQL,
    "dependencies": Source.DEPENDENCIES,
    "smoke": Source.SMOKE,
    "resource_health": Source.RESOURCE_HEALTH,
    "cost": Source.COST,
    "sql": Source.SQL,
    "damaged": Source.DAMAGED,
}

NOTES = """\
(word): `no_data: hold`; a bad word from before the fault stands, and acted when its `for` was over, no sooner.
probe, slow: a request that is sent and not answered in time is no fault of the probe but a failure of the site.
damaged (word): rows that were found damaged before the fault are known all the same; see `laws.py`.
sql: the driver's side of the server is a stand-in: no SQL Server is at hand.
alert, empty and NaN: an alert whose context or figure is missing counts (see "no fault"); what is no alert is refused.
"""


def broken_lines(cells: Sequence[Cell], controls: Mapping[str, Control]) -> list[str]:
    """Every law that was broken, in a line."""
    lines = [
        f"{cell.kind}, {cell.tier}, {cell.fault}: {law}: {wrong}"
        for cell in cells
        for law, found in (("fail-open", cell.fail_open), ("outage-caused", cell.outage_caused))
        for wrong in found
    ]
    wrong_controls = [
        f"{name}, {tier}, no fault: {wrong}"
        for name, control in controls.items()
        for tier, found in control.items()
        for wrong in found
    ]
    return [*_once_per_cell(lines), *wrong_controls]


def _once_per_cell(lines: Sequence[str]) -> list[str]:
    return [next(same) for _, same in groupby(lines, key=lambda line: line.split(": ")[:3])]


def streams_table(cells: Sequence[StreamCell]) -> Table:
    """One row for every kind of trigger: how many plays there were, and the streams that broke a law."""
    table = Table("trigger", "plays", "its word", "fail-open", "outage-caused", title="Faulty streams, pure cycle")
    for name, same in groupby(cells, key=lambda cell: cell.trigger):
        some = list(same)
        opened = [cell.stream for cell in some if cell.fail_open]
        caused = [cell.stream for cell in some if cell.outage_caused]
        plays, words = sum(cell.plays for cell in some), sum(cell.word for cell in some)
        table.add_row(name, str(plays), str(words or ""), "; ".join(opened) or "ok", "; ".join(caused) or "ok")
    return table


def broken_streams(cells: Sequence[StreamCell]) -> list[str]:
    """Every law that was broken, in a line."""
    return [
        f"{cell.trigger}, {cell.stream}: {law}: {found[0]}"
        for cell in cells
        for law, found in (("fail-open", cell.fail_open), ("outage-caused", cell.outage_caused))
        if found
    ]


def streams_summary(cells: Sequence[StreamCell]) -> str:
    """The last line but one."""
    plays = sum(cell.plays for cell in cells)
    opened = sum(bool(cell.fail_open) for cell in cells)
    caused = sum(bool(cell.outage_caused) for cell in cells)
    return f"streams: {len(cells)} cells, {plays} plays: {opened} fail-open, {caused} outage-caused"


def kept_table(cells: Sequence[KeptCell]) -> Table:
    """One row for every kind of source and way of the world, one column for every trouble; a cell is of all tiers."""
    table = Table("source", "the world", *TROUBLES, title="Trouble of our own storage")
    for (kind, way), same in groupby(cells, key=lambda cell: (cell.kind, cell.way)):
        some = list(same)
        wrong = {cell.trouble for cell in some if cell.wrong}
        texts = (Text("WRONG", "bold red") if trouble in wrong else Text("ok", "green") for trouble in TROUBLES)
        table.add_row(kind, way, *texts)
    return table


def broken_kept(cells: Sequence[KeptCell]) -> list[str]:
    """Every cell that broke a law, in a line."""
    return [f"{cell.kind}, {cell.trouble}, {cell.way}, {cell.tier}: {cell.wrong[0]}" for cell in cells if cell.wrong]


def kept_summary(cells: Sequence[KeptCell]) -> str:
    """The last line but two."""
    return f"storage: {len(cells)} cells: {sum(bool(cell.wrong) for cell in cells)} wrong"


def summary(cells: Sequence[Cell]) -> str:
    """The last line."""
    fail_open = sum(bool(cell.fail_open) for cell in cells)
    outage_caused = sum(bool(cell.outage_caused) for cell in cells)
    return f"{len(cells)} cells: {fail_open} fail-open, {outage_caused} outage-caused"
