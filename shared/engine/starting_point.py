"""From where a rollback starts, whoever begins it: what was found of the workload, and what is under way there."""

from dataclasses import dataclass
from datetime import datetime

from shared.decision.attribution import blames
from shared.decision.guards import Situation
from shared.engine.records import Snapshot
from shared.engine.start import held_until, new_rollback, unseen_swap
from shared.model.change import KnownGood
from shared.model.policy import Policy
from shared.model.run import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Which rollback is wanted, by whom and why.

    Attributes:
        trigger: The trigger that asks for it; empty for a person.
        run_id: Its id, where it was given beforehand.
        agreed: Digests of the previews of data that people saw and agreed to.
    """

    level: int
    cause: str
    requested_by: str
    requested_by_id: str
    strategy: str = ""
    trigger: str = ""
    run_id: str = ""
    agreed: tuple[str, ...] = ()


def rollback_from(
    policy: Policy, found: Snapshot, known_good: KnownGood, lower: Run | None, now: datetime, wanted: Wish
) -> Run:
    """Return a rollback that starts from what was found: it waits for what is still under way there.

    Args:
        policy: As `planned` by the strategy, if there is one.
        lower: The run whose place it takes, if it takes one's.
    """
    return new_rollback(
        policy,
        level=wanted.level,
        strategy=wanted.strategy,
        known_good=known_good.build,
        cause=wanted.cause,
        requested_by=wanted.requested_by,
        requested_by_id=wanted.requested_by_id,
        trigger=wanted.trigger,
        run_id=wanted.run_id,
        agreed=wanted.agreed,
        times=found.road_times,
        swap_sent_at=unseen_swap(policy, found, lower),
        not_before=held_until(found, lower),
        now=now,
        undoes=found.promoted if lower else "",
    )


def situation_of(policy: Policy, found: Snapshot, now: datetime, lower: Run | None = None) -> Situation:
    """Return what a rollback that people ask for would start from.

    Args:
        lower: The run whose place it would take.
    """
    return Situation(
        now=now,
        guards=policy.guards,
        known_good=found.known_good,
        production_build=found.watch.build_seen_lately(now),
        active_rollback=None if lower else found.active_id,
        last_rollback=found.last,
        change=found.change,
        started=found.starts.moments,
        quarantine=found.quarantine,
        promoted=found.promoted if lower else "",
        blames=blames(policy, found.watch, found.change, now),
    )
