"""Rows that a proof finds different although nobody wrote them: not on the target, not on the source.

Where both logs say everything since the checkpoint, a key that is in neither differed before it, or was changed past
the logs: a disk, a broken copy, a definition that was changed, a session that set triggers aside. Nobody knows then
which side holds the good row; the policy says which one stays, and both are kept.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import batched
from json import dumps
from typing import Any

from psycopg import Connection, errors
from psycopg.sql import SQL, Literal

from shared.adapters.postgres.capture.key_log import log_of
from shared.adapters.postgres.capture.keys import KEYS, give_keys
from shared.adapters.postgres.capture.records import load_note, save_note
from shared.adapters.postgres.capture.snapshot import Checkpoint, load_checkpoint
from shared.adapters.postgres.copying.conflicts import BOTH, both_rows
from shared.adapters.postgres.corruption.ground import Since, lay_ground
from shared.adapters.postgres.corruption.records import damaged_keys
from shared.adapters.postgres.proof.differences import differences
from shared.adapters.postgres.server.session import Rows
from shared.adapters.postgres.server.sides import Sides
from shared.adapters.postgres.server.sql import column, columns, listed, ours, same_row
from shared.decision.corruption import Key
from shared.model.sync import Conflicts, SyncTable

_NOTE = "unexplained"
_AT_ONCE = 10_000
_KEPT = (
    "CREATE TABLE IF NOT EXISTS {} (sync text, oid oid, key text, source text, target text, kept text NOT NULL,"
    " known boolean NOT NULL, PRIMARY KEY (sync, oid, key))"
)
_KEEP = SQL(
    "INSERT INTO {} (sync, oid, kept, key, source, target, known)"
    " SELECT %s, %s, %s, key, source, target, key = ANY (%s) FROM {}"
    " ON CONFLICT (sync, oid, key) DO UPDATE SET kept = excluded.kept"
)
_COUNTED = "SELECT oid::int8, kept, count(*), count(*) FILTER (WHERE known) FROM {} WHERE sync = %s GROUP BY 1, 2"
_KNOWN = SQL("""
COPY (SELECT {keys} FROM {given} AS k JOIN {damaged} AS d
      ON d.checkpoint = {checkpoint} AND d.name = {name} AND d.key = ARRAY[{texts}]) TO STDOUT
""")


def not_told(sides: Sides, checkpoint: Checkpoint) -> dict[str, str]:
    """Return the tables of which it cannot be told whether a difference has an explanation, and why.

    To be asked before anything is copied: that may switch triggers of the source.

    Args:
        sides: As they were read since the fence stands.
    """
    names = [str(of.name) for of in sides.plan.tables]
    here = load_checkpoint(sides.source, checkpoint.id)
    if here is None:
        return dict.fromkeys(names, "there is no checkpoint of the source any more")
    ground = lay_ground(sides, Since(here, checkpoint))
    if isinstance(ground, str):
        return dict.fromkeys(names, ground)
    reasons = {**ground.lost, **ground.left_out}
    for of in sides.plan.tables:
        name = str(of.name)
        reasons[name] = "" if name in ground.tables else reasons.get(name, "it was not taken at the checkpoint")
    return {name: why for name, why in reasons.items() if why}


def unexplained(sides: Sides, of: SyncTable, checkpoint: Checkpoint, keys: Collection[bytes]) -> list[bytes]:
    """Return those of some keys that are in neither log."""
    here = load_checkpoint(sides.source, checkpoint.id)
    if not keys or here is None:
        return []
    left = _not_in_log(sides.target, of, of.oid, checkpoint.snapshot, keys)
    return _not_in_log(sides.source, of, of.source_oid, here.snapshot, left)


def _not_in_log(side: Connection[Rows], of: SyncTable, oid: int, snapshot: str, keys: Collection[bytes]) -> list[bytes]:
    asked = SQL(
        "COPY (SELECT {} FROM {} AS k WHERE NOT EXISTS (SELECT FROM {} AS l WHERE {}"
        " AND NOT pg_visible_in_snapshot(l.rollback_xid, {}::pg_snapshot))) TO STDOUT"
    ).format(columns(of.key, "k"), KEYS, log_of(oid), same_row(of, "k", "l"), Literal(snapshot))
    with side.transaction():
        give_keys(side, of, keys)
        with side.cursor().copy(asked) as lines:
            return [bytes(line) for line in lines]


def keep_unexplained(
    sides: Sides, sync: str, of: SyncTable, checkpoint: Checkpoint, keys: Sequence[bytes], by: Conflicts
) -> None:
    """Write both rows of each down, which of them stays, and whether it was known to be damaged before.

    Of very many, only the first are, unless the list is needed: images keep what is overwritten in any case.
    """
    kept = {Conflicts.SOURCE_WINS: "source", Conflicts.TARGET_WINS: "target"}.get(by, "undecided")
    shown = [asdict(one) for one in differences(sides.source, sides.target, of, keys)]
    sides.source.execute(SQL(_KEPT).format(ours("unexplained")))
    for some in batched(keys if by is Conflicts.SOURCE_WINS else keys[:_AT_ONCE], _AT_ONCE, strict=False):
        known = [key.decode() for key in _known(sides.target, of, checkpoint.id, some)]
        with both_rows(sides.source, sides.target, of, some):
            sides.source.execute(_KEEP.format(ours("unexplained"), BOTH), [sync, of.oid, kept, known])
    noted = {**_noted(sides.source, sync), str(of.name): {"rows": len(keys), "some": shown}}
    save_note(sides.source, sync, _NOTE, dumps(noted))


def _known(target: Connection[Rows], of: SyncTable, checkpoint: str, keys: Collection[bytes]) -> set[bytes]:
    """Return those of some keys that the search for damage had found."""
    if not _is_there(target, "damaged"):
        return set()
    asked = _KNOWN.format(
        keys=columns(of.key, "k"),
        given=KEYS,
        damaged=ours("damaged"),
        checkpoint=Literal(checkpoint),
        name=Literal(str(of.name)),
        texts=listed(SQL("{}::text").format(column(name, "k")) for name in of.key),
    )
    with target.transaction():
        give_keys(target, of, keys)
        with target.cursor().copy(asked) as lines:
            return {bytes(line) for line in lines}


def known_damage(target: Connection[Rows], checkpoint: str) -> dict[str, list[Key]]:
    """Return by table the keys that the search for damage has found; none where it never ran."""
    return damaged_keys(target, checkpoint) if _is_there(target, "damaged") else {}


def stays_on_source(source: Connection[Rows], sync: str, oid: int) -> set[bytes]:
    """Return the keys of unexplained rows that stay as they are on the source."""
    asked = SQL("SELECT key FROM {} WHERE sync = %s AND oid = %s AND kept = 'source'").format(ours("unexplained"))
    try:
        rows: list[Any] = source.execute(asked, [sync, oid]).fetchall()
    except errors.UndefinedTable:
        return set()
    return {key.encode() for (key,) in rows}


def shown_unexplained(source: Connection[Rows], sync: str, names: Mapping[int, str]) -> dict[str, Any]:
    """Return by table how many there were, which rows stay, how many were known, and a few of them.

    Several rules may have decided, one after the other. Of very many, those that stay are counted of the first alone.
    """
    noted, shown = _noted(source, sync), dict[str, Any]()
    for oid, kept, rows, known in _counted(source, sync):
        name = names.get(oid, "")
        if name in noted:
            nothing = {"rows": noted[name]["rows"], "known_as_damaged": 0, "differences": noted[name]["some"]}
            of_table = shown.setdefault(name, nothing)
            of_table["known_as_damaged"] += known
            of_table[f"kept_{kept}"] = rows
    return shown


def _counted(source: Connection[Rows], sync: str) -> Iterator[Any]:
    if _is_there(source, "unexplained"):
        yield from source.execute(SQL(_COUNTED).format(ours("unexplained")), [sync]).fetchall()


def _is_there(side: Connection[Rows], name: str) -> bool:
    row: Any = side.execute("SELECT to_regclass(%s) IS NOT NULL", [ours(name).as_string()]).fetchone()
    return bool(row[0])


def _noted(source: Connection[Rows], sync: str) -> dict[str, Any]:
    found: dict[str, Any] = load_note(source, sync, _NOTE) or {}
    return found
