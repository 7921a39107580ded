"""The bench of detection counts as it says, and the default judgement keeps what it promises on real data."""

import json
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from scipy import stats

from bench.detection.__main__ import EPISODES
from bench.detection.episodes import CHANGED_AT, Episode, read
from bench.detection.folds import FOLDS, folded
from bench.detection.noise import SETTINGS, ar1, quiet_watches
from bench.detection.scores import Share, by_fold, scored, share_of, tuned
from bench.detection.triggers import DEFAULT, Alarm, alarm_of

_BASELINE = [0.2, 0.21, 0.19, 0.205, 0.195, 0.202, 0.198, 0.2, 0.207, 0.193]


def _line(number: int, watch: Sequence[float | None], *, faulty: bool) -> dict[str, Any]:
    """One watch; its baseline begins `number` samples into one recording."""
    recording = [value + place / 1e4 for place, value in enumerate(_BASELINE * 3)]
    return {
        "id": f"e{number:02}",
        "dataset": "made-up",
        "sample_seconds": 60,
        "faulty": faulty,
        "visible": faulty,
        "minutes_from_change_to_end_of_sample": [1.0, 2.0, 3.0],
        "signals": {
            "latency_p95": {
                "unit": "s",
                "worse": "up",
                "baseline": recording[number : number + 10],
                "watch": watch,
            },
            "latency_p50": {
                "unit": "s",
                "worse": "up",
                "baseline": recording[number : number + 10],
                "watch": [0.2, 0.2, 0.2],
            },
            "availability": {
                "unit": "percent",
                "worse": "down",
                "baseline": [100.0] * 10,
                "watch": [99.9, 100.0, 100.0],
            },
        },
        "requests": {
            "watch": [1000.0, 1000.0, 1000.0],
            "watch_failed": [1.0, 0.0, 0.0],
            "baseline_total": 10000.0,
            "baseline_failed": 0.0,
        },
    }


@pytest.fixture
def made_up(tmp_path: Path) -> list[Episode]:
    bad = [_line(20, [0.2, 0.5, 0.5], faulty=True), _line(19, [0.2, 0.2, None], faulty=True)]
    quiet = [_line(number, [0.2, 0.21, 0.2], faulty=False) for number in (4, 0, 6, 2, 8)]
    file = tmp_path / "episodes.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in (*bad, *quiet)), encoding="utf-8")
    return read(file)


def test_a_watch_is_read_as_samples_around_the_change(made_up: list[Episode]) -> None:
    episode = made_up[1]
    lines = {line.name: line.samples for line in episode.lines}
    assert list(lines) == ["p95", "typical", "error_rate"]
    assert [sample.at - CHANGED_AT for sample in lines["p95"][-3:]] == [timedelta(minutes=m) for m in (0, 1, 2)]
    assert lines["p95"][-1].value == pytest.approx(200)
    assert lines["error_rate"][-3].value == pytest.approx(0.001)
    assert {sample.count for sample in lines["error_rate"]} == {1000}


def test_neighbours_of_a_recording_lie_in_the_same_fold(made_up: list[Episode]) -> None:
    quiet = sorted((episode for episode in folded(made_up) if episode.kind == "quiet"), key=lambda e: e.id)
    assert [episode.id for episode in quiet] == ["e00", "e02", "e04", "e06", "e08"]
    assert [episode.fold for episode in quiet] == list(range(FOLDS))


def test_alarms_are_counted_by_kind_with_exact_bounds(made_up: list[Episode]) -> None:
    alarms = {episode.id: None for episode in made_up} | {"e20": Alarm(timedelta(minutes=3), "worse")}
    found = scored(made_up, alarms)
    exact = stats.binomtest(1, 2).proportion_ci(0.95, "exact")
    assert found["recall"] == {"hits": 1, "of": 2, "share": 0.5, "95%": [round(exact.low, 4), round(exact.high, 4)]}
    assert found["false_alarms"]["hits"] == 0
    assert (found["missed"], found["false"], found["median_delay_min"]) == (["e19"], [], 3.0)


def test_each_group_is_judged_by_what_was_chosen_without_it(made_up: list[Episode]) -> None:
    episodes = folded(made_up)
    nothing: dict[str, Alarm | None] = {episode.id: None for episode in episodes}
    everything: dict[str, Alarm | None] = {episode.id: Alarm(timedelta(0), "always") for episode in episodes}
    seen = nothing | {"e19": everything["e19"], "e20": everything["e20"]}
    by_level = {0.1: nothing, 0.2: seen, 0.9: everything}
    *_, together = tuned(episodes, by_level, by_fold(episodes))
    assert (together["recall"]["hits"], together["false_alarms"]["hits"]) == (2, 0)


def test_the_first_alarm_tells_when_and_why(made_up: list[Episode]) -> None:
    signals = DEFAULT.__class__("made up", [{"judge": ["error_rate", "p95"]}])
    alarm = alarm_of(signals, made_up[0])
    assert alarm is not None
    assert alarm.after == timedelta(minutes=3)
    assert alarm.sentence.startswith("worse than before: p95 500 ms")
    assert alarm_of(signals, made_up[1]) is None


def test_noise_is_correlated_as_it_says() -> None:
    line = ar1(20_000, 0.6, Random(3))
    assert stats.pearsonr(line[:-1], line[1:]).statistic == pytest.approx(0.6, abs=0.02)
    assert stats.tstd(line) == pytest.approx(1, abs=0.03)
    first, again = (next(quiet_watches(SETTINGS[0], 0.3)) for _ in range(2))
    assert first.lines == again.lines


@pytest.mark.skipif(not EPISODES.exists(), reason="the labelled watches are not beside this folder")
def test_the_default_judgement_keeps_what_it_promises_on_real_watches() -> None:
    episodes = read(EPISODES)
    alarms = {episode.id: alarm_of(DEFAULT, episode) for episode in episodes}
    recall, false = (share_of(episodes, alarms, kind) for kind in ("visible", "quiet"))
    assert recall.rate >= 0.95
    assert false.rate <= 0.02
    assert isinstance(recall, Share)
