"""`with_run`: a road's time ends when the outside saw it, and one that was never seen is slower than was thought."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from shared.decision.road_times import SEEN_SINCE, with_run
from shared.model.run import RoadTimes, Run, StepPhase, StepRecord
from tests.fakes.clock import NOON
from tests.fakes.policies import policy
from tests.fakes.runs import new_run


def _at(second: float) -> datetime:
    return NOON + timedelta(seconds=second)


def _taken(
    road: str = "swap",
    phase: StepPhase = StepPhase.DONE,
    end_s: float | None = 8,
    acts: int = 1,
    refused: int = 0,
) -> StepRecord:
    return StepRecord(
        name=f"take:site:{road}",
        component="site",
        road=road,
        phase=phase,
        started_at=_at(0),
        ended_at=None if end_s is None else _at(end_s),
        acts=acts,
        refused=refused,
    )


def _verified(number: int = 1, start_s: float = 8, **seen_s: float) -> StepRecord:
    seen = {SEEN_SINCE: {road: _at(second).isoformat() for road, second in seen_s.items()}}
    return StepRecord(name=f"verify:{number}", started_at=_at(start_s), phase=StepPhase.DONE, evidence=seen)


def _times(*steps: StepRecord, end_s: float = 100, expected_s: float = 10) -> dict[str, tuple[float, ...]]:
    run: Run = replace(
        new_run(policy()),
        steps=steps,
        ended_at=_at(end_s),
        expected={step.road: timedelta(seconds=expected_s) for step in steps if step.road},
    )
    took = with_run(RoadTimes(), run).took
    return {road: tuple(each.total_seconds() for each in times) for road, times in took.items()}


def test_a_roads_time_ends_with_the_first_good_look_that_was_not_taken_back() -> None:
    assert _times(_taken(), _verified(swap=61)) == {"swap": (61,)}
    assert _times(_taken(), _verified(), _verified(2, start_s=90, swap=95)) == {"swap": (8 + 5,)}


def test_what_other_components_took_is_not_its_time() -> None:
    names = replace(_taken("names", end_s=70), component="api")
    assert _times(_taken(end_s=2), names, _verified(start_s=70, swap=71, names=80)) == {"swap": (3,), "names": (80,)}


def test_a_look_before_it_was_established_was_not_at_it() -> None:
    late = _taken("names", end_s=70)
    assert _times(_taken(), _verified(swap=20, names=20), late, _verified(2, start_s=70, names=80)) == {
        "swap": (20,),
        "names": (80,),
    }


@pytest.mark.parametrize("unacted", [_taken(acts=0), _taken(acts=1, refused=1)], ids=["nothing sent", "refused"])
def test_what_held_before_is_no_measurement(unacted: StepRecord) -> None:
    assert _times(unacted, _verified(swap=9)) == {}


@pytest.mark.parametrize(("expected_s", "times"), [(10, {"swap": (100,)}), (100, {}), (600, {})])
def test_a_road_that_was_overtaken_takes_at_least_what_it_had(
    expected_s: float, times: dict[str, tuple[float, ...]]
) -> None:
    overtaken = _taken(phase=StepPhase.ACTED, end_s=None)
    split = _taken("split", acts=0)
    assert _times(overtaken, split, _verified(split=40), expected_s=expected_s) == times


def test_a_road_that_failed_at_once_says_nothing_of_its_time_and_one_given_up_does() -> None:
    assert _times(_taken(phase=StepPhase.FAILED, end_s=3)) == {}
    assert _times(_taken(phase=StepPhase.FAILED, end_s=30)) == {"swap": (30,)}


def test_a_road_that_was_established_and_never_seen_is_slow_unless_nobody_looked() -> None:
    assert _times(_taken(), _verified()) == {"swap": (100,)}
    assert _times(_taken(), _verified(split=9)) == {"swap": (100,)}
    assert _times(_taken()) == {}


def test_only_the_newest_twenty_are_kept() -> None:
    times = RoadTimes()
    for second in range(30):
        times = times.with_time("swap", timedelta(seconds=second))
    assert times.took["swap"] == tuple(timedelta(seconds=second) for second in range(10, 30))
