"""Events that are pushed: counted by the signals that want them, once each, and nothing is made up in between."""

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from shared.errors import InvalidInput
from shared.functions.bodies import SamplesBody
from shared.model.pushed_event import PushedEvent
from shared.model.signal import Outcome, measured
from shared.model.trigger import TriggerState, Verdict
from tests.fakes.clock import NOON
from tests.fakes.policies import policy
from tests.unit.engine.conftest import Engine

_BEAT = ("  memory: {alert", "  beat: {pushed: beat, every: 30s}\n  memory: {alert")
_GONE = ("- {name: doubt", "- {name: gone, silent: beat, for: 1m}\n    - {name: doubt")
_SIGNALS = """\
  failures: {event: migration.failed}
  critical_failures: {event: migration.failed, severity: critical}
  network_failures: {event: migration.failed, category: network}
  memory: {alert"""


@pytest.fixture
def counting(engine: Engine) -> Engine:
    engine.policies["orders"] = policy(("  memory: {alert", _SIGNALS))
    return engine


def event(number: int, **more: Any) -> PushedEvent:
    given: dict[str, Any] = {"name": "migration.failed", "at": NOON + timedelta(seconds=number), "id": f"e{number}"}
    return PushedEvent(**(given | more))


def counted(engine: Engine) -> dict[str, list[float | None]]:
    series = engine.snapshot().watch.series
    return {name: [sample.value for sample in series[name]] for name in series if name.endswith("failures")}


def test_an_event_is_counted_by_every_signal_that_wants_it(counting: Engine) -> None:
    events = [event(1), event(2, severity="critical"), event(3, category="network", times=7)]
    assert counting.intake.samples("orders", {}, events) == "3 events of orders taken in"
    counting.watch.evaluate()
    assert counted(counting) == {"failures": [1, 1, 7], "critical_failures": [1], "network_failures": [7]}


def test_the_same_event_again_changes_nothing(counting: Engine) -> None:
    for _ in range(3):
        counting.intake.samples("orders", {}, [event(1)])
        counting.intake.samples("orders", {}, [event(1), event(2)])
        counting.watch.evaluate()
    assert counted(counting)["failures"] == [1, 1]


def test_two_events_of_one_instant_are_two(counting: Engine) -> None:
    counting.intake.samples("orders", {}, [event(1), event(1, id="other")])
    counting.watch.evaluate()
    assert counted(counting)["failures"] == [1, 1]


def test_without_an_event_nothing_is_made_up_and_nobody_is_blind(counting: Engine) -> None:
    counting.policies["orders"] = policy(
        ("  memory: {alert", _SIGNALS), ("- {name: doubt", "- {name: failing, when: failures > 3}\n    - {name: doubt")
    )
    counting.watch.evaluate()
    (reading,) = [one for one in counting.snapshot().watch.readings if one.name == "failing"]
    assert (reading.verdict, reading.sentence) == (None, "failures has no measured sample yet")
    assert counted(counting)["failures"] == []


def test_samples_and_events_come_together(counting: Engine) -> None:
    said = counting.intake.samples("orders", {"load": (measured(NOON, 25.0),)}, [event(1)])
    assert said == "1 samples and 1 events of orders taken in"
    assert len(counting.snapshot().inbox) == 1


def test_what_an_event_says_for_people_is_its_note() -> None:
    sample = event(1, severity="high", category="network", text="x" * 400).sample
    assert sample.outcome is Outcome.MEASURED
    assert sample.note == f"high network: {'x' * 400}"[:200]


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"name": "migration.done"}, "event: orders has no signal of the event 'migration.done'; expected one of: "),
        ({"at": NOON + timedelta(minutes=6)}, "at: 2026-03-01T12:06:00+00:00 of migration.failed lies in the future"),
        ({"at": NOON - timedelta(days=8)}, "of migration.failed is too long ago; expected a time of the last 7 days"),
    ],
)
def test_events_that_make_no_sense_are_refused_with_what_was_expected(
    counting: Engine, given: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        counting.intake.samples("orders", {}, [event(1), event(2, **given)])
    assert sentence in str(caught.value)
    assert counting.snapshot().inbox == {}


_GOOD = {"event": "migration.failed", "at": "2026-03-01T12:00:00Z", "id": "e1"}


def test_a_body_is_read_as_it_is_written() -> None:
    body = SamplesBody.model_validate({"events": [_GOOD | {"severity": "high", "times": 2}]})
    assert body.happened() == (event(0, id="e1", severity="high", times=2),)
    assert body.by_signal() == {}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"samples": [], "events": []},
        {"events": [_GOOD | {"id": ""}]},
        {"events": [{key: value for key, value in _GOOD.items() if key != "id"}]},
        {"events": [_GOOD | {"at": "2026-03-01T12:00:00"}]},
        {"events": [_GOOD | {"at": 1_700_000_000}]},
        {"events": [_GOOD | {"severity": "dreadful"}]},
        {"events": [_GOOD | {"category": "Rate Limit"}]},
        {"events": [_GOOD | {"times": 0}]},
        {"events": [_GOOD | {"times": True}]},
        {"events": [_GOOD | {"text": "x" * 501}]},
        {"events": [_GOOD | {"more": 1}]},
        {"events": [_GOOD] * 1001},
    ],
)
def test_a_body_beyond_its_bounds_is_refused(body: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        SamplesBody.model_validate(body)


@pytest.fixture
def beating(engine: Engine) -> Engine:
    """One that was heard at noon, a minute after its watch began."""
    engine.policies["orders"] = policy(_BEAT, _GONE)
    engine.clock.forward(-60)
    engine.watch.evaluate()
    engine.clock.forward(60)
    engine.intake.samples("orders", {"beat": (measured(NOON, 1.0),)})
    engine.watch.evaluate()
    return engine


def gone(engine: Engine) -> list[tuple[TriggerState, Verdict | None]]:
    """Go on for three minutes without a beat; return what is said every ten seconds."""
    said = []
    for _ in range(18):
        engine.clock.forward(10)
        engine.watch.evaluate()
        (reading,) = [one for one in engine.snapshot().watch.readings if one.name == "gone"]
        said.append((reading.state, reading.verdict))
    return said


def test_who_is_silent_for_too_long_is_gone(beating: Engine) -> None:
    healthy, pending, firing = TriggerState.INACTIVE, TriggerState.PENDING, TriggerState.FIRING
    assert [state for state, _ in gone(beating)] == [healthy] * 2 + [pending] * 6 + [firing] * 10


@pytest.mark.parametrize("broken", [False, True])
def test_nobody_is_gone_while_what_was_sent_waits_in_the_queue(beating: Engine, *, broken: bool) -> None:
    beating.doorbell.waiting["samples"] = NOON
    beating.doorbell.broken = broken
    said = gone(beating)
    assert {state for state, _ in said} == {TriggerState.INACTIVE}
    assert {verdict for _, verdict in said[2:]} == {Verdict.BLIND}
    beating.doorbell.waiting.clear()
    beating.doorbell.broken = False
    # A beat is due once the queue is empty, and is missed for a minute from then on.
    assert [state for state, _ in gone(beating)].index(TriggerState.FIRING) == 8


def test_what_is_on_its_way_is_not_held_up(beating: Engine) -> None:
    beating.clock.forward(90)
    beating.doorbell.waiting["samples"] = beating.clock() - timedelta(seconds=10)
    beating.watch.evaluate()
    (reading,) = [one for one in beating.snapshot().watch.readings if one.name == "gone"]
    assert reading.state is TriggerState.FIRING
