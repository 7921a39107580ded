"""Rows go back whose keys a slot captured; one that is lost, or does not tell all, costs time and never a row."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from shared.adapters.postgres.server.fence import raise_fence
from shared.adapters.postgres.way_back import stages
from tests.contract.postgres.pairs import Servers
from tests.contract.postgres_ports.moved import Moved, rows_of

_WRITES = (
    "UPDATE items SET a = 'changed' WHERE id <= 3",
    "DELETE FROM notes WHERE id = 10",
    "INSERT INTO items (a) VALUES ('new')",
)
_BY_SLOT = {"capture": "slot"}
_SLOTS = "SELECT slot_name::text FROM pg_replication_slots WHERE database = current_database()"
_DROP = "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = current_database()"


@pytest.fixture(scope="module", autouse=True)
def replicating(servers: Servers) -> Iterator[None]:
    for right in ("REPLICATION", "NOREPLICATION"):
        for cluster in servers.clusters.values():
            with psycopg.connect(cluster.dsn(), autocommit=True) as superuser:
                superuser.execute(f"ALTER ROLE keeper {right}".encode())
        if right == "REPLICATION":
            yield


@pytest.fixture
def slotted(shop: Moved) -> Iterator[Moved]:
    """One whose change has begun; no database goes while it has a slot."""
    try:
        assert shop.begin(**_BY_SLOT).taken_at is not None
        yield shop
    finally:
        with shop.pair.target.connect() as superuser:
            superuser.execute(_DROP)


def _watch(shop: Moved) -> Any:
    return shop.checkpoints.watch(shop.policy(**_BY_SLOT), "change")


def test_what_is_previewed_is_what_goes_back_and_nothing_is_left_of_it(slotted: Moved) -> None:
    slotted.pair.target.run("SET synchronous_commit = on", *_WRITES)  # or it is told a moment later
    watched = _watch(slotted)
    assert (watched.lost, watched.keys, watched.warning) == (None, 5, None)
    preview = slotted.preview(**_BY_SLOT)
    assert [(one.inserts, one.updates, one.deletes, one.compared) for one in preview.tables] == [
        (1, 3, 0, False),
        (0, 0, 1, False),
    ]
    slotted.work(**_BY_SLOT)
    shown = slotted.look(**_BY_SLOT).shown
    assert slotted.look(**_BY_SLOT).proved
    assert (shown["rounds"], shown["tables"]["public.items"]["updated"]) == (2, 3)  # ahead of the fence, and behind it
    assert slotted.is_same()
    slotted.let_go()
    slotted.checkpoints.end(slotted.policy(**_BY_SLOT), "change")
    assert rows_of(slotted.pair.target, _SLOTS) == []


def test_a_slot_that_is_dropped_in_mid_change_is_blind_and_all_goes_back_by_comparison(slotted: Moved) -> None:
    slotted.pair.target.run(*_WRITES)
    with slotted.pair.target.connect() as superuser:
        superuser.execute(_DROP)
    assert "is gone: somebody dropped it" in str(_watch(slotted).lost)
    preview = slotted.preview(**_BY_SLOT)
    assert [(one.inserts, one.updates, one.deletes, one.compared) for one in preview.tables] == [
        (1, 3, 0, True),
        (0, 0, 1, True),
    ]
    slotted.pair.target.run("UPDATE items SET a = 'still writing' WHERE id = 1")
    slotted.work(**_BY_SLOT)
    assert slotted.look(**_BY_SLOT).proved
    assert slotted.is_same()


def test_what_was_committed_right_before_the_fence_is_pinned(slotted: Moved, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is in no log yet when the fence stands: only a slot that is read to its end tells it in the next round."""

    def late(*args: Any) -> float:
        slotted.pair.target.run("UPDATE items SET a = 'late' WHERE id = 7")
        return raise_fence(*args)

    monkeypatch.setattr(stages, "raise_fence", late)
    slotted.work(**_BY_SLOT)
    shown = slotted.look(**_BY_SLOT).shown
    assert (shown["rounds"], shown["tables"]["public.items"]["updated"]) == (2, 1)
    assert slotted.is_same()


def test_a_table_that_the_slot_tells_no_more_of_is_named_and_those_it_never_told_of_are_not(slotted: Moved) -> None:
    name = rows_of(slotted.pair.target, _SLOTS)[0][0]
    slotted.checkpoints.end(slotted.policy(**_BY_SLOT), "change")
    slotted.pair.run("ALTER TABLE notes REPLICA IDENTITY FULL")
    slotted.begin(**_BY_SLOT)
    assert _watch(slotted).lost is None
    slotted.pair.target.run(f"ALTER PUBLICATION {name} DROP TABLE items")
    assert _watch(slotted).lost == (
        f"target: public.items: the slot {name} does not tell all that was written to it since the checkpoint"
    )


def test_a_slot_that_will_be_lost_soon_is_told_with_what_it_holds_back(
    slotted: Moved, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.adapters.postgres.checkpoint.watching._MUCH_BYTES", 0)
    slotted.pair.target.run("INSERT INTO items (a) SELECT repeat('x', 100) FROM generate_series(1, 20000)")
    watched = _watch(slotted)
    assert watched.lost is None
    assert "it holds back" in str(watched.warning)
    monkeypatch.setattr(
        "shared.adapters.postgres.slot.look._why_soon", lambda name, _: f"the slot {name} is lost after 7 MB"
    )
    assert "is lost after 7 MB" in str(_watch(slotted).warning)


@pytest.mark.parametrize("capture", ["triggers", "compare"])
def test_the_slot_of_an_older_change_goes_when_the_next_one_needs_none(slotted: Moved, capture: str) -> None:
    slotted.pair.target.run("UPDATE items SET a = 'before' WHERE id = 1")
    assert slotted.checkpoints.begin(slotted.policy(capture=capture), "next").taken_at is not None
    assert rows_of(slotted.pair.target, _SLOTS) == []
    assert slotted.checkpoints.watch(slotted.policy(capture=capture), "next").lost is None
    assert _watch(slotted).lost is not None
    slotted.pair.target.run(*_WRITES)
    slotted.rows.work(slotted.policy(capture=capture), "change", "sync", lambda: None)
    assert slotted.look(capture=capture).proved
    assert slotted.is_same()


def test_a_slot_that_we_may_not_drop_is_told_with_what_it_holds_back(slotted: Moved) -> None:
    with slotted.pair.target.connect() as superuser:
        superuser.execute("ALTER ROLE keeper NOREPLICATION")
        try:
            begun = slotted.checkpoints.begin(slotted.policy(), "next")
        finally:
            superuser.execute("ALTER ROLE keeper REPLICATION")
    assert begun.taken_at is not None
    assert "of an earlier change is still there, and holds back" in " ".join(map(str, begun.findings))
