"""What a command of `shared.data` works with: how databases are reached, whom it tells, whom it asks to confirm.

Answers go to the standard output, all else to the standard error: a file or a pipe gets the answer alone.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import IntEnum
from importlib.util import find_spec
from time import monotonic, sleep
from typing import Protocol, TextIO

from shared.adapters.postgres.server.session import Access
from shared.adapters.postgres.server.sides import accesses
from shared.data.ids import called, key_of
from shared.errors import InvalidInput, Refused, TransientError
from shared.model.policy_data import Database
from shared.ports.data import Checkpointing, Previews, RowsBack

# What passes is waited for so long, whoever waits may stop it sooner.
_PATIENCE_S = 60.0


class Exit(IntEnum):
    """How a command ends."""

    DONE = 0
    NOT_DONE = 1
    PEOPLE = 2
    USAGE = 64


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command has to say.

    Attributes:
        says: One sentence.
        lines: The rest, for people.
        shown: The same and more, for programs.
    """

    status: Exit
    says: str
    lines: Sequence[str] = ()
    shown: object = None


class Telling(Protocol):
    """Tells whoever waits."""

    def at(self, sentence: str) -> None:
        """Say how far it is, in place of what was said of that before."""
        ...

    def say(self, sentence: str) -> None:
        """Say something that stays."""
        ...


@dataclass(frozen=True, slots=True)
class Desk:
    """What one command works with.

    Attributes:
        confirmed: The name that was typed out on the command line; empty if none was.
        again: The command, as it is typed to go on.
    """

    name: str
    database: Database
    rows: RowsBack
    checkpoints: Checkpointing
    previews: Previews
    token: Callable[[], str]
    confirmed: str
    again: str

    def key_of(self, said: str) -> str:
        """Return what a checkpoint or a way back is called in the databases."""
        return key_of(said, self.name)

    def called(self, key: str) -> str:
        """Return what people call it."""
        return called(key, self.name)

    @property
    def source(self) -> Access:
        return accesses(self.database, self.token)[0]

    @property
    def target(self) -> Access:
        return accesses(self.database, self.token)[1]

    def confirm(self, means: Sequence[str]) -> None:
        """Say what it means to go on, and have the database's name typed out.

        Raises:
            Refused: another name was typed.
            InvalidInput: there is nobody to type it.
        """
        for sentence in means:
            sys.stderr.write(f"{sentence}\n")
        typed = self.confirmed
        if not typed:
            if not sys.stdin.isatty():
                raise InvalidInput(f"say --confirm {self.name} when this is what you want")
            sys.stderr.write(f"Type {self.name} to go on: ")
            sys.stderr.flush()
            typed = sys.stdin.readline().strip()
        if typed != self.name:
            raise Refused(f"not confirmed: this is the database {self.name}")


def patiently[T](does: Callable[[], T], telling: Telling) -> T:
    """Do something that is safe to do twice, again and again while a side does not answer.

    Raises:
        TransientError: it still does not.
    """
    until = monotonic() + _PATIENCE_S
    while True:
        try:
            return does()
        except TransientError as error:
            wait_s = error.retry_after.total_seconds()
            if monotonic() + wait_s > until:
                raise
            telling.at(f"{error}; again in {wait_s:.0f} s")
            sleep(wait_s)


@contextmanager
def telling() -> Iterator[Telling]:
    """Choose by who reads it; what draws on terminals need not be installed where nobody looks."""
    to = sys.stderr
    if not to.isatty() or find_spec("rich") is None:
        yield _Lines(to)
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
    with Progress(*columns, console=Console(file=to), transient=True) as bars:
        task = bars.add_task("...", total=None)
        yield _Drawn(
            lambda sentence: bars.update(task, description=sentence),
            lambda sentence: bars.console.print(sentence, markup=False, highlight=False),
        )


class _Lines:
    """A line for whatever is new."""

    def __init__(self, to: TextIO) -> None:
        self._to = to
        self._last = ""

    def at(self, sentence: str) -> None:
        if sentence != self._last:
            self.say(sentence)

    def say(self, sentence: str) -> None:
        self._last = sentence
        self._to.write(f"{sentence}\n")
        self._to.flush()


@dataclass(frozen=True, slots=True)
class _Drawn:
    """A line that is drawn anew, and what stays above it."""

    _at: Callable[[str], None]
    _say: Callable[[str], None]

    def at(self, sentence: str) -> None:
        self._at(sentence)

    def say(self, sentence: str) -> None:
        self._say(sentence)
