"""What people ask for by name: a rollback to a level, or by a strategy; it begins, or others are asked first."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from shared.decision.asking import Wanted, approval_rule
from shared.engine.asking import Asking
from shared.engine.by_hand import ByHand
from shared.engine.change_control import ChangeControl
from shared.engine.commit import commit_and_ring
from shared.engine.records import snapshot
from shared.engine.start import id_of_run
from shared.engine.starting_point import situation_of
from shared.errors import LostRace, Refused
from shared.model.ask import Ask
from shared.model.caller import Caller
from shared.model.policy import Policy, policy_of
from shared.model.run import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A rollback that a person asks for.

    Attributes:
        level: `None` where the strategy says it.
        by: The name to write down; the caller's id says who it is.
        agreed: Digests of the previews of data that were seen.
    """

    workload: str
    level: int | None
    strategy: str
    reason: str
    by: str
    caller: Caller
    agreed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Requests:
    """Carries requests out, or asks whether that may be done."""

    by_hand: ByHand
    asking: Asking
    control: ChangeControl
    policies: Callable[[], Mapping[str, Policy]]

    def roll_back(self, request: Request) -> Run | Ask:
        """Begin a rollback, or ask for it where its level takes an approval.

        Raises:
            NotFound: no such workload, or it has no such level.
            Refused: something stands against it, or the strategy is unknown, or it rolls nothing back.
            TransientError: not done.
        """
        policy = policy_of(self.policies(), request.workload)
        level = self._level(policy, request)
        policy.level(level)
        if approval_rule(policy, level) is not None:
            return self._ask(policy, level, request)
        return self.by_hand.start(
            policy.workload,
            level,
            request.reason,
            request.by,
            requested_by_id=request.caller.id,
            strategy=request.strategy,
            agreed=request.agreed,
        )

    def _level(self, policy: Policy, request: Request) -> int:
        if not request.strategy:
            return request.level or 1
        plan = self.control.plan(policy.workload, request.strategy, request.by)
        if plan.level is None:
            raise Refused(f"strategy {request.strategy} rolls nothing back; send the command {plan.does} to the change")
        if request.level not in (None, plan.level):
            raise Refused(f"strategy {request.strategy} is one of level {plan.level}, not {request.level}")
        return plan.level

    def _ask(self, policy: Policy, level: int, request: Request) -> Ask:
        ledger, now = self.by_hand.ledger, self.by_hand.clock()
        found = snapshot(ledger, policy.workload)
        if found.known_good is None:
            raise Refused("not asked: no known-good build is recorded for this workload")
        wanted = Wanted(
            id=id_of_run(policy.workload, now),
            level=level,
            strategy=request.strategy,
            build=found.known_good.build,
            bad_build=situation_of(policy, found, now).bad_build,
            cause=request.reason,
            trigger="",
            requested_by_id=request.caller.id,
            requested_by=request.by,
        )
        writes = self.asking.ask(policy, found, found.ask, wanted)
        if not writes and found.ask is not None:
            raise Refused(f"not asked again: {found.ask.id} asks for level {found.ask.level} already")
        try:
            commit_and_ring(ledger, self.by_hand.doorbell, policy.workload, writes)
        except LostRace:
            raise Refused(
                "not asked: something else was asked or begun in the same moment; look, and ask again"
            ) from None
        asked = snapshot(ledger, policy.workload).ask
        if asked is None or asked.id != wanted.id:
            raise Refused("it was asked, and is answered already; look at it")
        return asked
