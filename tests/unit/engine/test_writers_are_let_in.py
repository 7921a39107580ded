"""A run that was ended from outside leaves the fence standing: whoever looks after databases lets writers in again."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from shared.engine.records import LAST, encode
from shared.errors import TransientError
from shared.model.run import LastRollback, RunStatus
from shared.ports import Put
from tests.unit.engine.kept import Kept

_RUN = "orders.20260301T120100000000"


@pytest.fixture
def kept() -> Iterator[Kept]:
    with ThreadPoolExecutor(2) as pool:
        world = Kept(pool)
        world.change()
        world.keeper.keep("orders")
        yield world


def ended(kept: Kept, status: RunStatus, slices: int = 1) -> None:
    """A run did some slices, and has ended."""
    database = kept.policies["orders"].databases["shop"]
    for _ in range(slices):
        kept.rows.work(database, kept.one.id, _RUN, lambda: None)
    last = LastRollback(id=_RUN, status=status, ended_at=kept.clock())
    kept.ledger.commit("orders", [Put(LAST, encode(last))])


def let_go(kept: Kept) -> int:
    return kept.rows.calls.count(("let_go", _RUN))


def test_a_run_that_was_cancelled_in_its_rows_lets_writers_in_once(kept: Kept) -> None:
    ended(kept, RunStatus.CANCELLED)
    for _ in range(3):
        kept.minute()
    assert let_go(kept) == 1
    assert kept.one.let_go_of == _RUN


def test_a_policy_that_keeps_writers_out_is_obeyed(kept: Kept) -> None:
    policy = kept.policies["orders"]
    database = policy.databases["shop"].model_copy(update={"keep_fence": True})
    kept.policies["orders"] = policy.model_copy(update={"databases": {"shop": database}})
    ended(kept, RunStatus.CANCELLED)
    kept.minute()
    assert let_go(kept) == 0


def test_rows_that_are_proved_keep_writers_out_although_people_are_not_back(kept: Kept) -> None:
    ended(kept, RunStatus.PARTIAL, slices=kept.rows.slices)
    kept.minute()
    assert let_go(kept) == 0


def test_a_run_that_moved_no_rows_leaves_them_alone(kept: Kept) -> None:
    ended(kept, RunStatus.FAILED, slices=0)
    kept.minute()
    assert let_go(kept) == 0


def test_writers_are_let_in_later_when_the_database_does_not_answer_now(kept: Kept) -> None:
    ended(kept, RunStatus.CANCELLED)
    kept.rows.silent = TransientError("it does not answer")
    kept.minute()
    assert kept.one.let_go_of == ""
    kept.rows.silent = None
    kept.minute()
    assert let_go(kept) == 1
