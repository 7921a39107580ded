"""What a replay is worth: alarms held against what is known."""

from datetime import timedelta

import pytest

from shared.errors import InvalidInput
from shared.model.trigger import Comparator
from shared.replay.labels import Watch
from shared.replay.player import Played
from shared.replay.require import Requirement, missed, parse_requirements
from shared.replay.scores import NOTHING_KNOWN, Alarm, figures_of, scores_of
from tests.unit.replay.watched import NOON, at

_FIGURES = frozenset(figures_of(NOTHING_KNOWN))


def played(last_s: float) -> Played:
    return Played(first=NOON, last=at(last_s), cycles=1, samples={}, rollbacks=0)


def watch(since_s: float, until_s: float, *, faulty: bool) -> Watch:
    return Watch(since=at(since_s), until=at(until_s), faulty=faulty)


def alarms(*moments_s: float) -> list[Alarm]:
    return [Alarm(at(moment), "errors") for moment in moments_s]


_WATCHES = [
    watch(0, 100, faulty=True),
    watch(100, 200, faulty=False),
    watch(200, 300, faulty=True),
    watch(400, 500, faulty=False),
]


@pytest.mark.parametrize(
    ("raised", "recall", "false", "stray", "delays_s"),
    [
        ((), (0, 2), (0, 2), 0, []),
        ((0,), (1, 2), (0, 2), 0, [0]),
        ((99, 100), (1, 2), (1, 2), 1, [99]),
        ((60, 70, 230, 350), (2, 2), (0, 2), 1, [30, 60]),
        ((410, 420, 500), (0, 2), (1, 2), 3, []),
    ],
)
def test_an_alarm_counts_where_it_is_raised(
    raised: tuple[int, ...], recall: tuple[int, int], false: tuple[int, int], stray: int, delays_s: list[int]
) -> None:
    scores = scores_of(alarms(*raised), _WATCHES, played(1000))
    assert (scores.recall.hits, scores.recall.of) == recall
    assert (scores.false_alarms.hits, scores.false_alarms.of) == false
    assert scores.stray == stray
    assert scores.delays == tuple(timedelta(seconds=delay) for delay in delays_s)
    assert scores.quiet == timedelta(seconds=800)


def test_false_alarms_are_told_by_thirty_quiet_days() -> None:
    day = 86_400
    scores = scores_of(alarms(5 * day, 12 * day), [watch(0, day, faulty=True)], played(16 * day))
    assert scores.per_month == pytest.approx(4.0)
    assert scores.per_month_bounds.low < 4.0 < scores.per_month_bounds.high


def test_delays_are_told_by_nearest_rank() -> None:
    watches = [watch(1000 * n, 1000 * n + 500, faulty=True) for n in range(20)]
    scores = scores_of(alarms(*(1000 * n + 10 * (n + 1) for n in range(20))), watches, played(20_000))
    assert scores.delay(0.5) == timedelta(seconds=100)
    assert scores.delay(0.95) == timedelta(seconds=190)


def test_of_nothing_nothing_is_known() -> None:
    figures = figures_of(scores_of([], [], played(0)))
    assert set(figures.values()) == {None}


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("recall>=0.9", [("recall", Comparator.AT_LEAST, 0.9)]),
        ("false_alarms <= 2%", [("false_alarms", Comparator.AT_MOST, 0.02)]),
        ("delay<5m, recall_low>0.5", [("delay", Comparator.BELOW, 300.0), ("recall_low", Comparator.ABOVE, 0.5)]),
    ],
)
def test_requirements_are_read(written: str, expected: list[tuple[str, Comparator, float]]) -> None:
    found = parse_requirements(written, _FIGURES)
    assert [(one.name, one.comparator, one.value) for one in found] == expected


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("recall", "'recall'; expected for instance recall>=0.9"),
        ("beauty>=1", "unknown figure 'beauty'; expected one of: delay"),
        ("delay<=5", "delay<=5: '5' is not a duration"),
        ("recall>=much", "'much' is not a number"),
        ("recall>=0.9,", "''; expected"),
    ],
)
def test_requirements_that_are_none_are_refused(written: str, said: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_requirements(written, _FIGURES)
    assert said in str(refused.value)


def test_what_nobody_can_tell_is_not_met() -> None:
    (requirement,) = parse_requirements("recall>=0.9", _FIGURES)
    assert missed(requirement, {"recall": 0.9}) is None
    assert missed(requirement, {"recall": 0.89}) == "recall>=0.9: recall is 0.89"
    assert "is not known" in str(missed(requirement, {"recall": None}))


def test_a_requirement_keeps_how_it_was_written() -> None:
    assert parse_requirements(" recall >= 0.9 ", _FIGURES) == [
        Requirement("recall", Comparator.AT_LEAST, 0.9, "recall >= 0.9")
    ]
