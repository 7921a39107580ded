"""Roll-ups on both ledgers: what is kept reads back the same, and what Azure bills is counted at the wire."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest

from bench.counting_proxy import through_proxies
from local.loopback import Request
from shared.analytics.buckets import Grain
from shared.analytics.rolling import Head
from shared.engine.records import decode
from shared.engine.rollups import HEAD, pages_of
from shared.errors import TransientError
from shared.model.signal import Sample, measured
from shared.ports import Ledger
from tests.contract.conftest import FarStorage, app_on
from tests.fakes.measuring import Measuring

MINUTE = timedelta(minutes=1)


def a_minute(measuring: Measuring) -> dict[str, list[Sample]]:
    """Six samples a minute of a signal that jumps about, so that sketches have bins."""
    now, at = measuring.clock(), int(measuring.clock().timestamp())
    ages = range(5, 65, 10)
    return {"error_rate": [measured(now - timedelta(seconds=ago), (at + ago) % 977 / 977, 20) for ago in ages]}


def watch_for(measuring: Measuring, minutes: int) -> None:
    for _ in range(minutes // 5):
        for _ in range(5):
            measuring.go_on(MINUTE)
            measuring.cycle(a_minute(measuring))
        measuring.roll_ups.run()


def test_every_sample_is_counted_once_and_reads_back(ledger: Ledger, workload: str) -> None:
    measuring = Measuring(ledger, workload)
    watch_for(measuring, 140)
    for written in ("24h", "7d"):
        found = measuring.view.of(workload, written)["insights"]["signals"]["error_rate"]
        assert found["samples"] == {"measured": 840, "no_data": 0, "error": 0}
        assert found["observations"] == 840 * 20
        assert found["p95"] == pytest.approx(0.95, rel=0.05)
    assert len(ledger.scan(workload, pages_of(Grain.MINUTE))) == 2


@pytest.fixture
def wire(storage: str, policies: Path) -> Iterator[tuple[Measuring, list[Request]]]:
    """A workload on Azurite, and every request that passes to it."""
    seen: list[Request] = []
    with ExitStack() as stack:
        app = app_on(through_proxies(storage, seen, stack), policies)
        yield Measuring(app.views.ledger, "on-the-wire"), seen


@pytest.mark.storage
def test_what_azure_bills_for_rolling_up_and_for_showing(wire: tuple[Measuring, list[Request]]) -> None:
    measuring, seen = wire
    watch_for(measuring, 65)
    costs = []
    for _ in range(13):
        measuring.go_on(5 * MINUTE)
        measuring.cycle(a_minute(measuring))
        seen.clear()
        measuring.roll_ups.run()
        costs.append(len(seen))
    assert costs.count(3) >= 11  # one of each hour writes pages too
    assert max(costs) <= 3 + 3
    for written, most in (("1h", 4), ("24h", 5), ("7d", 4)):
        seen.clear()
        measuring.view.of(measuring.workload, written)
        assert len(seen) <= most
        assert all(request.method == "GET" for request in seen)


@pytest.mark.storage
@pytest.mark.parametrize("answer", ["503", "none"])
def test_a_commit_that_nobody_heard_of_counts_nothing_twice(far_tables: FarStorage, workload: str, answer: str) -> None:
    """Answered 503, the SDK repeats it and meets its own success; unanswered, the next run finds it done."""
    measuring = Measuring(far_tables.ledger, workload)
    watch_for(measuring, 10)
    measuring.go_on(5 * MINUTE)
    measuring.cycle(a_minute(measuring))
    if answer == "503":
        far_tables.proxy.say_busy_instead(b"/$batch")
        measuring.roll_ups.run()
    else:
        far_tables.proxy.lose_next_reply(b"/$batch")
        with pytest.raises(TransientError, match="1 not rolled up"):
            measuring.roll_ups.run()
    assert far_tables.proxy.lost == 1
    measuring.roll_ups.run()
    row = measuring.ledger.read(workload, HEAD)
    assert row is not None
    hours = decode(Head, row.body).waiting[Grain.HOUR].values()
    assert sum(bucket.signals["error_rate"].measured for bucket in hours) == 66 - 3  # three may be revised yet
