"""The end of a demo on a terminal: the timeline as a table with bars, the users, and what held."""

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from local.demo.report import Report
from local.demo.scene import FAULT
from local.demo.timeline import WELL_AGAIN
from local.demo.users import Tally

_WIDEST_BAR = 32
_STYLES = {
    "fault injected": "red",
    "first bad sample": "red",
    "pending": "yellow",
    "firing": "bold red",
    "blind": "yellow",
    "refused": "yellow",
    "failed": "bold red",
    "verified": "bold green",
    WELL_AGAIN: "bold green",
}


def draw(console: Console, report: Report) -> None:
    """Print all of it; bars take a quarter of the window."""
    bar_width = min(_WIDEST_BAR, console.width // 4)
    parts = (_timeline(report, bar_width), "", _users(report, bar_width), "", *_expectations(report), "")
    console.print("", Group(*parts, _figures(report)), sep="\n")


def _timeline(report: Report, bar_width: int) -> RenderableType:
    moments = report.timeline
    zero = "the fault" if any(moment.what == FAULT for moment in moments) else "the change"
    table = Table(title=f"{report.scenario}: seconds since {zero}", title_justify="left", box=None, pad_edge=False)
    table.add_column("s", justify="right")
    table.add_column("", no_wrap=True)
    table.add_column("what", no_wrap=True)
    table.add_column("in the words of whoever saw it")
    first_s, span_s = moments[0].at_s, moments[-1].at_s - moments[0].at_s
    for moment in moments:
        style = _STYLES.get(moment.what, "cyan")
        line = Text("─" * round((moment.at_s - first_s) / (span_s or 1.0) * (bar_width - 1)), "bright_black")
        dot = line.append("●", style)
        table.add_row(f"{moment.at_s:.1f}", dot, Text(moment.what, style), Text(moment.sentence, "dim"))
    return table


def _users(report: Report, bar_width: int) -> RenderableType:
    table = Table(title="users", title_justify="left", box=None, pad_edge=False)
    table.add_column("")
    for name in ("requests", "failed", "served"):
        table.add_column(name, justify="right")
    table.add_column("", no_wrap=True)
    users = report.users
    for name, tally in (("before", users.before), ("during", users.during), ("after", users.after)):
        table.add_row(name, f"{tally.requests:,}", f"{tally.failures:,}", *_share(tally, bar_width))
    return table


def _share(tally: Tally, bar_width: int) -> tuple[str, Text]:
    share = tally.served_share
    if share is None:
        return "", Text()
    served = round(share * bar_width)
    return f"{share:.1%}", Text("█" * served, "green").append("░" * (bar_width - served), "red")


def _expectations(report: Report) -> list[Text]:
    return [
        Text("✓ ", "green").append(one.text, "default").append(f"  ({one.found})", "dim")
        if one.held
        else Text(f"✗ NOT HELD: {one.text}: {one.found}", "bold red")
        for one in report.expectations
    ]


def _figures(report: Report) -> Text:
    known = "   ".join(f"{name} {seconds:.1f} s" for name, seconds in report.figures().items())
    return Text(f"{report.outcome}\n", "bold").append("   ".join(filter(None, (report.way, known))), "default")
