"""The rows of a workload as they were exported from the app's own table: `az storage entity query -o json`.

Of the last minutes the watch record holds each sample. Of the last two days there are roll-ups by the minute: each
becomes one sample, its mean, at the end of its minute. That is coarser than what the watch saw.
"""

import json
import zlib
from base64 import b64decode
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from shared.analytics.buckets import Page
from shared.errors import InvalidInput
from shared.model.policy import Policy
from shared.model.signal import measured
from shared.model.watch import WatchState
from shared.replay.player import Recorded

_WATCH = "now:1:watch"
_MINUTES = "roll:minutes:"
_MINUTE = timedelta(minutes=1)


def looks_like_rows(document: Any) -> bool:
    """Tell whether a JSON document is an export of a table."""
    items = document.get("items") if isinstance(document, dict) else document
    return isinstance(items, list) and all(isinstance(item, dict) and "RowKey" in item for item in items)


def table_rows(file: Path, policy: Policy) -> list[Recorded]:
    """Read the samples of the policy's workload.

    Raises:
        InvalidInput: a row cannot be read by this version.
    """
    document = json.loads(file.read_bytes())
    items = document["items"] if isinstance(document, dict) else document
    mine = {str(item["RowKey"]): item for item in items if item.get("PartitionKey") == policy.workload}
    found = list(_of_the_watch(mine, file))
    oldest: dict[str, datetime] = {}
    for name, sample in found:
        oldest[name] = min(sample.at, oldest.get(name, sample.at))
    for name, sample in _of_minutes(mine, file):
        if name not in oldest or sample.at < oldest[name]:
            found.append((name, sample))
    return sorted(found, key=lambda one: one[1].at)


def _of_the_watch(rows: Mapping[str, Any], file: Path) -> Iterator[Recorded]:
    if _WATCH in rows:
        state: WatchState = _read(WatchState, rows[_WATCH], file)
        yield from ((name, sample) for name, series in state.series.items() for sample in series)


def _of_minutes(rows: Mapping[str, Any], file: Path) -> Iterator[Recorded]:
    for key in sorted(rows):
        if not key.startswith(_MINUTES):
            continue
        page: Page = _read(Page, rows[key], file)
        for begins, bucket in sorted(page.buckets.items()):
            at = datetime.fromtimestamp(begins, UTC) + _MINUTE
            for name, rolled in bucket.signals.items():
                if rolled.mean is not None:
                    yield name, measured(at, rolled.mean, rolled.count)


def _read(kind: type[Any], row: Mapping[str, Any], file: Path) -> Any:
    """Read a record: plain text, or compressed pieces, which JSON has in base64."""
    try:
        body = row.get("body")
        if body is None:
            pieces = [row[name] for name in sorted(row) if name[0] == "z" and name[1:].isdecimal()]
            body = zlib.decompress(b"".join(map(b64decode, pieces))).decode()
        return TypeAdapter(kind).validate_json(body)
    except (ValueError, TypeError, zlib.error):
        raise InvalidInput(
            "cannot be read by this version; expected an export of the table, unchanged",
            where=f"{file}: row {row['RowKey']}",
        ) from None
