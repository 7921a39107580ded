"""Begins and ends of checkpoints at once, far away, half-way, and among readers."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from time import monotonic

import pytest
from psycopg import sql

from shared.adapters.postgres.checkpoint import begin, ending
from shared.errors import PermanentError, TransientError
from tests.contract.postgres.pairs import Database
from tests.contract.postgres.waits import waits
from tests.contract.postgres_ports.moved import Moved, rows_of

_TRIGGERS = "SELECT count(*)::int FROM pg_trigger WHERE tgname LIKE 'rollback_controller_log_%'"
_OF_TWO_TABLES = 10


def _triggers(shop: Moved) -> list[int]:
    return [rows_of(side, _TRIGGERS)[0][0] for side in (shop.pair.source, shop.pair.target)]


def test_two_that_begin_the_same_begin_it_once(shop: Moved) -> None:
    with ThreadPoolExecutor(3) as workers:
        begun = list(workers.map(lambda _: shop.begin().taken_at, range(3)))
    assert len(set(begun)) == 1
    assert (
        rows_of(
            shop.pair.target,
            "SELECT DISTINCT oid FROM rollback_controller.emptied WHERE NOT"
            " pg_visible_in_snapshot(rollback_xid, (SELECT snapshot FROM rollback_controller.checkpoint))",
        )
        == []
    )


def test_ends_and_a_begin_at_once_leave_what_the_begin_wants(shop: Moved) -> None:
    shop.begin()
    policy = shop.policy()
    ends: list[Callable[[], object]] = [lambda: shop.checkpoints.end(policy, "change")] * 2
    with ThreadPoolExecutor(3) as workers:
        done = [workers.submit(one) for one in (*ends, lambda: shop.checkpoints.begin(policy, "next"))]
        for one in done:
            one.result()
    assert shop.checkpoints.watch(policy, "next").lost is None
    assert _triggers(shop) == [_OF_TWO_TABLES] * 2


def test_nothing_that_was_not_captured_before_is_when_it_cannot_be_taken(shop: Moved) -> None:
    """A trigger of our name that is not ours is in the way of the second table."""
    shop.pair.source.run(
        "CREATE FUNCTION other() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
        "CREATE TRIGGER rollback_controller_log_emptied AFTER TRUNCATE ON notes EXECUTE FUNCTION other()",
    )
    with pytest.raises(PermanentError, match="already exists"):
        shop.begin()
    assert _triggers(shop) == [1, 0]


def test_what_was_captured_before_stays_when_another_one_cannot_be_taken(
    shop: Moved, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.begin()
    shop.pair.run("CREATE TABLE more (id int PRIMARY KEY)")

    def fails(*_: object, **__: object) -> None:
        raise PermanentError("it cannot be taken")

    monkeypatch.setattr(begin, "_checkpoints", fails)
    with pytest.raises(PermanentError, match="it cannot be taken"):
        shop.checkpoints.begin(shop.policy(), "next")
    assert _triggers(shop) == [_OF_TWO_TABLES] * 2
    assert shop.checkpoints.watch(shop.policy(), "change").lost is None


def test_it_goes_on_from_what_was_captured_when_a_writer_was_in_the_way(shop: Moved) -> None:
    with shop.pair.target.connect("keeper") as writer:
        writer.execute("BEGIN; UPDATE notes SET said = 'open'")
        with pytest.raises(TransientError, match=r"public\.notes was never free for a moment"):
            shop.begin(fence_within="1s")
        assert _triggers(shop) == [0, _OF_TWO_TABLES // 2]
    assert shop.begin().taken_at is not None


@pytest.mark.parametrize("capture", ["triggers", "slot"])
def test_far_away_a_table_takes_few_waits(shop: Moved, capture: str) -> None:
    tables = [f"CREATE TABLE far_{n} (id int PRIMARY KEY, a text)" for n in range(20)]
    shop.pair.run(*tables)
    if capture == "slot":
        _may_replicate(shop.pair.target, sql.SQL("REPLICATION"))
    try:
        with waits() as counted:
            assert shop.begin(capture=capture).taken_at is not None
        assert counted["target"] <= 10 * len(tables)  # one for each statement would be 25 a table
        shop.checkpoints.end(shop.policy(), "change")
    finally:
        _may_replicate(shop.pair.target, sql.SQL("NOREPLICATION"))


def _may_replicate(side: Database, how: sql.SQL) -> None:
    with side.connect() as superuser:
        superuser.execute(sql.SQL("ALTER ROLE keeper {}").format(how))


def test_a_report_is_not_waited_behind_when_it_ends(shop: Moved, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ending, "_WITHIN_S", 1.5)
    shop.begin()
    waited: list[float] = []
    over = Event()

    def read() -> None:
        with shop.pair.target.connect("app") as reader:
            while not over.is_set():
                began = monotonic()
                reader.execute("SELECT count(*) FROM items")
                waited.append(monotonic() - began)

    shop.pair.open_to_writers()
    with ThreadPoolExecutor(1) as readers, shop.pair.target.connect("keeper") as report:
        report.execute("BEGIN; SELECT count(*) FROM items")
        reading = readers.submit(read)
        with pytest.raises(TransientError, match=r"public\.items: not free for a moment, and still captured"):
            shop.checkpoints.end(shop.policy(), "change")
        report.execute("COMMIT")
        shop.checkpoints.end(shop.policy(), "change")
        over.set()
        reading.result()
    assert _triggers(shop) == [0, 0]
    assert max(waited) < 0.5
