"""What the logs of a side can say, read with few waits for an answer, however many tables there are.

Nothing here takes silence for "no changes": a table of which a log does not say all that was written is named.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import batched
from typing import Any

from psycopg import Connection
from psycopg.sql import SQL, Composable, Composed, Literal

from shared.adapters.postgres.capture.key_log import log_of
from shared.adapters.postgres.capture.triggers import standing_of
from shared.adapters.postgres.server.catalogue import OURS
from shared.adapters.postgres.server.session import Rows, at_once
from shared.adapters.postgres.server.sql import columns, ours

_KEYS = SQL("""
SELECT substr(l.relname, 5)::int8, array_agg(a.attname::text ORDER BY a.attnum)
FROM pg_class l JOIN pg_namespace n ON n.oid = l.relnamespace JOIN pg_attribute a ON a.attrelid = l.oid
WHERE n.nspname = {} AND l.relname ~ '^log_[0-9]+$' AND l.relkind = 'r' AND a.attnum > 0 AND a.attname <> 'rollback_xid'
GROUP BY 1
""").format(Literal(OURS))
# A table without a key has no function for one. Of others the log must be there, and its columns be those of now: not
# only by name and type, but the very ones that the trigger for changed keys depends on.
_CAPTURED = SQL("""
SELECT f.oid, f.keyed, NOT f.keyed OR EXISTS (
         SELECT FROM pg_class l JOIN pg_namespace n ON n.oid = l.relnamespace
         WHERE n.nspname = {ours} AND l.relname = 'log_' || f.oid AND NOT EXISTS (
           SELECT FROM pg_attribute a LEFT JOIN pg_attribute now
             ON now.attrelid = f.oid AND now.attname = a.attname AND now.atttypid = a.atttypid AND EXISTS (
               SELECT FROM pg_trigger k JOIN pg_depend d ON d.classid = 'pg_trigger'::regclass AND d.objid = k.oid
               WHERE k.tgrelid = f.oid AND k.tgname LIKE {key} AND d.refclassid = 'pg_class'::regclass
                 AND d.refobjid = f.oid AND d.refobjsubid = now.attnum)
           WHERE a.attrelid = l.oid AND a.attnum > 0 AND a.attname <> 'rollback_xid' AND now.attnum IS NULL)) AS fits
FROM (SELECT substr(proname, 5, length(proname) - 12)::oid AS oid, EXISTS (
               SELECT FROM pg_proc k WHERE k.pronamespace = p.pronamespace
               AND k.proname = regexp_replace(p.proname, 'emptied$', 'key')) AS keyed
      FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
      WHERE n.nspname = {ours} AND p.proname ~ '^log_[0-9]+_emptied$') AS f
WHERE EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = f.oid AND t.tgname LIKE {triggers})
""").format(ours=Literal(OURS), triggers=Literal(f"{OURS}_log_%"), key=Literal(f"{OURS}_log_key%"))
_WHOLE = SQL("""
WITH captured AS MATERIALIZED ({captured})
SELECT oid::int8, c.fits AND coalesce(s.missing || s.silent = '' AND NOT s.rewritten, false)
FROM captured c LEFT JOIN ({standing}) AS s (standing_oid, missing, silent, rewritten)
  ON s.standing_oid = c.oid
""")
_LOGS_AT_ONCE = 200
_UNSEEN = SQL("NOT pg_visible_in_snapshot(rollback_xid, {}::pg_snapshot)")


@dataclass(frozen=True, slots=True)
class Logs:
    """What they can say of what was written since a snapshot.

    Attributes:
        keys: The columns that are logged, by table.
        emptied: Tables of which they cannot say which rows were written. These were truncated, have no key, or one
            that was changed since.
    """

    keys: Mapping[int, tuple[str, ...]]
    emptied: Collection[int]


def read_logs(side: Connection[Rows], snapshot: str, *, besides: Collection[int] = ()) -> Logs:
    """Return what the logs of a side can say.

    Args:
        besides: Partitions whose own triggers are not asked for.
    """
    unseen = _UNSEEN.format(Literal(snapshot))
    noting = SQL("SELECT DISTINCT oid::int8 FROM {} WHERE {}").format(ours("emptied"), unseen)
    noted, logged, captured = (one.fetchall() for one in at_once(side, [noting, _KEYS, _whole(besides)]).results())
    keys = _keys(logged)
    unfit = {int(str(oid)) for oid, whole in captured if not whole}
    return Logs(keys, {int(str(row[0])) for row in noted} | unfit | _nameless(side, keys, unseen))


def captured_oids(side: Connection[Rows], *, besides: Collection[int] = ()) -> dict[int, bool]:
    """Return the tables that are logged, and whether it says all: triggers stand and fire, columns are as they were.

    Args:
        besides: Partitions whose own triggers are not asked for.
    """
    rows: list[Any] = side.execute(_whole(besides)).fetchall()
    return dict(rows)


def logged_keys(side: Connection[Rows]) -> dict[int, tuple[str, ...]]:
    """Return the columns of the keys that are logged, by table."""
    return _keys(side.execute(_KEYS).fetchall())


def _whole(besides: Collection[int] = ()) -> Composed:
    wanted = SQL("SELECT oid, keyed FROM captured")
    return _WHOLE.format(captured=_CAPTURED, standing=standing_of(wanted, always=False, besides=besides))


def _keys(rows: Iterable[Any]) -> dict[int, tuple[str, ...]]:
    return {oid: tuple(names) for oid, names in rows}


def _nameless(side: Connection[Rows], keys: Mapping[int, tuple[str, ...]], unseen: Composable) -> set[int]:
    """Return the tables with rows in their log of which not all of the key is known."""
    asked = SQL("SELECT {}::int8 WHERE EXISTS (SELECT FROM {} WHERE num_nulls({}) > 0 AND {})")
    each = [asked.format(Literal(oid), log_of(oid), columns(key), unseen) for oid, key in keys.items()]
    return {oid for (oid,) in of_many(side, each)}


def of_many(side: Connection[Rows], queries: Iterable[Composed]) -> Iterator[Any]:
    """Yield the rows of queries of many logs, some at once: a statement locks all that it reads.

    Not within a transaction, which would keep the locks: the room for them is everybody's.
    """
    for some in batched(queries, _LOGS_AT_ONCE, strict=False):
        yield from side.execute(SQL(" UNION ALL ").join(some)).fetchall()
