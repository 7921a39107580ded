"""The table of commands: where each leads from each status, what it says, and why it is refused elsewhere."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.decision.commands import Asked, Obeyed, command_limitation, obeyed, started
from shared.model.change import Change, ChangeStatus
from shared.model.command import Checkpoint, CommandBody, Start
from shared.model.event import EventKind
from tests.unit.decision.build import at

ACTIVE, SLOWED, PAUSED, COMPLETED, ROLLED_BACK, FAILED = ChangeStatus
CHANGE = Change(id="orders.change.1", kind="migration", build="b2", started_at=at(-60))
ANN = Asked(by="ann", at=at(0))
# What a command leads to, by the status that it finds; `.` is refused.
TABLE = """
            active     slowed     paused     completed  rolled_back  failed
checkpoint  active     slowed     paused     .          .            .
error       active     slowed     paused     .          .            .
pause       paused     paused     paused     .          .            .
slow        slowed     slowed     slowed     .          .            .
resume      active     active     active     .          .            .
complete    completed  completed  completed  completed  .            .
fail        failed     failed     failed     .          .            failed
"""
_BODIES: dict[str, dict[str, Any]] = {"error": {"severity": "high", "text": "row 7 has no owner"}}


def command(word: str, **parts: Any) -> Any:
    return CommandBody.model_validate({"command": word, **_BODIES.get(word, {}), **parts}).root


def cells() -> list[Any]:
    head, *rows = [line.split() for line in TABLE.strip().splitlines()]
    return [
        pytest.param(row[0], ChangeStatus(before), after, id=f"{row[0]} of {before}")
        for row in rows
        for before, after in zip(head, row[1:], strict=True)
    ]


@pytest.mark.parametrize(("word", "before", "after"), cells())
def test_every_command_in_every_status(word: str, before: ChangeStatus, after: str) -> None:
    change = replace(CHANGE, status=before)
    limitation = command_limitation(change, command(word), ANN)
    if after == ".":
        said = before.value.replace("_", " ")
        assert limitation == f"{word} comes too late: the migration of build b2 is {said}; start a new change"
    else:
        assert limitation is None
        assert obeyed(change, command(word), ANN).change.status.value == after


@pytest.mark.parametrize("word", ["resume", "slow", "complete"])
def test_what_is_taken_back_does_not_go_on(word: str) -> None:
    asked = replace(ANN, rolling_back="orders.7")
    assert command_limitation(CHANGE, command(word), asked) == f"{word} is not for now: rollback orders.7 is under way"
    for other in ("pause", "fail", "checkpoint", "error"):
        assert command_limitation(CHANGE, command(other), asked) is None


def test_a_command_for_another_change_is_refused() -> None:
    said = command_limitation(CHANGE, command("pause", change="orders.change.0"), ANN)
    assert said == "change orders.change.0 is not the active one; that is orders.change.1, the migration of build b2"
    assert command_limitation(CHANGE, command("pause", change=CHANGE.id), ANN) is None


def test_without_a_change_there_is_nothing_to_tell() -> None:
    assert command_limitation(None, command("pause"), ANN) == "no change was started; start one first"


def test_a_pause_says_who_and_why() -> None:
    came_to = obeyed(CHANGE, command("pause", reason="backup first"), ANN)
    assert came_to.sentence == "the migration of build b2 paused by ann: backup first"
    assert (came_to.change.by, came_to.change.since, came_to.event) == ("ann", at(0), EventKind.PAUSED)


def test_a_person_takes_over_the_pause_of_a_trigger() -> None:
    held = CHANGE.moved(PAUSED, "pause the change: memory", at(-5), by="watch", trigger="memory")
    came_to = obeyed(held, command("pause"), ANN)
    assert (came_to.change.trigger, came_to.change.by, came_to.event) == ("", "ann", EventKind.PAUSED)
    again = obeyed(came_to.change, command("pause"), ANN)
    assert again == Obeyed(change=came_to.change, sentence="the migration of build b2 is paused already")


def test_whoever_resumes_overrules_what_fires() -> None:
    held = CHANGE.moved(PAUSED, "pause the change: memory", at(-5), by="watch", trigger="memory")
    came_to = obeyed(held, command("resume"), replace(ANN, firing=("memory",)))
    assert (came_to.change.status, came_to.change.overruled) == (ACTIVE, ("memory",))
    assert came_to.sentence == "the migration of build b2 resumed by ann; it goes on although memory fires"


def test_checkpoints_speak_of_their_confidence_the_average_and_counts() -> None:
    first = obeyed(CHANGE, command("checkpoint", confidence=8, counts={"rows": 1200}), ANN)
    second = obeyed(first.change, command("checkpoint", confidence=4, counts={"rows": 2400, "tables": 3}), ANN)
    assert second.samples == {
        "change.confidence": 4,
        "change.confidence.average": 6,
        "change.counts.rows": 2400,
        "change.counts.tables": 3,
    }
    assert second.sentence == "checkpoint of the migration of build b2: confidence 4, 2,400 rows, 3 tables"
    assert second.event is None


def test_a_count_that_comes_late_takes_nothing_back() -> None:
    newest = obeyed(CHANGE, command("checkpoint", counts={"rows": 2400}), ANN).change
    late = obeyed(newest, command("checkpoint", counts={"rows": 1200}), ANN)
    assert late.change.progress.counts == {"rows": 2400}
    assert late.samples == {"change.counts.rows": 2400}


@given(st.permutations([{"rows": 5}, {"rows": 9, "tables": 1}, {"tables": 4}, {"rows": 9}]))
def test_counts_do_not_depend_on_the_order(reported: list[dict[str, int]]) -> None:
    change = CHANGE
    for counts in reported:
        change = obeyed(change, Checkpoint(counts=counts), ANN).change
    assert change.progress.counts == {"rows": 9, "tables": 4}


def test_a_change_counts_no_more_things_than_can_be_kept() -> None:
    change = obeyed(CHANGE, Checkpoint(counts={f"n{n}": 1 for n in range(50)}), ANN).change
    assert command_limitation(change, Checkpoint(counts={"n0": 2}), ANN) is None
    said = command_limitation(change, Checkpoint(counts={"more": 1}), ANN)
    assert said == "51 different counts; expected at most 50"


def test_the_first_error_of_a_severity_is_told_and_all_are_counted() -> None:
    first = obeyed(CHANGE, command("error", severity="critical"), ANN)
    second = obeyed(first.change, command("error", severity="critical"), ANN)
    assert (first.event, second.event) == (EventKind.CHANGE_ERROR, None)
    assert second.samples == {"change.errors.critical": 2}
    assert second.sentence == "critical error 2 of the migration of build b2: row 7 has no owner"


def test_the_last_errors_are_kept() -> None:
    change = CHANGE
    for number in range(30):
        change = obeyed(change, command("error", text=f"row {number}"), ANN).change
    assert change.progress.errors == {"high": 30}
    assert [error.text for error in change.progress.last_errors] == [f"row {number}" for number in range(10, 30)]


def test_a_new_change_begins_anew() -> None:
    before = replace(obeyed(CHANGE, command("error"), ANN).change, decided=("memory",), overruled=("memory",))
    assert started(before, "orders.change.2", Start(build="b3"), at(0), "ann") == Change(
        id="orders.change.2", kind="deployment", build="b3", started_at=at(0), by="ann"
    )
