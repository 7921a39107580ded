"""Queue functions as an app meets them: through a host process and real queues."""

import json
import os
import signal
import time

import httpx

from tests.functional.host.conftest import SampleHost, StartHost, World, contents, count, wait_until


def order(name: str, **what: object) -> str:
    return json.dumps({"name": name, **what})


def test_a_message_is_run_deleted_and_answered_in_the_output_queue(sample_host: SampleHost) -> None:
    world = sample_host.world
    sent = world.queue("work").send_message(order("one"))
    wait_until(lambda: world.journal("work", "end", "one"))
    (run,) = world.journal("work", "begin", "one")
    assert (run["id"], run["dequeue_count"]) == (sent.id, 1)
    assert (run["inserted"], run["expires"]) == tuple(
        str(moment).replace(" ", "T") for moment in (sent.inserted_on, sent.expires_on)
    )
    assert run["pop_receipt"]
    assert run["next_visible"] > run["inserted"]
    wait_until(lambda: "done one" in contents(world.queue("done")))
    wait_until(lambda: count(world.queue("work")) == 0)


def test_an_output_list_is_one_message_each(sample_host: SampleHost) -> None:
    orders = [order(name) for name in ("first", "second", "third")]
    httpx.post(f"{sample_host.process.ready['url']}/api/send", json={"messages": orders})
    answers = {"done first", "done second", "done third"}
    wait_until(lambda: answers <= set(contents(sample_host.world.queue("done"))))


def test_a_failing_message_is_tried_three_times_then_copied_to_poison(sample_host: SampleHost) -> None:
    world = sample_host.world
    text = order("bad", fail=True)
    world.queue("work").send_message(text)
    wait_until(lambda: contents(world.queue("work-poison")) == [text])
    assert [run["dequeue_count"] for run in world.journal("work", "begin", "bad")] == [1, 2, 3]
    wait_until(lambda: count(world.queue("work")) == 0)


def test_the_admin_route_runs_a_queue_function_once(sample_host: SampleHost) -> None:
    host, world = sample_host.process, sample_host.world
    answer = httpx.post(
        f"{host.ready['url']}/admin/functions/work",
        json={"input": order("by hand")},
        headers={"x-functions-key": host.ready["master_key"]},
    )
    assert answer.status_code == 202
    wait_until(lambda: world.journal("work", "end", "by hand"))
    assert len(world.journal("work", "begin", "by hand")) == 1


def test_deliver_twice_hands_each_message_over_twice(start_host: StartHost, world: World) -> None:
    start_host("--deliver-twice")
    queue = world.queue("work")
    ids = [queue.send_message(order(name, sleep=0.1)).id for name in ("at once", "in turn")]
    wait_until(lambda: len(world.journal("work", "end")) == 4)
    assert sorted(run["id"] for run in world.journal("work", "begin")) == sorted(ids * 2)
    wait_until(lambda: count(queue) == 0)


def test_two_hosts_share_one_queue(start_host: StartHost, world: World) -> None:
    start_host("--instance", "one")
    start_host("--instance", "two")
    ids = [world.queue("work").send_message(order("shared", sleep=0.15)).id for _ in range(40)]
    wait_until(lambda: len(world.journal("work", "end")) == 40)
    assert sorted(run["id"] for run in world.journal("work", "begin")) == sorted(ids)
    assert {run["instance"] for run in world.journal("work")} == {"one", "two"}


def test_a_killed_host_leaves_its_lease_and_its_message_hidden(start_host: StartHost, world: World) -> None:
    lock = world.blob("locks", "tick.Listener")
    host = start_host()
    world.queue("work").send_message(order("lost?", sleep=30))
    wait_until(lambda: world.journal("work", "begin"))
    wait_until(lambda: lock.exists() and lock.get_blob_properties().lease.state == "leased")
    host.kill()
    assert lock.get_blob_properties().lease.state == "leased"
    start_host()
    time.sleep(0.5)
    assert len(world.journal("work", "begin")) == 1
    assert contents(world.queue("work")) == []  # hidden for ten minutes ...
    assert count(world.queue("work")) == 1  # ... not lost


def test_ctrl_c_lets_running_calls_end(start_host: StartHost, world: World) -> None:
    host = start_host()
    world.queue("work").send_message(order("last", sleep=0.6))
    wait_until(lambda: world.journal("work", "begin"))
    os.kill(host.process.pid, signal.SIGINT)
    assert host.end() == 0  # SIGTERM on top changes nothing
    assert "Traceback" not in host.log.read_text()
    assert world.journal("work", "end")
    assert count(world.queue("work")) == 0


def test_the_drain_time_is_not_exceeded(start_host: StartHost, world: World) -> None:
    host = start_host("--drain-seconds", "0.3")
    world.queue("work").send_message(order("endless", sleep=30))
    wait_until(lambda: world.journal("work", "begin"))
    started = time.monotonic()
    assert host.end() == 0
    assert time.monotonic() - started < 5
    assert "functions still run after the drain time" in host.log.read_text()
