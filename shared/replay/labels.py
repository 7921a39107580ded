"""What is known of a recording: when something was wrong, and what was changed when.

    from,to,faulty,build
    2026-03-01T12:00:00Z,2026-03-01T12:30:00Z,yes,2026.3.1

Each row is a watch: somebody looked at that time whether something was wrong, from outside of the policy.
"""

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path

from shared.errors import InvalidInput
from shared.model.quantity import say_moment
from shared.replay.rows import Wrong, moment_of, place_in
from shared.replay.world import Announced

_COLUMNS = ("from", "to", "faulty", "build", "kind")
_WORDS = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
type Row = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """A time of which it is known whether something was wrong."""

    since: datetime
    until: datetime
    faulty: bool


def read_labels(file: Path) -> list[Watch]:
    """Read watches from CSV, in order of time.

    Raises:
        InvalidInput: something is wrong, or two of them overlap; it names the file, the line and the column.
    """

    def watch(row: Row) -> Watch:
        faulty = _WORDS.get(row["faulty"].casefold())
        if faulty is None:
            raise Wrong("faulty", f"{row['faulty']!r}; expected yes or no")
        return Watch(since=moment_of(row["from"], "from"), until=moment_of(row["to"], "to"), faulty=faulty)

    return _in_order(file, [(line, watch(row)) for line, row in _rows(file, ("from", "to", "faulty"), watch)])


def read_changes(file: Path) -> list[Announced]:
    """Read changes from CSV, in order of time. A file of labels will do: each watch is one of a change then.

    Raises:
        InvalidInput: as for `read_labels`.
    """

    def change(row: Row) -> Announced:
        since, until = moment_of(row["from"], "from"), moment_of(row["to"], "to")
        build = row.get("build") or f"build-of-{since:%Y%m%dT%H%M%S}"
        return Announced(since=since, until=until, build=build, kind=row.get("kind") or "deployment")

    return _in_order(file, [(line, change(row)) for line, row in _rows(file, ("from", "to"), change)])


def _rows(file: Path, needed: Sequence[str], check: Callable[[Row], Watch | Announced]) -> Iterator[tuple[int, Row]]:
    with file.open(encoding="utf-8-sig", newline="") as lines:
        reader = csv.DictReader(lines, strict=True)
        try:
            header = reader.fieldnames or ()
            _check_header(header, needed)
            for row in reader:
                _check_row(row, len(header), check)
                yield reader.line_num, row
        except Wrong as wrong_column:
            where = place_in(file, reader.line_num or 1, wrong_column.column)
            raise InvalidInput(wrong_column.text, where=where) from None
        except (csv.Error, UnicodeDecodeError) as error:
            raise InvalidInput(f"not readable as CSV: {error}", where=place_in(file, reader.line_num + 1)) from None


def _check_header(header: Sequence[str], needed: Sequence[str]) -> None:
    wrong = [name for name in header if name not in _COLUMNS] or [name for name in needed if name not in header]
    if wrong:
        raise Wrong(wrong[0], f"expected the columns {', '.join(needed)}, and perhaps build and kind")


def _check_row(row: Row, columns: int, check: Callable[[Row], Watch | Announced]) -> None:
    if None in row or None in row.values():
        raise Wrong("", f"expected {columns} columns, as in the first line")
    found = check(row)
    if found.until <= found.since:
        raise Wrong("to", "it ends before it begins; expected a later moment than in from")


def _in_order[T: (Watch, Announced)](file: Path, found: Sequence[tuple[int, T]]) -> list[T]:
    ordered = sorted(found, key=lambda one: one[1].since)
    for (_, before), (line, after) in pairwise(ordered):
        if after.since < before.until:
            raise InvalidInput(
                f"overlaps with the one that ends at {say_moment(before.until)}; expected one after the other",
                where=place_in(file, line, "from"),
            )
    return [one for _, one in ordered]
