"""Ending a drill: what it found is recorded, and nothing else is touched."""

from dataclasses import replace
from datetime import datetime

from shared.decision.roads import Ending
from shared.engine.finish import Finish
from shared.engine.receipts import Receipts
from shared.engine.records import ACTIVE, announce, encode, run_key
from shared.model.event import Event, EventKind
from shared.model.policy import Policy
from shared.model.quantity import say_span
from shared.model.run import Run
from shared.ports import Delete, Ledger, Replace


def drill_finishing_writes(
    _: Ledger, receipts: Receipts, policy: Policy, run: Run, version: str, ending: Ending, now: datetime
) -> Finish:
    """Return what ends a drill.

    Args:
        version: The version of its record.
    """
    took = say_span(now - run.created_at)
    outcome = f"drill of level {run.level} {ending.status}: {ending.note}; the drill took {took}"
    ended = replace(run, status=ending.status, ended_at=now, outcome=outcome)
    event = Event(workload=run.workload, kind=EventKind.DRILLED, at=now, sentence=outcome, about=run.id)
    return Finish(
        ended,
        [
            Replace(run_key(run.id), encode(ended), version),
            Delete(ACTIVE),
            receipts.write_of(ended, event),
            *announce(event, policy.notify),
        ],
    )
