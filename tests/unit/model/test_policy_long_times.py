"""What is refused of trends, burn rates, forecasts, deviations, derived signals and attribution, and in which words."""

import pytest

from shared.model.policy_text import read_policy
from tests.unit.model.policies import FILE, SETTINGS, changed, read, refusal

_TRIGGER = "- {name: memory, when: memory >= 1}"
_SIGNAL = "memory: {alert: MemoryPressure}"


def with_trigger(entry: str) -> str:
    return changed(_TRIGGER, f"{_TRIGGER}\n    - {{name: added, {entry}}}")


def with_signal(*written: str) -> str:
    return changed(_SIGNAL, "\n  ".join([_SIGNAL, *written]))


GOOD = [
    "trend: confidence, falls: 50%, at_least_by: 1, over: 1h",
    "trend: p95, rises: 200%, over: 1h",
    "burns: slow_share, objective: 99.9%, rate: 14.4",
    "reaches: confidence < 2, within: 7d, fit: 24h",
    "deviates: confidence, by: 25%, from: 2d, over: 1d, worse: up",
]


@pytest.mark.parametrize("entry", GOOD)
def test_is_read(entry: str) -> None:
    text = with_trigger(entry).replace("scale: [0, 10]}", "scale: [0, 10], every: 10m}")
    assert "added" in [rule.name for rule in read(text).rules]


REFUSED = [
    ("trend: p95, over: 1h", "a trend goes one way: write either `rises: 50%` or `falls: 50%`"),
    ("trend: p95, rises: 1%, over: 1h", "'1%' is within the noise; expected 5% or more"),
    (
        "trend: confidence, rises: 50%, over: 1h",
        "of next to nothing any share is noise; expected `at_least_by` with an amount",
    ),
    ("trend: p95, rises: 50%, at_least_by: 5%, over: 1h", "'5%' has the wrong unit"),
    ("trend: p95, rises: 50%, over: 30s", "periods without samples; expected `over: 1m` or longer"),
    ("trend: nothing, rises: 50%, over: 1h", "unknown signal 'nothing'"),
    ("burns: p95, objective: 99.9%, rate: 6", "p95 is no share; expected a share of failures"),
    ("burns: slow_share, objective: 100%, rate: 6", "an objective leaves a budget"),
    ("burns: slow_share, objective: 99.9%, rate: 5", "no windows are known for a rate of 5; expected one of: 14.4"),
    ("burns: error_rate, objective: 99.9%, rate: 3", "spans more samples than are kept; expected at most 150m"),
    ("reaches: p95 > 3s, within: 7d, fit: 10m", "too few samples for a trend; expected at least 24m"),
    ("reaches: p95 > 3, within: 7d", "'3' has the wrong unit"),
    ("deviates: p95, by: 25%, from: soon", "unknown signal 'soon'"),
    ("deviates: p95, by: 25%, from: 36h", "'36h' is neither; expected whole days from 2d to 28d"),
    ("deviates: p95, by: 25%, from: confidence", "confidence is of another unit than p95; expected the same"),
    ("deviates: p95, by: 25%, from: 2d, over: 2d", "`over` is 2d; expected 1m to 1d"),
    ("trend: p95, burns: slow_share", "a trigger names exactly one condition"),
]


@pytest.mark.parametrize(("entry", "text"), REFUSED)
def test_a_trigger_is_refused(entry: str, text: str) -> None:
    said = refusal(with_trigger(entry))
    assert text in said
    assert "triggers.investigation[1]" in said


SIGNALS = [
    (
        "made: {larger_of: [error_rate, p95], unit: share}",
        "p95 is a latency; expected `unit: ms`, and parts of one unit",
    ),
    ("made: {larger_of: [error_rate, slow_share]}", "error_rate is a share; expected `unit: share`"),
    ("made: {larger_of: [error_rate, error_rate], unit: share}", "a signal stands twice; expected each once"),
    ("made: {average_of: nothing}", "unknown signal 'nothing'; expected one of: "),
    ("made: {average_of: made}", "made of itself: made of made"),
    ("made: {score: {p95: {weight: 1, good: 0%, bad: 5s}}}", "'0%' has the wrong unit"),
    ("made: {score: {p95: {weight: 1, good: 5s, bad: 5s}}}", "p95: good and bad are the same; expected two values"),
    ("made: {score: {p95: {weight: 0, good: 1s, bad: 5s}}}", "greater than 0"),
    ("made: {ratio: {of: p95, per: p95}}", "a ratio of a signal to itself is always 1; expected two signals"),
    ("made: {ratio: {of: p95, per: confidence}, every: 10s}", "expected `every: 1m` or longer"),
    ("made: {ratio: {of: p95, per: confidence}, over: 90s}", "`over` is 90s; expected a multiple of 1m"),
    ("made: {average_of: error_rate, unit: percent}", "'share', 'ms' or 'number'"),
    ("made: {average_of: error_rate, every: 6h, unit: share}", "looks back on more samples than are kept"),
]


@pytest.mark.parametrize(("signal", "text"), SIGNALS)
def test_a_derived_signal_is_refused(signal: str, text: str) -> None:
    said = refusal(with_signal(signal))
    assert text in said
    assert "signals.made" in said


def test_a_ring_of_derived_signals_is_refused_even_where_a_trigger_asks_for_it() -> None:
    text = with_signal("one: {average_of: two}", "two: {average_of: one}").replace(
        _TRIGGER, f"{_TRIGGER}\n    - {{name: added, when: one > 1}}"
    )
    assert "made of itself" in refusal(text)


ATTRIBUTION = [
    ("platform: {azure: nothing < 1}", "platform.azure: unknown signal 'nothing'"),
    ("dependencies: {bank: error_rate > 5s}", "dependencies.bank: '5s' has the wrong unit"),
    ("dependencies: {bank: {when: error_rate > 5%, at_least: 99 requests}}", "the probe sends at most"),
    ("other_build: error_rate >= 0%", "other_build: impossible threshold"),
    ("platform: {bank: memory >= 1}, dependencies: {bank: error_rate > 5%}", "'bank' is the name of several"),
    ("traffic: {signal: nothing}", "traffic.signal: unknown signal 'nothing'"),
    ("traffic: {signal: error_rate}", "error_rate is a share; expected a number, such as active users"),
    ("traffic: {signal: confidence, before: 2m}", "expected at least six times the signal's `every`"),
    ("traffic: {signal: confidence, times: 1}", "greater than 1"),
    ("blind: stop", "'ignore' or 'hold'"),
]


@pytest.mark.parametrize(("section", "text"), ATTRIBUTION)
def test_an_attribution_is_refused(section: str, text: str) -> None:
    said = refusal(changed("guards:", f"attribution: {{{section}}}\nguards:"))
    assert text in said
    assert "attribution." in said


def test_the_short_and_the_long_form_of_a_suspect_say_the_same() -> None:
    short, long = "payments: error_rate > 5%", "payments: {when: error_rate > 5%}"
    read_as = [
        read_policy(
            changed("guards:", f"attribution: {{dependencies: {{{form}}}}}\nguards:"), file=FILE, settings=SETTINGS
        )
        for form in (short, long)
    ]
    assert read_as[0].suspects == read_as[1].suspects
