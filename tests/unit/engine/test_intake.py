"""What comes from outside: taken in as a row, or refused with a sentence that says what and what was expected."""

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.errors import InvalidInput, NotFound, Refused
from shared.model.alert import Alert, AlertCondition
from shared.model.signal import Outcome, Sample, measured, no_data
from tests.fakes.clock import NOON
from tests.fakes.policies import SITE_ID, policy
from tests.unit.engine.conftest import Engine

_ALERT = Alert(
    rule="MemoryPressure",
    condition=AlertCondition.FIRED,
    severity=1,
    signal_type="Metric",
    fired_at=NOON,
    resolved_at=None,
    targets=(),
    alert_id="/subscriptions/s1/alerts/1",
    description="",
    essence="memory 96 > 90",
    schema="common",
)


def test_samples_are_kept_in_the_unit_of_the_product(engine: Engine) -> None:
    assert engine.intake.samples("orders", {"load": (measured(NOON, 25.0),)}) == "1 samples of orders taken in"
    (arrived,) = engine.snapshot().inbox.values()
    assert [sample.value for sample in arrived.samples["load"]] == [0.25]


def test_a_sample_that_says_that_there_is_nothing_is_taken_in(engine: Engine) -> None:
    engine.intake.samples("orders", {"migration.confidence": (no_data(NOON, "not computed"),)})
    (arrived,) = engine.snapshot().inbox.values()
    assert [sample.outcome for sample in arrived.samples["migration.confidence"]] == [Outcome.NO_DATA]


@pytest.mark.parametrize(
    ("name", "sample", "sentence"),
    [
        (
            "cpu",
            measured(NOON, 1.0),
            "signal: orders has no pushed signal 'cpu'; expected one of: load, migration.confidence",
        ),
        (
            "migration.confidence",
            measured(NOON, 11.0),
            "value: 11 of migration.confidence is off its scale; expected 0 to 10",
        ),
        (
            "migration.confidence",
            measured(NOON, -0.5),
            "value: -0.5 of migration.confidence is off its scale; expected 0 to 10",
        ),
        (
            "load",
            measured(NOON + timedelta(minutes=6), 1.0),
            "at: 2026-03-01T12:06:00+00:00 of load lies in the future; expected the time measured",
        ),
    ],
)
def test_samples_that_make_no_sense_are_refused_with_what_was_expected(
    engine: Engine, name: str, sample: Sample, sentence: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        engine.intake.samples("orders", {"load": (measured(NOON, 1.0),), name: (sample,)})
    assert str(caught.value) == sentence
    assert engine.snapshot().inbox == {}


def test_a_clock_that_is_a_little_fast_is_forgiven(engine: Engine) -> None:
    engine.intake.samples("orders", {"load": (measured(NOON + timedelta(minutes=4), 1.0),)})
    assert len(engine.snapshot().inbox) == 1


def test_everything_asks_for_a_workload_that_is_there(engine: Engine) -> None:
    intake = engine.intake
    for call in (
        lambda: intake.samples("shop", {}),
        lambda: intake.known_good("shop", "b1", "pipeline"),
        lambda: intake.change("shop", "deployment", "b2", None),
        lambda: engine.by_hand.start("shop", 1, "because", "ann"),
    ):
        with pytest.raises(NotFound, match=r"^there is no workload 'shop' here$"):
            call()


def test_an_alert_is_an_event_a_row_for_the_next_cycle_and_a_ring(engine: Engine) -> None:
    assert engine.intake.alert(_ALERT) == "orders: alert MemoryPressure fired taken in"
    assert [arrived.alert for arrived in engine.snapshot().inbox.values()] == [_ALERT]
    assert [event.sentence for event in engine.events()] == ["alert MemoryPressure fired: memory 96 > 90"]
    assert [ring.ids for ring in engine.doorbell.at("watch")] == [("orders",)]


def test_the_same_alert_again_changes_nothing(engine: Engine) -> None:
    engine.intake.alert(_ALERT)
    engine.watch.evaluate()
    before = (engine.snapshot(), engine.kinds(), len(engine.doorbell.rings))
    assert engine.intake.alert(_ALERT) == "orders: alert MemoryPressure was here before"
    assert (engine.snapshot(), engine.kinds(), len(engine.doorbell.rings)) == before


def test_an_alert_is_one_more_signal_until_it_is_resolved(engine: Engine) -> None:
    engine.intake.alert(_ALERT)
    assert "pause the change: memory 1 >= 1" in engine.watch.evaluate()[0]
    engine.clock.forward(60)
    resolved = replace(_ALERT, condition=AlertCondition.RESOLVED, resolved_at=engine.clock())
    assert engine.intake.alert(resolved) == "orders: alert MemoryPressure resolved taken in"
    assert "pause" not in engine.watch.evaluate()[0]


def test_an_alert_on_the_site_concerns_its_workload_by_whatever_rule(engine: Engine) -> None:
    said = engine.intake.alert(replace(_ALERT, rule="Http5xx", targets=(f"{SITE_ID.lower()}/slots/last-good",)))
    assert said == "orders: alert Http5xx fired taken in"


@pytest.mark.parametrize("target", [f"{SITE_ID.lower()}-two", "/subscriptions/s1", ""])
def test_an_alert_of_others_is_kept_and_nothing_is_done(engine: Engine, target: str) -> None:
    other = replace(_ALERT, rule="DiskFull", targets=(target,))
    said = engine.intake.alert(other)
    assert said == "alert DiskFull concerns no workload here; it is kept and nothing is done"
    assert engine.ledger.read("unclaimed", f"alert:{other.identity}") is not None
    assert engine.kinds() == []
    assert engine.doorbell.rings == []


def test_an_alert_may_concern_several_workloads(engine: Engine) -> None:
    engine.policies["shop"] = policy(("workload: orders", "workload: shop"))
    said = engine.intake.alert(_ALERT)
    assert said == "orders: alert MemoryPressure fired taken in; shop: alert MemoryPressure fired taken in"
    engine.intake.alert(_ALERT)
    assert len(engine.events("orders")) == len(engine.events("shop")) == 1


def test_alerts_of_one_rule_on_two_resources_in_the_same_instant_are_both_taken_in(engine: Engine) -> None:
    """A rule that splits by resource or dimension fires for all of them at once."""
    engine.policies["orders"] = policy(("notify: {", "notify: {on: [alert], "))
    second = replace(_ALERT, alert_id="/subscriptions/s1/alerts/2", essence="memory 97 > 90")
    assert [engine.intake.alert(alert) for alert in (_ALERT, second)] == [
        "orders: alert MemoryPressure fired taken in",
        "orders: alert MemoryPressure fired taken in",
    ]
    assert len(engine.snapshot().inbox) == 2
    assert sorted(event.sentence for event in engine.events()) == [
        "alert MemoryPressure fired: memory 96 > 90",
        "alert MemoryPressure fired: memory 97 > 90",
    ]


def test_an_alert_from_the_future_counts_from_now(engine: Engine) -> None:
    engine.intake.alert(replace(_ALERT, fired_at=NOON + timedelta(days=30)))
    engine.watch.evaluate()
    (sample,) = engine.snapshot().watch.series["memory"]
    assert sample.at == NOON


def test_the_end_of_an_alert_from_the_future_counts_from_now(engine: Engine) -> None:
    engine.intake.alert(_ALERT)
    engine.clock.forward(60)
    ended = replace(_ALERT, condition=AlertCondition.RESOLVED, resolved_at=NOON + timedelta(days=30))
    engine.intake.alert(ended)
    engine.watch.evaluate()
    assert [(s.at, s.value) for s in engine.snapshot().watch.series["memory"]] == [
        (NOON, 1.0),
        (NOON + timedelta(seconds=60), 0.0),
    ]


def test_an_alert_counts_although_nobody_can_be_rung(engine: Engine) -> None:
    engine.doorbell.broken = True
    assert engine.intake.alert(_ALERT) == "orders: alert MemoryPressure fired taken in"
    assert len(engine.snapshot().inbox) == 1


def test_a_change_brings_its_known_good(engine: Engine) -> None:
    change = engine.intake.change("orders", "deployment", "b2", "b1", by="ann")
    found = engine.snapshot()
    assert found.change == change
    assert change.by == "ann"
    assert found.known_good is not None
    assert (found.known_good.build, found.known_good.recorded_by) == ("b1", change.id)
    assert [event.sentence for event in engine.events()] == ["deployment of build b2 started by ann; known good is b1"]


def test_a_change_without_one_leaves_the_known_good_as_it_was(engine: Engine) -> None:
    engine.intake.known_good("orders", "b1", "pipeline")
    engine.intake.change("orders", "deployment", "b2", None)
    known_good = engine.snapshot().known_good
    assert known_good is not None
    assert (known_good.build, known_good.recorded_by) == ("b1", "pipeline")


def test_a_build_is_not_its_own_way_back(engine: Engine) -> None:
    with pytest.raises(Refused, match=r"^build b2 cannot be the change and the known good at once$"):
        engine.intake.change("orders", "deployment", "b2", "b2")
    assert engine.snapshot().change is None


def test_a_build_that_names_nobody_is_rolled_back_although_the_good_one_was_seen_before(guarded: Engine) -> None:
    guarded.source.build_seen = "b1"
    guarded.cycles(0.0, 2)
    guarded.source.build_seen = ""
    said = guarded.cycles(1.0, 6)
    assert any(one.startswith("orders: roll back to level 1: error_rate 1.00 > 0.05") for one in said)


def test_an_alert_of_the_same_name_about_another_site_is_not_ours(guarded: Engine) -> None:
    other = "/subscriptions/s1/resourcegroups/x/providers/microsoft.web/sites/other"
    ours = replace(_ALERT, targets=(other,))
    assert (
        guarded.intake.alert(ours) == "alert MemoryPressure concerns no workload here; it is kept and nothing is done"
    )


def test_samples_keep_what_they_stand_on_and_their_id(engine: Engine) -> None:
    engine.intake.samples("orders", {"load": (measured(NOON, 25.0, 40, sample_id="eu-1"),)})
    (arrived,) = engine.snapshot().inbox.values()
    assert arrived.samples["load"] == (measured(NOON, 0.25, 40, sample_id="eu-1"),)


def test_the_same_samples_again_are_one_row(engine: Engine) -> None:
    for _ in range(3):
        engine.intake.samples("orders", {"load": (measured(NOON, 25.0),)})
        engine.clock.forward(1)
    assert len(engine.snapshot().inbox) == 1


def test_samples_of_the_last_seven_days_are_taken(engine: Engine) -> None:
    oldest = NOON - timedelta(days=7)
    engine.intake.samples("orders", {"load": (measured(oldest, 25.0),)})
    with pytest.raises(InvalidInput, match="is too long ago; expected a time of the last 7 days"):
        engine.intake.samples("orders", {"load": (measured(oldest - timedelta(microseconds=1), 25.0),)})
    assert len(engine.snapshot().inbox) == 1


def test_an_alert_of_another_rule_on_the_site_is_no_sample_of_this_one(engine: Engine) -> None:
    engine.intake.alert(replace(_ALERT, rule="Http5xx", targets=(SITE_ID.lower(),)))
    engine.watch.evaluate()
    assert engine.snapshot().watch.series["memory"] == ()


def test_alerts_of_one_rule_in_the_same_instant_are_two_samples_in_whatever_case_it_is_written(engine: Engine) -> None:
    for number in (1, 2):
        engine.intake.alert(replace(_ALERT, rule="MEMORYPRESSURE", alert_id=f"/subscriptions/s1/alerts/{number}"))
    engine.watch.evaluate()
    assert [sample.value for sample in engine.snapshot().watch.series["memory"]] == [1.0, 1.0]


def test_an_alert_from_the_future_that_is_delivered_again_was_here_before(engine: Engine) -> None:
    ahead = replace(_ALERT, fired_at=NOON + timedelta(days=30))
    engine.intake.alert(ahead)
    engine.clock.forward(60)
    assert engine.intake.alert(ahead) == "orders: alert MemoryPressure was here before"
