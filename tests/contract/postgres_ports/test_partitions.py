"""Partitions that come and go while a change is active: what is in a log is taken from it, all else is compared."""

from collections.abc import Iterator

import pytest

from shared.adapters.postgres.capture import partitions
from shared.adapters.postgres.capture.reading import captured_oids
from tests.contract.postgres_ports.moved import Moved, rows_of

_PARTS = (
    "CREATE TABLE parts (id int PRIMARY KEY, a text) PARTITION BY RANGE (id)",
    "CREATE TABLE low PARTITION OF parts FOR VALUES FROM (0) TO (10)",
    "CREATE TABLE rest PARTITION OF parts DEFAULT",
    "INSERT INTO parts SELECT i, 'old' FROM generate_series(1, 9) AS i",
)
_NEW = "CREATE TABLE new PARTITION OF parts FOR VALUES FROM (10) TO (20)"
_LOOSE = ("CREATE TABLE new (id int PRIMARY KEY, a text)", "INSERT INTO new VALUES (10, 'brought along')")
_ATTACH = "ALTER TABLE parts ATTACH PARTITION new FOR VALUES FROM (10) TO (20)"
_DETACH = "ALTER TABLE parts DETACH PARTITION new"


@pytest.fixture(scope="module")
def parts(lasting: Moved) -> Moved:
    lasting.pair.run(*_PARTS)
    return lasting


@pytest.fixture
def parted(parts: Moved) -> Iterator[Moved]:
    """The same rows on both sides, and a change that has begun."""
    assert parts.begin().taken_at is not None
    yield parts
    parts.let_go()
    parts.checkpoints.end(parts.policy(), "change")
    parts.pair.target.run("DROP TABLE IF EXISTS new", "DELETE FROM parts WHERE id > 9")
    parts.pair.source.run("DELETE FROM parts WHERE id > 9")


def _lost(shop: Moved) -> str | None:
    return shop.checkpoints.watch(shop.policy(), "change").lost


def _said(shop: Moved) -> tuple[int, int, int, bool]:
    one = next(one for one in shop.preview().tables if one.table == "public.parts")
    return one.inserts, one.updates, one.deletes, one.compared


def _gone_back(shop: Moved, sync: str) -> bool:
    shop.work(sync)
    both = [rows_of(side, "SELECT * FROM parts ORDER BY id") for side in (shop.pair.source, shop.pair.target)]
    return shop.look(sync).proved and both[0] == both[1]


def test_a_new_partition_is_looked_after_and_its_rows_are_logged_before_and_after(parted: Moved) -> None:
    parted.pair.target.run(_NEW, "INSERT INTO parts VALUES (10, 'before'), (11, 'taken away')", "TRUNCATE new")
    parted.pair.target.run("INSERT INTO parts VALUES (12, 'after')")
    assert _lost(parted) is None
    assert _said(parted) == (1, 0, 0, False)
    parted.pair.target.run("TRUNCATE new")
    assert _said(parted) == (0, 0, 0, True)
    assert _gone_back(parted, "made")


def test_its_writers_are_not_waited_for(parted: Moved) -> None:
    parted.pair.target.run(_NEW)
    with parted.pair.target.connect("keeper") as writer:
        writer.execute("BEGIN; INSERT INTO parts VALUES (10, 'open')")
        watched = parted.checkpoints.watch(parted.policy(), "change")
        assert (watched.lost, watched.warning) == (
            None,
            "the new partition public.new was not free for a moment: a TRUNCATE of it is not logged yet",
        )
        writer.execute("COMMIT")
    watched = parted.checkpoints.watch(parted.policy(), "change")
    assert (watched.lost, watched.warning) == (None, None)
    assert _said(parted) == (1, 0, 0, False)


@pytest.mark.parametrize("looked", [True, False])
def test_what_an_attached_one_brings_along_goes_back_too(parted: Moved, looked: bool) -> None:
    parted.pair.target.run(*_LOOSE, _ATTACH)
    if looked:
        assert _lost(parted) is None
    assert _said(parted) == (1, 0, 0, not looked)
    assert _gone_back(parted, f"attached {looked}")


def test_one_that_was_away_for_a_while_is_looked_after_again(parted: Moved) -> None:
    parted.pair.target.run(_NEW)
    assert _lost(parted) is None
    parted.pair.target.run(_DETACH, "INSERT INTO new VALUES (10, 'while it was away')", _ATTACH)
    assert _said(parted) == (1, 0, 0, True)
    assert _lost(parted) is None
    assert _said(parted) == (1, 0, 0, False)


def test_one_that_brings_much_along_is_compared(parted: Moved, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(partitions, "_LISTED_BYTES", 0)
    parted.pair.target.run(*_LOOSE, _ATTACH)
    assert _lost(parted) is None
    assert _said(parted) == (1, 0, 0, True)


def test_rows_that_went_with_a_partition_go_on_the_source_too(shop: Moved) -> None:
    shop.pair.run(*_PARTS)
    shop.begin()
    shop.pair.target.run("DROP TABLE low")
    assert _lost(shop) is None
    assert _said(shop) == (0, 0, 9, True)
    assert _gone_back(shop, "sync")


@pytest.mark.parametrize("kind", ["insert", "update", "delete", "key", "emptied"])
def test_a_log_that_lacks_one_kind_of_write_is_whole_for_nobody(parted: Moved, kind: str) -> None:
    """All ask one place; a partition that was there at the checkpoint is none that came."""
    with parted.pair.target.connect("keeper") as target:
        [(items, low)] = target.execute("SELECT 'items'::regclass::oid::int8, 'parts'::regclass::oid::int8").fetchall()
        target.execute("BEGIN")
        target.execute(f"DROP TRIGGER rollback_controller_log_{kind} ON items".encode())
        if kind == "emptied":
            target.execute(f"DROP TRIGGER rollback_controller_log_emptied_{low} ON low".encode())
        whole = captured_oids(target)
        target.execute("ROLLBACK")
    assert whole[items] is False
    assert whole[low] is (kind != "emptied")
