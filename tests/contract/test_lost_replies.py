"""Table Storage behind a bad network: what was written although nobody heard of it, and what was not reached at all.

The SDK repeats a batch that was answered 503, and meets the conflict that its own first try made; it does not repeat
one whose connection broke. Both times the ledger must tell its own success from a lost race.
"""

from collections.abc import Callable
from time import monotonic

import pytest

from shared.errors import LostRace, OutcomeUnknown, TransientError
from shared.ports import Delete, Insert, Ledger, Put, Replace, Write
from tests.contract.conftest import FarStorage

pytestmark = pytest.mark.storage

_BATCH = b"/$batch"
_QUICK_S = 12.0  # a function that cannot store fails its message soon enough to be tried again within the minute


@pytest.fixture
def far(far_tables: FarStorage) -> FarStorage:
    return far_tables


@pytest.mark.parametrize("kind", ["insert", "replace", "put", "insert and delete"])
def test_a_conflict_with_its_own_success_is_a_success(far: FarStorage, workload: str, kind: str) -> None:
    ledger = far.ledger
    version = ledger.commit(workload, [Insert("kept", "1"), Insert("gone", "1")])["kept"]
    writes: dict[str, list[Write]] = {
        "insert": [Insert("new", "1")],
        "replace": [Replace("kept", "2", version)],
        "put": [Put("kept", "2")],
        "insert and delete": [Insert("new", "1"), Delete("gone")],
    }
    far.proxy.say_busy_instead(_BATCH)
    versions = ledger.commit(workload, writes[kind])
    assert far.proxy.lost == 1
    for write in writes[kind]:
        row = ledger.read(workload, write.key)
        assert (row.version if row else None) == (versions.get(write.key) or None)


def test_the_version_that_settled_the_conflict_can_be_built_on(far: FarStorage, workload: str) -> None:
    far.proxy.say_busy_instead(_BATCH)
    version = far.ledger.commit(workload, [Insert("run", "1")])["run"]
    far.ledger.commit(workload, [Replace("run", "2", version)])


def test_a_conflict_with_somebody_else_is_a_lost_race(far: FarStorage, workload: str) -> None:
    version = far.ledger.commit(workload, [Insert("run", "1")])["run"]
    far.ledger.commit(workload, [Replace("run", "theirs", version)])
    far.proxy.say_busy_instead(_BATCH)
    with pytest.raises(LostRace):
        far.ledger.commit(workload, [Replace("run", "mine", version)])
    row = far.ledger.read(workload, "run")
    assert row is not None
    assert row.body == "theirs"


def test_a_delete_whose_reply_was_lost_is_a_lost_race_and_the_record_is_gone(far: FarStorage, workload: str) -> None:
    """Nothing is left that could tell whose delete it was; the record is gone, which is all that was asked."""
    version = far.ledger.commit(workload, [Insert("out", "1")])["out"]
    far.proxy.say_busy_instead(_BATCH)
    with pytest.raises(LostRace):
        far.ledger.commit(workload, [Delete("out", version)])
    assert far.ledger.read(workload, "out") is None


def test_a_cut_connection_leaves_the_outcome_unknown_and_a_read_tells(far: FarStorage, workload: str) -> None:
    far.proxy.lose_next_reply(_BATCH)
    with pytest.raises(OutcomeUnknown):
        far.ledger.commit(workload, [Insert("run", "1")])
    row = far.ledger.read(workload, "run")
    assert row is not None
    assert row.body == "1"


def test_a_read_whose_reply_was_lost_is_read_again(far: FarStorage, workload: str) -> None:
    far.ledger.commit(workload, [Insert("run", "1")])
    far.proxy.lose_next_reply(b"GET /")
    row = far.ledger.read(workload, "run")
    assert far.proxy.lost == 1
    assert row is not None


@pytest.mark.timeout(2 * _QUICK_S)
@pytest.mark.parametrize(
    "call",
    [
        lambda ledger: ledger.scan("orders", "now:"),
        lambda ledger: ledger.commit("orders", [Put("run", "1")]),
    ],
    ids=["scan", "commit"],
)
def test_storage_that_is_not_there_is_a_transient_error_soon(far: FarStorage, call: Callable[[Ledger], object]) -> None:
    far.proxy.stop()
    begun = monotonic()
    with pytest.raises(TransientError):
        call(far.ledger)
    assert monotonic() - begun < _QUICK_S
