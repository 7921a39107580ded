"""Commands to a change on real Table Storage behind a bad network: a reply that is lost leaves nothing done twice."""

from typing import Any

import pytest

from shared.clock import utc_now
from shared.engine.change_control import ChangeControl
from shared.errors import OutcomeUnknown, Refused
from shared.model.change import Change
from shared.model.command import CommandBody
from tests.contract.conftest import FarStorage
from tests.fakes.doorbell import MemoryDoorbell
from tests.fakes.policies import policy

pytestmark = pytest.mark.storage

_BATCH = b"/$batch"


def say(far: FarStorage, workload: str, word: str, **parts: Any) -> Change:
    policies = {workload: policy(("workload: orders", f"workload: {workload}"))}
    control = ChangeControl(far.ledger, MemoryDoorbell(), lambda: policies, utc_now)
    return control.obey(workload, CommandBody.model_validate({"command": word, **parts}).root, "ann").change


def test_a_command_whose_reply_was_lost_counts_once(far_tables: FarStorage, workload: str) -> None:
    say(far_tables, workload, "start", build="b2", id="k1")
    error = {"severity": "critical", "text": "row 7", "id": "k2"}
    far_tables.proxy.lose_next_reply(_BATCH)
    with pytest.raises(OutcomeUnknown):
        say(far_tables, workload, "error", **error)
    assert say(far_tables, workload, "error", **error).progress.errors == {"critical": 1}


def test_a_conflict_with_its_own_success_is_no_lost_race(far_tables: FarStorage, workload: str) -> None:
    say(far_tables, workload, "start", build="b2", id="k1")
    far_tables.proxy.say_busy_instead(_BATCH)
    found = say(far_tables, workload, "checkpoint", id="k2", confidence=6.0)
    assert (found.progress.checkpoints, far_tables.proxy.lost) == (1, 1)


def test_a_start_whose_reply_was_lost_is_one_change(far_tables: FarStorage, workload: str) -> None:
    far_tables.proxy.lose_next_reply(_BATCH)
    with pytest.raises(OutcomeUnknown):
        say(far_tables, workload, "start", build="b2")
    begun = say(far_tables, workload, "start", build="b2")
    assert say(far_tables, workload, "pause").id == begun.id


def test_a_refusal_whose_reply_was_lost_stays_one(far_tables: FarStorage, workload: str) -> None:
    far_tables.proxy.lose_next_reply(_BATCH)
    with pytest.raises(OutcomeUnknown):
        say(far_tables, workload, "pause", id="k1")
    say(far_tables, workload, "start", build="b2")
    with pytest.raises(Refused, match=r"^no change was started; start one first$"):
        say(far_tables, workload, "pause", id="k1")
