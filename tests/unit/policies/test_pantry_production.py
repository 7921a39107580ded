"""Team E: the CRM in production on a B1. Four rules that tell people, and the levels of the cards on the dashboard."""

from dataclasses import replace

import pytest

from shared.model.decision import Action
from shared.model.event import EventKind
from shared.model.trigger import TriggerState
from tests.unit.policies.play import Row, example, holds, played, reading_of

POLICY = "pantry-production"
ROWS = [
    Row(
        words="DTU = max(CPU, data IO, log write) > 95 for 2 min critical",
        trigger="dtu_critical",
        fed={"cpu_of_database": (0.2,) * 3, "data_io": (0.951,) * 3, "log_write": (0.3,) * 3},
        edge={"cpu_of_database": (0.95,) * 3, "data_io": (0.95,) * 3, "log_write": (0.95,) * 3},
        does=Action.CONTINUE,
        says="dtu_critical is firing: dtu 0.951 > 0.95 for 120 s (min 120 s, 3 requests)",
        before="dtu 0.951 > 0.95 for 60 s (of 120 s, 2 requests)",
    ),
    Row(
        words="memory > 1,400 MB for 5 min medium",
        trigger="memory_high",
        fed={"memory": (1_401,) * 6},
        edge={"memory": (1_400,) * 6},
        does=Action.CONTINUE,
        says="memory_high is firing: memory 1401 > 1400 for 300 s (min 300 s, 6 samples)",
        before="memory 1401 > 1400 for 240 s (of 300 s, 5 samples)",
    ),
    Row(
        words="average response > 3,000 ms for 3 min medium",
        trigger="response_slow",
        fed={"response_time": (3_001,) * 4},
        edge={"response_time": (3_000,) * 4},
        does=Action.CONTINUE,
        says="response_slow is firing: response_time 3001 ms > 3000 ms for 180 s (min 180 s, 4 requests)",
        before="response_time 3001 ms > 3000 ms for 120 s (of 180 s, 3 requests)",
    ),
    Row(
        words="storage > 85 for 10 min high",
        trigger="storage_high",
        fed={"storage": (0.851,) * 11},
        edge={"storage": (0.85,) * 11},
        does=Action.CONTINUE,
        says="storage_high is firing: storage 0.851 > 0.85 for 10 min (min 10 min, 11 requests)",
        before="storage 0.851 > 0.85 for 540 s (of 10 min, 10 requests)",
    ),
    Row(
        words="card DTU 80",
        trigger="dtu_high",
        fed={"cpu_of_database": (0.801,) * 3, "data_io": (0.1,) * 3, "log_write": (0.3,) * 3},
        edge={"cpu_of_database": (0.8,) * 3, "data_io": (0.8,) * 3, "log_write": (0.8,) * 3},
        does=Action.CONTINUE,
        says="dtu_high is firing: dtu 0.801 > 0.8 for 120 s (min 120 s, 3 requests)",
        before="dtu 0.801 > 0.8 for 60 s (of 120 s, 2 requests)",
    ),
    Row(
        words="card memory 1,600 of 1,750",
        trigger="memory_critical",
        fed={"memory": (1_601,) * 6},
        edge={"memory": (1_600,) * 6},
        does=Action.CONTINUE,
        says="memory_critical is firing: memory 1601 > 1600 for 300 s (min 300 s, 6 samples)",
        before="memory 1601 > 1600 for 240 s (of 300 s, 5 samples)",
    ),
    Row(
        words="card response 2,000",
        trigger="response_rising",
        fed={"response_time": (2_001,) * 4},
        edge={"response_time": (2_000,) * 4},
        does=Action.CONTINUE,
        says="response_rising is firing: response_time 2001 ms > 2000 ms for 180 s (min 180 s, 4 requests)",
        before="response_time 2001 ms > 2000 ms for 120 s (of 180 s, 3 requests)",
    ),
    Row(
        words="card response 5,000",
        trigger="response_critical",
        fed={"response_time": (5_001,) * 4},
        edge={"response_time": (5_000,) * 4},
        does=Action.CONTINUE,
        says="response_critical is firing: response_time 5001 ms > 5000 ms for 180 s (min 180 s, 4 requests)",
        before="response_time 5001 ms > 5000 ms for 120 s (of 180 s, 3 requests)",
    ),
    Row(
        words="offline sync failed",
        trigger="sync_fails",
        fed={"sync_failed": (0, 1)},
        edge={"sync_failed": (0, 0)},
        does=Action.CONTINUE,
        says="sync_fails is firing: sync_failed 1 > 0 for 0 s (min 0 s, 1 sample)",
        before="sync_failed 0 <= 0 (1 sample)",
    ),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.words)
def test_it_fires_at_the_boundary_and_one_sample(row: Row) -> None:
    holds(POLICY, row)


@pytest.mark.parametrize("part", ["cpu_of_database", "data_io", "log_write"])
def test_any_part_makes_the_dtu_high(part: str) -> None:
    (row,) = (row for row in ROWS if row.trigger == "dtu_critical")
    low = dict.fromkeys(row.fed, (0.1,) * 3)
    assert reading_of(played(example(POLICY), row, low | {part: (0.96,) * 3}), row.trigger).value == 0.96


def test_a_dtu_of_which_a_part_is_unknown_is_unknown() -> None:
    (row,) = (row for row in ROWS if row.trigger == "dtu_critical")
    known = {name: values for name, values in row.fed.items() if name != "log_write"}
    assert reading_of(played(example(POLICY), row, known), row.trigger).state is TriggerState.INACTIVE


def test_a_rule_tells_once_while_it_lasts_and_once_when_it_ends() -> None:
    (row,) = (row for row in ROWS if row.trigger == "memory_high")
    lasting, told, state = (*(1_401.0,) * 9, *(1_400.0,) * 3), [], None
    for minute in range(1, len(lasting) + 1):
        cycle = played(example(POLICY), row, {"memory": lasting[:minute]}, state)
        told += [(minute, event.kind) for event in cycle.events if event.about == row.trigger]
        state = cycle.state
    assert told == [(1, EventKind.PENDING), (6, EventKind.FIRING), (10, EventKind.CLEARED)]


def test_people_hear_of_both_on_every_channel() -> None:
    notify = example(POLICY).notify
    assert notify.to == ("webhook:mail", "webhook:chat")
    assert {EventKind.FIRING, EventKind.CLEARED} <= set(notify.on)
    assert EventKind.PENDING not in notify.on


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.words)
def test_nothing_is_taken_back_also_while_it_changes(row: Row) -> None:
    for change in (True, False):
        decision = played(example(POLICY), replace(row, change=change), row.fed).decision
        assert (decision.action, decision.level) == (Action.CONTINUE, None)
