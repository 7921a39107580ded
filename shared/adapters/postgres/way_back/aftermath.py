"""What must hold on the source besides its rows: sequences past every value, and foreign keys that were set aside."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from psycopg import Connection
from psycopg.sql import SQL, Composed, Literal

from shared.adapters.postgres.copying.images import images_of, kept
from shared.adapters.postgres.server.session import Rows
from shared.adapters.postgres.server.sql import column, columns, listed, row, same_key, table
from shared.decision.sync_sequences import positions
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
    moved = positions(here, there)
    for name, last in moved.items():
        source.execute("SELECT setval(%s::regclass, %s, true)", [table(name).as_string(), last])
    return moved


def orphans(source: Connection[Rows], here: Mapping[TableName, Table], taken: Iterable[SyncTable]) -> list[Orphans]:
    """Return the foreign keys that do not hold any more: what was set aside for the copy is checked here, all rows.

    Rows that led nowhere before, under a foreign key that was never validated, are not ours to complain about.
    `VALIDATE CONSTRAINT` finds nothing: the constraint counts as valid already.

    Args:
        here: All tables of the source: some that were not taken may refer to rows that are gone.
    """
    by_name = {of.name: of for of in taken}
    found = [
        _orphans(source, of, reference, by_name)
        for of in here.values()
        for reference in of.references
        if of.name in by_name or reference.to in by_name
    ]
    return [one for one in found if one is not None]


def _orphans(
    source: Connection[Rows], of: Table, reference: Reference, taken: Mapping[TableName, SyncTable]
) -> Orphans | None:
    asked = _new(of, reference, taken)
    counted = source.execute(SQL("SELECT count(*) FROM ({}) AS lonely").format(asked)).fetchone()
    count = int(str(counted[0])) if counted else 0
    if not count:
        return None
    shown = source.execute(
        SQL("SELECT ROW({})::text FROM ({}) AS lonely LIMIT {}").format(columns(_shown(of)), asked, Literal(_SHOWN))
    )
    return Orphans(of.name, reference.name, count, tuple(str(key[0]) for key in shown.fetchall()))


def _new(of: Table, reference: Reference, taken: Mapping[TableName, SyncTable]) -> Composed:
    """Rows that lead nowhere since they were changed, or since what they lead to went, by the images of any sync.

    The images are asked for the few rows alone that lead nowhere.
    """
    child, parent = taken.get(of.name), taken.get(reference.to)
    reasons = [*([_changed(child, reference)] if child else []), *([_went(parent, reference)] if parent else [])]
    return SQL("WITH c AS MATERIALIZED ({}) SELECT {} FROM c WHERE {}").format(
        _lonely(of, reference), columns(_shown(of), "c"), listed(reasons, " OR ")
    )


def _changed(child: SyncTable, reference: Reference) -> Composed:
    same = same_key(child.key or reference.columns, "i", "c")
    if not set(reference.columns) <= set(kept(child)):  # computed from what an image holds: any change may be one of it
        return SQL("EXISTS (SELECT FROM {} AS i WHERE {})").format(images_of(child), same)
    sides = (row(reference.columns, side) for side in ("i", "c"))
    moved = SQL("NOT i.rollback_existed OR {} IS DISTINCT FROM {}").format(*sides)
    return SQL("EXISTS (SELECT FROM {} AS i WHERE {} AND ({}))").format(images_of(child), same, moved)


def _went(parent: SyncTable, reference: Reference) -> Composed:
    if not set(reference.to_columns) <= set(kept(parent)):
        return SQL("EXISTS (SELECT FROM {} AS i WHERE i.rollback_existed)").format(images_of(parent))
    pairs = zip(reference.columns, reference.to_columns, strict=True)
    same = listed((SQL("i.{} = c.{}").format(column(to), column(mine)) for mine, to in pairs), " AND ")
    return SQL("EXISTS (SELECT FROM {} AS i WHERE i.rollback_existed AND {})").format(images_of(parent), same)


def _shown(of: Table) -> Iterable[str]:
    return of.key or of.by_name


def _lonely(of: Table, reference: Reference) -> Composed:
    """A key with a null in it refers to nothing; with MATCH FULL all of it must be null."""
    named = listed((SQL("c.{} IS NOT NULL").format(column(name)) for name in reference.columns), " AND ")
    if reference.match_full:
        named = listed((SQL("c.{} IS NOT NULL").format(column(name)) for name in reference.columns), " OR ")
    pairs = zip(reference.columns, reference.to_columns, strict=True)
    same = listed((SQL("c.{} = p.{}").format(column(mine), column(theirs)) for mine, theirs in pairs), " AND ")
    return SQL("SELECT c.* FROM {} AS c WHERE ({}) AND NOT EXISTS (SELECT FROM {} AS p WHERE {})").format(
        table(of.name), named, table(reference.to), same
    )
