"""Foreign keys that were set aside for the copy: whether they hold again, for all rows, some seconds' worth at a time.

Rows that led nowhere before, under a foreign key that was never validated, are not ours to complain about: by their
images, or those of what they led to, it is known what has changed. `VALIDATE CONSTRAINT` finds nothing: the constraint
counts as valid already.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from time import monotonic
from typing import Any

from psycopg import Connection, errors
from psycopg.sql import SQL, Composable, Composed, Literal

from shared.adapters.postgres.copying.images import images_of, kept
from shared.adapters.postgres.proof.progress import lying
from shared.adapters.postgres.proof.split import Reading
from shared.adapters.postgres.server.session import Rows
from shared.adapters.postgres.server.sides import Sides
from shared.adapters.postgres.server.sql import column, leads, listed, row, same_values
from shared.adapters.postgres.way_back.aftermath import lonely
from shared.adapters.postgres.way_back.state import State
from shared.errors import PermanentError
from shared.model.sync import SyncTable
from shared.model.tables import Reference, Table, TableName

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class References:
    """Those of the source that a way back may have broken; also from tables that were not taken to some that were."""

    source: Connection[Rows]
    here: Mapping[TableName, Table]
    taken: Mapping[TableName, SyncTable]

    @classmethod
    def of(cls, sides: Sides) -> "References":
        return cls(sides.source, sides.here.tables, {of.name: of for of in sides.plan.tables})

    def go_on(self, state: State, until: float) -> tuple[State, bool]:
        """Follow them for about that long; return whether all were followed to their end.

        Raises:
            PermanentError: rows lead nowhere; a few are named.
        """
        for of, reference in self._all():
            name = f"{of.name} {reference.name}"
            while name not in state.followed:
                state = self._follow(state, of, reference, name)
                if monotonic() > until:
                    return state, False
        return state, True

    def _all(self) -> Iterator[tuple[Table, Reference]]:
        for of in self.here.values():
            for reference in of.references:
                if of.name in self.taken or reference.to in self.taken:
                    yield of, reference

    def _follow(self, state: State, of: Table, reference: Reference, name: str) -> State:
        """Follow those of the next part of a table. One that takes too long is done in smaller ones."""
        reading, began = state.following or self._begun(of), monotonic()
        try:
            self._demand_none(of, reference, reading)
        except errors.QueryCanceled:
            smaller = reading.smaller()
            if smaller is None:
                raise
            return replace(state, following=smaller)
        then = reading.read(monotonic() - began)
        if then.over:
            return replace(state, following=None, followed=(*state.followed, name))
        return replace(state, following=then)

    def _begun(self, of: Table) -> Reading:
        lies = lying(self.source, of.oid)
        return Reading.of(lies.blocks, lies.size)

    def _demand_none(self, of: Table, reference: Reference, part: Reading) -> None:
        asked = self._broken(of, reference, part.where("c"))
        counted: Any = self.source.execute(SQL("SELECT count(*) FROM ({}) AS lonely").format(asked)).fetchone()
        if counted[0]:
            few = self._few(of, asked)
            named = f", such as {', '.join(few)}" if few else ""
            least = "" if part.at_once else "at least "
            raise PermanentError(f"{of.name}: {least}{counted[0]} rows of {reference.name} lead nowhere{named}")

    def _few(self, of: Table, asked: Composed) -> list[str]:
        """Return a few keys as text; none of a table without a key, where only values could tell."""
        if not of.key:
            return []
        some = SQL("SELECT {}::text FROM ({}) AS lonely LIMIT {}").format(row(of.key), asked, Literal(_SHOWN))
        rows: list[Any] = self.source.execute(some).fetchall()
        return [key for (key,) in rows]

    def _broken(self, of: Table, reference: Reference, part: Composable) -> Composed:
        """Rows that lead nowhere since they were changed, or since what they lead to went, by the images of any sync.

        The images are asked for the few rows alone that lead nowhere.
        """
        child, parent = self.taken.get(of.name), self.taken.get(reference.to)
        reasons = [*([_changed(child, reference)] if child else []), *([_went(parent, reference)] if parent else [])]
        return SQL("WITH c AS MATERIALIZED ({} AND {}) SELECT * FROM c WHERE {}").format(
            lonely(of.name, reference), part, listed(reasons, " OR ")
        )


def _changed(child: SyncTable, reference: Reference) -> Composed:
    same = same_values(child, child.key or reference.columns, "i", "c")
    if not set(reference.columns) <= set(kept(child)):  # computed from what an image holds: any change may be one of it
        return SQL("EXISTS (SELECT FROM {} AS i WHERE {})").format(images_of(child), same)
    # As text: a type of an extension may have no operator on the search path.
    texts = (listed(SQL("{}::text").format(column(name, side)) for name in reference.columns) for side in ("i", "c"))
    moved = SQL("NOT i.rollback_existed OR ROW({}) IS DISTINCT FROM ROW({})").format(*texts)
    return SQL("EXISTS (SELECT FROM {} AS i WHERE {} AND ({}))").format(images_of(child), same, moved)


def _went(parent: SyncTable, reference: Reference) -> Composed:
    if not set(reference.to_columns) <= set(kept(parent)):
        return SQL("EXISTS (SELECT FROM {} AS i WHERE i.rollback_existed)").format(images_of(parent))
    return SQL("EXISTS (SELECT FROM {} AS i WHERE i.rollback_existed AND {})").format(
        images_of(parent), leads(reference, "c", "i")
    )
