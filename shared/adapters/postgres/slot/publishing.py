"""Captures written keys by a logical slot: no trigger on the tables, and the same log in the end.

The slot is there before anything is published, and each table is published while nobody writes to it: whatever is
written after that is told, and whatever was written before is seen by a checkpoint that is taken now.

A slot is the server's, not the database's: it needs `wal_level=logical` and the right to replication, and holds back
the log of all databases until it is read.
https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-REPLICATION
"""

from collections.abc import Sequence
from typing import Any

from psycopg import Connection, errors
from psycopg.sql import SQL, Identifier

from shared.adapters.postgres.capture.key_log import install_schema, log_of
from shared.adapters.postgres.server.catalogue import OURS
from shared.adapters.postgres.server.session import Rows
from shared.adapters.postgres.server.sql import ours
from shared.adapters.postgres.slot.log import carried_by
from shared.adapters.postgres.slot.look import RECORDS, has_records, slot_captured, slot_standing
from shared.adapters.postgres.slot.publication import not_carried, publish
from shared.errors import PermanentError, TransientError
from shared.model.tables import Table, TableName

_FAILS_OVER = 170_000


def slot_name(target: Connection[Rows]) -> str:
    """Return a name for the slot of this database: slots of all databases of a server share their names."""
    row: Any = target.execute("SELECT oid::text FROM pg_database WHERE datname = current_database()").fetchone()
    return f"rollback_{row[0]}"


def install_slot(
    target: Connection[Rows], tables: Sequence[Table], name: str, within_s: float = 30.0
) -> dict[TableName, str]:
    """Capture the keys of tables from now on, by a slot that is there, or a new one if that is lost.

    Args:
        tables: With the key that is logged.
        within_s: How long open writers of one table are waited for.

    Returns:
        The tables that a slot cannot carry, and why: their rows are all compared.

    Raises:
        TransientError: open transactions did not end in time.
        PermanentError: there is a slot of this name that is not ours.
        psycopg.Error: the server does not let us.
    """
    _make_records(target)
    if slot_standing(target, name) is not None:
        _create(target, name)
    whole, left_out = _whole(target, tables, name), not_carried(target, tables)
    for one in tables:
        if one.oid not in whole and one.name not in left_out and not publish(target, name, one, within_s):
            raise TransientError(f"{one.name} was never free for a moment: it is not captured")
    return left_out


def drop_slot(target: Connection[Rows], name: str) -> None:
    """Capture no more by a slot; what it logged is dropped with it. Slots that are not ours stay.

    Raises:
        psycopg.Error: among them `ObjectInUse`, when somebody is reading it.
    """
    noting = has_records(target)
    if (
        not noting
        or not target.execute(SQL("SELECT 1 FROM {} WHERE name = %s").format(ours("slot")), [name]).fetchone()
    ):
        return
    target.execute(
        "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots"
        " WHERE slot_name = %s AND plugin = 'pgoutput' AND database = current_database()",
        [name],
    )
    with target.transaction():
        target.execute(SQL("DROP PUBLICATION IF EXISTS {}").format(Identifier(name)))
        # A log that was made anew is that of triggers, which took its place.
        logs: list[Any] = target.execute(
            SQL("DELETE FROM {} WHERE slot = %s RETURNING oid::int8, log = to_regclass(%s || oid)").format(
                ours("slot_table")
            ),
            [name, f"{OURS}.log_"],
        ).fetchall()
        for oid in (oid for oid, is_ours in logs if is_ours):
            target.execute(SQL("DROP TABLE {}").format(log_of(oid)))
        target.execute(SQL("DELETE FROM {} WHERE name = %s").format(ours("slot")), [name])


def _make_records(target: Connection[Rows]) -> None:
    install_schema(target)
    for name, columns in RECORDS:
        target.execute(SQL("CREATE TABLE IF NOT EXISTS {} ({})").format(ours(name), SQL(columns)))


def _create(target: Connection[Rows], name: str) -> None:
    """Begin anew: what was lost stays lost, as whatever is logged from now on is younger than older checkpoints."""
    drop_slot(target, name)
    if target.execute("SELECT 1 FROM pg_replication_slots WHERE slot_name = %s", [name]).fetchone():
        raise PermanentError(f"the target has a slot {name} that is not ours")
    with target.transaction():
        target.execute(SQL("CREATE PUBLICATION {}").format(Identifier(name)))
        target.execute(
            SQL(
                "INSERT INTO {} (name, system, publication) SELECT %s, c.system_identifier::text, p.oid"
                " FROM pg_control_system() AS c, pg_publication AS p WHERE p.pubname = %s"
            ).format(ours("slot")),
            [name, name],
        )
    failing_over = ", failover => true" if target.info.server_version >= _FAILS_OVER else ""
    created = f"SELECT lsn::text FROM pg_create_logical_replication_slot(%s, 'pgoutput'{failing_over})"  # noqa: S608  # a constant
    try:
        row: Any = target.execute(created.encode(), [name]).fetchone()
    except errors.QueryCanceled:
        raise TransientError(
            "no slot could be made: it waits for every transaction that is open on the server"
        ) from None
    target.execute(SQL("UPDATE {} SET drained_to = %s WHERE name = %s").format(ours("slot")), [row[0], name])


def _whole(target: Connection[Rows], tables: Sequence[Table], name: str) -> set[int]:
    """The tables that are carried already, by the same key, with all their partitions."""
    carried = carried_by(target, name)
    keys = {one.oid: one.key for one in tables}
    captured = slot_captured(target, name)
    return {oid for oid, is_whole in captured.items() if is_whole and carried.keys[oid] == keys.get(oid)}
