"""Signals that are made of others: exact at their bounds, unknown when a part is, and the same in whatever order."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.decision.cycle import Known, News, next_cycle
from shared.decision.derived import derived, end_of_slot, with_derived
from shared.decision.reasons import as_json, decide_again, reasons_from_json, reasons_of, verdicts_of
from shared.model.policy import Policy
from shared.model.policy_text import read_policy
from shared.model.signal import Sample, Series, failed, measured
from shared.model.trigger import Verdict
from shared.model.watch import WatchState
from tests.unit.decision.build import NOON, at

_POLICY = """
workload: orders
site: {{resource: /subscriptions/s/resourceGroups/g/providers/Microsoft.Web/sites/orders,
  url: "https://orders.example", good_slot: last-good}}
signals:
  error_rate: {{probe: /health, share: failed, every: 10s}}
  p95: {{probe: /health, latency: p95, every: 10s}}
  cpu: {{pushed: cpu, unit: percent, every: 60s}}
  log_write: {{pushed: log, unit: percent, every: 60s}}
  cost: {{pushed: cost, every: 60s}}
  jobs: {{pushed: jobs, every: 60s}}
  made: {made}
triggers: {{critical: [{{name: bad, when: {when}}}]}}
"""
_SCORE = """{score: {error_rate: {weight: 40, good: 0%%, bad: 10%%}, p95: {weight: 60, good: 500ms, bad: 5s}}%s}"""
HEALTH = _SCORE % ""


def policy(made: str = HEALTH, when: str = "made < 50") -> Policy:
    return read_policy(_POLICY.format(made=made, when=when), file="orders.yaml", settings={})


def value_of(made: str, inputs: Mapping[str, Sequence[Sample]], *, after_s: float = 60) -> Sample:
    """Return the sample of the slot that ends then."""
    (sample,) = derived(policy(made, "made > 0.5").derivations[0], inputs, at(after_s), at(after_s))
    return sample


def _at(second: float, value: float, count: int = 20) -> list[Sample]:
    return [measured(at(second), value, count)]


SCORES = [
    (0.0, 500.0, 100),
    (0.0, 100.0, 100),
    (0.1, 5_000.0, 0),
    (0.4, 90_000.0, 0),
    (0.05, 500.0, 80),
    (0.0, 2_750.0, 70),
    (0.075, 500.0, 70),
    (0.025, 1_400.0, 78),
]


@pytest.mark.parametrize(("error_rate", "p95", "score"), SCORES)
def test_a_score_is_worth_what_its_parts_are(error_rate: float, p95: float, score: float) -> None:
    assert value_of(HEALTH, {"error_rate": _at(60, error_rate), "p95": _at(60, p95)}).value == score


def test_a_score_at_its_bound_does_not_violate_it() -> None:
    """70 by 0.075 of 0.1 in floats is 70.00000000000001, or less than 70."""
    read = policy(when="made < 70")
    samples = {"error_rate": tuple(_at(60, 0.075)), "p95": tuple(_at(60, 500.0))}
    cycle = next_cycle(read, Known(state=WatchState()), News(samples=samples), at(60))
    assert (cycle.state.readings[0].verdict, cycle.state.readings[0].value) == (Verdict.HEALTHY, 70)


def test_what_is_better_higher_is_worth_more_higher() -> None:
    made = "{score: {jobs: {weight: 1, good: 100, bad: 50}}}"
    values = [value_of(made, {"jobs": _at(60, jobs)}).value for jobs in (40, 50, 60, 100, 200)]
    assert values == [0, 0, 20, 100, 100]


UNKNOWN: list[tuple[str, dict[str, list[Sample]], Any]] = [
    (HEALTH, {"p95": _at(60, 500.0)}, "error_rate is unknown"),
    (HEALTH, {}, "error_rate and p95 are unknown"),
    (HEALTH, {"p95": _at(60, 500.0), "error_rate": [failed(at(60), "no answer")]}, "error_rate is unknown"),
    (_SCORE % ", every: 10s", {"p95": _at(60, 500.0), "error_rate": _at(29, 0.0)}, "error_rate is unknown"),
    (_SCORE % ", every: 10s", {"p95": _at(60, 500.0), "error_rate": _at(30, 0.0)}, 100),
    (_SCORE % ", missing: leave_out", {"p95": _at(60, 2_750.0)}, 50),
    (_SCORE % ", missing: leave_out", {"error_rate": _at(60, 0.0)}, "p95 is unknown"),
    (HEALTH.replace("10%}", "10%, at_least: 10}"), {"p95": _at(60, 1.0), "error_rate": _at(60, 0.0, 9)}, "error_rate"),
    (HEALTH.replace("10%}", "10%, at_least: 10}"), {"p95": _at(60, 1.0), "error_rate": _at(60, 0.0, 10)}, 100),
]


@pytest.mark.parametrize(("made", "inputs", "found"), UNKNOWN)
def test_a_part_that_is_unknown_makes_the_whole_unknown(
    made: str, inputs: Mapping[str, Sequence[Sample]], found: str | float
) -> None:
    sample = value_of(made, inputs, after_s=60)
    assert sample.value == found if isinstance(found, int) else str(found) in sample.note


DTU = "{larger_of: [cpu, log_write], unit: share}"


@pytest.mark.parametrize(
    ("cpu", "log", "made", "expected"),
    [
        (0.3, 0.95, DTU, 0.95),
        (0.96, 0.1, DTU, 0.96),
        (0.3, None, DTU, None),
        (0.3, None, DTU.replace("share}", "share, missing: leave_out}"), 0.3),
        (0.3, 0.95, DTU.replace("larger", "smaller"), 0.3),
    ],
)
def test_the_larger_of_several(cpu: float, log: float | None, made: str, expected: float | None) -> None:
    inputs = {"cpu": _at(60, cpu), "log_write": [] if log is None else _at(60, log)}
    assert value_of(made, inputs).value == expected


PER_JOB = "{ratio: {of: cost, per: jobs}%s}"
RATIOS: list[tuple[str, list[float | None], list[float | None], float | None, int]] = [
    ("", [6.0], [20.0], 0.3, 20),
    ("", [6.0], [0.0], None, 0),
    ("", [6.0], [None], None, 0),
    (", over: 3m", [1.0, 2.0, 6.0], [10.0, 10.0, 10.0], 0.3, 30),
    (", over: 3m", [1.0, None, 6.0], [10.0, 999.0, 10.0], 0.35, 20),
    (", over: 3m", [1.0, None, None], [10.0, 10.0, 10.0], None, 0),
    (", unit: share", [0.5], [10.0], 0.05, 10),
]


@pytest.mark.parametrize(("options", "cost", "jobs", "ratio", "count"), RATIOS)
def test_a_ratio_is_of_what_was_heard_together(
    options: str, cost: list[float | None], jobs: list[float | None], ratio: float | None, count: int
) -> None:
    inputs = {
        name: [measured(at(60 * (i + 1)), value) for i, value in enumerate(values) if value is not None]
        for name, values in {"cost": cost, "jobs": jobs}.items()
    }
    sample = value_of(PER_JOB % options, inputs, after_s=60 * len(cost))
    assert (sample.value, sample.count) == (ratio, count)


def test_a_lost_sample_of_the_faster_part_makes_no_cheaper_job() -> None:
    """Costs by the hour, jobs by the minute, of which a third was lost."""
    text = _POLICY.replace("pushed: cost, every: 60s", "pushed: cost, every: 1h")
    read = read_policy(
        text.format(made="{ratio: {of: cost, per: jobs}, every: 1h}", when="made > 1"), file="f", settings={}
    )
    jobs = [measured(at(60 * minute), 2.0) for minute in range(1, 61) if minute % 3]
    (sample,) = derived(read.derivations[0], {"cost": _at(3_600, 60.0), "jobs": jobs}, at(3_600), at(3_600))
    assert (sample.value, sample.count) == (0.5, 120)


def test_an_average_stands_on_all_observations_of_its_slot() -> None:
    samples = [
        measured(at(10), 0.05, 20),
        measured(at(20), 0.0, 20),
        measured(at(60), 0.5, 2),
        measured(at(61), 1.0, 9),
    ]
    sample = value_of("{average_of: error_rate, unit: share}", {"error_rate": samples})
    assert sample.value == pytest.approx(2 / 42)
    assert sample.count == 42


def test_parts_may_be_made_of_parts() -> None:
    text = _POLICY.replace("  made:", "  dtu: {{larger_of: [cpu, log_write], unit: share}}\n  made:")
    made = "{score: {dtu: {weight: 1, good: 80%, bad: 95%}}}"
    read = read_policy(text.format(made=made, when="made < 50"), file="f", settings={})
    fresh = {"cpu": tuple(_at(60, 0.95)), "log_write": tuple(_at(60, 0.1))}
    series = with_derived(read, fresh, fresh, at(60))
    assert [sample.value for sample in series["made"]] == [0]


def test_a_slot_ends_where_its_end_belongs_to_it() -> None:
    ends = [end_of_slot(at(second), timedelta(seconds=60)) for second in (0, 0.000001, 59, 60, 61)]
    assert ends == [at(0), at(60), at(60), at(60), at(120)]


def test_one_that_is_made_of_others_lags_as_much_as_the_slowest_of_them() -> None:
    text = _POLICY.replace("pushed: cpu, unit: percent", "pushed: cpu, unit: percent, delay: 3m")
    read = read_policy(text.format(made=DTU, when="made > 90%"), file="f", settings={})
    assert read.rules[0].delay == timedelta(minutes=3)


def test_a_blind_part_makes_the_trigger_blind_with_the_reason() -> None:
    read, state = policy(), WatchState()
    for tick in range(30):
        news = {"p95": tuple(_at(10 * tick, 400.0)), "error_rate": tuple(_at(10 * tick, 0.0))[: tick < 6]}
        state = next_cycle(read, Known(state=state), News(samples=news), at(10 * tick)).state
    assert state.readings[0].verdict is Verdict.BLIND
    assert "error_rate is unknown" in state.readings[0].sentence


_MOMENTS = st.integers(0, 40)
_SAMPLES = st.builds(
    lambda name, tick, value, count: (name, measured(at(5 * tick), value, count, sample_id=f"{name}{tick}")),
    st.sampled_from(["error_rate", "p95", "jobs"]),
    _MOMENTS,
    st.sampled_from([0.0, 0.05, 0.5, 1.0]),
    st.sampled_from([1, 5, 20]),
)
_MADE = st.sampled_from(
    [
        "{score: {error_rate: {weight: 2, good: 0%, bad: 50%}, p95: {weight: 1, good: 0ms, bad: 1ms}}, every: 10s}",
        "{score: {error_rate: {weight: 1, good: 0%, bad: 50%, at_least: 5}, p95: {weight: 1, good: 0ms, bad: 1ms}}, "
        "every: 20s, missing: leave_out}",
        "{average_of: error_rate, unit: share, every: 20s}",
        "{ratio: {of: p95, per: error_rate}, every: 20s, over: 40s}",
    ]
)


@given(_MADE, st.lists(_SAMPLES, max_size=25, unique_by=lambda one: one[1].id), st.data())
def test_it_does_not_matter_in_which_order_and_company_samples_arrive(
    made: str, samples: list[tuple[str, Sample]], data: st.DataObject
) -> None:
    read, end = policy(made, "made > 0.5"), at(200)
    together = _played(read, [samples], end)
    shuffled = data.draw(st.permutations(samples))
    cut = data.draw(st.integers(0, len(samples)))
    assert _played(read, [shuffled[:cut], shuffled[cut:]], end) == together


def _played(read: Policy, batches: Sequence[Sequence[tuple[str, Sample]]], end: Any) -> list[tuple[Any, Any]]:
    """Return what a signal is made to be when samples come batch by batch, all of them late."""
    state = WatchState()
    for batch in batches:
        news: dict[str, Series] = {}
        for name, sample in batch:
            news[name] = (*news.get(name, ()), sample)
        state = next_cycle(read, Known(state=state), News(samples=news), end).state
    return [(sample.at, sample.value) for sample in state.series["made"] if sample.value is not None]


@given(_MADE, st.lists(_SAMPLES, max_size=25, unique_by=lambda one: one[1].id), _MOMENTS)
def test_a_slot_knows_nothing_of_what_comes_later(made: str, samples: list[tuple[str, Sample]], tick: int) -> None:
    derivation = policy(made, "made > 0.5").derivations[0]
    names = {name for name, _ in samples}
    whole = {n: sorted((s for m, s in samples if m == n), key=lambda s: (s.at, s.id)) for n in names}
    past = {name: [s for s in found if s.at <= at(5 * tick)] for name, found in whole.items()}
    assert derived(derivation, past, at(0), at(5 * tick)) == derived(derivation, whole, at(0), at(5 * tick))


def test_what_is_late_may_also_take_back_what_was_known() -> None:
    read = policy((_SCORE % ", every: 10s").replace("10%}", "10%, at_least: 10}"))
    early = {"error_rate": tuple(_at(45, 0.0)), "p95": tuple(_at(60, 500.0))}
    state = next_cycle(read, Known(state=WatchState()), News(samples=early), at(60)).state
    assert {sample.at: sample.value for sample in state.series["made"]}[at(60)] == 100
    late = {"error_rate": tuple(_at(55, 0.0, 3))}
    state = next_cycle(read, Known(state=state), News(samples=late), at(61)).state
    assert {sample.at: sample.value for sample in state.series["made"]}[at(60)] is None


def test_a_receipt_decides_again_on_what_was_made() -> None:
    read = policy()
    samples = {"error_rate": tuple(_at(60, 0.5)), "p95": tuple(_at(60, 9_000.0))}
    known, news = Known(state=WatchState()), News(samples=samples)
    reasons = reasons_from_json(as_json(reasons_of(read, known, news, at(60))))
    again = decide_again(reasons)
    assert again == verdicts_of(next_cycle(read, known, news, at(60)))
    assert again.readings[0].sentence == "made 0 < 50 for 0 s (min 0 s, 1 sample)"


def test_parts_are_kept_for_as_long_as_a_slot_may_be_made_anew() -> None:
    read = policy("{ratio: {of: cost, per: jobs}, over: 2h, every: 60s}", "made > 1")
    assert read.horizon("jobs") > timedelta(hours=2)
    assert read.horizon("cpu") < timedelta(hours=2)


def test_only_what_is_new_is_made() -> None:
    read = policy()
    fresh = {"error_rate": tuple(_at(60, 0.05)), "p95": tuple(_at(60, 500.0))}
    series = with_derived(read, fresh, fresh, at(60))
    untouched = with_derived(read, series, {}, at(100))
    assert untouched["made"] is series["made"]
    assert with_derived(read, series, {}, NOON)["made"] is series["made"]
