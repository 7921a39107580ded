"""`python -m shared.audit verify FILE` checks that nothing in a saved audit was changed, left out or put in.

The file holds what `GET /api/audit` answers, all pages joined: `rows`, newest first and down to row 1, and the `head`
of the first page. Pages of one workload leave rows out and cannot be checked. Whoever can write the rows and the head
could write them all anew: compare the hash that is printed with one that was noted elsewhere.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter

from shared.decision.audit import check
from shared.model.audit import AuditHead, AuditRow


@dataclass(frozen=True, slots=True)
class Saved:
    """What a file must hold; the rest of an answer is of no account."""

    rows: tuple[AuditRow, ...]
    head: AuditHead


def verify(saved: Saved) -> list[str]:
    """Say what is wrong with an audit that must be whole."""
    return check(saved.rows, saved.head, to_first=True)


def main(arguments: Sequence[str]) -> int:
    """Run the command; returns its exit status."""
    parser = argparse.ArgumentParser(prog="python -m shared.audit", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    verifying = commands.add_parser("verify", help="check a saved audit")
    verifying.add_argument("file", type=Path)
    return _verify(parser.parse_args(arguments).file)


def _verify(file: Path) -> int:
    try:
        saved = TypeAdapter(Saved).validate_json(file.read_bytes())
    except (OSError, ValueError) as error:
        sys.stderr.write(f"not intact: the file cannot be read as an audit: {type(error).__name__}\n")
        return 1
    problems = verify(saved)
    for problem in problems:
        sys.stderr.write(f"not intact: {problem}\n")
    if not problems:
        sys.stdout.write(f"intact: {saved.head.n} rows; the hash of the last is {saved.head.hash}\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
