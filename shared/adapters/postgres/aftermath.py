"""What must hold on the source besides its rows: sequences past every value, and foreign keys that were set aside."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from psycopg import Connection
from psycopg.sql import SQL, Composed, Literal

from shared.adapters.postgres.session import Rows
from shared.adapters.postgres.sql import column, columns, listed, table
from shared.model.sync import SyncTable
from shared.model.tables import Reference, Sequence, Table, TableName

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Orphans:
    """Rows whose foreign key leads nowhere.

    Attributes:
        keys: A few of them, as text.
    """

    table: TableName
    reference: str
    rows: int
    keys: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.table}: {self.rows} rows of {self.reference} lead nowhere, such as {', '.join(self.keys)}"


def advance_sequences(
    source: Connection[Rows], here: Mapping[TableName, Sequence], there: Mapping[TableName, Sequence]
) -> dict[TableName, int]:
    """Set every sequence of the source past what either side has handed out; returns those that were moved."""
    moved = {name: last for name, last in _wanted(here, there) if last != here[name].last}
    for name, last in moved.items():
        source.execute("SELECT setval(%s::regclass, %s, true)", [table(name).as_string(), last])
    return moved


def _wanted(here: Mapping[TableName, Sequence], there: Mapping[TableName, Sequence]) -> Iterator[tuple[TableName, int]]:
    for name in sorted(here.keys() & there.keys()):
        used = [last for last in (here[name].last, there[name].last) if last is not None]
        if used:
            yield name, max(used) if here[name].increment > 0 else min(used)


def orphans(source: Connection[Rows], here: Mapping[TableName, Table], taken: Iterable[SyncTable]) -> list[Orphans]:
    """Return the foreign keys that do not hold: what was set aside for the copy is checked here, all rows of it.

    `VALIDATE CONSTRAINT` finds nothing: the constraint counts as valid already.

    Args:
        here: All tables of the source: some that were not taken may refer to rows that are gone.
    """
    names = {of.name for of in taken}
    found = [
        _orphans(source, of, reference)
        for of in here.values()
        for reference in of.references
        if of.name in names or reference.to in names
    ]
    return [one for one in found if one is not None]


def _orphans(source: Connection[Rows], of: Table, reference: Reference) -> Orphans | None:
    asked = _lonely(of, reference)
    row = source.execute(SQL("SELECT count(*) FROM ({}) AS lonely").format(asked)).fetchone()
    count = int(str(row[0])) if row else 0
    if not count:
        return None
    shown = source.execute(
        SQL("SELECT ROW({})::text FROM ({}) AS lonely LIMIT {}").format(columns(_shown(of)), asked, Literal(_SHOWN))
    )
    return Orphans(of.name, reference.name, count, tuple(str(key[0]) for key in shown.fetchall()))


def _shown(of: Table) -> Iterable[str]:
    return of.key or of.by_name


def _lonely(of: Table, reference: Reference) -> Composed:
    """A key with a null in it refers to nothing; with MATCH FULL all of it must be null."""
    named = listed((SQL("c.{} IS NOT NULL").format(column(name)) for name in reference.columns), " AND ")
    if reference.match_full:
        named = listed((SQL("c.{} IS NOT NULL").format(column(name)) for name in reference.columns), " OR ")
    pairs = zip(reference.columns, reference.to_columns, strict=True)
    same = listed((SQL("c.{} = p.{}").format(column(mine), column(theirs)) for mine, theirs in pairs), " AND ")
    return SQL("SELECT {} FROM {} AS c WHERE ({}) AND NOT EXISTS (SELECT FROM {} AS p WHERE {})").format(
        columns(_shown(of), "c"), table(of.name), named, table(reference.to), same
    )
