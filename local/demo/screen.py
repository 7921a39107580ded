"""Live progress: a panel that is redrawn on a terminal, plain lines where there is none, as in a CI log."""

from typing import Protocol, Self

from rich.console import Console, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from local.demo.scene import Glance

VERDICT_STYLES = {"healthy": "bold green", "unhealthy": "bold red", "blind": "bold yellow"}
_LOG_WIDTH = 140
_PERFECT, _BARELY = 0.999, 0.9
_SPEAK_EVERY_S = 10.0
_REFRESH_PER_S = 4


class Screen(Protocol):
    """Where a play is shown while it runs."""

    def say(self, line: str) -> None:
        """Something happened."""

    def show(self, glance: Glance) -> None:
        """How things stand now; called about twice a second."""


def console() -> Console:
    """A console that does not fold its lines at 80 columns where nobody has a window."""
    found = Console(highlight=False)
    return found if found.is_terminal else Console(highlight=False, width=_LOG_WIDTH)


def users_text(glance: Glance) -> Text:
    """How the users fared in the last seconds."""
    share = glance.recent.served_share
    if share is None:
        return Text("nobody came yet", style="dim")
    style = "green" if share >= _PERFECT else "yellow" if share >= _BARELY else "red"
    return Text(f"{share:.0%} served", style=style)


class LiveScreen:
    """A panel at the foot of the terminal; use it in a `with` statement."""

    def __init__(self, console: Console) -> None:
        self._live = Live(console=console, refresh_per_second=_REFRESH_PER_S, transient=True)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def say(self, line: str) -> None:
        self._live.console.print(Text("● ", style="cyan").append(line, style="default"))

    def show(self, glance: Glance) -> None:
        self._live.update(_panel(glance))


def _panel(glance: Glance) -> RenderableType:
    rows = Table.grid(padding=(0, 2))
    rows.add_column(style="dim", justify="right")
    rows.add_column()
    rows.add_row("app says", Text(glance.sentence, style=VERDICT_STYLES.get(glance.verdict, "dim")))
    rows.add_row("users", users_text(glance).append(f" of {glance.recent.requests} in the last 5 s", style="dim"))
    rows.add_row("served by", Text(", ".join(f"{kind}: {build}" for kind, build in sorted(glance.serving.items()))))
    return Panel(rows, title=f"{glance.seconds:.0f} s since {glance.since}", border_style="cyan")


class PlainScreen:
    """One line whenever the app says something new, and at least every ten seconds."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._said = ("", "")
        self._next_s = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """There is nothing to put back."""

    def say(self, line: str) -> None:
        self._console.print(f"* {line}", markup=False, soft_wrap=True)

    def show(self, glance: Glance) -> None:
        said = (glance.since, glance.sentence)
        if said == self._said and glance.seconds < self._next_s:
            return
        self._said, self._next_s = said, glance.seconds + _SPEAK_EVERY_S
        line = f"{glance.seconds:6.1f} s since {glance.since}  {users_text(glance)}  {glance.sentence}"
        self._console.print(line, markup=False, soft_wrap=True)


def screen(console: Console) -> LiveScreen | PlainScreen:
    """The screen that fits the console."""
    return LiveScreen(console) if console.is_terminal else PlainScreen(console)
