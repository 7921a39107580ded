"""Changes as they are told what to do: one commit for all of it, history, samples, the hook, and the watch between."""

import json
from dataclasses import replace
from typing import Any

import pytest

from shared.engine.change_control import COMMANDS, ChangeControl
from shared.engine.change_steps import Outcome
from shared.engine.change_writes import CONTROL_CHANNEL
from shared.engine.records import INBOX
from shared.errors import NotFound, PermanentError, Refused, TransientError
from shared.model.change import Change, ChangeStatus, Do
from shared.model.command import CommandBody
from shared.model.decision import Plan
from shared.model.event import Delivery, EventKind
from shared.model.policy import Policy
from shared.model.signal import measured
from shared.ports import Ledger, Put
from tests.fakes.interrupted import BrokenFor, Interrupted, Recorded
from tests.fakes.policies import policy
from tests.unit.engine.conftest import Engine

_HOOK = 'control: {hook: "https://orders.example/hook", secret: "long enough to sign"}\n'
_SIGNALS = """\
  sure: {pushed: change.confidence, scale: [0, 10]}
  rows: {pushed: change.counts.rows}
  broken: {pushed: change.errors.critical}
"""
# Five critical errors take the change back once; an average under 5 slows it.
_RULE = "    - {name: broken, when: broken >= 5, no_data: hold, while: change, once: change}\n"


def told_policy(*more: tuple[str, str]) -> Policy:
    changes = ("triggers:\n", f"{_SIGNALS}triggers:\n"), ("notify:", f"{_HOOK}notify:")
    return policy(*changes, ("  investigation:\n", f"{_RULE}  investigation:\n"), *more)


@pytest.fixture
def told(engine: Engine) -> Engine:
    engine.policies["orders"] = told_policy()
    return engine


def control(engine: Engine, ledger: Ledger | None = None) -> ChangeControl:
    return ChangeControl(ledger or engine.ledger, engine.doorbell, lambda: engine.policies, engine.clock)


def say(engine: Engine, word: str, by: str = "ann", ledger: Ledger | None = None, **parts: Any) -> Outcome:
    engine.clock.forward(1)
    return control(engine, ledger).obey("orders", CommandBody.model_validate({"command": word, **parts}).root, by)


def begin(engine: Engine) -> Change:
    return say(engine, "start", build="b2", known_good="b1", kind="migration").change


def words_to_hook(engine: Engine) -> list[Delivery]:
    found = [one for one in engine.deliveries() if one.channel == CONTROL_CHANNEL]
    return sorted(found, key=lambda one: one.event.at)


def test_a_command_is_one_commit_of_all_that_it_does(told: Engine) -> None:
    begin(told)
    recorded = Recorded(told.ledger)
    say(told, "error", ledger=recorded, severity="critical", text="row 7", id="k1")
    (keys,) = recorded.commits
    assert [key.split(":")[0] for key in keys] == ["now", "now", "event", "commands"]
    assert keys[0] == "now:1:change"
    assert keys[1].startswith(INBOX)


def test_without_signals_of_changes_nothing_is_taken_in(engine: Engine) -> None:
    begin(engine)
    say(engine, "checkpoint", confidence=3.0)
    assert engine.snapshot().inbox == {}


def test_a_change_begins_with_full_confidence_and_no_errors(told: Engine) -> None:
    begin(told)
    told.watch.evaluate()
    series = told.snapshot().watch.series
    assert {name: series[name][-1].value for name in ("sure", "rows", "broken")} == {
        "sure": 10.0,
        "rows": 0.0,
        "broken": 0.0,
    }


def test_the_history_tells_what_people_must_know(engine: Engine) -> None:
    begin(engine)
    for word, parts in (
        ("checkpoint", {"confidence": 9.0}),
        ("error", {"severity": "low", "text": "slow row"}),
        ("error", {"severity": "low", "text": "another"}),
        ("pause", {"reason": "backup first"}),
        ("pause", {}),
        ("slow", {}),
        ("resume", {}),
        ("complete", {}),
        ("complete", {}),
    ):
        say(engine, word, **parts)
    assert engine.kinds() == ["change_started", "change_error", "paused", "slowed", "resumed", "change_completed"]
    assert engine.events()[2].sentence == "the migration of build b2 paused by ann: backup first"
    assert {one.event.kind.value for one in engine.deliveries()} == {"paused", "slowed", "resumed"}


def test_a_refusal_stays_one_under_its_id(engine: Engine) -> None:
    with pytest.raises(Refused, match=r"^no change was started; start one first$"):
        say(engine, "pause", id="k1")
    begin(engine)
    with pytest.raises(Refused, match=r"^no change was started; start one first$"):
        say(engine, "pause", id="k1")
    assert say(engine, "pause", id="k2").change.status is ChangeStatus.PAUSED


def test_an_id_is_for_one_command(engine: Engine) -> None:
    begin(engine)
    say(engine, "pause", id="k1")
    with pytest.raises(Refused, match=r"^the id k1 was used for another command; expected an id of its own$"):
        say(engine, "resume", id="k1")
    assert say(engine, "pause", id="k1").sentence == (
        "command k1 was obeyed before; the migration of build b2 is paused"
    )


def test_a_double_of_the_last_change_says_nothing_to_this_one(engine: Engine) -> None:
    begin(engine)
    say(engine, "error", severity="high", text="row 7", id="k1")
    say(engine, "start", build="b3")
    say(engine, "error", severity="high", text="row 7", id="k1")
    assert say(engine, "pause").change.progress.errors == {}


def test_the_answers_that_are_kept_are_bounded(engine: Engine) -> None:
    begin(engine)
    for number in range(300):
        say(engine, "checkpoint", id=f"k{number}")
    row = engine.ledger.read("orders", COMMANDS)
    assert row is not None
    assert list(json.loads(row.body)["by_id"]) == [f"k{number}" for number in range(44, 300)]


def test_a_start_of_the_same_is_the_same_change(engine: Engine) -> None:
    first = begin(engine)
    say(engine, "pause")
    again = say(engine, "start", build="b2", known_good="b1", kind="migration")
    assert (again.change.id, again.change.status) == (first.id, ChangeStatus.PAUSED)
    assert again.sentence == "the migration of build b2 is in progress already: paused"
    with pytest.raises(Refused, match="its known good is b1, not b0; record that one by itself, or end this change"):
        say(engine, "start", build="b2", known_good="b0", kind="migration")


def test_a_start_of_another_takes_its_place_and_says_so(engine: Engine) -> None:
    begin(engine)
    say(engine, "slow")
    assert say(engine, "start", build="b3").sentence == (
        "deployment of build b3 started by ann; it takes the place of the migration of build b2, which was slowed"
    )


def test_the_known_good_completes_a_change(engine: Engine) -> None:
    begin(engine)
    control(engine).known_good("orders", "b2", "the pipeline")
    found = engine.snapshot().change
    assert found is not None
    assert (found.status, found.sentence) == (
        ChangeStatus.COMPLETED,
        "the migration of build b2 completed by the pipeline: it is known to be good",
    )
    assert engine.kinds()[-1] == "change_completed"


@pytest.mark.parametrize("times", [1, 7])
def test_a_lost_race_is_run_again(engine: Engine, times: int) -> None:
    begin(engine)
    other = Interrupted(engine.ledger, lambda: say(engine, "error", severity="low", text="x"), times)
    found = say(engine, "error", ledger=other, severity="low", text="x").change
    assert found.progress.errors == {"low": times + 1}


def test_who_loses_every_race_is_told_to_send_again(engine: Engine) -> None:
    begin(engine)
    other = Interrupted(engine.ledger, lambda: say(engine, "error", severity="low", text="x"), 100)
    with pytest.raises(TransientError, match=r"^the change of orders is written by others right now; send it again$"):
        say(engine, "error", ledger=other, severity="low", text="x")


def test_the_workload_must_be_there_and_the_storage_answer(engine: Engine) -> None:
    pause = CommandBody.model_validate({"command": "pause"}).root
    for call in (
        lambda: control(engine).obey("shop", pause, "ann"),
        lambda: control(engine).control("shop"),
        lambda: control(engine).plan("shop", "full", "ann"),
        lambda: control(engine).known_good("shop", "b1", "ann"),
    ):
        with pytest.raises(NotFound):
            call()
    with pytest.raises(TransientError):
        control(engine, BrokenFor(engine.ledger, "orders")).control("orders")


def test_the_control_is_read_from_all_that_holds(engine: Engine) -> None:
    assert control(engine).control("orders").sentence == "no change is in progress"
    begin(engine)
    engine.cycles(0.0, 1)
    assert control(engine).control("orders").do is Do.RUN
    run = engine.by_hand.start("orders", 1, "customers complain", "ann")
    found = control(engine).control("orders")
    assert (found.do, found.sentence, found.since) == (Do.PAUSE, f"rollback {run.id} is under way", run.created_at)


def test_a_strategy_is_a_plan_and_an_unknown_one_is_recorded(engine: Engine) -> None:
    engine.policies["orders"] = policy(("notify:", "strategies: {full: {level: 1}}\nnotify:"))
    assert control(engine).plan("orders", "full", "ann") == Plan(strategy="full", level=1)
    for _ in range(2):
        with pytest.raises(Refused, match="nothing is done: ann asked for the strategy 'all', which nobody knows; "):
            control(engine).plan("orders", "all", "ann")
        engine.clock.forward(1)
    assert engine.kinds() == ["unknown_strategy"] * 2
    assert [one.event.kind.value for one in engine.deliveries()] == ["unknown_strategy"] * 2


def test_a_hook_is_told_when_what_to_do_changes_and_not_otherwise(told: Engine) -> None:
    begin(told)
    told.cycles(0.0, 3)
    say(told, "checkpoint", confidence=9.0)
    say(told, "pause")
    say(told, "pause", by="bob")
    told.cycles(0.0, 2)
    say(told, "resume")
    said = [one.event.sentence.partition(":")[0] for one in words_to_hook(told)]
    assert said == ["slow", "run", "pause", "run"]
    newest = control(told).told("orders")
    assert newest is not None
    assert (newest.control.do, newest.sequence) == (Do.RUN, 4)


def test_a_hook_is_told_of_blindness_and_of_a_rollback_by_the_cycle_that_finds_it(told: Engine) -> None:
    begin(told)
    told.cycles(0.0, 1)
    told.source.instead = list
    told.cycles(0.0, 12)
    assert [one.event.sentence.partition(":")[0] for one in words_to_hook(told)][-1] == "slow"
    told.by_hand.start("orders", 1, "customers complain", "ann")
    told.watch.evaluate()
    last = words_to_hook(told)[-1].event.sentence
    assert last.startswith("pause: rollback orders.")


def test_an_automatic_rollback_tells_the_hook_in_the_same_commit(told: Engine) -> None:
    begin(told)
    told.cycles(1.0, 3)
    assert told.snapshot().rolling_back is not None
    assert words_to_hook(told)[-1].event.sentence.startswith(f"pause: rollback {told.snapshot().rolling_back} ")


def test_without_a_hook_nobody_is_told(engine: Engine) -> None:
    begin(engine)
    say(engine, "pause")
    assert words_to_hook(engine) == []
    assert control(engine).told("orders") is None


def doubtful(engine: Engine, value: float) -> str:
    engine.clock.forward(1)
    engine.intake.samples("orders", {"migration.confidence": (measured(engine.clock(), value),)})
    return engine.watch.evaluate()[0]


def status(engine: Engine) -> ChangeStatus | None:
    found = engine.snapshot().change
    return found.status if found else None


def test_who_resumes_overrules_the_trigger_until_it_was_quiet(engine: Engine) -> None:
    begin(engine)
    doubtful(engine, 2.0)
    assert status(engine) is ChangeStatus.PAUSED
    assert say(engine, "resume").sentence == "the migration of build b2 resumed by ann; it goes on although doubt fires"
    assert doubtful(engine, 2.0).endswith("the change goes on all the same, as a person said: doubt")
    assert status(engine) is ChangeStatus.ACTIVE
    doubtful(engine, 8.0)
    doubtful(engine, 2.0)
    assert status(engine) is ChangeStatus.PAUSED
    assert engine.kinds().count("paused") == 2


def test_a_trigger_may_slow_the_change_and_let_it_go(engine: Engine) -> None:
    engine.policies["orders"] = policy(
        ("no_data: hold}", "no_data: hold, does: slow}"), ("notify:", "control: {resume: by_itself}\nnotify:")
    )
    begin(engine)
    assert doubtful(engine, 2.0).startswith("orders: slow the change: confidence 2 < 5")
    assert status(engine) is ChangeStatus.SLOWED
    doubtful(engine, 8.0)
    assert status(engine) is ChangeStatus.ACTIVE
    assert [kind for kind in engine.kinds() if kind in ("slowed", "resumed")] == ["slowed", "resumed"]
    resumed = next(event for event in engine.events() if event.kind is EventKind.RESUMED)
    assert resumed.sentence == "the migration of build b2 resumed by itself: doubt has been quiet"


def test_a_change_that_begins_while_a_trigger_fires_is_told_to_be_paused(engine: Engine) -> None:
    doubtful(engine, 2.0)
    assert engine.kinds().count("paused") == 1
    begin(engine)
    doubtful(engine, 2.0)
    assert status(engine) is ChangeStatus.PAUSED
    assert engine.kinds().count("paused") == 2


def test_five_critical_errors_take_a_migration_back_once(told: Engine) -> None:
    """No active migration decides nothing; a fifth error does, once in this migration, and again in the next."""
    told.source.build_seen = ""
    begin(told)
    for _ in range(4):
        say(told, "error", severity="critical", text="row 7")
    assert "roll back" not in told.watch.run()[0]
    say(told, "error", severity="critical", text="row 8")
    assert told.watch.run()[0].startswith("orders: roll back to level 1: broken 5 >= 5")
    run = told.snapshot().rolling_back
    assert run is not None
    told.by_hand.cancel(run, "a false alarm", "ann")
    told.clock.forward(3600)
    assert told.watch.run()[0].endswith("decided once on this change already: broken")
    say(told, "fail")
    assert "broken" not in told.watch.run()[0]
    say(told, "start", build="b3")
    assert "broken 5" not in told.watch.run()[0]


def test_a_record_of_no_use_does_not_keep_a_new_change_from_being_watched(engine: Engine) -> None:
    engine.ledger.commit("orders", [Put("now:1:change", '{"id": 7}')])
    with pytest.raises(PermanentError):
        say(engine, "pause")
    assert say(engine, "start", build="b3").change.status is ChangeStatus.ACTIVE
    assert say(engine, "pause").change.status is ChangeStatus.PAUSED


def test_a_change_of_an_older_version_is_read(engine: Engine) -> None:
    old = {"id": "c1", "kind": "migration", "build": "b2", "started_at": engine.clock().isoformat(), "status": "paused"}
    begin(engine)
    engine.ledger.commit("orders", [Put("now:1:change", json.dumps(old))])
    found = say(engine, "resume").change
    assert (found.id, found.status) == ("c1", ChangeStatus.ACTIVE)
    assert replace(found, overruled=()) == found
