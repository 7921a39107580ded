"""Shows what is not the same on both sides, by key and column: for people, a few rows of each table."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from json import dumps
from typing import Any

from psycopg import Connection
from psycopg.sql import SQL, Composable, Literal

from shared.adapters.postgres.capture.keys import KEYS, give_keys
from shared.adapters.postgres.capture.records import load_note, save_note
from shared.adapters.postgres.server.hashing import as_on_source
from shared.adapters.postgres.server.session import Rows
from shared.adapters.postgres.server.sql import column, listed, same_row, table, written
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


@dataclass(frozen=True, slots=True)
class _Value:
    """One value of one side, by its digest, and how it begins."""

    digest: str | None
    begins: str | None

    @property
    def shown(self) -> str | None:
        if self.begins is None or len(self.begins) <= _LONGEST:
            return self.begins
        return f"{self.begins[:_LONGEST]}..."


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
    of: SyncTable, key: str, here: Sequence[_Value] | None, there: Sequence[_Value] | None
) -> Iterable[Difference]:
    if here is None or there is None:
        return [Difference(key, "", _whether(here), _whether(there))]
    values = zip(of.columns, here, there, strict=True)
    return [Difference(key, one.name, a.shown, b.shown) for one, a, b in values if a.digest != b.digest]


def _whether(row: Sequence[_Value] | None) -> str:
    return "no row" if row is None else "a row"


def _values(
    side: Connection[Rows], of: SyncTable, keys: Iterable[bytes], *, of_source: bool
) -> dict[str, list[_Value]]:
    """Large values stay on their side: of each comes what is shown of it, and by what it is told from another."""
    texts = [_text(one, of_source=of_source) for one in of.columns]
    asked = SQL("SELECT ARRAY[{}]::text, ARRAY[{}], ARRAY[{}] FROM {} AS k JOIN {} AS t ON {}").format(
        listed(SQL("{}::text").format(column(name, "k")) for name in of.key),
        listed(SQL("md5({})").format(text) for text in texts),
        listed(SQL("left({}, {})").format(text, Literal(_LONGEST + 1)) for text in texts),
        KEYS,
        table(of.name),
        same_row(of, "k", "t"),
    )
    with side.transaction():
        give_keys(side, of, keys)
        rows: list[Any] = side.execute(asked).fetchall()
    return {key.strip("{}"): list(map(_Value, digests, some)) for key, digests, some in rows}


def _text(one: SyncColumn, *, of_source: bool) -> Composable:
    return written(one, "t") if one.same or of_source else as_on_source(one, "t")
