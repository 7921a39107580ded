"""Subscriptions that write into tables of a way back: logical replication that is running already, as in many moves.

Its worker fires no trigger of statements: what it writes into a table that is not partitioned is in no log of triggers,
and no fence holds it off.
https://www.postgresql.org/docs/current/logical-replication-architecture.html
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from psycopg import Connection

from shared.adapters.postgres.server.session import Rows
from shared.adapters.postgres.server.sides import Sides
from shared.errors import PermanentError
from shared.model.policy_data import Capture
from shared.model.sync import Finding, Severity

_FEEDING = """
SELECT s.subname::text, coalesce(s.subslotname::text, ''), array_agg(DISTINCT w.oid::int8)
FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid JOIN pg_subscription_rel r ON r.srsubid = s.oid
JOIN unnest(%s::oid[]) AS w (oid) ON r.srrelid = w.oid OR r.srrelid IN (SELECT relid FROM pg_partition_tree(w.oid))
WHERE d.datname = current_database() AND s.subenabled GROUP BY 1, 2 ORDER BY 1
"""
_READ_HERE = "SELECT FROM pg_replication_slots WHERE slot_name = %s AND database = current_database()"
_OFF = "ALTER SUBSCRIPTION {} DISABLE"


@dataclass(frozen=True, slots=True)
class Feeding:
    """An enabled subscription of a database.

    Attributes:
        slot: What it reads, in the database that it takes rows from.
        into: Tables that it writes.
    """

    name: str
    slot: str
    into: tuple[int, ...]

    @property
    def off(self) -> str:
        """Return what ends it."""
        return _OFF.format(self.name)


def feeding(side: Connection[Rows], oids: Iterable[int]) -> list[Feeding]:
    """Return the subscriptions that write into tables, or partitions of theirs."""
    rows: list[Any] = side.execute(_FEEDING, [list(oids)]).fetchall()
    return [Feeding(name, slot, tuple(into)) for name, slot, into in rows]


def demand_unfed(side: Connection[Rows], oids: Iterable[int]) -> None:
    """Raise if logical replication writes into tables: no trigger holds it off, and no hook that stops clients.

    Raises:
        PermanentError: it does; the sentence says what ends it.
    """
    fed = feeding(side, oids)
    if fed:
        said = "; ".join(f"the subscription {one.name} writes past any fence: {one.off}" for one in fed)
        raise PermanentError(said)


def of_subscriptions(sides: Sides, capture: Capture) -> Iterator[Finding]:
    """Say what writes besides the clients."""
    there = {of.oid: str(of.name) for of in sides.plan.tables}
    by_row = {of.oid for of in sides.plan.tables if of.partitioned}
    for one in feeding(sides.target, there):
        past_log = capture is Capture.TRIGGERS and not by_row.issuperset(one.into)
        what = (
            "what it writes is in no log of triggers, and no fence holds it off"
            if past_log
            else "no fence holds it off"
        )
        when = "before the change begins" if past_log else "before rows go back"
        said = f"{_named(one, sides.source, 'the source', there)}: {what}. {one.off} {when}"
        yield Finding(severity=Severity.BLOCKS if past_log else Severity.NOTED, about="target", what=said)
    here = {of.source_oid: str(of.name) for of in sides.plan.tables}
    for one in feeding(sides.source, here):
        said = (
            f"{_named(one, sides.target, 'the target', here)}: nobody sees whether it and somebody else changed the"
            f" same row, and it stops at the first row that went back before it. {one.off} before rows go back"
        )
        yield Finding(severity=Severity.NOTED, about="source", what=said)


def _named(one: Feeding, other: Connection[Rows], called: str, names: Mapping[int, str]) -> str:
    """Who it takes rows from is in a column that only superusers may read; the slot that it reads is no secret."""
    is_read = other.execute(_READ_HERE, [one.slot]).fetchone() is not None
    into = ", ".join(sorted(names[oid] for oid in one.into))
    return f"the subscription {one.name}{f', which {called} feeds,' if is_read else ''} writes into {into}"
