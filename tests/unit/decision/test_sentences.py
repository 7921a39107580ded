"""What a reading says to people, word for word."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.decision.decide import decide
from shared.model.quantity import Dimension
from shared.model.signal import Sample, failed, measured
from shared.model.trigger import Comparator, NoData, RollbackTrigger
from tests.unit.decision.build import NEVER, assess, at, bursts, changed, seconds, situation, trigger

LATENCY = trigger(signal="p95", dimension=Dimension.LATENCY, threshold=10_000.0, hold_for=seconds(180), at_least=1)
SCORE = trigger(
    signal="confidence",
    dimension=Dimension.NUMBER,
    comparator=Comparator.BELOW,
    threshold=5.0,
    hold_for=NEVER,
    at_least=3,
)
HOLDING = trigger(no_data=NoData.HOLD, stale_after=seconds(1_800), signal="memory_alert", dimension=Dimension.NUMBER)

SENTENCES = [
    pytest.param(
        trigger(hold_for=seconds(90)),
        bursts("xxxx", count=20),
        "error_rate 0.31 > 0.05 for 15 s (of 90 s, 80 requests)",
        id="pending",
    ),
    pytest.param(
        trigger(hold_for=seconds(90), at_least=1_500),
        bursts("x" * 20, count=62),
        "error_rate 0.31 > 0.05 for 95 s (of 90 s, 1,240 requests of 1,500 needed)",
        id="held, but too few",
    ),
    pytest.param(
        trigger(hold_for=seconds(90)),
        bursts("x" * 20, count=62),
        "error_rate 0.31 > 0.05 for 95 s (min 90 s, 1,240 requests)",
        id="firing",
    ),
    pytest.param(trigger(), bursts("...."), "error_rate 0.00 <= 0.05 (80 requests)", id="healthy"),
    pytest.param(
        trigger(), bursts(".", count=5), "error_rate 0.00 <= 0.05 (5 requests of 20 needed)", id="good, but too few"
    ),
    pytest.param(
        LATENCY,
        [measured(at(5 * i), 10_400.0) for i in range(3)],
        "p95 10.4 s > 10.0 s for 10 s (of 180 s, 3 requests)",
        id="seconds of latency",
    ),
    pytest.param(
        changed(LATENCY, threshold=900.0),
        [measured(at(0), 850.4)],
        "p95 850 ms <= 900 ms (1 request)",
        id="milliseconds of latency",
    ),
    pytest.param(
        SCORE,
        [measured(at(0), 4.5), measured(at(5), 3.5), measured(at(10), 4.0)],
        "confidence 4 < 5 for 10 s (min 0 s, 3 samples)",
        id="plain numbers",
    ),
    pytest.param(SCORE, [measured(at(0), 6.5, 3)], "confidence 6.5 >= 5 (3 samples)", id="the opposite comparator"),
    pytest.param(trigger(), (), "error_rate has no measured sample yet", id="never heard"),
    pytest.param(
        trigger(),
        [failed(at(0), "first"), failed(at(5), "connection refused")],
        "error_rate has no measured sample yet: connection refused",
        id="never heard, with the newest reason",
    ),
    pytest.param(
        trigger(),
        bursts(".!!!!!"),
        "error_rate has no measured sample for 25 s (max 15 s): connection refused",
        id="stale, with the reason",
    ),
    pytest.param(HOLDING, (), "memory_alert has no measured sample yet", id="a holding trigger without a word"),
]


@pytest.mark.parametrize(("rule", "samples", "sentence"), SENTENCES)
def test_a_reading_says(rule: RollbackTrigger, samples: tuple[Sample, ...], sentence: str) -> None:
    now = max((s.at for s in samples), default=at(0))
    assert assess(rule, samples, now).sentence == sentence


def test_a_decision_says_what_fired_with_its_numbers() -> None:
    samples = [*bursts("x" * 13, count=95), measured(at(64), 0.31, 5)]
    reading = assess(trigger(), samples, at(64))
    sentence = "roll back to level 1: error_rate 0.31 > 0.05 for 64 s (min 60 s, 1,240 requests)"
    assert decide([reading], situation()).sentence == sentence


def test_a_reason_older_than_the_last_measurement_does_not_explain_the_silence() -> None:
    reading = assess(trigger(), bursts("!...."), at(60))
    assert reading.sentence == "error_rate has no measured sample for 40 s (max 15 s)"


@pytest.mark.parametrize("wanted_s", [60, 600, 630, 3_600])
def test_a_violation_that_has_not_held_yet_does_not_say_that_it_has(wanted_s: int) -> None:
    rule = trigger(hold_for=seconds(wanted_s), max_gap=seconds(86_400))
    sentence = assess(
        rule, [measured(at(0), 0.31, 20), measured(at(wanted_s - 1), 0.31, 20)], at(wanted_s - 1)
    ).sentence
    held, wanted = sentence.partition(" for ")[2].removesuffix(", 40 requests)").split(" (of ")
    assert held != wanted


def _said(sentence: str) -> tuple[float, float]:
    """Return value and threshold of `<signal> <value> > <threshold> for ...`, in the unit they are written in."""
    value, threshold = sentence.partition(" for ")[0].split(" ", 1)[1].split(" > ")
    return _number(value), _number(threshold)


def _number(written: str) -> float:
    number, _, unit = written.partition(" ")
    return float(number) * (1_000 if unit == "s" else 1)


@given(
    st.sampled_from([(Dimension.SHARE, 0.05), (Dimension.LATENCY, 10_000.0), (Dimension.NUMBER, 1_400.0)]),
    st.floats(1.001, 2.0),
)
def test_a_violation_is_true_as_it_is_written(kind: tuple[Dimension, float], times: float) -> None:
    dimension, threshold = kind
    rule = trigger(dimension=dimension, threshold=threshold)
    value, limit = _said(assess(rule, [measured(at(0), threshold * times, 20)], at(0)).sentence)
    assert value > limit
