"""Foreign keys that would not hold any more when a way back is taken back.

Rows that came by it go again, and others may refer to them by now. In the replica role the server does not see that; so
it is reckoned before anything is taken back, from what every touched table will hold then, and counted at the end.
Without that role a foreign key may delete or change with them what nobody has an image of.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from psycopg import Connection
from psycopg.sql import SQL, Composable, Composed, Literal

from shared.adapters.postgres.copying.images import Chunk, images_of, kept, of_chunk
from shared.adapters.postgres.server.session import Rows
from shared.adapters.postgres.server.sql import columns, differs, exactly, leads, listed, same_row, table
from shared.adapters.postgres.way_back.aftermath import lonely, named_by
from shared.errors import PermanentError
from shared.model.sync import Pass, SyncPlan, SyncTable
from shared.model.tables import Reference, TableName

_PASSES = [one.value for one in Pass]
_KEYED = SQL("""
SELECT {now}, false AS restored FROM {table} AS c
WHERE NOT EXISTS (SELECT FROM {images} AS i WHERE i.rollback_sync = {sync} AND {same})
UNION ALL SELECT {names}, true FROM (
  SELECT DISTINCT ON ({keys}) rollback_existed, {names} FROM {images} WHERE rollback_sync = {sync}
  ORDER BY {keys}, rollback_round, array_position({passes}, rollback_pass)) AS first WHERE rollback_existed
""")
_NAMELESS = SQL("""
(SELECT {names}, false AS restored FROM {table}
 UNION ALL SELECT {names}, false FROM {images} WHERE rollback_sync = {sync} AND rollback_existed)
EXCEPT ALL SELECT {names}, false FROM {images} WHERE rollback_sync = {sync} AND NOT rollback_existed
""")
# A row that comes back led nowhere before, too, only under a foreign key that was never validated.
_AFTERWARDS = SQL("""
SELECT count(*) FILTER (WHERE NOT before), count(*) FILTER (WHERE before) FROM (
  SELECT CASE WHEN c.restored
              THEN NOT (SELECT convalidated FROM pg_constraint WHERE conrelid = {child}::regclass AND conname = {name})
              ELSE NOT EXISTS (SELECT FROM {parent} AS p WHERE {leads}) END AS before
  FROM ({children}) AS c WHERE {named} AND NOT EXISTS (SELECT FROM ({parents}) AS p WHERE {leads})) AS each
""")


@dataclass(frozen=True, slots=True)
class Leading:
    """A foreign key of or to a table that was touched.

    Attributes:
        child, parent: As they were touched; `None` if they were not.
    """

    of: TableName
    reference: Reference
    child: SyncTable | None
    parent: SyncTable | None

    def __str__(self) -> str:
        return f"{self.reference.name} of {self.of}"


def lonely_afterwards(source: Connection[Rows], sync: str, plan: SyncPlan) -> dict[str, int]:
    """Return how many rows lead nowhere that did so before, by foreign key; only good before any is taken back.

    Raises:
        PermanentError: others would, too.
    """
    found = {str(one): _counted(source, sync, one) for one in _leading(plan)}
    led_away = [f"{new} rows of {name}" for name, (new, _) in found.items() if new]
    if led_away:
        raise PermanentError(
            f"rows refer to what would go when it is taken back: {'; '.join(led_away)}: delete them, or let them refer"
            " to something else"
        )
    return {name: old for name, (_, old) in found.items() if old}


def lonely_now(source: Connection[Rows], plan: SyncPlan, before: Mapping[str, int]) -> list[str]:
    """Return the foreign keys of which more rows lead nowhere than before, each with how many."""
    found = {str(one): _count(source, one) - before.get(str(one), 0) for one in _leading(plan)}
    return [f"{new} rows of {name}" for name, new in found.items() if new > 0]


def refuse_led_away(source: Connection[Rows], chunk: Chunk) -> None:
    """Refuse to take back a chunk where that would cascade into rows of others.

    Raises:
        PermanentError: it would.
    """
    for child, reference in chunk.of.referred:
        rows = _referring(source, chunk, child, reference) if child != chunk.of.name else 0
        if rows:
            raise PermanentError(f"{child}: {rows} rows of {reference.name} refer to what would go")


def _leading(plan: SyncPlan) -> Iterator[Leading]:
    by_name = {of.name: of for of in plan.tables}
    named = {(of.name, one) for of in plan.tables for one in of.references}
    named |= {found for of in plan.tables for found in of.referred}
    for of, one in sorted(named, key=lambda found: (found[0], found[1].name)):
        yield Leading(of, one, by_name.get(of), by_name.get(one.to))


def _counted(source: Connection[Rows], sync: str, one: Leading) -> tuple[int, int]:
    """Count the rows that will lead nowhere: those that do not now, and the others."""
    reference = one.reference
    if not _is_kept(one.child, reference.columns) or not _is_kept(one.parent, reference.to_columns):
        return 0, _count(source, one)  # computed from what images hold: only the proof can tell
    asked = _AFTERWARDS.format(
        child=Literal(table(one.of).as_string()),
        name=Literal(reference.name),
        parent=table(reference.to),
        leads=leads(reference, "c", "p"),
        children=_rows(sync, one.of, one.child, reference.columns),
        named=named_by(reference),
        parents=_rows(sync, reference.to, one.parent, reference.to_columns),
    )
    row: Any = source.execute(asked).fetchone()
    return int(row[0]), int(row[1])


def _count(source: Connection[Rows], one: Leading) -> int:
    asked = SQL("SELECT count(*) FROM ({}) AS lonely").format(lonely(one.of, one.reference))
    row: Any = source.execute(asked).fetchone()
    return int(row[0])


def _is_kept(of: SyncTable | None, names: Iterable[str]) -> bool:
    return of is None or set(names) <= set(kept(of))


def _rows(sync: str, name: TableName, of: SyncTable | None, names: tuple[str, ...]) -> Composed:
    """Return what a table will hold when all is taken back."""
    if of is None:
        return SQL("SELECT {}, false AS restored FROM {}").format(columns(names), table(name))
    pieces = {"names": columns(names), "table": table(name), "images": images_of(of), "sync": Literal(sync)}
    if not of.key:
        return _NAMELESS.format(**pieces)
    keyed = {"now": columns(names, "c"), "keys": columns(of.key), "same": same_row(of, "i", "c")}
    return _KEYED.format(**pieces, **keyed, passes=Literal(_PASSES))


def _referring(source: Connection[Rows], chunk: Chunk, child: TableName, reference: Reference) -> int:
    of = chunk.of
    asked = SQL(
        "SELECT count(*) FROM {} AS i JOIN {} AS p ON {} JOIN {} AS c ON {} WHERE {} AND (NOT i.rollback_existed OR {})"
    ).format(
        images_of(of),
        table(of.name),
        same_row(of, "i", "p"),
        table(child),
        leads(reference, "c", "p"),
        of_chunk(chunk),
        _moved(of, reference),
    )
    row: Any = source.execute(asked).fetchone()
    return int(row[0])


def _moved(of: SyncTable, reference: Reference) -> Composable:
    if not set(reference.to_columns) <= set(kept(of)):  # computed from others
        return differs(of, "p", "i")
    told = [one for one in of.columns if one.name in reference.to_columns]
    was, now = (listed(exactly(one, side) for one in told) for side in ("p", "i"))
    return SQL("ROW({}) IS DISTINCT FROM ROW({})").format(was, now)
