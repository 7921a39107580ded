"""More arrives between two cycles than one cycle can take in: it is worked off, and the workload stays watched."""

from datetime import UTC, datetime, timedelta

import pytest

from shared.adapters.tables import TableLedger
from shared.engine.records import INBOX, Arrived, encode, snapshot
from shared.model.signal import measured
from shared.ports import Put
from tests.functional.app.http_client import Api
from tests.functional.app.waiting import wait_until

pytestmark = pytest.mark.rig

_ROWS = 1_200
_IN_ONE_COMMIT = 100


def test_a_flood_is_worked_off_and_the_watch_goes_on(api: Api, ledger: TableLedger) -> None:
    """As many rows as so many requests of one sample each would leave, written as they are written."""
    begun = datetime.now(UTC) - timedelta(seconds=30)
    samples = [measured(begun + timedelta(milliseconds=number), 1.0, sample_id="flood") for number in range(_ROWS)]
    rows = [
        Put(f"{INBOX}{number:032d}", encode(Arrived({"orders.amount": (one,)}))) for number, one in enumerate(samples)
    ]
    for start in range(0, _ROWS, _IN_ONE_COMMIT):
        ledger.commit("orders", rows[start : start + _IN_ONE_COMMIT])

    cycled_at = api.get("/api/workloads/orders").json["cycled_at"]
    wait_until(lambda: api.get("/api/workloads/orders").json["cycled_at"] > cycled_at, within_s=8)

    def taken_in() -> int:
        return sum(one.id == "flood" for one in snapshot(ledger, "orders").watch.series.get("amount", ()))

    wait_until(lambda: taken_in() == _ROWS, within_s=20)
