"""Timer functions as an app meets them: through host processes and real leases."""

import json
import time
from datetime import UTC, datetime, timedelta

import httpx

from tests.functional.host.conftest import SampleHost, StartHost, World, wait_until

TICKING = {"TICK_SCHEDULE": "* * * * * *"}


def test_one_of_two_hosts_ticks_at_each_second(start_host: StartHost, world: World) -> None:
    lock = world.blob("locks", "tick.Listener")
    first = start_host("--instance", "one", settings=TICKING)
    second = start_host("--instance", "two", settings=TICKING)
    wait_until(lambda: len(world.journal("tick")) >= 3)
    ticks = world.journal("tick")
    assert {tick["instance"] for tick in ticks} == {"one"}
    assert ticks[-1]["at"] - ticks[0]["at"] > len(ticks) - 2  # never two in a second
    assert not any(tick["past_due"] for tick in ticks)

    second.end()
    assert lock.get_blob_properties().lease.state == "leased"
    first.end()
    assert lock.get_blob_properties().lease.state == "available"


def test_disabled_and_run_on_startup(start_host: StartHost, world: World) -> None:
    enabled = {"AzureWebJobs_at_startup_Disabled": "false", "AzureWebJobs_tick_Disabled": "true"}
    start_host(settings=TICKING | enabled)
    (run,) = wait_until(lambda: world.journal("at_startup"))
    assert run["past_due"] is False
    time.sleep(1.2)
    assert world.journal("tick") == []


def test_a_past_due_timer_runs_once_not_once_for_each_missed_day(start_host: StartHost, world: World) -> None:
    status = world.blob("timers", "nightly/status")
    last = (datetime.now(UTC) - timedelta(days=9)).replace(hour=3, minute=0, second=0, microsecond=0)
    recorded = {"Last": last, "Next": last + timedelta(days=1), "LastUpdated": last}
    status.upload_blob(json.dumps({key: moment.isoformat() for key, moment in recorded.items()}))
    host = start_host()
    wait_until(lambda: world.journal("nightly"))
    host.end()
    (run,) = world.journal("nightly")
    assert run["past_due"] is True
    assert run["status"]["Next"] == recorded["Next"].isoformat()
    assert run["name"] == "nightly"
    next_due = datetime.fromisoformat(json.loads(status.download_blob().readall())["Next"])
    assert timedelta(0) < next_due - datetime.now(UTC) <= timedelta(days=1)


def test_the_admin_route_runs_a_timer_once(sample_host: SampleHost) -> None:
    host = sample_host.process
    key = {"x-functions-key": host.ready["master_key"]}
    assert httpx.post(f"{host.ready['url']}/admin/functions/nightly", json={}, headers=key).status_code == 202
    (run,) = wait_until(lambda: sample_host.world.journal("nightly"))
    assert run["past_due"] is False
