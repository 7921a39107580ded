"""The point in time that a database goes back to, as a snapshot: whatever it did not see as committed came later.

A time of day cannot say that: a transaction carries the time of its start, and clocks differ. Checkpoints and logs are
ordinary data, and a restore by the server's own means goes back with both: numbers of transactions go on from there, so
that the snapshot stays as good as the logs are, or is gone with them. Elsewhere, as after a dump, a move or an upgrade
to another server, transactions are numbered anew; that server has another system identifier.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import Connection, errors
from psycopg.sql import SQL

from shared.adapters.postgres.server.session import Rows
from shared.adapters.postgres.server.sql import ours


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """One side at the start of a change.

    Attributes:
        snapshot: What it saw, as `pg_snapshot` writes it.
        system: Identifier of the server that took it.
        content: What was found then, as JSON: the plan's tables with their rows, sums and sequences.
    """

    id: str
    taken_at: datetime
    snapshot: str
    system: str
    content: Mapping[str, Any]


def take_checkpoint(connection: Connection[Rows], checkpoint_id: str, content: Mapping[str, Any]) -> Checkpoint:
    """Take it now, unless it was taken; the caller's transaction is the snapshot."""
    connection.execute(
        SQL(
            "INSERT INTO {} (id, taken_at, snapshot, system, content)"
            " SELECT %s, clock_timestamp(), pg_current_snapshot(), system_identifier::text, %s FROM pg_control_system()"
            " ON CONFLICT DO NOTHING"
        ).format(ours("checkpoint")),
        [checkpoint_id, json.dumps(content)],
    )
    found = load_checkpoint(connection, checkpoint_id)
    assert found is not None  # noqa: S101  # it was written above: tells the type checker
    return found


def load_checkpoint(connection: Connection[Rows], checkpoint_id: str) -> Checkpoint | None:
    """Return a checkpoint, or `None` when there is none of this id, nor perhaps anything of ours."""
    asked = SQL("SELECT id, taken_at, snapshot::text, system, content FROM {} WHERE id = %s").format(ours("checkpoint"))
    try:
        row: Any = connection.execute(asked, [checkpoint_id]).fetchone()
    except (errors.InvalidSchemaName, errors.UndefinedTable):
        return None
    if row is None:
        return None
    found, taken_at, snapshot, system, content = row
    return Checkpoint(id=found, taken_at=taken_at, snapshot=snapshot, system=system, content=content)
