"""A cycle of the watch: what is decided is written in one step, and what follows from it is rung for."""

from dataclasses import replace
from datetime import datetime, timedelta
from threading import Event as Gate

import pytest

from shared.engine.collect import due
from shared.engine.records import ACTIVE, CHANGE, INBOX, LAST, RUN, WATCH, decode, encode
from shared.errors import NotFound, TransientError
from shared.model.change import ChangeStatus
from shared.model.decision import Action
from shared.model.run import LastRollback, Run, RunStatus
from shared.model.signal import Outcome, Sample, measured
from shared.model.trigger import Verdict
from shared.model.watch import WatchState
from shared.ports import Delete, Put
from tests.fakes.clock import NOON
from tests.fakes.interrupted import Recorded
from tests.fakes.policies import policy
from tests.unit.engine.conftest import EVERY_S, Engine

_BAD = 0.31


def runs(engine: Engine) -> list[Run]:
    return [decode(Run, row.body) for row in engine.ledger.scan("orders", RUN)]


def test_nothing_known_is_blind_and_nothing_is_done(engine: Engine) -> None:
    engine.source.instead = list
    (said,) = engine.watch.run()
    assert said.startswith("orders: blind: ")
    assert engine.snapshot().watch.verdict is Verdict.BLIND
    assert engine.doorbell.rings == []


def test_a_healthy_workload_is_watched_and_leaves_no_history(guarded: Engine) -> None:
    said = guarded.cycles(0.0, 3)
    assert said[-1].startswith("orders: healthy: ")
    assert guarded.kinds() == ["change_started"]
    assert guarded.snapshot().watch.production_build == "b2"


def test_what_is_bad_for_long_enough_is_rolled_back_once(guarded: Engine) -> None:
    said = guarded.cycles(_BAD, 6)
    assert said[2].startswith("orders: roll back to level 1: error_rate 0.31 > 0.05 for 20 s")
    assert said[3].startswith("orders: rolling back: orders.20260301T120020000000 is under way; ")
    (run,) = runs(guarded)
    assert (run.known_good, run.level, run.trigger, run.status) == ("b1", 1, "errors", RunStatus.RUNNING)
    assert run.cause == said[2].removeprefix("orders: ")
    active = guarded.snapshot().active
    assert active is not None
    assert active.id == run.id


def test_people_hear_the_sentence_of_the_decision(guarded: Engine) -> None:
    guarded.cycles(_BAD, 3)
    (delivery,) = guarded.deliveries()
    assert (delivery.channel, delivery.event.kind.value) == ("webhook:ops", "decided")
    assert delivery.event.sentence == guarded.snapshot().watch.sentence


def test_what_was_committed_is_rung_for(guarded: Engine) -> None:
    guarded.cycles(_BAD, 3)
    (run,), (delivery,) = runs(guarded), guarded.deliveries()
    assert [ring.ids for ring in guarded.doorbell.at("rollback-level-1")] == [(run.id,)]
    assert [ring.ids for ring in guarded.doorbell.at("notifications")] == [("orders", delivery.id)]


def test_a_broken_doorbell_loses_nothing_and_the_next_cycles_ring_again(guarded: Engine) -> None:
    guarded.doorbell.broken = True
    guarded.cycles(_BAD, 3)
    guarded.doorbell.broken = False
    guarded.cycles(_BAD, 1)
    (run,), (delivery,) = runs(guarded), guarded.deliveries()[-1:]
    assert (run.id,) in [ring.ids for ring in guarded.doorbell.at("rollback-level-1")]
    assert ("orders", delivery.id) in [ring.ids for ring in guarded.doorbell.at("notifications")]


def test_what_is_not_overdue_is_not_rung_for_again(guarded: Engine) -> None:
    guarded.cycles(_BAD, 3)
    rings = len(guarded.doorbell.rings)
    guarded.clock.forward(1 - EVERY_S)
    guarded.watch.evaluate()
    assert len(guarded.doorbell.rings) == rings


def test_without_a_known_good_nothing_is_rolled_back_and_people_hear_why(engine: Engine) -> None:
    said = engine.cycles(_BAD, 3)
    assert "not rolled back: no known-good build is recorded for this workload" in said[-1]
    assert runs(engine) == []
    assert "held_back" in engine.kinds()


def test_observe_only_decides_tells_and_does_nothing(guarded: Engine) -> None:
    guarded.policies["orders"] = policy(("notify:", "guards: {observe_only: true}\nnotify:"))
    said = guarded.cycles(_BAD, 4)
    assert "not rolled back: the policy says observe_only" in said[-1]
    assert runs(guarded) == []
    assert guarded.kinds().count("held_back") == 1


def test_samples_of_the_build_that_was_taken_back_condemn_no_other(guarded: Engine) -> None:
    """A rollback ends between two collections, and only the evaluating timer runs: all it has is from before."""
    guarded.policies["orders"] = policy(("notify:", "guards: {cool_down: 1s}\nnotify:"))
    guarded.cycles(_BAD, 3)
    (run,) = runs(guarded)
    last = LastRollback(id=run.id, status=RunStatus.VERIFIED, ended_at=guarded.clock())
    guarded.ledger.commit("orders", [Put(LAST, encode(last)), Delete(ACTIVE)])
    guarded.clock.forward(2)
    (said,) = guarded.watch.evaluate()
    assert said.startswith("orders: unhealthy: error_rate 0.31 > 0.05")
    assert said.endswith(f"seen mostly before rollback {run.id} ended")
    said = guarded.cycles(_BAD, 3)[-1]
    assert said.startswith("orders: roll back to level 1: "), "what is bad for long enough after it is taken back again"


def test_after_a_rollback_the_cool_down_is_kept(guarded: Engine) -> None:
    last = LastRollback(id="orders.1", status=RunStatus.VERIFIED, ended_at=guarded.clock())
    guarded.ledger.commit("orders", [Put(LAST, encode(last))])
    said = guarded.cycles(_BAD, 3)
    assert "not rolled back: rollback orders.1 ended verified less than 15 min ago" in said[-1]
    guarded.clock.forward(15 * 60)
    assert "roll back to level 1" in guarded.cycles(_BAD, 3)[-1]


def test_when_production_runs_the_known_good_there_is_nothing_to_take_back(guarded: Engine) -> None:
    guarded.source.build_seen = "b1"
    assert "not rolled back: production already runs the known-good build b1" in guarded.cycles(_BAD, 3)[-1]
    assert runs(guarded) == []


def test_pushed_samples_are_taken_in_and_removed(guarded: Engine) -> None:
    guarded.intake.samples("orders", {"load": (measured(guarded.clock(), 50.0),)})
    guarded.watch.run()
    found = guarded.snapshot()
    assert [sample.value for sample in found.watch.series["load"]] == [0.5]
    assert found.inbox == {}


def test_samples_that_come_again_change_nothing(guarded: Engine) -> None:
    sample = measured(guarded.clock(), 2.0)
    for _ in range(2):
        guarded.intake.samples("orders", {"migration.confidence": (sample,)})
        guarded.watch.evaluate()
    assert guarded.snapshot().watch.series["confidence"] == (sample,)
    assert guarded.kinds().count("paused") == 1


def test_a_doubtful_change_is_paused_once(guarded: Engine) -> None:
    guarded.intake.samples("orders", {"migration.confidence": (measured(guarded.clock(), 2.0),)})
    (said,) = guarded.watch.evaluate()
    found = guarded.snapshot()
    assert said.startswith("orders: pause the change: confidence 2 < 5")
    assert found.watch.action is Action.PAUSE
    assert found.change is not None
    assert (found.change.status, found.change.sentence) == (ChangeStatus.PAUSED, found.watch.sentence)
    guarded.watch.evaluate()
    assert guarded.kinds().count("paused") == 1


def test_a_source_that_does_not_answer_in_time_is_blindness(guarded: Engine) -> None:
    answered = Gate()
    guarded.source.timeout = timedelta(seconds=-0.9)  # a second of grace is given on top

    def hang() -> list[Sample]:
        answered.wait(5)
        return []

    guarded.source.instead = hang
    (said,) = guarded.watch.run()
    answered.set()
    (sample,) = guarded.snapshot().watch.series["error_rate"]
    assert sample.outcome is Outcome.ERROR
    assert sample.note.startswith("the source did not answer within")
    assert said.startswith("orders: blind: ")


def test_a_source_that_breaks_is_blindness_and_never_a_rollback(guarded: Engine) -> None:
    def broken() -> list[Sample]:
        raise TransientError("reading metric Http5xx: 503")

    guarded.source.instead = broken
    said = guarded.cycles(_BAD, 8)
    assert all(sentence.startswith("orders: blind: ") for sentence in said)
    assert runs(guarded) == []
    assert guarded.kinds().count("blind") == 1
    guarded.source.instead = None
    guarded.cycles(0.0, 1)
    assert "sighted" in guarded.kinds()


def test_silence_is_noticed_without_collecting(guarded: Engine) -> None:
    guarded.cycles(0.0, 3)
    guarded.clock.forward(60)
    assert guarded.watch.evaluate()[0].startswith("orders: blind: ")


def test_what_arrives_is_taken_in_at_once_for_its_workload_alone(guarded: Engine) -> None:
    guarded.policies["shop"] = policy(("workload: orders", "workload: shop"))
    guarded.intake.samples("orders", {"migration.confidence": (measured(guarded.clock(), 3.0),)})
    assert guarded.watch.take_in("orders").startswith("orders: ")
    assert guarded.snapshot().watch.series["confidence"][-1].value == 3.0
    assert "now:1:watch" not in guarded.snapshot("shop").versions


def test_a_second_ring_for_what_was_taken_in_costs_one_look(guarded: Engine) -> None:
    guarded.intake.samples("orders", {"migration.confidence": (measured(guarded.clock(), 3.0),)})
    guarded.watch.take_in("orders")
    version = guarded.snapshot().versions["now:1:watch"]
    assert guarded.watch.take_in("orders") == "orders: what arrived is taken in already"
    assert guarded.snapshot().versions["now:1:watch"] == version


def test_a_ring_for_an_unknown_workload_says_so(guarded: Engine) -> None:
    with pytest.raises(NotFound, match="there is no workload 'nobody' here"):
        guarded.watch.take_in("nobody")


def test_samples_from_before_the_horizon_are_let_go(guarded: Engine) -> None:
    guarded.cycles(0.0, 1)
    guarded.clock.forward(3600)
    guarded.cycles(0.0, 1)
    assert len(guarded.snapshot().watch.series["error_rate"]) == 1


def test_the_start_of_a_rollback_its_events_and_its_deliveries_are_one_commit(guarded: Engine) -> None:
    guarded.cycles(_BAD, 2)
    recorded = Recorded(guarded.ledger)
    guarded.watch_on(recorded).run()
    (keys,) = recorded.commits
    (run,) = guarded.ledger.scan("orders", RUN)
    assert {WATCH, ACTIVE, run.key} < set(keys)
    assert sorted(key.split(":")[2] for key in keys if key.startswith("event:")) == ["decided", "firing", "started"]
    assert sum(key.startswith("now:2:out:") for key in keys) == 1


def test_a_doubtful_change_is_paused_in_the_same_commit(guarded: Engine) -> None:
    guarded.intake.samples("orders", {"migration.confidence": (measured(guarded.clock(), 2.0),)})
    recorded = Recorded(guarded.ledger)
    guarded.watch_on(recorded).evaluate()
    (keys,) = recorded.commits
    assert {WATCH, CHANGE} < set(keys)


def test_whoever_was_told_of_one_blindness_is_told_of_the_next(guarded: Engine) -> None:
    for told in (1, 2):
        guarded.source.instead = list
        guarded.cycles(0.0, 12)
        assert guarded.kinds().count("blind") == told
        guarded.source.instead = None
        guarded.cycles(0.0, 3)
        assert guarded.kinds().count("sighted") == told


def test_moments_of_blindness_do_not_add_up(guarded: Engine) -> None:
    for _ in range(5):
        guarded.source.instead = list
        guarded.cycles(0.0, 5)
        guarded.source.instead = None
        guarded.cycles(0.0, 5)
    assert "blind" not in guarded.kinds()


@pytest.mark.parametrize("status", [ChangeStatus.COMPLETED, ChangeStatus.ROLLED_BACK, ChangeStatus.FAILED])
def test_a_change_that_is_over_is_not_paused(guarded: Engine, status: ChangeStatus) -> None:
    change = guarded.snapshot().change
    assert change is not None
    over = replace(change, status=status)
    guarded.ledger.commit("orders", [Put(CHANGE, encode(over))])
    guarded.intake.samples("orders", {"migration.confidence": (measured(guarded.clock(), 2.0),)})
    assert "pause the change" in guarded.watch.evaluate()[0]
    assert guarded.snapshot().change == over


def test_a_full_inbox_is_emptied_in_one_cycle(guarded: Engine) -> None:
    for number in range(250):
        at = guarded.clock() - timedelta(milliseconds=100 * number)
        guarded.intake.samples("orders", {"load": (measured(at, 50.0),)})
    guarded.watch.evaluate()
    assert guarded.snapshot().inbox == {}
    assert len(guarded.snapshot().watch.series["load"]) == 250


def test_a_row_that_cannot_be_read_waits_and_hides_nothing(guarded: Engine) -> None:
    odd = f"{INBOX}from-a-newer-version"
    guarded.ledger.commit("orders", [Put(odd, '{"kind": "trace"}')])
    guarded.intake.samples("orders", {"load": (measured(guarded.clock(), 50.0),)})
    guarded.watch.run()
    assert [sample.value for sample in guarded.snapshot().watch.series["load"]] == [0.5]
    assert guarded.ledger.read("orders", odd) is not None


def test_a_signal_is_asked_for_in_its_rhythm_and_again_for_what_may_still_be_revised() -> None:
    chosen = policy()
    signal = chosen.signals["error_rate"]

    def since(state: WatchState, now: datetime) -> list[datetime]:
        return [want.since for want in due(chosen, state, now) if want.name == "error_rate"]

    asked = WatchState(collected_at={"error_rate": NOON})
    assert since(WatchState(), NOON) == [NOON - chosen.horizon("error_rate")]
    assert since(asked, NOON + signal.every - timedelta(seconds=1, microseconds=1)) == []
    assert since(asked, NOON + signal.every - timedelta(seconds=1)) == [NOON - signal.delay - 2 * signal.every]
