"""Beginning what people were asked for: the writes that start the run which a question names."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from shared.clock import Clock
from shared.decision.guards import Situation, rollback_limitation
from shared.decision.planned import planned
from shared.engine.end_early import giving_way_writes
from shared.engine.fleet import Fleet
from shared.engine.records import ACTIVE, STARTS, Snapshot
from shared.engine.start import envelope_writes, starting_writes
from shared.engine.starting_point import Wish, rollback_from, situation_of
from shared.errors import Refused
from shared.model.ask import Ask
from shared.model.policy import Policy, policy_of
from shared.model.policy_roads import SlotSwapRoad
from shared.model.run import BY_WATCH, Run
from shared.ports import Ledger, Signer, Write


@dataclass(frozen=True, slots=True)
class BeginAsked:
    """Begins it for whoever approved it, or by the default that the policy names."""

    ledger: Ledger
    policies: Callable[[], Mapping[str, Policy]]
    clock: Clock
    fleet: Fleet
    signer: Signer | None = None

    def __call__(self, ask: Ask, why: str, found: Snapshot) -> Sequence[Write]:
        """Return the writes of the start; they hold only while everything is as it was found.

        Raises:
            NotFound: the workload or its level is there no more.
            Refused: something stands against it; what people approved is held to less than what nobody did.
            TransientError: the storage does not answer.
            PermanentError: the run whose place it would take cannot be read.
        """
        policy, now = policy_of(self.policies(), ask.workload), self.clock()
        effective = planned(policy, ask.level, ask.strategy)
        effective.level(ask.level)
        lower, ending = self._giving_way(policy, found, ask.level, why, now)
        situation = situation_of(policy, found, now, lower)
        limitation = self._limitation(situation, policy, found, ask)
        if limitation is not None or found.known_good is None:
            raise Refused(str(limitation))
        wish = Wish(
            level=ask.level,
            strategy=ask.strategy,
            cause=f"{why}: {ask.cause}",
            requested_by=ask.requested_by,
            requested_by_id=ask.requested_by_id,
            run_id=ask.id,
            agreed=_agreed(ask),
        )
        run = rollback_from(effective, found, found.known_good, lower, now, wish)
        return [
            *envelope_writes(policy, found, run, situation.bad_build),
            *_counted(policy, found, ask, now),
            *ending,
            *starting_writes(policy, run, active_version=found.versions.get(ACTIVE)),
        ]

    def _giving_way(
        self, policy: Policy, found: Snapshot, level: int, why: str, now: datetime
    ) -> tuple[Run | None, list[Write]]:
        """Return the run whose place it takes, if there is one that ranks lower, and the writes that end that."""
        if found.active is None or found.active.rank >= level:
            return None, []
        instead = f"a rollback of level {level} takes its place: {why}"
        return giving_way_writes(self.ledger, self.signer, policy, found.active, instead, now)

    def _limitation(self, situation: Situation, policy: Policy, found: Snapshot, ask: Ask) -> str | None:
        """Return what stands against it: what too few approved is held to all that the watch's own starts are."""
        if not ask.missing:
            return rollback_limitation(replace(situation, by_hand=True))
        firing = next((reading for reading in found.watch.readings if reading.name == ask.trigger), None)
        steered = policy.level(ask.level).all_roads
        swaps_only = all(isinstance(policy.all_roads.get(road), SlotSwapRoad) for road in steered)
        limitation = rollback_limitation(replace(situation, firing=firing, swaps_only=swaps_only))
        last_start = max(found.starts.moments, default=None)
        return limitation or self.fleet.claim(policy.workload, situation.now, last_start)


def _agreed(ask: Ask) -> tuple[str, ...]:
    """Return what enough people agreed to; a default agrees to nothing above the policy's own limit."""
    return tuple(one.digest for one in (ask.preview or {}).values()) if not ask.missing else ()


def _counted(policy: Policy, found: Snapshot, ask: Ask, now: datetime) -> list[Write]:
    """What a person asked for and too few approved began by itself: it counts as what the watch starts does."""
    if not ask.missing or ask.requested_by_id == BY_WATCH:
        return []
    return [found.save(STARTS, found.starts.with_one(now, policy.workload, policy.guards.budget))]
