"""Rows that go back, as a drill looks at them: what would be done now; or, without a change, whether it could be."""

from dataclasses import dataclass
from datetime import datetime

from shared.decision.data_limits import databases_of
from shared.engine.records import CHECKPOINTS, decode
from shared.engine.steps.step import Done, Look, Step, Stop
from shared.model.checkpoint import Checkpoints
from shared.model.policy import Policy
from shared.model.run import Run, StepPhase, StepRecord
from shared.model.sync import Severity
from shared.ports import Checkpointing, Ledger


@dataclass(frozen=True, slots=True)
class RehearseRows:
    """Desired state: rows written since the change began could go back; without one, a checkpoint could be taken.

    Attributes:
        sync: The step of a real run.
    """

    sync: Step
    checkpointing: Checkpointing
    ledger: Ledger

    def observe(self, policy: Policy, run: Run, record: StepRecord, now: datetime) -> Look:
        names = databases_of(policy, [record.road])
        row = self.ledger.read(policy.workload, CHECKPOINTS)
        kept = decode(Checkpoints, row.body).by_database if row else {}
        if not names or (names[0] in kept and kept[names[0]].stands):
            return self.sync.observe(policy, run, record, now)
        findings = self.checkpointing.preflight(policy.databases[names[0]])
        against = "; ".join(str(one) for one in findings if one.severity is Severity.BLOCKS)
        if against:
            return Stop(phase=StepPhase.REFUSED, note=f"no checkpoint of {names[0]} could be taken: {against}")
        return Done(note=f"no change is in progress; a checkpoint of {names[0]} could be taken on both sides")
