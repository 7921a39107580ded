"""Starting a promotion: one commit that writes the run, claims the workload and records the change that it carries."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from shared.clock import Clock
from shared.decision.promotion import opened_stage, stages
from shared.decision.promotion_guards import Start, promotion_limitation
from shared.engine.commit import commit_and_ring, ring_checkpoints
from shared.engine.fleet import paused
from shared.engine.records import ACTIVE, CHANGE, KNOWN_GOOD, Active, Snapshot, announce, encode, run_key, snapshot
from shared.engine.start import held_until, id_of_run, unseen_swap
from shared.errors import LostRace, PermanentError, Refused
from shared.model.change import Change
from shared.model.event import Event, EventKind
from shared.model.policy import Policy, policy_of
from shared.model.run import Run, RunKind, StepRecord
from shared.ports import Doorbell, Insert, Ledger, Write

_TRIES = 5


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What somebody asks for."""

    build: str
    reason: str
    requested_by: str
    requested_by_id: str


@dataclass(frozen=True, slots=True)
class Promotions:
    """Promotions as pipelines and people ask for them.

    Attributes:
        unready: Returns why level 1 of a workload could not take a change back, or `None`.
    """

    ledger: Ledger
    doorbell: Doorbell
    policies: Callable[[], Mapping[str, Policy]]
    clock: Clock
    unready: Callable[[str], str | None]

    def start(
        self, workload: str, build: str, requested_by: str, reason: str = "", *, requested_by_id: str = ""
    ) -> Run:
        """Start to take a build forward.

        Args:
            requested_by_id: Who proved to be the one; he never approves alone what follows from it.

        Raises:
            NotFound: no such workload.
            Refused: something stands against it; the sentence says what.
            TransientError: not started.
        """
        policy = policy_of(self.policies(), workload)
        for _ in range(_TRIES):
            try:
                return self._start(policy, _Wanted(build, reason, requested_by, requested_by_id))
            except LostRace:
                continue
        raise Refused("not promoted: another run was started or advanced in the same moment")

    def _start(self, policy: Policy, wanted: "_Wanted") -> Run:
        found, now, build = snapshot(self.ledger, policy.workload), self.clock(), wanted.build
        limitation = promotion_limitation(self._start_of(policy, found, build, now))
        if limitation is not None or found.known_good is None or policy.promotion is None:
            raise Refused(f"not promoted: {limitation}")
        pinned, due_at = stages(policy, policy.promotion), max(now, held_until(found, None) or now)
        run = Run(
            id=id_of_run(policy.workload, now),
            workload=policy.workload,
            kind=RunKind.PROMOTION,
            level=0,
            cause=wanted.reason or f"build {build} is to go forward",
            requested_by=wanted.requested_by,
            requested_by_id=wanted.requested_by_id,
            known_good=found.known_good.build,
            promoted=build,
            stages=pinned,
            created_at=now,
            due_at=due_at,
            swap_sent_at=unseen_swap(policy, found, None),
            steps=(_unbegun(opened_stage(pinned[0], due_at)),),
        )
        commit_and_ring(self.ledger, self.doorbell, policy.workload, _starting_writes(policy, found, run))
        if policy.databases:
            ring_checkpoints(self.doorbell, policy.workload)
        return run

    def _start_of(self, policy: Policy, found: Snapshot, build: str, now: datetime) -> Start:
        return Start(
            policy=policy,
            build=build,
            active=found.active_id,
            known_good=found.known_good,
            quarantine=found.quarantine,
            change=found.change,
            production_build=found.watch.build_seen_lately(now),
            verdict=found.watch.verdict,
            sentence=found.watch.sentence,
            unready=self.unready(policy.workload),
            paused=self._paused(),
        )

    def _paused(self) -> str | None:
        try:
            pause = paused(self.ledger)
        except PermanentError as error:
            return f"nobody knows whether the fleet is paused: {error}"
        return str(pause) if pause else None


def _unbegun(stage: StepRecord) -> StepRecord:
    """Until it is looked at, whatever ends the run must still wait for what the run itself waits for."""
    return replace(stage, started_at=None)


def _starting_writes(policy: Policy, found: Snapshot, run: Run) -> list[Write]:
    sentence = f"promotion of build {run.promoted} started by {run.requested_by}: {run.cause}"
    event = Event(workload=run.workload, kind=EventKind.PROMOTING, at=run.created_at, sentence=sentence, about=run.id)
    return [
        Insert(ACTIVE, encode(Active(run.id, run.rank, run.promoted))),
        Insert(run_key(run.id), encode(run)),
        # Whoever records another known good in this moment loses the race, or this does.
        *([found.save(KNOWN_GOOD, found.known_good)] if found.known_good else []),
        *announce(event, policy.notify),
        *_change_writes(found, run),
    ]


def _change_writes(found: Snapshot, run: Run) -> list[Write]:
    """The change that a pipeline recorded beforehand is the one that the promotion carries."""
    if found.change is not None and found.change.in_progress:
        return []
    change = Change(
        id=f"{run.workload}.change.{run.created_at:%Y%m%dT%H%M%S%f}",
        kind="deployment",
        build=run.promoted,
        started_at=run.created_at,
    )
    return [found.save(CHANGE, change)]
