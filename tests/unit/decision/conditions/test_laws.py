"""Laws that every kind of condition obeys: it knows no future, forgets what is old, and silence says nothing to it.

A kind takes part by a line in `PLAYED`: a strategy of its conditions, and one of the samples of each of its inputs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.decision.conditions import KINDS, kind_of
from shared.decision.conditions.line import Mark, View
from shared.model.conditions.condition import Condition
from shared.model.signal import Sample
from tests.unit.decision.build import MICROSECOND, at
from tests.unit.decision.conditions.before_kinds import (
    DENSE_S,
    anomalies,
    comparisons,
    dense,
    error_tests,
    judgements,
)
from tests.unit.decision.conditions.plain_kinds import absences, issues, often, periods, pooled, thresholds
from tests.unit.decision.conditions.slow_kinds import DAYS_S, burns, deviations, forecasts, hourly, steady, trends
from tests.unit.decision.strategies import LAST_S, Histories, histories, silences

Inputs = Mapping[str, Sequence[Sample]]
Conditions = st.SearchStrategy[Any]


@dataclass(frozen=True)
class Played:
    """How the laws play a kind.

    Attributes:
        conditions: Conditions of this kind.
        samples: What is drawn for each input, between noon and `last_s` after it.
        silence_speaks: An empty answer says something to this kind.
    """

    conditions: Conditions
    samples: Histories = field(default_factory=histories)
    last_s: int = LAST_S
    silence_speaks: bool = False


PLAYED: dict[str, Played] = {
    "Threshold": Played(thresholds),
    "Periods": Played(periods),
    "Pooled": Played(pooled),
    "Often": Played(often),
    "Silence": Played(absences, silence_speaks=True),
    "Issues": Played(issues),
    "Trend": Played(trends),
    "Burn": Played(burns),
    "Forecast": Played(forecasts, steady(), 60),
    "Deviation": Played(deviations, hourly(), DAYS_S),
    "Judged": Played(judgements, dense(), DENSE_S),
    "Anomaly": Played(anomalies, dense(), DENSE_S),
    "MoreErrors": Played(error_tests, dense(), DENSE_S),
    "Concurrent": Played(comparisons, dense(), DENSE_S),
}


@dataclass(frozen=True)
class Story:
    """A condition with the samples of its inputs, a moment to cut them at, and what else is known."""

    condition: Condition
    inputs: Inputs
    cut: datetime
    end: datetime
    change_started: datetime | None
    watched_since: datetime | None

    def marks(self, inputs: Inputs, watermark: datetime) -> list[Mark]:
        view = View(watermark=watermark, change_started=self.change_started, watched_since=self.watched_since)
        settled = {name: sorted(found, key=lambda s: (s.at, s.id)) for name, found in inputs.items()}
        return kind_of(self.condition).marks(self.condition, settled, view)

    @property
    def all_marks(self) -> list[Mark]:
        return self.marks(self.inputs, self.end)


@st.composite
def stories(draw: st.DrawFn, played: Played) -> Story:
    condition = draw(played.conditions)
    moments = st.integers(0, played.last_s).map(at)
    return Story(
        condition=condition,
        inputs={name: draw(played.samples) for name in condition.inputs},
        cut=draw(moments),
        end=at(played.last_s + draw(st.integers(0, played.last_s))),
        change_started=draw(st.none() | moments),
        watched_since=draw(st.none() | moments),
    )


every_kind = pytest.mark.parametrize("name", PLAYED)
drawn = given(st.data())
pytestmark = pytest.mark.long
few = settings(max_examples=60)


def test_every_kind_is_played() -> None:
    assert {kind.__name__ for kind in KINDS} == set(PLAYED)


@every_kind
@few
@drawn
def test_a_mark_knows_nothing_of_what_comes_later(name: str, data: st.DataObject) -> None:
    story = data.draw(stories(PLAYED[name]))
    past = {name: [s for s in found if s.at <= story.cut] for name, found in story.inputs.items()}
    assert story.marks(past, story.cut) == [mark for mark in story.all_marks if mark.at <= story.cut]


@every_kind
@few
@drawn
def test_a_mark_needs_nothing_older_than_it_says(name: str, data: st.DataObject) -> None:
    story = data.draw(stories(PLAYED[name]))
    since = story.cut - story.condition.looks_back
    young = {name: [s for s in found if s.at > since] for name, found in story.inputs.items()}
    of_young = [mark for mark in story.marks(young, story.end) if mark.at > story.cut]
    assert of_young == [mark for mark in story.all_marks if mark.at > story.cut]


@every_kind
@few
@drawn
def test_the_order_in_which_samples_arrived_does_not_matter(name: str, data: st.DataObject) -> None:
    story = data.draw(stories(PLAYED[name]))
    shuffled = {name: data.draw(st.permutations(found)) for name, found in story.inputs.items()}
    assert story.marks(shuffled, story.end) == story.all_marks


@every_kind
@few
@drawn
def test_silence_among_measurements_says_nothing(name: str, data: st.DataObject) -> None:
    played = PLAYED[name]
    if played.silence_speaks:
        return
    story = data.draw(stories(played))
    heard = {name: [s for s in found if s.value is not None] for name, found in story.inputs.items()}
    gaps = st.lists(silences(), max_size=5)
    silent = {
        name: [*found, *(s for s in data.draw(gaps) if s.at not in {h.at for h in found})]
        for name, found in heard.items()
    }
    assert story.marks(silent, story.end) == story.marks(heard, story.end)


@every_kind
@few
@drawn
def test_a_condition_that_heard_nothing_says_neither_yes_nor_no(name: str, data: st.DataObject) -> None:
    story = data.draw(stories(PLAYED[name]))
    nothing: Inputs = dict.fromkeys(story.inputs, ())
    assert [mark for mark in story.marks(nothing, story.end) if mark.violates is not None] == []


@every_kind
@few
@drawn
def test_marks_stand_in_the_order_of_time_and_none_beyond_the_watermark(name: str, data: st.DataObject) -> None:
    story = data.draw(stories(PLAYED[name]))
    moments = [mark.at for mark in story.all_marks]
    assert all(earlier <= later for earlier, later in pairwise(moments))
    assert all(moment <= story.end for moment in moments)


@every_kind
@few
@drawn
def test_a_mark_is_said_in_one_line_that_names_a_signal(name: str, data: st.DataObject) -> None:
    story = data.draw(stories(PLAYED[name]))
    for mark in story.all_marks:
        said = kind_of(story.condition).said(story.condition, mark)
        assert any(name in said for name in story.condition.inputs)
        assert "\n" not in said


@every_kind
@few
@drawn
def test_a_moment_later_nothing_of_what_was_said_is_taken_back(name: str, data: st.DataObject) -> None:
    story = data.draw(stories(PLAYED[name]))
    before = story.marks(story.inputs, story.end)
    later = story.marks(story.inputs, story.end + MICROSECOND)
    assert later[: len(before)] == before
