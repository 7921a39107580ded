"""`python -m shared.data COMMAND POLICY` looks at the databases of a policy, and takes rows back by hand.

For people, whether or not the app runs: it needs the policy file and, in the environment, the settings that the policy
names for its databases.

Ends with 0: done. 1: not done; it says why. 2: people must decide or put something right first. 64: the command, the
policy or a setting is wrong.
"""

import argparse
import os
import re
import shlex
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NoReturn

from pydantic_core import to_json

from shared.adapters.postgres.checkpoint.keeping import PostgresCheckpoints
from shared.adapters.postgres.preview.previews import PostgresPreviews
from shared.adapters.postgres.way_back.rows import PostgresRows
from shared.data.acting import checkpoint, end, release, resume, undo
from shared.data.desk import Answer, Desk, Exit
from shared.data.looking import conflicts, preview
from shared.data.policy import choose, read_databases, token_of
from shared.data.status import status
from shared.errors import ControllerError, InvalidInput

_PROGRAM = "python -m shared.data"
# What a name of the app's looks like, and nothing that a shell would take apart.
_ID = re.compile(r"[A-Za-z0-9_.:+-]{1,128}")
# The most workers that a policy may have, and both sides beside them.
_THREADS = 11
_DIGEST = re.compile(r"[0-9a-f]{16}")

_COMMANDS: dict[str, Callable[[Desk, argparse.Namespace], Answer]] = {
    "status": lambda desk, _: status(desk),
    "preview": lambda desk, given: preview(desk, _key(desk, given.checkpoint)),
    "checkpoint": lambda desk, given: checkpoint(desk, desk.key_of(given.id)),
    "resume": lambda desk, given: resume(
        desk, desk.key_of(given.sync), _key(desk, given.checkpoint), agreed=given.agree
    ),
    "release": lambda desk, _: release(desk),
    "conflicts": lambda desk, given: conflicts(desk, desk.key_of(given.sync)),
    "undo": lambda desk, given: undo(desk, desk.key_of(given.sync), overwrite=given.overwrite),
    "end": lambda desk, _: end(desk),
}


def _key(desk: Desk, said: str | None) -> str | None:
    return desk.key_of(said) if said else None


class _Parser(argparse.ArgumentParser):
    """Ends with 64 where a command is wrong: 2 says that people are needed."""

    def error(self, message: str) -> NoReturn:
        self.exit(Exit.USAGE, f"{self.prog}: {message}\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog=_PROGRAM, description=__doc__.partition("\n")[0] if __doc__ else None)
    commands = parser.add_subparsers(dest="command", required=True)
    looking = commands.add_parser("status", help="say how both sides stand")
    previewing = commands.add_parser("preview", help="say what going back would do now, and what would be lost")
    taking = commands.add_parser("checkpoint", help="capture from now on what is written; the app does it by itself")
    taking.add_argument(
        "--id", type=_id, required=True, help="that of the change in progress, so that the app finds it"
    )
    resuming = commands.add_parser("resume", help="do a way back, or go on with one")
    releasing = commands.add_parser("release", help="let writers in again on the target")
    listing = commands.add_parser("conflicts", help="print the rows that were changed on both sides")
    undoing = commands.add_parser("undo", help="take a way back itself back")
    undoing.add_argument("--overwrite", action="store_true", help="also rows that others have changed since")
    ending = commands.add_parser("end", help="capture no more, and forget the checkpoints")
    resuming.add_argument("--agree", type=_digest, action="append", default=[], help="digest of a preview with losses")
    for one in (previewing, resuming):
        one.add_argument("--checkpoint", type=_id, help="id of its change; the newest, if it is not named")
    for one in (resuming, listing, undoing):
        one.add_argument(
            "--sync", type=_id, required=True, help="the way back; one of the app has the id of its rollback"
        )
    for one in (resuming, releasing, undoing, ending):
        one.add_argument("--confirm", default="", metavar="NAME", help="the database's name, in place of typing it")
    for one in (looking, previewing, taking, resuming, releasing, listing, undoing, ending):
        one.add_argument("policy", type=Path)
        one.add_argument("--database", default="", metavar="NAME", help="needed if the policy has several")
        one.add_argument("--json", action="store_true", help="print the answer as JSON")
    return parser


def _id(text: str) -> str:
    if not _ID.fullmatch(text):
        raise argparse.ArgumentTypeError("expected up to 128 letters, digits and _ . : + -")
    return text


def _digest(text: str) -> str:
    if not _DIGEST.fullmatch(text):
        raise argparse.ArgumentTypeError("expected the 16 characters that a preview ends with")
    return text


def main(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run the command; returns its exit status."""
    given = _parser().parse_args(arguments)
    again = shlex.join([*_PROGRAM.split(), *arguments])
    try:
        with ThreadPoolExecutor(_THREADS) as pool:
            answers = [_COMMANDS[given.command](desk, given) for desk in _desks(given, environment, pool, again)]
    except InvalidInput as error:
        answers = [Answer(Exit.USAGE, str(error))]
    except ControllerError as error:
        answers = [Answer(Exit.NOT_DONE, str(error))]
    except KeyboardInterrupt:
        answers = [Answer(Exit.NOT_DONE, f"stopped; what was done is kept. To go on: {again}")]
    for one in answers:
        _tell(one, given)
    return max(one.status for one in answers)


def _desks(
    given: argparse.Namespace, environment: Mapping[str, str], pool: ThreadPoolExecutor, again: str
) -> list[Desk]:
    """Return one for the database that is meant, or, where nothing is changed, for all."""
    databases = read_databases(given.policy, environment)
    if given.command != "status" or given.database:
        name, chosen = choose(databases, given.database, given.policy)
        databases = {name: chosen}
    token = token_of(environment)
    return [
        Desk(
            name=name,
            database=database,
            rows=PostgresRows(pool, token),
            checkpoints=PostgresCheckpoints(token),
            previews=PostgresPreviews(pool, token),
            token=token,
            confirmed=getattr(given, "confirm", ""),
            again=again,
        )
        for name, database in databases.items()
    ]


def _tell(answer: Answer, given: argparse.Namespace) -> None:
    """What was not done is also said where errors are read."""
    if given.json:
        whole = {"exit": answer.status, "says": answer.says, "shown": answer.shown}
        sys.stdout.write(f"{to_json(whole, indent=2).decode()}\n")
    else:
        sys.stdout.write("".join(f"{line}\n" for line in answer.lines))
    to = sys.stdout if answer.status is Exit.DONE and not given.json else sys.stderr
    to.write(f"{answer.says}\n")


def _stop(*_: object) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _stop)
    sys.exit(main(sys.argv[1:], os.environ))
