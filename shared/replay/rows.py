"""Samples as rows, of CSV or of JSON lines: `signal,at,value,count,outcome`, and `id` and `note` if there are any.

    signal,at,value,count,outcome
    error_rate,2026-03-01T12:00:10Z,3.1%,20,
    p95,2026-03-01T12:00:10Z,240ms,,
    p95,2026-03-01T12:00:20Z,,,error

`at` is the event time, with its zone. A value without a unit is in the product's own: shares 0 to 1, latencies in
milliseconds. Without a value and an outcome, there was no data.
"""

import csv
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from shared.errors import InvalidInput
from shared.model.policy import Policy
from shared.model.quantity import Dimension, parse_quantity
from shared.model.signal import Outcome, Sample, failed, measured, no_data
from shared.replay.player import Recorded

COLUMNS = ("signal", "at", "value", "count", "outcome", "id", "note")
_KNOWN = frozenset(COLUMNS)
_NEEDED = ("signal", "at", "value")
_NOTES = {Outcome.NO_DATA: "the recording has no value", Outcome.ERROR: "the recording says error"}
_MOST_COUNTED = 10**9

type Fields = Sequence[Any]


class Wrong(Exception):
    """What is wrong with a column, and what was expected."""

    def __init__(self, column: str, text: str) -> None:
        super().__init__(text)
        self.column, self.text = column, text


def csv_rows(file: Path, policy: Policy) -> Iterator[Recorded]:
    """Read samples from CSV.

    Raises:
        InvalidInput: something is wrong; it names the file, the line, the column and what was expected.
    """
    with file.open(encoding="utf-8-sig", newline="") as lines:
        reader = csv.reader(lines, strict=True)
        try:
            header = [name.strip() for name in next(reader, [])]
            places = _places(header, file)
            sample_of = _Samples(policy)
            for row in reader:
                if not row:
                    continue
                yield sample_of(_fields(row, places, len(header)))
        except Wrong as wrong:
            raise InvalidInput(wrong.text, where=place_in(file, reader.line_num, wrong.column)) from None
        except (csv.Error, UnicodeDecodeError) as error:
            raise InvalidInput(f"not readable as CSV: {error}", where=place_in(file, reader.line_num + 1)) from None


def json_lines(file: Path, policy: Policy) -> Iterator[Recorded]:
    """Read samples from JSON lines: one object a line.

    Raises:
        InvalidInput: as for `csv_rows`.
    """
    sample_of, number = _Samples(policy), 0
    with file.open(encoding="utf-8") as lines:
        try:
            for line in lines:
                number += 1
                if not line.isspace():
                    yield sample_of(_keys(json.loads(line)))
        except Wrong as wrong:
            raise InvalidInput(wrong.text, where=place_in(file, number, wrong.column)) from None
        except (ValueError, RecursionError) as error:
            raise InvalidInput(f"not readable as JSON: {error}", where=place_in(file, number or 1)) from None


def _fields(row: Sequence[str], places: Sequence[int | None], columns: int) -> Fields:
    if len(row) != columns:
        raise Wrong("", f"{len(row)} columns; expected {columns}, as in the first line")
    return [row[place] if place is not None else None for place in places]


def _keys(found: Any) -> Fields:
    if not isinstance(found, dict):
        raise Wrong("", f"no object; expected one with {', '.join(COLUMNS[:5])}")
    if not found.keys() <= _KNOWN:
        raise Wrong(min(found.keys() - _KNOWN), f"unknown; expected one of: {', '.join(COLUMNS)}")
    return [found.get(name) for name in COLUMNS]


def _places(header: Sequence[str], file: Path) -> list[int | None]:
    """Return where each column stands."""
    where = place_in(file, 1)
    missing = [name for name in _NEEDED if name not in header]
    if missing:
        raise InvalidInput(
            f"the first line has no column {missing[0]!r}; expected for instance {','.join(COLUMNS[:5])}", where=where
        )
    strange = [name for name in header if name not in COLUMNS or header.count(name) > 1]
    if strange:
        raise InvalidInput(f"column {strange[0]!r}; expected each at most once: {', '.join(COLUMNS)}", where=where)
    return [header.index(name) if name in header else None for name in COLUMNS]


def place_in(file: Path, line: int, column: str = "") -> str:
    """Name a place in a file, as errors do."""
    return f"{file}:{line}: {column}" if column else f"{file}:{line}"


class _Samples:
    """Makes samples of the fields of rows, in the order of `COLUMNS`."""

    def __init__(self, policy: Policy) -> None:
        self._dimensions: Mapping[str, Dimension] = {
            name: signal.measures.dimension for name, signal in policy.signals.items()
        }
        self._read_at = ""
        self._at = datetime.fromtimestamp(0, UTC)

    def __call__(self, fields: Fields) -> Recorded:
        name, at, value, count, outcome, sample_id, note = fields
        if not isinstance(name, str) or not name:
            raise Wrong("signal", f"{name!r} is no name; expected that of a signal")
        if at != self._read_at:
            self._at, self._read_at = moment_of(at, "at"), at
        if value is None or value == "" or outcome not in (None, "", "measured"):
            return name, self._silent(value, outcome, note)
        number = float(value) if type(value) in (int, float) else self._parsed(name, value)
        return name, measured(self._at, number, _count(count), sample_id=_text(sample_id))

    def _silent(self, value: Any, outcome: Any, note: Any) -> Sample:
        try:
            kind = Outcome(outcome or Outcome.NO_DATA)
        except ValueError:
            raise Wrong("outcome", f"{outcome!r}; expected measured, no_data or error") from None
        if value is not None and value != "":
            raise Wrong("value", f"{value!r} beside {kind}; expected no value there")
        if kind is Outcome.MEASURED:
            raise Wrong("value", "nothing was measured; expected a value, or outcome no_data or error")
        made: Callable[[datetime, str], Sample] = failed if kind is Outcome.ERROR else no_data
        return made(self._at, _text(note) or _NOTES[kind])

    def _parsed(self, name: str, value: Any) -> float:
        try:
            return float(value)
        except (TypeError, ValueError):
            pass
        dimension = self._dimensions.get(name)
        try:
            return parse_quantity(str(value), dimension or Dimension.NUMBER)
        except ValueError as error:
            if dimension is None:  # nothing is done with it
                return 0.0
            raise Wrong("value", str(error)) from None


def moment_of(value: Any, column: str) -> datetime:
    """Read an event time.

    Raises:
        Wrong: it is none, or has no zone.
    """
    try:
        at = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise Wrong(column, f"{value!r} is no moment; expected for instance 2026-03-01T12:00:10Z") from None
    if at.tzinfo is None:
        raise Wrong(column, f"{value!r} has no zone; expected for instance 2026-03-01T12:00:10Z")
    return at.astimezone(UTC)


def _count(value: Any) -> int:
    if value is None or value == "":
        return 1
    try:
        count = int(value)
    except (TypeError, ValueError, OverflowError):
        count = -1
    if isinstance(value, bool) or not 0 <= count <= _MOST_COUNTED or (isinstance(value, float) and count != value):
        raise Wrong("count", f"{value!r}; expected a whole number from 0 to {_MOST_COUNTED:,}")
    return count


def _text(value: Any) -> str:
    return "" if value is None else str(value)
