"""The figures of a run as tables for people, and as JSON."""

from collections.abc import Mapping
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.measuring import Figure
from bench.sync.aims import judged
from bench.sync.run import Report


def show(facts: Mapping[str, Any], report: Report) -> None:
    """Print them."""
    console = Console(width=None if Console().is_terminal else 160)
    for name, fact in facts.items():
        console.print(f"{name}: {_listed(fact)}", highlight=False)
    console.print(_figures(report, facts["changes"]), _aims(report))
    for name, why in report.left_out.items():
        console.print(f"left out: {name}: {why}", highlight=False, markup=False)


def _listed(fact: Any) -> str:
    return ", ".join(f"{name}={value}" for name, value in fact.items()) if isinstance(fact, Mapping) else str(fact)


def _figures(report: Report, changes: int) -> Table:
    table = Table("figure", title="seconds, unless said otherwise")
    for name in ("min", "median", "max", "rows/s"):
        table.add_column(name, justify="right")
    table.add_column("n", justify="right")
    table.add_column("what to know")
    for name, values in report.values.items():
        middle = median(values)
        moves = ":" not in name and "," not in name.partition(", 10 ms")[0] and middle > 0
        rate = f"{changes / middle:,.0f}" if moves else ""
        spread = (f"{value:,.3f}" for value in (min(values), middle, max(values)))
        table.add_row(name, *spread, rate, str(len(values)), report.says.get(name, ""))
    return table


def _aims(report: Report) -> Table:
    table = Table("aim", title="aims, by the medians of this run")
    table.add_column("wanted", justify="right")
    table.add_column("is", justify="right")
    table.add_column("unit")
    table.add_column("")
    for one in judged(report.values, report.inexact):
        word = "reached" if one.reached else "[bold]not reached[/bold]"
        table.add_row(one.aim.what, one.aim.wanted, f"{one.value:,.2f}", one.aim.unit, word)
    return table


def as_json(facts: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """Return all of it as JSON values."""
    figures = [
        Figure(name, "s", values, notes={"values": [round(value, 4) for value in values]}).line()
        | ({"says": report.says[name]} if name in report.says else {})
        for name, values in report.values.items()
    ]
    aims = [
        {
            "aim": one.aim.what,
            "wanted": one.aim.wanted,
            "is": round(one.value, 3),
            "unit": one.aim.unit,
            "reached": one.reached,
        }
        for one in judged(report.values, report.inexact)
    ]
    return {"facts": dict(facts), "figures": figures, "aims": aims, "left_out": report.left_out}
