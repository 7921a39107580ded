"""Advice of a policy, early warnings, costs, and the advisors of a database: each with the numbers that caused it."""

import pytest

from shared.analytics.advice import Period, Urgency, recommendations, worse_when_high
from shared.analytics.advisors import index_advice, most_expensive, query_advice
from shared.analytics.costs import costs_of
from shared.analytics.rollup import Rollup, roll_up
from shared.analytics.trends import trend_of
from shared.analytics.uptime import Uptime
from shared.errors import PolicyError
from shared.model.policy import Policy
from shared.model.signal import measured
from shared.model.sql_rows import ExpensiveQuery, IndexUse
from tests.fakes.clock import NOON
from tests.fakes.policies import policy

ADVICE = """advice:
  - {when: load > 70%, say: scale the database up}
  - {when: load > 90%, of: highest, urgency: critical, at_least: 3 samples, say: restart the app}
  - {when: confidence < 5, of: p50, urgency: hint, say: look at the checkpoints}
costs: {total: spent, per: jobs, was: 0.5}
"""
SIGNALS = "  spent: {pushed: spent}\n  jobs: {pushed: jobs}\n"


def advising() -> Policy:
    return policy(("triggers:\n", f"{SIGNALS}triggers:\n"), ("notify: ", f"{ADVICE}notify: "))


def rolled(*values: float) -> Rollup:
    return roll_up(measured(NOON, value, sample_id=str(place)) for place, value in enumerate(values))


def period(uptime: Uptime = Uptime(up_s=3600), **signals: Rollup) -> Period:  # noqa: B008  # frozen
    return Period(written="1h", signals=signals, trends={}, uptime=uptime)


def sentences(found: Period) -> list[str]:
    return [one.sentence for one in recommendations(advising(), found)]


def test_advice_says_the_numbers_and_what_to_do_the_most_urgent_first() -> None:
    assert sentences(period(load=rolled(*[0.7] * 9, 0.95))) == [
        "load: highest 0.95 > 0.90 over 1h (10 observations): restart the app",
        "load: mean 0.72 > 0.70 over 1h (10 observations): scale the database up",
    ]


@pytest.mark.parametrize(
    ("values", "advised"),
    [
        pytest.param([0.7] * 10, 0, id="at the limit"),
        pytest.param([0.71] * 9, 0, id="too few observations"),
        pytest.param([0.71] * 10, 1, id="beyond it"),
        pytest.param([0.1, 0.1, 0.91], 1, id="enough for the one that takes three"),
        pytest.param([], 0, id="nothing"),
    ],
)
def test_boundaries(values: list[float], advised: int) -> None:
    assert len(sentences(period(load=rolled(*values)))) == advised


def test_advice_may_be_about_low_values() -> None:
    assert sentences(period(confidence=rolled(*[4.0] * 10))) == [
        "confidence: p50 4 < 5 over 1h (10 observations): look at the checkpoints"
    ]


def test_a_rise_by_more_than_half_warns_early_where_high_is_bad() -> None:
    now, before = rolled(*[0.016] * 10), rolled(*[0.01] * 10)
    for name, warned in (("error_rate", 1), ("confidence", 0)):
        found = Period(written="1h", signals={}, trends={name: trend_of(now, before)}, uptime=Uptime())
        assert len(sentences(found)) == warned
    found = Period(written="1h", signals={}, trends={"error_rate": trend_of(now, before)}, uptime=Uptime())
    assert sentences(found) == ["error_rate rose by 60% against the 1h before: mean 0.02, was 0.01"]
    assert recommendations(advising(), found)[0].urgency is Urgency.WARNING


def test_which_way_is_worse_is_what_triggers_and_advice_say() -> None:
    assert worse_when_high(advising()) == {"load": True, "confidence": False, "error_rate": True, "memory": True}


def test_blindness_is_told() -> None:
    assert sentences(period(uptime=Uptime(up_s=95, blind_s=5))) == []
    assert sentences(period(uptime=Uptime(up_s=90, blind_s=10))) == [
        "nothing was seen for 10% of 1h (max 5%): see to it"
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("advice: [{when: lod > 1, say: x}]", "unknown signal 'lod'; expected one of: confidence, error_rate"),
        ("advice: [{when: load > 2s, say: x}]", "wrong unit"),
        ("advice: [{when: load > 200%, say: x}]", "impossible threshold"),
        ("advice: [{when: load, say: x}]", "advice[0].when"),
        ("advice: [{when: load > 1%, of: median, say: x}]", "advice[0].of"),
        ("costs: {total: load, per: jobs}", "load is no plain number"),
        ("costs: {total: gold, per: jobs}", "unknown signal 'gold'"),
        ("costs: {total: spent, per: jobs, was: 0}", "costs.was"),
    ],
)
def test_a_wrong_entry_is_refused_with_its_place(text: str, says: str) -> None:
    with pytest.raises(PolicyError) as refused:
        policy(("triggers:\n", f"{SIGNALS}triggers:\n"), ("notify: ", f"{text}\nnotify: "))
    assert says in str(refused.value)


def test_costs_are_by_unit_and_savings_against_what_it_was() -> None:
    found = costs_of(rolled(3.0, 5.0), rolled(10.0, 10.0), 0.5)
    assert found is not None
    assert (found.each, found.saved, found.saved_share) == pytest.approx((0.4, 2.0, 0.2))
    dearer = costs_of(rolled(12.0), rolled(20.0), 0.5)
    assert dearer is not None
    assert dearer.saved == -2.0
    assert costs_of(rolled(1.0), rolled(0.0), 0.5) is None
    assert costs_of(rolled(), rolled(1.0), None) is None


def query(number: int, cpu_ms: float) -> ExpensiveQuery:
    return ExpensiveQuery(query_id=number, executions=2, cpu_ms=cpu_ms, duration_ms=1_000.0, logical_reads=1.0)


def test_the_ten_most_expensive_queries_by_all_their_cpu() -> None:
    rows = [query(number, 10.0 * number) for number in range(15)]
    assert [one.query_id for one in most_expensive(rows)] == list(range(14, 4, -1))
    assert query_advice(rows) == []
    assert query_advice([*rows, query(99, 5_000.0)]) == [
        "query 99 takes 85% of the CPU of the 10 most expensive ones: 5.0 s in 2 executions of 1,000 ms"
    ]


@pytest.mark.parametrize("cpu", [[], [5.0], [5.0, 5.0], [0.0, 0.0]])
def test_no_query_stands_out(cpu: list[float]) -> None:
    assert query_advice([query(number, one) for number, one in enumerate(cpu)]) == []


@pytest.mark.parametrize(
    ("reads", "writes", "says"),
    [
        (0, 1_000, "ix of dbo.jobs (12 MB) was changed 1,000 times and never read: it can go, unless"),
        (0, 999, ""),
        (10, 1_000, ""),
        (10, 1_001, "was changed 1,001 times and read 10 times: it can go, unless"),
    ],
)
def test_indexes(reads: int, writes: int, says: str) -> None:
    found = index_advice([IndexUse(table="dbo.jobs", index="ix", reads=reads, writes=writes, size_mb=12.0)])
    assert (says in found[0]) if says else found == []
