"""What a person sees while a demo runs and when it is over, on a terminal and in a log."""

from dataclasses import replace
from io import StringIO
from xml.etree import ElementTree

import pytest
from rich.console import Console

from local.demo.drawing import draw
from local.demo.expectations import judge
from local.demo.picture import picture
from local.demo.report import Report, report
from local.demo.road_scenarios import ROAD_SCENARIOS
from local.demo.scenarios import SCENARIOS
from local.demo.scene import Glance
from local.demo.screen import LiveScreen, PlainScreen, screen
from local.demo.users import Kind, Tally
from tests.scenarios.demo.recordings import TAKEN_BACK, bent
from tests.scenarios.demo.road_recordings import HEARD, as_it_must

GLANCE = Glance(
    seconds=1.0,
    since="fault injected",
    verdict="unhealthy",
    sentence="unhealthy: error_rate 0.40 > 0.05",
    recent=Tally(100, 40),
    serving={Kind.FRESH: "b2"},
)


def log() -> Console:
    return Console(file=StringIO(), width=140, highlight=False)


def written(console: Console) -> str:
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def test_a_log_gets_a_line_for_every_new_sentence_and_one_every_ten_seconds() -> None:
    console = log()
    plain = PlainScreen(console)
    for seconds in (1.0, 2.0, 10.9, 11.0):
        plain.show(replace(GLANCE, seconds=seconds))
    plain.show(replace(GLANCE, seconds=11.5, sentence="roll back to level 1"))
    lines = written(console).splitlines()
    assert [line.split()[0] for line in lines] == ["1.0", "11.0", "11.5"]
    assert "60% served" in lines[0]
    assert "\x1b" not in written(console)


def test_a_terminal_gets_a_panel() -> None:
    console = Console(file=StringIO(), force_terminal=True, width=100)
    shown = screen(console)
    assert isinstance(shown, LiveScreen)
    with shown:
        shown.say("fault injected")
        shown.show(GLANCE)
    assert "1 s since fault injected" in written(console)
    assert "error_rate 0.40" in written(console)
    assert isinstance(screen(log()), PlainScreen)


def drawn(found: Report) -> str:
    console = log()
    draw(console, found)
    return written(console)


def test_the_end_shows_timeline_users_and_what_held() -> None:
    found = report(TAKEN_BACK, judge(TAKEN_BACK, SCENARIOS["bad-build"].expects))
    text = drawn(found)
    for words in ("firing", "users served well again", "2,190", "✓ ARM saw exactly 1 swap POST", "75.0 s"):
        assert words in text
    assert "NOT HELD" not in text


def test_a_broken_expectation_is_a_sentence() -> None:
    silent = bent(told=())
    text = drawn(report(silent, judge(silent, SCENARIOS["bad-build"].expects)))
    assert "✗ NOT HELD: people were told: verified: they received nothing" in text


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_picture_keeps_within_its_frame(name: str) -> None:
    recording = bent(scenario=name)
    root = ElementTree.fromstring(picture(report(recording, []), recording))  # noqa: S314  # our own
    height = float(root.attrib["height"])
    for mark in root.iter("{http://www.w3.org/2000/svg}rect"):
        assert 0 <= float(mark.attrib["x"]) <= 800
        assert float(mark.attrib["y"]) >= 0
        assert float(mark.attrib["y"]) + float(mark.attrib["height"]) <= height
    texts = ["".join(text.itertext()) for text in root.iter("{http://www.w3.org/2000/svg}text")]
    assert texts[0] == SCENARIOS[name].story
    assert "verified +75.0 s" in texts


# Of a letter of the plain text, on the broad side; the title sizes itself.
LETTER_PX = 6.4


@pytest.mark.parametrize("name", ROAD_SCENARIOS)
def test_the_picture_tells_of_its_roads_within_its_frame(name: str) -> None:
    recording = as_it_must(name)
    found = report(recording, [])
    root = ElementTree.fromstring(picture(found, recording))  # noqa: S314  # our own
    lines = list(root.iter("{http://www.w3.org/2000/svg}text"))
    said = ["".join(line.itertext()) for line in lines]
    assert {HEARD[name][2], f"{HEARD[name][2]} accepted +66.0 s"} <= set(said)
    assert ("slot_swap" in said) == (name == "slow-swap")
    assert any(one.startswith(found.way) for one in said)
    for line, words in list(zip(lines, said, strict=True))[1:]:
        share = {"middle": 0.5, "end": 0.0}.get(line.attrib.get("text-anchor", ""), 1.0)
        assert float(line.attrib["x"]) + share * LETTER_PX * len(words) <= 800
