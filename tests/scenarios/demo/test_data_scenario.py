"""A moved database that goes back, played for real at a faster pace; and the same where nobody approves."""

from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from local.demo.data_scenarios import DATA_SCENARIOS
from local.demo.expectations import judge
from local.demo.pace import Pace
from local.demo.play import play
from local.demo.report import Report, report
from local.demo.scene import GOOD_BUILD, Recording
from local.demo.screen import PlainScreen
from tests.scenarios.demo.fast_pace import FAST_PACE

pytestmark = [pytest.mark.rig, pytest.mark.timeout(300)]

type Played = tuple[Recording, Report]

_NOBODY_APPROVES = replace(FAST_PACE, thinking_s=600, patience_s=9)


@pytest.fixture(scope="module")
def plays(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, Future[Played]]]:
    logs = tmp_path_factory.mktemp("data")
    with ThreadPoolExecutor(2) as pool:
        yield {
            "acts": pool.submit(_played, FAST_PACE, logs / "acts"),
            "waits": pool.submit(_played, _NOBODY_APPROVES, logs / "waits"),
        }
        pool.shutdown(cancel_futures=True)


def _played(pace: Pace, logs: Path) -> Played:
    recording = play("data", pace, PlainScreen(Console(file=StringIO())), logs)
    return recording, report(recording, judge(recording, DATA_SCENARIOS["data"].expects))


def test_every_row_goes_back(plays: Mapping[str, Future[Played]]) -> None:
    recording, found = plays["acts"].result()
    assert not [f"{one.text}: {one.found}" for one in found.expectations if not one.held]
    assert (found.production_build, found.way) == (GOOD_BUILD, "taken back by rows, slot_swap")
    moved = next(event.sentence for event in recording.events if "inserted" in event.sentence)
    assert "2,000 updated, 400 deleted on the source; nothing stays behind" in moved


def test_nothing_is_the_same_where_nobody_approves(plays: Mapping[str, Future[Played]]) -> None:
    _, found = plays["waits"].result()
    broken = [one.text for one in found.expectations if not one.held]
    assert "items that are not the same on both servers: none" in broken
    assert "orders that were acknowledged and are not on the old server: none" in broken
