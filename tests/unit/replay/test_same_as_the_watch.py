"""A replay comes to what the watch itself comes to, in the same words, over recordings of every kind of trigger."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.decision.conditions import KINDS
from shared.errors import InvalidInput
from shared.model.policy import Policy
from shared.model.signal import Sample, failed, measured, no_data
from shared.replay.player import Player, Recorded
from shared.replay.walk import Moment
from shared.replay.world import Announced
from tests.unit.replay.watched import Written, at, in_order, played, policy_of, watched

_LAST_S = 600
_KINDS = {
    "threshold": Written(
        critical=["name: a, when: error_rate > 5%, for: 30s, at_least: 20 requests"],
        warning=["name: b, when: p95 > 200ms, for: 20s"],
        investigation=["name: c, when: calls < 3, for: 60s, while: change"],
    ),
    "pooled": Written(
        critical=["name: a, when: error_rate > 20%, over: 60s, for: 20s, at_least: 20"],
        warning=[
            "name: b, when: calls > 40, pool: sum, over: 60s",
            "name: d, when: p95 > 300ms, often: at least 3, over: 50s",
        ],
        investigation=["name: c, when: p95 > 300ms, pool: min, over: 40s"],
    ),
    "hysteresis": Written(
        critical=[
            "name: a, when: error_rate > 20%, clears: 5%, for: 20s",
            "name: b, trips: error_rate > 30%, over: 40s",
        ],
        investigation=["name: c, when: calls > 6, clears: '3'"],
    ),
    "hold": Written(
        critical=["name: a, when: azure >= 1", "name: d, when: short_word > 5, for: 30s, no_data: hold"],
        investigation=["name: c, when: calls > 6, for: 40s, no_data: hold, clears: '3'"],
    ),
    "silence": Written(
        critical=["name: a, silent: heartbeat, for: 30s"], warning=["name: b, when: calls > 8, for: 20s"]
    ),
    "issues": Written(
        critical=["name: a, issues: [error_rate > 10%, p95 > 300ms, calls < 2], count: 2, for: 20s"],
        investigation=["name: c, when: calls > 6, periods: 2 of 3, each: 30s"],
    ),
    "trend": Written(
        critical=["name: a, trend: error_rate, rises: 50%, over: 60s"],
        warning=[
            "name: b, burns: error_rate, objective: 99%, rate: 14.4",
            "name: d, deviates: calls, by: 30%, from: p_plan",
        ],
        investigation=["name: c, reaches: calls >= 9, within: 2m, fit: 5m"],
    ),
    "before": Written(
        critical=["name: a, judge: [error_rate, p95], falls: [calls], baseline: 3m, within: 3m"],
        warning=["name: b, anomaly: p95, worse: up, by: 20%, baseline: 3m, within: 3m"],
        investigation=["name: c, more_errors: error_rate, baseline: 3m, within: 3m"],
    ),
    "beside": Written(
        critical=["name: a, worse: error_rate, than: old_build"],
        warning=["name: b, slower: p95, baseline: 4m, within: 4m"],
    ),
    "derived": Written(
        critical=["name: a, when: worst < 40, for: 60s"],
        warning=["name: b, when: lost_share > 0.5, for: 20s, at_least: 10"],
    ),
    "whose": Written(
        critical=["name: a, when: error_rate > 5%, for: 20s", "name: b, when: p95 > 300ms"],
        more="""
attribution:
  dependencies: {old: old_build > 40%}
  traffic: {signal: calls, times: 2, before: 2m}
guards: {cool_down: 1m, budget: 3 per 1h}
""",
    ),
}


def values(high: float) -> st.SearchStrategy[float]:
    """What is mostly good, and often on an edge."""
    return st.sampled_from([0.0, 0.05, 0.2, 0.3, 0.5, 1.0]).map(lambda share: round(share * high, 6))


@st.composite
def series(draw: st.DrawFn, high: float, every_s: int) -> list[Sample]:
    """Draw runs of alike samples, with silences, errors and empty answers between."""
    found: list[Sample] = []
    second = draw(st.integers(0, 30))
    while second < _LAST_S:
        kind = draw(st.sampled_from(["value"] * 6 + ["error", "nothing", "silence"]))
        value, count = draw(values(high)), draw(st.sampled_from([1, 5, 20]))
        for _ in range(draw(st.integers(1, 20))):
            moment = at(second)
            if kind == "value":
                found.append(measured(moment, value, count))
            elif kind == "error":
                found.append(failed(moment, "connection refused"))
            elif kind == "nothing":
                found.append(no_data(moment, "nothing there"))
            second += every_s
    return found


@st.composite
def recordings(draw: st.DrawFn, policy: Policy) -> list[Recorded]:
    shares = {"error_rate": (1.0, 10), "p95": (1000.0, 10), "calls": (10.0, 10), "old_build": (1.0, 10)}
    seldom = {"heartbeat": (1.0, 20), "azure": (1.0, 120), "short_word": (10.0, 40), "p_plan": (10.0, 60)}
    looked_at = {name for name in policy.signals if name in shares | seldom}
    found = {name: draw(series(*one)) for name, one in (shares | seldom).items() if name in looked_at}
    return in_order(found)


@st.composite
def changes(draw: st.DrawFn) -> list[Announced]:
    found = []
    for number in range(draw(st.integers(0, 2))):
        since = draw(st.integers(0, _LAST_S))
        until = since + draw(st.integers(5, 400))
        found.append(Announced(since=at(since), until=at(until), build=f"b{number}"))
    return found


every_kind = pytest.mark.parametrize("kind", _KINDS)
pytestmark = pytest.mark.long
some = settings(max_examples=5, deadline=timedelta(seconds=20), suppress_health_check=list(HealthCheck))


def test_there_is_a_trigger_of_every_kind() -> None:
    rules = [rule for written in _KINDS.values() for rule in policy_of(written).rules]
    assert {type(rule.condition) for rule in rules} == set(KINDS)


def check_all_cycles(policy: Policy, recorded: Sequence[Recorded], announced: Sequence[Announced] = ()) -> None:
    """Hold every cycle of a replay against that of the watch."""
    moments = played(policy, recorded, announced, all_cycles=True)
    expected = list(watched(policy, recorded, announced))
    assert [moment.at for moment in moments] == [now for now, _ in expected]
    for moment, (_, cycle) in zip(moments, expected, strict=True):
        assert moment.readings == cycle.state.readings
        assert moment.decision == cycle.decision
        assert moment.events == cycle.events


def check_what_is_told(policy: Policy, recorded: Sequence[Recorded], announced: Sequence[Announced] = ()) -> None:
    """Hold what a replay tells against the watch: it tells of all that changes, in the same words."""
    told = {moment.at: moment for moment in played(policy, recorded, announced)}
    before = None
    for now, cycle in watched(policy, recorded, announced):
        decision = cycle.decision
        said = (decision.verdict, decision.action, decision.limitation is None)
        assert now in told or (said == before and not cycle.events)
        if now in told:
            assert told[now].decision == decision
            assert told[now].events == cycle.events
            assert told[now].readings == cycle.state.readings
        before = said


@every_kind
@some
@given(st.data())
def test_every_cycle_says_what_the_watch_says(kind: str, data: st.DataObject) -> None:
    policy = policy_of(_KINDS[kind])
    recorded = data.draw(recordings(policy))
    if recorded:
        check_all_cycles(policy, recorded, data.draw(changes()))


@every_kind
@some
@given(st.data())
def test_what_is_told_is_all_that_the_watch_records(kind: str, data: st.DataObject) -> None:
    policy = policy_of(_KINDS[kind])
    recorded = data.draw(recordings(policy))
    if recorded:
        check_what_is_told(policy, recorded, data.draw(changes()))


def waves(name: str, high: float, *, every_s: int, count: int, good: int, bad: int) -> list[Recorded]:
    """Return a signal that is good and bad in turns; each bad stretch has a good sample now and then."""
    values = [high if n % (good + bad) >= good and n % 7 else 0.0 for n in range(count)]
    return [(name, measured(at(n * every_s), value, 20)) for n, value in enumerate(values)]


@pytest.mark.parametrize("kind", ["threshold", "pooled", "hysteresis", "issues", "trend"])
def test_what_goes_on_for_longer_than_samples_are_kept_is_the_same(kind: str) -> None:
    """Nearly always bad for twenty minutes: the watch has long dropped how it began."""
    errors = waves("error_rate", 1.0, every_s=10, count=150, good=20, bad=130)
    slow = waves("p95", 900.0, every_s=10, count=150, good=10, bad=140)
    calls = [("calls", measured(at(10 * n), 9.0)) for n in range(150)]
    recorded = sorted([*errors, *slow, *calls], key=lambda one: one[1].at)
    check_all_cycles(policy_of(_KINDS[kind]), recorded)


@pytest.mark.parametrize("kind", ["threshold", "pooled", "hysteresis", "hold", "trend"])
def test_what_comes_denser_than_the_watch_keeps_is_the_same(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The watch keeps so many samples of a signal, however short the time that they are of."""
    for module in ("shared.model.signal", "shared.replay.tracks"):
        monkeypatch.setattr(f"{module}.MOST_SAMPLES", 25)
    errors = waves("error_rate", 1.0, every_s=5, count=240, good=30, bad=40)
    slow = waves("p95", 900.0, every_s=5, count=240, good=60, bad=20)
    calls = waves("calls", 9.0, every_s=5, count=240, good=15, bad=15)
    recorded = sorted([*errors, *slow, *calls], key=lambda one: one[1].at)
    policy = policy_of(_KINDS[kind])
    check_all_cycles(policy, recorded)
    check_what_is_told(policy, recorded)


def test_a_last_word_that_is_forgotten_is_forgotten_in_the_same_cycle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.model.policy._LAST_WORD_KEPT", timedelta(minutes=5))
    policy = policy_of(_KINDS["hold"])
    words = [("azure", measured(at(30), 1.0)), ("azure", measured(at(95), 0.0)), ("calls", measured(at(100), 9.0))]
    recorded = [*words, ("azure", measured(at(1500), 1.0)), ("calls", measured(at(1600), 4.0))]
    check_all_cycles(policy, recorded)
    check_what_is_told(policy, recorded)


def test_a_recording_is_played_the_same_in_pieces_of_any_size() -> None:
    policy = policy_of(_KINDS["trend"])
    recorded = waves("error_rate", 1.0, every_s=10, count=200, good=60, bad=40)
    whole, pieces = played(policy, recorded), list[Moment]()
    player = Player(policy, [pieces.append])
    for one in recorded:
        player.feed([one])
    player.finish()
    assert pieces == whole


def test_samples_out_of_order_are_refused() -> None:
    policy = policy_of(_KINDS["threshold"])
    late = [("calls", measured(at(10), 1.0)), ("calls", measured(at(0), 1.0))]
    with pytest.raises(InvalidInput, match="calls at 2026-03-01 12:00:00 UTC comes after 2026-03-01 12:00:10 UTC"):
        Player(policy).feed(late)


def test_nothing_is_played_of_nothing() -> None:
    assert Player(policy_of(_KINDS["threshold"])).feed([]).finish().cycles == 0
