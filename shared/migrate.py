"""`python -m shared.migrate apply POLICY SCRIPTS` migrates a database of a policy; `undo --to NAME` takes that back.

For pipelines. Scripts are `NNN_name.sql`, with `NNN_name.undo.sql` beside them where they can be taken back; all that
the database has not taken yet are one transaction. What must hold is in a YAML file, `name: {query: SELECT ..., expect:
"0"}`, else it is the `rules` of the policy's database. `%NAME%` in the policy is taken from the environment.

Ends with 0: committed. 1: nothing was changed, or it was taken back. 2: people are needed; it says for what.
64: the command, the policy or a file is wrong; nothing was begun.
"""

import argparse
import os
import re
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, TextIO

from pydantic import TypeAdapter

from shared.adapters.postgres.migration.files import read_rules, read_scripts
from shared.adapters.postgres.migration.forward import migrate, rehearse, take_back_to
from shared.adapters.postgres.migration.job import Job
from shared.adapters.postgres.migration.records import restore_points
from shared.adapters.postgres.server.session import Access
from shared.data.policy import choose, read_databases, token_of
from shared.errors import ControllerError, InvalidInput
from shared.model.migration import Limits, MigrationOutcome, MigrationStatus, Progress, RestorePoint
from shared.model.policy_data import Database
from shared.model.quantity import parse_duration

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

_EXITS = {
    MigrationStatus.COMMITTED: 0,
    MigrationStatus.REHEARSED: 0,
    MigrationStatus.ROLLED_BACK: 1,
    MigrationStatus.UNDONE: 1,
    MigrationStatus.NEEDS_PEOPLE: 2,
}
_NOT_BEGUN, _PEOPLE, _USAGE = 1, 2, 64
# As long as a name in the log may be, and nothing that a shell would take apart.
_POINT = re.compile(r"[A-Za-z0-9_.:-]{1,63}")


class Lines:
    """Fulfils `model.Progress` with a line for whatever happens: for logs."""

    def __init__(self, to: TextIO) -> None:
        self._to = to

    def begin(self, script: str, place: int, of: int) -> None:
        self.say(f"{place} of {of}: {script}")

    def end(self, script: str, took_s: float) -> None:
        self.say(f"{script}: {took_s:.1f} s")

    def say(self, sentence: str) -> None:
        self._to.write(f"{sentence}\n")
        self._to.flush()


class Bar:
    """Fulfils `model.Progress` on a terminal: each script with a clock that goes on while it runs."""

    def __init__(self, bars: "Bars") -> None:
        self._bars = bars
        self._open: dict[str, TaskID] = {}

    def begin(self, script: str, place: int, of: int) -> None:
        for begun in self._open.values():
            self._bars.stop_task(begun)
        self._open[script] = self._bars.add_task(f"{place} of {of}: {script}", total=1)

    def end(self, script: str, took_s: float) -> None:
        self._bars.update(self._open.pop(script), completed=1)

    def say(self, sentence: str) -> None:
        self._bars.console.print(sentence, markup=False, highlight=False)


def _progress(stack: ExitStack, to: TextIO) -> Progress:
    """Choose by who reads it; what draws on terminals need not be installed where pipelines run."""
    if not to.isatty() or find_spec("rich") is None:
        return Lines(to)
    from rich.console import Console
    from rich.progress import Progress as Bars
    from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(finished_text="✓"), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
    return Bar(stack.enter_context(Bars(*columns, console=Console(file=to))))


class _Parser(argparse.ArgumentParser):
    """Ends with 64 where a command is wrong: 2 says that people are needed."""

    def error(self, message: str) -> NoReturn:
        self.exit(_USAGE, f"{self.prog}: {message}\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m shared.migrate", description=__doc__.partition("\n")[0] if __doc__ else None)
    commands = parser.add_subparsers(dest="command", required=True)
    applying = commands.add_parser("apply", help="apply the scripts that the database has not taken yet")
    applying.add_argument("--point", type=_point, help="name of the restore point before them")
    applying.add_argument("--dry-run", action="store_true", help="run them, say what was locked, and roll them back")
    applying.add_argument("--settle", type=_span, default=timedelta(0), help="wait after the commit before validating")
    undoing = commands.add_parser("undo", help="take back all scripts that were applied since a restore point")
    undoing.add_argument("--to", type=_point, required=True, help="name of the restore point")
    listing = commands.add_parser("points", help="list the restore points, the newest first")
    for one in (applying, undoing, listing):
        one.add_argument("policy", type=Path)
        one.add_argument("--database", default="", help="name in the policy; needed if it has several")
        one.add_argument("--side", choices=("target", "source"), default="target")
        one.add_argument("--json", action="store_true", help="print the result as JSON")
    for one in (applying, undoing):
        _add_limits(one)
    return parser


def _add_limits(parser: argparse.ArgumentParser) -> None:
    usual = Limits()
    parser.add_argument("scripts", type=Path, help="folder of the scripts")
    parser.add_argument("--validations", type=Path, help="YAML of what must hold; else the rules of the policy")
    parser.add_argument("--statement-timeout", type=_span, default=usual.statement, metavar="5m")
    parser.add_argument("--lock-timeout", type=_span, default=usual.lock, metavar="2s", help="longest wait for a lock")
    parser.add_argument("--tries", type=_tries, default=usual.tries, help="begin so often while a lock is not free")
    parser.add_argument("--pause", type=_span, default=usual.pause, metavar="1s", help="let others through meanwhile")
    parser.add_argument("--by", default="", help="who asked for it; the role of the connection if not given")


def _point(text: str) -> str:
    if not _POINT.fullmatch(text):
        raise argparse.ArgumentTypeError("expected up to 63 letters, digits and _ . : -")
    return text


def _span(text: str) -> timedelta:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _tries(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 1000:
        raise argparse.ArgumentTypeError("expected 1 to 1000")
    return int(text)


def main(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run the command; returns its exit status."""
    given = _parser().parse_args(arguments)
    try:
        with ExitStack() as stack:
            do = _command(given, environment, _progress(stack, sys.stderr))
            outcome = do()
    except InvalidInput as error:
        return _failed(str(error), _USAGE, given)
    except ControllerError as error:
        return _failed(f"{error}; nothing was changed", _NOT_BEGUN, given)
    except KeyboardInterrupt:
        return _failed("it was stopped: run it again, it says then what is true", _PEOPLE, given)
    if isinstance(outcome, MigrationOutcome):
        _print(_as_json(outcome) if given.json else _as_text(outcome))
        return _EXITS[outcome.status]
    _print(_as_json(outcome) if given.json else "\n".join(map(str, outcome)) or "there is none")
    return 0


Outcome = MigrationOutcome | tuple[RestorePoint, ...]


def _command(given: argparse.Namespace, environment: Mapping[str, str], progress: Progress) -> Callable[[], Outcome]:
    """Read all files, and return what is to be done with them.

    Raises:
        InvalidInput: one of them is wrong.
    """
    database = _database(given, environment)
    access = _access(database, given.side, environment)
    if given.command == "points":
        return lambda: _points(access)
    rules = read_rules(given.validations) if given.validations else database.rules
    limits = Limits(
        statement=given.statement_timeout,
        lock=given.lock_timeout,
        tries=given.tries,
        pause=given.pause,
        settle=getattr(given, "settle", timedelta(0)),
    )
    job = Job(
        access=access, scripts=read_scripts(given.scripts), rules=rules, limits=limits, progress=progress, by=given.by
    )
    if given.command == "undo":
        return lambda: take_back_to(job, given.to)
    return lambda: rehearse(job) if given.dry_run else migrate(job, given.point or "")


def _database(given: argparse.Namespace, environment: Mapping[str, str]) -> Database:
    return choose(read_databases(given.policy, environment), given.database, given.policy)[1]


def _access(database: Database, side: str, environment: Mapping[str, str]) -> Access:
    conninfo = database.target if side == "target" else database.source
    return Access(side, conninfo, token=token_of(environment) if database.identity else None, verified=database.tls)


def _points(access: Access) -> tuple[RestorePoint, ...]:
    with access.connected(statement=timedelta(seconds=10)) as connection:
        return restore_points(connection)


def _failed(said: str, status: int, given: argparse.Namespace) -> int:
    if given.json:
        _print(TypeAdapter(dict[str, str]).dump_json({"status": "not_begun", "says": said}, indent=2).decode())
    sys.stderr.write(f"{said}\n")
    return status


def _as_json(outcome: Outcome) -> str:
    return TypeAdapter[Outcome](Outcome).dump_json(outcome, indent=2).decode()


def _as_text(outcome: MigrationOutcome) -> str:
    waited = f"begun {outcome.tries} times, for the last time after {outcome.waited_s:.1f} s"
    lines = [f"{outcome.status.replace('_', ' ')}: {outcome.says}", *([waited] if outcome.tries > 1 else [])]
    lines += [f"{script}: {took_s:.1f} s" for script, took_s in outcome.scripts.items()]
    lines += [f"{lock.table}: {lock.mode} for {lock.held_s:.1f} s, held up {lock.holds_up}" for lock in outcome.locks]
    return "\n".join(lines)


def _print(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def _stop(*_: object) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    # A pipeline that is cancelled says so with this before it kills: there is time to roll back, and to say so.
    signal.signal(signal.SIGTERM, _stop)
    sys.exit(main(sys.argv[1:], os.environ))
