"""The order of tables by their foreign keys: parents first."""

from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter

from shared.model.tables import Table, TableName


def order_of(tables: Mapping[TableName, Table]) -> tuple[list[TableName], list[TableName]]:
    """Return the tables, parents before children, and one circle of tables that refer to each other, if there is one.

    A table that refers to itself is a circle of one. Those of a circle stand by name, after all others.
    """
    parents = {
        name: {reference.to for reference in table.references if reference.to in tables}
        for name, table in sorted(tables.items())
    }
    itself = [name for name, of in parents.items() if name in of]
    sorter = TopologicalSorter({name: sorted(of - {name}) for name, of in parents.items()})
    try:
        return list(sorter.static_order()), itself[:1]
    except CycleError as error:
        circle = sorted(set(error.args[1]))
        rest = {name: table for name, table in tables.items() if name not in circle}
        return [*order_of(rest)[0], *circle], circle
