"""Pieces of SQL: names are always quoted by the driver, never pasted."""

from collections.abc import Iterable
from itertools import repeat
from typing import LiteralString

from psycopg.sql import SQL, Composable, Composed, Identifier

from shared.adapters.postgres.server.catalogue import OURS
from shared.model.sync import SyncColumn, SyncTable
from shared.model.tables import BUILT_IN, Equality, Reference, TableName


def ours(name: str) -> Identifier:
    """Return the name of something in our schema."""
    return Identifier(OURS, name)


def table(name: TableName) -> Identifier:
    return Identifier(name.schema, name.name)


def column(name: str, of: str = "") -> Identifier:
    """Return a column, of an alias if one is named."""
    return Identifier(of, name) if of else Identifier(name)


def columns(names: Iterable[str], of: str = "") -> Composed:
    """Return columns with commas between."""
    return listed(column(name, of) for name in names)


def listed(parts: Iterable[Composable], between: LiteralString = ", ") -> Composed:
    return SQL(between).join(parts)


def row(names: Iterable[str], of: str = "") -> Composed:
    """Return columns as a row value."""
    return SQL("ROW({})").format(columns(names, of))


def same_row(of: SyncTable, left: str, right: str) -> Composed:
    """Return the condition that two rows are the same one, by what names them."""
    return same_values(of, of.named_by, left, right)


def same_values(of: SyncTable, names: Iterable[str], left: str, right: str) -> Composed:
    """Return the condition that two rows have the same values in some columns, as an index of these takes it."""
    equal = {one.name: one.equal for one in of.columns}
    pairs = ((equal.get(name, BUILT_IN), column(name, left), column(name, right)) for name in names)
    return listed((equals(by, mine, other) for by, mine, other in pairs), " AND ")


def equals(by: Equality, left: Composable, right: Composable) -> Composed:
    """Return the condition that two values are equal in the sense of their type.

    That of an extension is named with its schema: it may be on no search path, and text would be compared then.
    """
    operator = SQL("=") if by.is_built_in else SQL("OPERATOR({}.{})").format(Identifier(by.schema), SQL(by.operator))
    return SQL("{} {} {}").format(left, operator, right)


def leads(reference: Reference, child: str, parent: str) -> Composed:
    """Return the condition that a row refers to another one, as the foreign key takes it."""
    pairs = zip(reference.columns, reference.to_columns, reference.equal or repeat(BUILT_IN), strict=False)
    return listed((equals(by, column(to, parent), column(mine, child)) for mine, to, by in pairs), " AND ")


def exactly(one: SyncColumn, of: str = "") -> Composable:
    """Return a column's value such that equal means the same: as it is, or as it is written.

    What is written is compared byte by byte: some collations take different texts for equal.
    """
    return column(one.name, of) if one.exact else SQL('{} COLLATE "C"').format(written(one, of))


def written(one: SyncColumn, of: str = "") -> Composed:
    """Return a column's value as it is written. A cast to text would drop the blanks that end a `bpchar`."""
    value = column(one.name, of)
    return SQL("textin(bpcharout({}))").format(value) if one.type == "bpchar" else SQL("{}::text").format(value)


def differs(of: SyncTable, left: str, right: str) -> Composed:
    """Return the condition that two rows of a table are not the same in a value besides the key."""
    values = _set_on_update(of)
    if not values:
        return Composed([SQL("false")])
    sides = (listed(exactly(value, side) for value in values) for side in (left, right))
    return SQL("ROW({}) IS DISTINCT FROM ROW({})").format(*sides)


def set_to(of: SyncTable, right: str) -> Composed:
    """Return the assignments that make a row the same."""
    return listed(SQL("{} = {}").format(column(one.name), column(one.name, right)) for one in _set_on_update(of))


def _set_on_update(of: SyncTable) -> list[SyncColumn]:
    """A key's column is set too where equal keys may be written differently: 1.0 and 1.00."""
    return [one for one in of.columns if not one.always_identity and not (one.in_key and one.exact)]
