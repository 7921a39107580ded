"""Shows what is not the same on both sides, by key and column: for people, a few rows of each table."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from json import dumps
from typing import Any

from psycopg import Connection
from psycopg.sql import SQL, Composable

from shared.adapters.postgres.capture.keys import KEYS, give_keys
from shared.adapters.postgres.capture.records import load_note, save_note
from shared.adapters.postgres.server.hashing import as_on_source
from shared.adapters.postgres.server.session import Rows
from shared.adapters.postgres.server.sql import column, listed, same_key, table
from shared.model.sync import SyncColumn, SyncTable

_ROWS = 20
_LONGEST = 200
_NOTE = "differences"


@dataclass(frozen=True, slots=True)
class Difference:
    """One value that is not the same.

    Attributes:
        column: Empty when the row is on one side only.
        source, target: As text, cut; `None` for no value. For a whole row, whether it is there.
    """

    key: str
    column: str
    source: str | None
    target: str | None


def differences(
    source: Connection[Rows], target: Connection[Rows], of: SyncTable, keys: Iterable[bytes]
) -> list[Difference]:
    """Return what differs in the rows of the first few keys, given as lines of COPY's text format."""
    some = list(islice(keys, _ROWS))
    if not of.key:  # what is listed of these is a hash
        return [Difference(key.decode().strip(), "", "other copies", "other copies") for key in some]
    here, there = _values(source, of, some, of_source=True), _values(target, of, some, of_source=False)
    return [
        one for key in sorted(here.keys() | there.keys()) for one in _of_row(of, key, here.get(key), there.get(key))
    ]


def note_differences(
    source: Connection[Rows], sync: str, of: SyncTable, round_: int, found: Sequence[Difference]
) -> None:
    """Keep them with the sync, in place of those of an earlier round."""
    noted = load_note(source, sync, _NOTE) or {}
    noted[str(of.name)] = {"round": round_, "rows": [asdict(one) for one in found]}
    save_note(source, sync, _NOTE, dumps(noted))


def noted_differences(source: Connection[Rows], sync: str) -> dict[str, Any]:
    """Return what was kept, by table."""
    noted: dict[str, Any] = load_note(source, sync, _NOTE) or {}
    return noted


def _of_row(
    of: SyncTable, key: str, here: Sequence[str | None] | None, there: Sequence[str | None] | None
) -> Iterable[Difference]:
    if here is None or there is None:
        return [Difference(key, "", _whether(here), _whether(there))]
    values = zip(of.columns, here, there, strict=True)
    return [Difference(key, one.name, _cut(a), _cut(b)) for one, a, b in values if a != b]


def _whether(row: Sequence[str | None] | None) -> str:
    return "no row" if row is None else "a row"


def _cut(value: str | None) -> str | None:
    return value if value is None or len(value) <= _LONGEST else f"{value[:_LONGEST]}..."


def _values(
    side: Connection[Rows], of: SyncTable, keys: Iterable[bytes], *, of_source: bool
) -> dict[str, list[str | None]]:
    asked = SQL("SELECT ARRAY[{}]::text, ARRAY[{}] FROM {} AS k JOIN {} AS t ON {}").format(
        listed(SQL("{}::text").format(column(name, "k")) for name in of.key),
        listed(_text(one, of_source=of_source) for one in of.columns),
        KEYS,
        table(of.name),
        same_key(of.key, "k", "t"),
    )
    with side.transaction():
        give_keys(side, of, keys)
        rows: list[Any] = side.execute(asked).fetchall()
    return {key.strip("{}"): values for key, values in rows}


def _text(one: SyncColumn, *, of_source: bool) -> Composable:
    return SQL("{}::text").format(column(one.name, "t")) if one.same or of_source else as_on_source(one, "t")
