"""Logical replication that is running already: what it writes passes triggers of statements, and is said by name."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from psycopg.conninfo import make_conninfo

from shared.errors import PermanentError
from shared.model.sync import Severity
from tests.contract.postgres.pairs import Database
from tests.contract.postgres_ports.moved import Moved

_SAYS = {
    ("target", "triggers"): (
        Severity.BLOCKS,
        "target: the subscription feed, which the source feeds, writes into public.items: what it writes is in no log"
        " of triggers, and no fence holds it off. ALTER SUBSCRIPTION feed DISABLE before the change begins",
    ),
    ("target", "compare"): (
        Severity.NOTED,
        "target: the subscription feed, which the source feeds, writes into public.items: no fence holds it off."
        " ALTER SUBSCRIPTION feed DISABLE before rows go back",
    ),
    ("source", "triggers"): (
        Severity.NOTED,
        "source: the subscription feed, which the target feeds, writes into public.items: nobody sees whether it and"
        " somebody else changed the same row, and it stops at the first row that went back before it."
        " ALTER SUBSCRIPTION feed DISABLE before rows go back",
    ),
}


@contextmanager
def _fed(side: Database, by: Database, *tables: str) -> Iterator[None]:
    """Rows of tables flow from one database into another."""
    with by.connect() as publisher, side.connect() as subscriber:
        publisher.execute(f"CREATE PUBLICATION feed FOR TABLE {', '.join(tables)}".encode())
        reached = make_conninfo(by.cluster.dsn(by.name))
        subscriber.execute(
            f"CREATE SUBSCRIPTION feed CONNECTION '{reached}' PUBLICATION feed"
            f" WITH (copy_data = false, slot_name = 'feed_{side.name}')".encode()
        )
        try:
            yield
        finally:
            subscriber.execute("DROP SUBSCRIPTION feed")
            publisher.execute("DROP PUBLICATION feed")


@pytest.mark.parametrize(("side", "capture"), _SAYS)
def test_it_is_said_before_a_change_begins(lasting: Moved, side: str, capture: str) -> None:
    severity, says = _SAYS[side, capture]
    sides = {"source": lasting.pair.source, "target": lasting.pair.target}
    other = next(one for name, one in sides.items() if name != side)
    with _fed(sides[side], other, "items"):
        found = lasting.checkpoints.preflight(lasting.policy(capture=capture))
    assert [(one.severity, str(one)) for one in found if "subscription" in one.what] == [(severity, says)]


def test_no_fence_is_called_one_that_it_passes(shop: Moved) -> None:
    shop.begin()
    with _fed(shop.pair.target, shop.pair.source, "notes"):
        with pytest.raises(PermanentError, match="the subscription feed writes past any fence: ALTER SUBSCRIPTION"):
            shop.work()
        assert not shop.look().fenced
        shop.pair.target.run("UPDATE items SET a = 'still writing' WHERE id = 1")
        with shop.pair.target.connect() as superuser:
            superuser.execute("ALTER SUBSCRIPTION feed DISABLE")
        shop.work()
        assert shop.look().proved


def test_no_hook_is_believed_that_it_passes(shop: Moved) -> None:
    shop.begin()
    with _fed(shop.pair.target, shop.pair.source, "notes"):
        with pytest.raises(PermanentError, match="the subscription feed writes past any fence: ALTER SUBSCRIPTION"):
            shop.work(fence="hook")
        with shop.pair.target.connect() as superuser:
            superuser.execute("ALTER SUBSCRIPTION feed DISABLE")
        shop.work(fence="hook")
        assert shop.look(fence="hook").proved


def test_what_it_writes_into_partitions_is_logged_row_by_row(shop: Moved) -> None:
    shop.pair.run(
        "CREATE TABLE parts (id int PRIMARY KEY) PARTITION BY RANGE (id)",
        "CREATE TABLE low PARTITION OF parts DEFAULT",
    )
    with _fed(shop.pair.target, shop.pair.source, "parts"):
        begun = shop.begin()
        assert begun.taken_at is not None
        assert "public.parts: no fence holds it off" in " ".join(map(str, begun.findings))
        shop.pair.source.run("SET synchronous_commit = on", "INSERT INTO parts VALUES (7)")
        for _ in range(500):
            if keys := shop.checkpoints.watch(shop.policy(), "change").keys:
                break
        assert keys == 1
