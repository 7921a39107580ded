"""Reads recordings, of whatever form: CSV, JSON lines, answers of Azure Monitor, or rows of the app's own table."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from heapq import merge
from pathlib import Path

from shared.errors import InvalidInput
from shared.model.policy import Policy
from shared.replay.azure_metrics import azure_metrics, looks_like_metrics
from shared.replay.player import Recorded
from shared.replay.rows import COLUMNS, csv_rows, json_lines
from shared.replay.table_rows import looks_like_rows, table_rows

_BY_LINE: Mapping[str, Callable[[Path, Policy], Iterator[Recorded]]] = {
    ".csv": csv_rows,
    ".jsonl": json_lines,
    ".ndjson": json_lines,
}


def read_recordings(files: Sequence[Path], policy: Policy, *, in_order: bool) -> Iterator[Recorded]:
    """Yield the samples of all files in the order of their event times.

    Args:
        in_order: Each file is so already, and is read line by line; else all are held in memory and sorted.

    Raises:
        InvalidInput: something is wrong with a file; it names the place and what was expected.
    """
    read = [_read(file, policy, in_order=in_order) for file in files]
    if in_order:
        return merge(*read, key=lambda one: one[1].at)
    return iter(sorted((one for found in read for one in found), key=lambda one: one[1].at))


def _read(file: Path, policy: Policy, *, in_order: bool) -> Iterable[Recorded]:
    if not file.is_file():
        raise InvalidInput("there is no such file; expected a recording", where=str(file))
    by_line = _BY_LINE.get(file.suffix.casefold())
    if by_line is not None:
        rows = by_line(file, policy)
        return _checked(rows, file) if in_order else rows
    if file.suffix.casefold() != ".json":
        raise InvalidInput("expected .csv, .jsonl or .json; see docs/replay.md", where=str(file))
    return _whole(file, policy)


def _checked(rows: Iterator[Recorded], file: Path) -> Iterator[Recorded]:
    """Refuse what is not in order; the line before it was the last one that could be used."""
    newest = None
    for number, (name, sample) in enumerate(rows, 1):
        if newest is not None and sample.at < newest:
            raise InvalidInput(
                f"{name} of {sample.at.isoformat()} stands after {newest.isoformat()}; expected order, or --sort",
                where=f"{file}: sample {number}: at",
            )
        newest = sample.at
        yield name, sample


def _whole(file: Path, policy: Policy) -> list[Recorded]:
    try:
        document = json.loads(file.read_bytes())
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"not readable as JSON: {error}", where=str(file)) from None
    if looks_like_rows(document):
        return table_rows(file, policy)
    if looks_like_metrics(document):
        return azure_metrics(file, policy)
    raise InvalidInput(
        "neither an answer of Azure Monitor nor rows of the app's table; "
        f"for {', '.join(COLUMNS[:5])} expected .csv or .jsonl",
        where=str(file),
    )
