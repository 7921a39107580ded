"""What people and programs may read, and when the app calls itself fit."""

import json
from datetime import timedelta
from typing import Any

import pytest

from shared.errors import NotFound
from shared.model.signal import measured
from tests.fakes.interrupted import BrokenFor
from tests.fakes.policies import policy
from tests.unit.engine.conftest import Engine

_MINUTE = timedelta(minutes=1)


def checks(found: tuple[bool, dict[str, Any]]) -> dict[str, tuple[bool, str]]:
    return {check["name"]: (check["ok"], check["says"]) for check in found[1]["checks"]}


def test_a_workload_that_was_never_watched_is_blind(engine: Engine) -> None:
    (told,) = engine.views.workloads()["workloads"]
    assert (told["name"], told["verdict"], told["sentence"]) == ("orders", "blind", "blind: not watched yet")
    assert told["active_rollback"] is None


def test_a_workload_is_told_with_its_triggers_their_clocks_and_its_history(guarded: Engine) -> None:
    guarded.clock.forward(1)
    guarded.cycles(0.31, 2)
    told = guarded.views.workload("orders")
    errors = next(trigger for trigger in told["triggers"] if trigger["name"] == "errors")
    assert (errors["state"], errors["held_s"], errors["hold_for_s"]) == ("pending", 10.0, 20.0)
    assert (errors["value"], errors["threshold"], errors["tier"]) == (0.31, 0.05, "critical")
    assert told["sentence"] == guarded.snapshot().watch.sentence
    assert (told["production_build"], told["known_good"].build, told["change"].build) == ("b2", "b1", "b2")
    assert [event.kind.value for event in told["events"]] == ["pending", "change_started"]
    assert told["signals"]["error_rate"]["value"] == 0.31
    assert told["signals"]["load"] is None


def test_a_sample_without_a_value_is_shown_as_what_it_is(guarded: Engine) -> None:
    guarded.source.instead = lambda: [measured(guarded.clock(), float("nan"))]
    guarded.watch.run()
    newest = guarded.views.workload("orders")["signals"]["error_rate"]
    assert (newest["outcome"], newest["value"]) == ("error", None)
    assert newest["note"] == "the source delivered nan, which is no number"


def test_a_rollback_is_told_with_its_steps_and_its_own_events(guarded: Engine) -> None:
    run = guarded.by_hand.start("orders", 1, "customers complain", "ann")
    told = guarded.views.rollback(run.id)
    assert (told["id"], told["status"], told["cause"], told["took_s"]) == (
        run.id,
        "running",
        "customers complain",
        None,
    )
    assert [(step["name"], step["phase"]) for step in told["steps"]] == [("look_before", "pending")]
    assert [event.kind.value for event in told["events"]] == ["started"]


@pytest.mark.parametrize("name", ["shop", "", "../orders", "unclaimed"])
def test_a_workload_that_is_not_there_is_not_found(engine: Engine, name: str) -> None:
    with pytest.raises(NotFound):
        engine.views.workload(name)


@pytest.mark.parametrize(
    "rollback_id", ["", "orders", "orders.1", "shop.20260301T120000000000", "orders.20260301T120000000000", "x" * 5000]
)
def test_a_rollback_that_is_not_there_is_not_found_and_named_in_short(engine: Engine, rollback_id: str) -> None:
    with pytest.raises(NotFound) as caught:
        engine.views.rollback(rollback_id)
    assert len(str(caught.value)) < 120


def test_a_rollback_is_told_while_its_policy_is_refused(guarded: Engine) -> None:
    run = guarded.by_hand.start("orders", 1, "customers complain", "ann")
    guarded.policies.clear()
    told = guarded.views.rollback(run.id)
    assert (told["id"], told["status"], len(told["events"])) == (run.id, "running", 1)


def test_an_app_that_watches_and_sees_is_fit(guarded: Engine) -> None:
    guarded.watch.run()
    fit, told = guarded.views.health([], _MINUTE)
    assert (fit, told["status"]) == (True, "fit")
    json.dumps(told["checks"])


def test_an_app_that_has_not_watched_for_long_is_not_fit(guarded: Engine) -> None:
    guarded.watch.run()
    guarded.clock.forward(61)
    found = guarded.views.health([], _MINUTE)
    assert found[0] is False
    assert checks(found)["watch"] == (False, "orders: last watched 61 s ago")


def test_an_app_that_never_watched_is_not_fit(engine: Engine) -> None:
    assert checks(engine.views.health([], _MINUTE))["watch"] == (False, "orders: never watched yet")
    engine.watch.evaluate()
    assert checks(engine.views.health([], _MINUTE))["watch"] == (False, "orders: never watched yet")


def test_a_rollback_shows_its_events_after_much_else_has_happened(guarded: Engine) -> None:
    run = guarded.by_hand.start("orders", 1, "customers complain", "ann")
    for number in range(150):
        guarded.clock.forward(1)
        guarded.intake.change("orders", "deployment", f"c{number}", None)
    told = guarded.views.rollback(run.id)
    assert [event.kind.value for event in told["events"]] == ["started"]


def test_an_app_that_sees_nothing_is_not_fit_and_says_of_whom(guarded: Engine) -> None:
    guarded.policies["shop"] = policy(("workload: orders", "workload: shop"))
    guarded.source.instead = list
    guarded.watch.run()
    ok, says = checks(guarded.views.health([], _MINUTE))["sources"]
    assert not ok
    assert says.startswith("orders: blind: ")
    assert "; shop: blind: " in says


def test_an_app_with_a_policy_that_was_refused_is_not_fit(guarded: Engine) -> None:
    guarded.watch.run()
    found = guarded.views.health(["shop.yaml: unknown key"], _MINUTE)
    assert checks(found)["policies"] == (False, "shop.yaml: unknown key")
    assert found[0] is False


def test_an_app_without_storage_is_not_fit_and_says_no_more_than_that(engine: Engine) -> None:
    engine.ledger = BrokenFor(engine.ledger, "orders")
    found = engine.views.health([], _MINUTE)
    assert checks(found)["storage"] == (False, "orders: reading: no connection")
    assert [name for name, (ok, _) in checks(found).items() if not ok] == ["storage"]


def test_a_blind_workload_makes_the_app_unfit_whatever_its_last_words_were(guarded: Engine) -> None:
    guarded.cycles(0.0, 3)
    assert guarded.views.health([], _MINUTE)[0]
    guarded.intake.samples("orders", {"migration.confidence": (measured(guarded.clock(), 9.0),)})
    guarded.source.instead = list
    guarded.cycles(0.0, 4)
    fit, shown = guarded.views.health([], _MINUTE)
    assert not fit
    assert checks((fit, shown))["sources"][1].startswith("orders: blind: error_rate has no measured sample")


def test_evaluating_alone_does_not_count_as_watching(guarded: Engine) -> None:
    guarded.cycles(0.0, 1)
    guarded.clock.forward(90)
    guarded.watch.evaluate()
    assert checks(guarded.views.health([], _MINUTE))["watch"] == (False, "orders: last watched 100 s ago")


def test_people_who_were_not_told_for_long_make_the_app_unfit(guarded: Engine) -> None:
    guarded.cycles(0.31, 3)
    guarded.clock.forward(400)
    ok, says = checks(guarded.views.health([], timedelta(hours=1)))["deliveries"]
    assert not ok
    assert says.startswith("orders: people have not been told since 12:00:20 UTC")
