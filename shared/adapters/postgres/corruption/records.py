"""What a search for damage remembers from round to round: on the target, beside the checkpoint that it belongs to.

`sampled` says how far each table was read on each side; `damaged` holds the keys that were found, until their rows are
the same again. Both are only good for one checkpoint: a newer one begins anew.
"""

from collections.abc import Collection, Mapping
from typing import Any

from psycopg import Connection
from psycopg.sql import SQL, Literal

from shared.adapters.postgres.server.session import Rows
from shared.adapters.postgres.server.sql import listed, ours
from shared.decision.corruption import Key, Place, Side
from shared.model.sync import SyncTable

# So many keys of a table are looked at again in each round; that there are more is seen by the rounds themselves.
_MOST_KEPT = 1_000
_TABLES = (
    "CREATE TABLE IF NOT EXISTS {} (checkpoint text, name text, side text, next bigint NOT NULL,"
    " passes bigint NOT NULL, PRIMARY KEY (checkpoint, name, side))",
    "CREATE TABLE IF NOT EXISTS {} (checkpoint text, name text, key text[],"
    " found_at timestamptz NOT NULL DEFAULT clock_timestamp(), PRIMARY KEY (checkpoint, name, key))",
)
_SAMPLED, _DAMAGED = ours("sampled"), ours("damaged")


def prepare_records(target: Connection[Rows], checkpoint: str) -> None:
    """Make what is kept, if it is not there, and forget what belongs to other checkpoints."""
    with target.transaction():
        for create, name in zip(_TABLES, (_SAMPLED, _DAMAGED), strict=True):
            target.execute(SQL(create).format(name))
            target.execute(SQL("DELETE FROM {} WHERE checkpoint <> %s").format(name), [checkpoint])


def kept_places(target: Connection[Rows], checkpoint: str) -> Mapping[tuple[str, Side], tuple[int, int]]:
    """Return by table and side the block that is read next, and how often all of it was read."""
    asked = SQL("SELECT name, side, next, passes FROM {} WHERE checkpoint = %s").format(_SAMPLED)
    rows: list[Any] = target.execute(asked, [checkpoint]).fetchall()
    return {(name, Side(side)): (next_, passes) for name, side, next_, passes in rows}


def damaged_keys(target: Connection[Rows], checkpoint: str) -> dict[str, list[Key]]:
    """Return by table the keys that were found to be damaged, and were not seen the same since."""
    asked = SQL("SELECT name, key FROM {} WHERE checkpoint = %s ORDER BY name, found_at, key").format(_DAMAGED)
    rows: list[Any] = target.execute(asked, [checkpoint]).fetchall()
    found: dict[str, list[Key]] = {}
    for name, key in rows:
        found.setdefault(name, []).append(tuple(key))
    return found


def damaged_lines(target: Connection[Rows], checkpoint: str, of: SyncTable) -> list[bytes]:
    """Return those of one table as lines of COPY's text format; none where nobody ever searched."""
    there: Any = target.execute("SELECT to_regclass(%s)", [_DAMAGED.as_string()]).fetchone()
    if there[0] is None or not of.key:
        return []
    types = {one.name: one.type for one in of.columns}
    values = (SQL("key[{}]::{}").format(Literal(at), SQL(types[name])) for at, name in enumerate(of.key, start=1))
    asked = SQL("COPY (SELECT {} FROM {} WHERE checkpoint = {} AND name = {} ORDER BY found_at, key) TO STDOUT")
    with target.cursor().copy(
        asked.format(listed(values), _DAMAGED, Literal(checkpoint), Literal(str(of.name)))
    ) as lines:
        return [bytes(line) for line in lines]


def keep_place(target: Connection[Rows], checkpoint: str, place: Place) -> None:
    """Keep how far a table was read."""
    target.execute(
        SQL(
            "INSERT INTO {} (checkpoint, name, side, next, passes) VALUES (%s, %s, %s, %s, %s)"
            " ON CONFLICT (checkpoint, name, side) DO UPDATE SET next = excluded.next, passes = excluded.passes"
        ).format(_SAMPLED),
        [checkpoint, place.table, place.side.value, place.next, place.passes],
    )


def keep_damaged(target: Connection[Rows], checkpoint: str, name: str, keys: Collection[Key]) -> None:
    """Keep keys that were found, up to a number of them."""
    with target.cursor() as cursor:
        cursor.executemany(
            SQL(
                "INSERT INTO {0} (checkpoint, name, key) SELECT %(checkpoint)s, %(name)s, %(key)s::text[]"
                " WHERE (SELECT count(*) FROM {0} WHERE checkpoint = %(checkpoint)s AND name = %(name)s) < %(most)s"
                " ON CONFLICT DO NOTHING"
            ).format(_DAMAGED),
            [
                {"checkpoint": checkpoint, "name": name, "key": list(key), "most": _MOST_KEPT}
                for key in list(keys)[:_MOST_KEPT]
            ],
        )


def forget_damaged(target: Connection[Rows], checkpoint: str, name: str, keys: Collection[Key]) -> None:
    """Forget keys whose rows are the same again."""
    with target.cursor() as cursor:
        cursor.executemany(
            SQL("DELETE FROM {} WHERE checkpoint = %s AND name = %s AND key = %s::text[]").format(_DAMAGED),
            [[checkpoint, name, list(key)] for key in keys],
        )
