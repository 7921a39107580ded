"""The scenarios about other roads, played for real at a faster pace: once as they are, once with nobody who acts.

All of it is played by a few stages at once, since a play is mostly waiting.
"""

import json
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from io import StringIO
from pathlib import Path
from xml.etree import ElementTree

import pytest
from rich.console import Console

from local.demo.expectations import judge
from local.demo.pace import Pace
from local.demo.picture import picture
from local.demo.play import play
from local.demo.report import Report, report
from local.demo.road_scenarios import ROAD_SCENARIOS
from local.demo.scene import GOOD_BUILD, Recording
from local.demo.screen import PlainScreen
from tests.scenarios.demo.fast_pace import FAST_PACE, IDLE_PACE

pytestmark = [pytest.mark.rig, pytest.mark.timeout(300)]

_STAGES_AT_ONCE = 3

# Scenario, swap POSTs, by which road, and what of the world is not as it should be when nobody acts.
ENDINGS = {
    "percentage": (0, "slot_traffic", "rules that lead away from production of demo"),
    "pinned": (0, "slot_traffic", "rules that lead away from production of demo"),
    "slow-swap": (1, "front_door; slot_swap still under way", "ARM's swap of demo"),
    "dns": (0, "dns", "api.example.com leads, at each resolver, to"),
    "flag": (0, "app_configuration", "the site says that ann is on new-checkout"),
}


type Played = tuple[Recording, Report]


@pytest.fixture(scope="module")
def acting(plays: ThreadPoolExecutor, logs: Path) -> Mapping[str, Future[Played]]:
    return {name: plays.submit(_played, name, FAST_PACE, logs / name / "acting") for name in ENDINGS}


@pytest.fixture(scope="module")
def idle(plays: ThreadPoolExecutor, logs: Path) -> Mapping[str, Future[Played]]:
    return {name: plays.submit(_played, name, IDLE_PACE, logs / name / "idle") for name in ENDINGS}


@pytest.fixture(scope="module")
def plays() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(_STAGES_AT_ONCE) as pool:
        yield pool
        pool.shutdown(cancel_futures=True)


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("roads")


def _played(name: str, pace: Pace, logs: Path) -> Played:
    unseen = Console(file=StringIO())  # what a thread prints between two tests nobody captures
    recording = play(name, pace, PlainScreen(unseen), logs)
    return recording, report(recording, judge(recording, ROAD_SCENARIOS[name].expects))


@pytest.mark.parametrize("name", ENDINGS)
def test_ends_as_it_must(name: str, acting: Mapping[str, Future[Played]]) -> None:
    recording, found = acting[name].result()
    posts, way, _ = ENDINGS[name]
    assert not _broken(found)
    assert (found.swap_posts, found.way, found.production_build) == (posts, f"taken back by {way}", GOOD_BUILD)
    assert ElementTree.fromstring(picture(found, recording)).tag.endswith("svg")  # noqa: S314  # our own
    assert json.loads(json.dumps(found.as_json()))["way"] == found.way


@pytest.mark.parametrize("name", ENDINGS)
def test_does_not_hold_when_nobody_acts(name: str, idle: Mapping[str, Future[Played]]) -> None:
    """Not only the app says so: people are still failed, and whoever is asked past the app says what he said before."""
    _, found = idle[name].result()
    _, _, asked = ENDINGS[name]
    broken = _broken(found)
    assert not found.held
    assert any(one.startswith("in the end every request is served") for one in broken)
    assert any(one.startswith(asked) for one in broken)
    assert (found.swap_posts, found.way) == (0, "nothing was taken back")


def _broken(found: Report) -> list[str]:
    return [f"{one.text}: {one.found}" for one in found.expectations if not one.held]


def test_every_scenario_is_played() -> None:
    assert set(ENDINGS) == set(ROAD_SCENARIOS)
