"""What a way back has touched, as the source alone knows it: the target may be down when it is to be taken back.

Which tables it took is in its state, what it did to them in `progress`, and what their rows were in the images. A row
comes back as its image has it, in all of its columns.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from psycopg import Connection
from psycopg.sql import SQL, Identifier

from shared.adapters.postgres.server.catalogue import OURS, read_catalogue
from shared.adapters.postgres.server.session import Rows
from shared.adapters.postgres.server.sql import ours
from shared.adapters.postgres.way_back.state import State
from shared.decision.sync_order import order_of
from shared.errors import PermanentError
from shared.model.sync import Pass, SyncColumn, SyncPlan, SyncTable
from shared.model.tables import Catalogue, Column, Generated, Reference, Table, TableName

_CHANGED = """
SELECT oid::int8 FROM {} WHERE sync = %s AND pass = ANY (%s)
GROUP BY 1 HAVING sum(inserted + updated + deleted + vacated) > 0 ORDER BY 1
"""
# Behind five columns of ours. Those of before a change of the table are beside those of now, under a longer name.
_IMAGES = """
SELECT c.relname, obj_description(c.oid, 'pg_class'),
       array(SELECT attname FROM pg_attribute WHERE attrelid = c.oid AND attnum > 5 AND NOT attisdropped
             ORDER BY attnum),
       array(SELECT i.attname FROM pg_attribute i LEFT JOIN pg_attribute t
               ON t.attrelid = %(table)s AND t.attname = i.attname AND t.atttypid = i.atttypid
             WHERE i.attrelid = c.oid AND i.attnum > 5 AND NOT i.attisdropped AND t.attnum IS NULL ORDER BY i.attnum)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = %(ours)s AND c.relkind = 'r' AND c.relname ~ ('^before_' || %(table)s || '(_[0-9]+)?$') ORDER BY 1
"""
_KEEPS = "SELECT EXISTS (SELECT FROM {} WHERE rollback_sync = %s)"


def undo_plan(source: Connection[Rows], sync: str, state: State) -> SyncPlan:
    """Return the tables of which a way back has changed rows.

    Raises:
        PermanentError: not all of it can come back; what and why is named.
    """
    catalogue = read_catalogue(source, wanted=())
    found = {str(name): table for name, table in catalogue.tables.items()}
    asked = SQL(_CHANGED).format(ours("progress"))
    rows: list[Any] = source.execute(asked, [sync, [one.value for one in Pass]]).fetchall()
    named = {oid: state.names.get(oid, f"a table that was number {oid} on the target") for (oid,) in rows}
    gone = sorted(name for name in named.values() if name not in found)
    if gone:
        raise PermanentError(f"it cannot be taken back whole: {', '.join(gone)} is not on the source any more")
    order, _ = order_of({found[name].name: found[name] for name in named.values()})
    return SyncPlan(
        tables=tuple(
            replace(
                _of_table(source, sync, oid, found[name], order.index(found[name].name)),
                referred=tuple(_referring(catalogue, found[name].name)),
            )
            for oid, name in named.items()
        ),
        replica_role=catalogue.server.replica_role,
    )


def _referring(catalogue: Catalogue, name: TableName) -> Iterator[tuple[TableName, Reference]]:
    for of in catalogue.tables.values():
        yield from ((of.name, one) for one in of.references if one.to == name)


def _of_table(source: Connection[Rows], sync: str, oid: int, of: Table, place: int) -> SyncTable:
    key, columns = _kept(source, sync, of)
    return SyncTable(
        oid=oid,
        source_oid=of.oid,
        name=of.name,
        key=key,
        columns=tuple(_column(of.by_name[name], in_key=name in key) for name in columns),
        place=place,
        references=of.references,
        triggers=tuple(of.triggers.items()),
    )


def _kept(source: Connection[Rows], sync: str, of: Table) -> tuple[tuple[str, ...], Sequence[str]]:
    """Return the key and the columns of its images, which must all be in one place and fit the table of now."""
    rows: list[Any] = source.execute(_IMAGES, {"ours": OURS, "table": of.oid}).fetchall()
    keeping = [(key, columns, unfit) for name, key, columns, unfit in rows if _keeps(source, sync, name)]
    if not keeping:
        raise PermanentError(f"it cannot be taken back: nothing that it overwrote in {of.name} is kept any more")
    unfit = sorted({name for _, _, names in keeping for name in names})
    if unfit or len(keeping) > 1:
        what = f": {', '.join(unfit)}" if unfit else ""
        raise PermanentError(f"it cannot be taken back whole: columns of {of.name} were changed since{what}")
    key, columns, _ = keeping[0]
    return tuple(json.loads(key)), columns


def _keeps(source: Connection[Rows], sync: str, name: str) -> bool:
    row: Any = source.execute(SQL(_KEEPS).format(Identifier(OURS, name)), [sync]).fetchone()
    return bool(row[0])


def _column(of: Column, *, in_key: bool) -> SyncColumn:
    return SyncColumn(
        name=of.name,
        type=of.type,
        exact=of.exact and "." not in of.type,
        same=True,
        in_key=in_key,
        always_identity=of.generated is Generated.IDENTITY_ALWAYS,
        equal=of.equal,
    )
