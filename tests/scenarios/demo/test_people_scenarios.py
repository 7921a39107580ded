"""Promotions, a question in a browser and a paused fleet, played for real at a faster pace."""

import shutil
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from io import StringIO
from pathlib import Path
from xml.etree import ElementTree

import pytest
from rich.console import Console

from local.demo.deciding import SCREENSHOT
from local.demo.expectations import judge
from local.demo.pace import Pace
from local.demo.people_scenarios import NEW_BUILD, PEOPLE_SCENARIOS
from local.demo.picture import picture
from local.demo.play import play
from local.demo.report import Report, report
from local.demo.scene import GOOD_BUILD, Recording
from local.demo.screen import PlainScreen
from tests.scenarios.demo.fast_pace import FAST_PACE, IDLE_PACE

pytestmark = [pytest.mark.rig, pytest.mark.timeout(300)]

_STAGES_AT_ONCE = 3
_PNG = b"\x89PNG\r\n"
needs_browser = pytest.mark.skipif(shutil.which("chromium") is None, reason="no chromium is installed")

# Scenario, swap POSTs, the build that people end on, by which roads.
ENDINGS = [
    pytest.param("promotion", 1, NEW_BUILD, "nothing was taken back", id="promotion"),
    pytest.param("promotion-bad", 0, GOOD_BUILD, "taken back by slot_traffic", id="promotion-bad"),
    pytest.param("ladder", 1, GOOD_BUILD, "taken back by slot_swap, restore_data", id="ladder", marks=needs_browser),
    pytest.param("paused", 1, GOOD_BUILD, "taken back by slot_swap", id="paused"),
]
# What breaks when nobody acts.
IDLE = {
    "promotion": f"the known good is {NEW_BUILD}",
    "promotion-bad": "ARM sent it 5 %, 25 % of the requests",
    "ladder": "people were told: asked",
    "paused": "ARM saw no swap POST before: fleet resumed",
}

type Played = tuple[Recording, Report]


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("people")


@pytest.fixture(scope="module")
def plays(logs: Path) -> Iterator[Mapping[tuple[str, bool], Future[Played]]]:
    with ThreadPoolExecutor(_STAGES_AT_ONCE) as pool:
        yield {
            (name, idle): pool.submit(_played, name, IDLE_PACE if idle else FAST_PACE, logs / name / str(idle))
            for idle in (False, True)
            for name in PEOPLE_SCENARIOS
            if name != "ladder" or shutil.which("chromium")
        }
        pool.shutdown(cancel_futures=True)


def _played(name: str, pace: Pace, logs: Path) -> Played:
    unseen = Console(file=StringIO())  # what a thread prints between two tests nobody captures
    recording = play(name, pace, PlainScreen(unseen), logs)
    return recording, report(recording, judge(recording, PEOPLE_SCENARIOS[name].expects))


@pytest.mark.parametrize(("name", "posts", "build", "way"), ENDINGS)
def test_ends_as_it_must(
    name: str, posts: int, build: str, way: str, plays: Mapping[tuple[str, bool], Future[Played]], logs: Path
) -> None:
    recording, found = plays[name, False].result()
    assert not [f"{one.text}: {one.found}" for one in found.expectations if not one.held]
    assert (found.swap_posts, found.production_build, found.way) == (posts, build, way)
    assert ElementTree.fromstring(picture(found, recording)).tag.endswith("svg")  # noqa: S314  # our own
    shot = logs / name / "False" / SCREENSHOT
    assert shot.exists() == (name == "ladder")
    assert not shot.exists() or shot.read_bytes().startswith(_PNG)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=needs_browser) if name == "ladder" else name for name in IDLE]
)
def test_does_not_hold_when_nobody_acts(name: str, plays: Mapping[tuple[str, bool], Future[Played]]) -> None:
    _, found = plays[name, True].result()
    broken = [one.text for one in found.expectations if not one.held]
    assert any(text.startswith(IDLE[name]) for text in broken)


def test_every_scenario_is_played() -> None:
    assert {str(ending.values[0]) for ending in ENDINGS} == set(IDLE) == set(PEOPLE_SCENARIOS)
