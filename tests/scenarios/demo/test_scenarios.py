"""The usual scenarios of the demo, played for real at a faster pace: real hosts, real storage, the real SDKs."""

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from local.demo.data_scenarios import DATA_SCENARIOS
from local.demo.expectations import judge
from local.demo.people_scenarios import PEOPLE_SCENARIOS
from local.demo.picture import picture
from local.demo.play import play
from local.demo.report import report
from local.demo.road_scenarios import ROAD_SCENARIOS
from local.demo.scenarios import SCENARIOS
from local.demo.scene import GOOD_BUILD
from local.demo.screen import PlainScreen, console
from tests.scenarios.demo.fast_pace import FAST_PACE

pytestmark = pytest.mark.rig

# Scenario, swap POSTs, the build that production ends on, whether the rule fires.
ENDINGS = {
    "bad-build": (1, GOOD_BUILD, True),
    "dead-build": (1, GOOD_BUILD, True),
    "crash": (1, GOOD_BUILD, True),
    "lost-reply": (1, GOOD_BUILD, True),
    "duplicate": (1, GOOD_BUILD, True),
    "blind": (0, "2026.11.2-new", False),
    "blip": (0, "2026.11.2-new", False),
    "healthy": (0, "2026.11.2-new", False),
    "wrong-slot": (0, "2026.11.2-bad", True),
}


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo")


@pytest.mark.parametrize("name", ENDINGS)
def test_ends_as_it_must(name: str, logs: Path) -> None:
    recording = play(name, FAST_PACE, PlainScreen(console()), logs / name)
    found = report(recording, judge(recording, SCENARIOS[name].expects))
    broken = [f"{one.text}: {one.found}" for one in found.expectations if not one.held]
    assert not broken
    assert (found.swap_posts, found.production_build, found.fault_to_firing_s is not None) == ENDINGS[name]
    assert (found.fault_to_verified_s is not None) == (found.production_build == GOOD_BUILD)
    assert found.users.before.requests > 0
    assert ElementTree.fromstring(picture(found, recording)).tag.endswith("svg")  # noqa: S314  # our own
    assert set(json.loads(json.dumps(found.as_json()))) >= {"scenario", "users", "timeline", "expectations", "outcome"}


def test_every_scenario_is_played() -> None:
    assert set(ENDINGS) == set(SCENARIOS) - set(ROAD_SCENARIOS) - set(PEOPLE_SCENARIOS) - set(DATA_SCENARIOS)
