"""The plain kinds of triggers as they are written: what they become, what is refused and how, and that they keep."""

from datetime import timedelta

import pytest

from shared.decision.cycle import Known, News, next_cycle
from shared.decision.reasons import as_json, decide_again, reasons_from_json, reasons_of, verdicts_of
from shared.errors import PolicyError
from shared.model.conditions.condition import Condition
from shared.model.conditions.issues import Issue, Issues
from shared.model.conditions.periods import Periods
from shared.model.conditions.pooled import Often, Pooled, Pooling
from shared.model.conditions.silence import Silence
from shared.model.conditions.threshold import Threshold
from shared.model.policy import Policy
from shared.model.policy_text import read_policy
from shared.model.quantity import Dimension
from shared.model.trigger import Bound, Comparator, NoData
from shared.model.watch import WatchState
from tests.unit.decision.build import at
from tests.unit.decision.conditions.written import line, policy_of, rule_of

SECOND, MINUTE, YEAR = timedelta(seconds=1), timedelta(minutes=1), timedelta(days=365)
ABOVE, BELOW = Comparator.ABOVE, Comparator.BELOW
SHARE, LATENCY, NUMBER = Dimension.SHARE, Dimension.LATENCY, Dimension.NUMBER

WRITTEN: list[tuple[str, Condition]] = [
    (
        "when: error_rate > 5%, over: 60s, at_least: 20 requests, clears: 3%",
        Threshold(signal="error_rate", dimension=SHARE, comparator=ABOVE, threshold=0.05, over=MINUTE, volume=20),
    ),
    (
        "when: confidence < 5, periods: 2 of 3, each: 15m",
        Periods(
            signal="confidence", dimension=NUMBER, comparator=BELOW, threshold=5.0, least=2, most=3, each=15 * MINUTE
        ),
    ),
    (
        "when: exceptions > 10, pool: sum, over: 10m",
        Pooled(
            signal="exceptions",
            dimension=NUMBER,
            comparator=ABOVE,
            threshold=10.0,
            how=Pooling.SUM,
            over=10 * MINUTE,
            gap=3 * MINUTE,
        ),
    ),
    (
        "when: exceptions > 10, pool: max, over: 10m, no_data: hold",
        Pooled(
            signal="exceptions",
            dimension=NUMBER,
            comparator=ABOVE,
            threshold=10.0,
            how=Pooling.MAX,
            over=10 * MINUTE,
            gap=YEAR,
            sparse=True,
        ),
    ),
    (
        "when: p95 < 3, pool: count, over: 10m, max_gap: 2m",
        Pooled(
            signal="p95",
            dimension=NUMBER,
            comparator=BELOW,
            threshold=3.0,
            how=Pooling.COUNT,
            over=10 * MINUTE,
            gap=2 * MINUTE,
        ),
    ),
    (
        "when: load >= 90, pool: average, over: 10m, at_least: 3 samples, clears: 80",
        Threshold(
            signal="load",
            dimension=NUMBER,
            comparator=Comparator.AT_LEAST,
            threshold=90.0,
            over=10 * MINUTE,
            volume=3,
        ),
    ),
    (
        "when: p95 > 5000ms, often: more than 5, over: 10m",
        Often(
            signal="p95",
            dimension=LATENCY,
            comparator=ABOVE,
            threshold=5_000.0,
            least=6,
            over=10 * MINUTE,
            gap=3 * MINUTE,
        ),
    ),
    (
        "trips: error_rate > 50%",
        Threshold(signal="error_rate", dimension=SHARE, comparator=ABOVE, threshold=0.5, over=MINUTE, volume=20),
    ),
    (
        "silent: heartbeat, for: 5m",
        Silence(signal="heartbeat", asked=False, every=30 * SECOND, remembered=timedelta(days=7)),
    ),
    ("silent: rows, for: 5m", Silence(signal="rows", asked=True, every=MINUTE, remembered=timedelta(days=7))),
    (
        "issues: [error_rate > 5%, p95 > 2s, availability < 99%], share: 34%",
        Issues(
            issues=(
                Issue("error_rate", SHARE, Bound(ABOVE, 0.05), 30 * SECOND),
                Issue("p95", LATENCY, Bound(ABOVE, 2_000.0), 3 * MINUTE),
                Issue("availability", SHARE, Bound(BELOW, 0.99), 30 * SECOND),
            ),
            least=2,
        ),
    ),
]
written = pytest.mark.parametrize(("entry", "condition"), WRITTEN, ids=[entry for entry, _ in WRITTEN])


@written
def test_a_condition_as_it_is_read(entry: str, condition: Condition) -> None:
    assert rule_of(f"{{name: n, {entry}}}").condition == condition


@written
def test_a_trigger_stays_the_same_through_the_json_of_a_receipt(entry: str, condition: Condition) -> None:
    policy = policy_of(f"{{name: n, {entry}}}")
    samples = {name: tuple(line(*[0.0, 9e9] * 5)) for name in policy.signals if name in condition.inputs}
    known, news = Known(state=WatchState()), News(samples=samples)
    reasons = reasons_of(policy, known, news, at(540))
    again = reasons_from_json(as_json(reasons))
    assert Policy.model_validate(again.policy).rules == policy.rules
    assert decide_again(again) == verdicts_of(next_cycle(policy, known, news, at(540)))


@written
def test_what_a_condition_looks_back_on_is_kept(entry: str, condition: Condition) -> None:
    policy = policy_of(f"{{name: n, {entry}}}")
    assert all(policy.horizon(name) >= condition.looks_back for name in condition.inputs)


def test_what_a_trigger_needs_besides_its_condition() -> None:
    breaker = rule_of("{name: n, trips: error_rate > 50%, closes_after: 40s}")
    assert (breaker.clears_after, breaker.at_least) == (40 * SECOND, 20)
    periods = rule_of("{name: n, when: confidence < 5, periods: 2 of 3, each: 15m}")
    assert (periods.max_gap, periods.stale_after) == (45 * MINUTE, 30 * MINUTE)
    assert rule_of("{name: n, when: load > 90, pool: max, over: 5m, clears: 80}").clears == Bound(ABOVE, 80.0)
    assert rule_of("{name: n, when: p95 > 9, pool: count, over: 5m, clears: 8}").clears == Bound(ABOVE, 8.0)
    assert rule_of("{name: n, silent: heartbeat, for: 5m}").no_data is NoData.HOLD
    several = rule_of("{name: n, issues: [error_rate > 5%, rows < 9], count: 1}")
    assert (several.delay, several.max_gap, several.signal) == (MINUTE, 3 * MINUTE, "error_rate")


REFUSED = [
    ("for: 60s", "triggers.critical[0]: a trigger names exactly one condition: "),
    ("trips: error_rate > 50%, silent: rows, for: 5m", "triggers.critical[0]: a trigger names exactly one condition: "),
    ("when: error_rate > 5%, each: 15m", "triggers.critical[0].each: unknown key"),
    ("trips: error_rate > 50%, when: load > 1", "triggers.critical[0].when: unknown key"),
    ("when: load > 90, clears: 90", "triggers.critical[0].clears: it would be over before it clears; expected less"),
    ("when: load < 90, clears: 80", "triggers.critical[0].clears: it would be over before it clears; expected more"),
    ("when: load > 90, clears: 5%", "triggers.critical[0].clears: '5%' has the wrong unit; the signal is a plain"),
    ("when: load > 90, periods: 3 of 2, each: 15m", "triggers.critical[0].periods: '3 of 2' can never or always hold"),
    ("when: load > 90, periods: 0 of 2, each: 15m", "triggers.critical[0].periods: '0 of 2' can never or always hold"),
    ("when: load > 90, periods: two of 3, each: 15m", "triggers.critical[0].periods: 'two of 3' has the wrong form"),
    ("when: load > 90, periods: 2 of 3, each: 59s", "triggers.critical[0].each: shorter than the signal's own rhythm"),
    ("when: load > 90, periods: 2 of 3", "triggers.critical[0].each: missing; expected a value"),
    ("when: load > 90, pool: sum, over: 59s", "triggers.critical[0].over: shorter than the signal's own rhythm"),
    ("when: load > 90, pool: median, over: 5m", "triggers.critical[0].pool: "),
    ("when: error_rate > 5%, pool: sum, over: 5m", "triggers.critical[0].pool: shares are not added up; expected"),
    ("when: error_rate > 500%, pool: max, over: 5m", "triggers.critical[0].when: impossible threshold"),
    ("when: p95 > 5s, pool: count, over: 5m", "triggers.critical[0].when: '5s' has the wrong unit"),
    ("when: p95 > 5s, often: 5, over: 5m", "triggers.critical[0].often: "),
    (
        "when: p95 > 5s, often: at least 0, over: 5m",
        "triggers.critical[0].often: 'at least 0' can never or",
    ),
    ("trips: load > 50", "triggers.critical[0].trips: a breaker trips on a share of calls; expected a signal that is"),
    ("trips: error_rate > 50%, over: 9s", "triggers.critical[0].over: shorter than the signal's own rhythm"),
    ("silent: nothing, for: 5m", "triggers.critical[0].silent: unknown signal 'nothing'; expected one of: "),
    ("silent: fired, for: 5m", "triggers.critical[0].silent: fired speaks only when something happens; expected"),
    ("silent: rows, for: 59s", "triggers.critical[0].for: shorter than the signal's own rhythm"),
    ("silent: rows", "triggers.critical[0].for: shorter than the signal's own rhythm"),
    ("silent: rows, for: 5m, no_data: blind", "triggers.critical[0].no_data: silence is what this looks for"),
    ("issues: [load > 1, p95 > 5s]", "triggers.critical[0]: how many issues does it take: write either `count: 2`"),
    ("issues: [load > 1, p95 > 5s], count: 3", "triggers.critical[0].count: there are 2 issues; expected no more"),
    ("issues: [load > 1, gone > 5], count: 1", "triggers.critical[0].issues: unknown signal 'gone'; expected one of"),
    ("issues: [load > 1, p95 > 5], count: 1", "triggers.critical[0].issues: '5' has the wrong unit; the signal is a l"),
    ("issues: [load > 1], count: 1", "triggers.critical[0].issues: "),
    ("when: load > 1, pool: sum, over: 40h", "triggers.critical[0].for: spans more samples than are kept"),
]


@pytest.mark.parametrize(("entry", "said"), REFUSED, ids=[entry for entry, _ in REFUSED])
def test_a_refusal_says_what_and_where(entry: str, said: str) -> None:
    with pytest.raises(PolicyError) as refused:
        policy_of(f"{{name: n, {entry}}}")
    assert said in str(refused.value)


def test_more_samples_than_one_record_holds_are_refused() -> None:
    held = ", ".join(f"s{number}: {{pushed: s{number}, every: 60s}}" for number in range(20))
    rules = ", ".join(f"{{name: t{number}, when: s{number} > 1, no_data: hold}}" for number in range(20))
    text = f"""
workload: orders
site: {{resource: /subscriptions/s/resourceGroups/g/providers/Microsoft.Web/sites/orders,
  url: "https://orders.example", good_slot: last-good}}
signals: {{{held}}}
triggers: {{critical: [{rules}]}}
"""
    with pytest.raises(PolicyError, match=r"signals\.s0: 40,000 samples are to be kept; expected at most 36,000"):
        read_policy(text, file="orders.yaml", settings={})
