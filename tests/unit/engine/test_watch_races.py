"""A cycle that is not alone: another one saves first, or the storage fails under one of many workloads."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from shared.engine.records import WATCH
from shared.errors import TransientError
from shared.model.signal import Sample, measured
from tests.fakes.interrupted import BrokenFor, Interrupted
from tests.fakes.policies import policy
from tests.unit.engine.conftest import Engine


def test_what_two_cycles_collected_is_merged(guarded: Engine) -> None:
    def other_cycle() -> None:
        guarded.intake.samples("orders", {"load": (measured(guarded.clock(), 50.0),)})
        guarded.watch.evaluate()

    guarded.watch_on(Interrupted(guarded.ledger, other_cycle)).run()
    series = guarded.snapshot().watch.series
    assert [sample.value for sample in series["load"]] == [0.5]
    assert [sample.value for sample in series["error_rate"]] == [0.0]


def test_two_cycles_that_decide_at_once_start_one_rollback(guarded: Engine) -> None:
    guarded.cycles(0.31, 2)
    racing = Interrupted(guarded.ledger, guarded.watch.run)
    guarded.watch_on(racing).run()
    assert guarded.kinds().count("started") == 1
    assert guarded.kinds().count("decided") == 1
    assert len(guarded.doorbell.at("rollback-level-1")) == 1


def test_a_change_that_begins_meanwhile_is_not_overwritten(guarded: Engine) -> None:
    guarded.intake.samples("orders", {"migration.confidence": (measured(guarded.clock(), 2.0),)})
    begins = Interrupted(guarded.ledger, lambda: guarded.intake.change("orders", "deployment", "b3", None))
    guarded.watch_on(begins).evaluate()
    change = guarded.snapshot().change
    assert change is not None
    assert (change.build, change.status.value) == ("b3", "paused")


def test_a_cycle_that_always_loses_says_so_and_ends(guarded: Engine) -> None:
    racing = Interrupted(guarded.ledger, guarded.watch.evaluate, times=3)
    (said,) = guarded.watch_on(racing).evaluate()
    assert said == "orders: other cycles were faster 3 times in a row; what was collected is collected again"


def test_samples_that_arrive_during_a_cycle_wait_for_the_next(guarded: Engine) -> None:
    def arrives() -> None:
        guarded.intake.samples("orders", {"load": (measured(guarded.clock(), 50.0),)})

    guarded.watch_on(Interrupted(guarded.ledger, arrives)).run()
    assert len(guarded.snapshot().inbox) == 1
    guarded.watch.evaluate()
    assert guarded.snapshot().inbox == {}
    assert [sample.value for sample in guarded.snapshot().watch.series["load"]] == [0.5]


def test_storage_that_fails_for_one_workload_does_not_disturb_another(guarded: Engine) -> None:
    guarded.policies["shop"] = policy(("workload: orders", "workload: shop"))
    with pytest.raises(TransientError, match=r"^1 not watched, first of all shop: reading: no connection$"):
        guarded.watch_on(BrokenFor(guarded.ledger, "shop")).run()
    assert guarded.ledger.read("orders", WATCH) is not None


def test_a_bug_that_one_workload_wakes_does_not_disturb_another(
    guarded: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    guarded.policies["shop"] = policy(("workload: orders", "workload: shop"), ("for: 20s", "for: 30s"))
    guarded.policies["shop"].__dict__["rules"] = None
    with pytest.raises(TransientError, match=r"^1 not watched, first of all shop: unexpected trouble of our own"):
        guarded.watch.run()
    assert guarded.ledger.read("orders", WATCH) is not None
    assert "TypeError" in caplog.text


def test_a_source_with_a_bug_makes_its_own_signals_blind(guarded: Engine, caplog: pytest.LogCaptureFixture) -> None:
    def broken() -> Sequence[Sample]:
        raise ValueError("could not convert string to float: 'n/a'")

    guarded.source.instead = broken
    (said,) = guarded.watch.run()
    assert said.startswith("orders: blind: error_rate has no measured sample")
    assert "unexpected trouble of our own, logged as incident" in said
    assert "n/a" not in said
    assert "n/a" in caplog.text


def test_a_policy_that_was_refused_fails_the_run_after_the_others_were_watched(guarded: Engine) -> None:
    watch = replace(guarded.watch, problems=["shop.yaml:3: unknown key"])
    with pytest.raises(TransientError, match=r"^1 not watched, first of all shop\.yaml:3: unknown key$"):
        watch.run()
    assert guarded.ledger.read("orders", WATCH) is not None


def test_a_cycle_that_cannot_be_saved_fails_and_is_done_again(guarded: Engine) -> None:
    """Whoever guards the guard must see a failed run when something is left unguarded."""
    with pytest.raises(TransientError, match=r"^1 not watched, first of all orders: writing: the connection ended"):
        guarded.watch_on(BrokenFor(guarded.ledger, "orders", reads=False)).run()
    assert guarded.ledger.read("orders", WATCH) is None
    guarded.watch.run()
    assert guarded.ledger.read("orders", WATCH) is not None
