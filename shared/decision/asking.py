"""What a question to people says: what would be done, and the digest that binds approvals to it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256

from shared.decision.data_limits import agreeing, takes_people
from shared.decision.plans import plan_of, reactions_of
from shared.decision.reasons import canonical
from shared.model.ask import Ask
from shared.model.checkpoint import Checkpoints
from shared.model.decision import Action
from shared.model.policy import Policy
from shared.model.policy_approval import Approval, is_four_eyes, rule_for
from shared.model.policy_levels import EMERGENCY
from shared.model.run import RoadTimes

_NO_CHECKPOINTS = Checkpoints()


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What somebody wants to be approved.

    Attributes:
        id: Of the run that would be started.
        trigger: The trigger that asks; empty for a person.
    """

    id: str
    level: int
    build: str
    bad_build: str
    cause: str
    trigger: str
    requested_by_id: str
    requested_by: str
    strategy: str = ""


def new_ask(
    policy: Policy,
    approval: Approval,
    wanted: Wanted,
    times: RoadTimes,
    now: datetime,
    checkpoints: Checkpoints = _NO_CHECKPOINTS,
) -> Ask:
    """Return an open question."""
    roads = roads_of(policy, wanted.level, wanted.strategy)
    return sealed(
        Ask(
            id=wanted.id,
            workload=policy.workload,
            level=wanted.level,
            strategy=wanted.strategy,
            share=_share(policy, wanted.strategy),
            build=wanted.build,
            bad_build=wanted.bad_build if wanted.bad_build != wanted.build else "",
            roads=roads,
            cause=wanted.cause,
            trigger=wanted.trigger,
            requested_by_id=wanted.requested_by_id,
            requested_by=wanted.requested_by,
            asked_at=now,
            expires_at=now + approval.ttl,
            on_expiry=approval.on_expiry,
            quorum=approval.quorum,
            four_eyes=is_four_eyes(wanted.level, approval),
            to=approval.to or policy.notify.to,
            policy_version=policy.version,
            budget=policy.level(wanted.level).budget,
            takes=_takes(policy, roads, times),
            preview=agreeing(policy, roads, checkpoints),
            sentence=_asks(wanted.level, wanted.build, wanted.cause),
        )
    )


def _asks(level: int, build: str, cause: str) -> str:
    return f"may a level {level} rollback to build {build} begin? {cause}"


def gone(policy: Policy, ask: Ask) -> str | None:
    """Return what a question asks for that the policy has not any more, or `None`."""
    if ask.level not in policy.levels.by_number:
        return f"the policy has no level {ask.level} any more"
    if ask.strategy and plan_of(policy, ask.strategy) is None:
        return f"the policy has no strategy {ask.strategy} any more"
    return None


def approval_rule(
    policy: Policy, level: int, trigger: str = "", checkpoints: Checkpoints = _NO_CHECKPOINTS
) -> Approval | None:
    """Return the rule by which people are asked before a level begins; `None` when it begins unasked.

    Args:
        trigger: That asks for it, if one does: a warning asks even where the level itself would begin.
        checkpoints: What is foreseen of the rows; above the policy's limit for their loss people are asked, too.
    """
    found = policy.levels.by_number.get(level)
    reaction = reactions_of(policy).get(trigger)
    warned = policy.approvals.warning if reaction and reaction.does is Action.ASK else None
    rule = rule_for(level, found.approval if found else None, warned)
    if rule is None and found is not None and takes_people(policy, found, checkpoints) is not None:
        return Approval()
    return rule


def roads_of(policy: Policy, level: int, strategy: str = "") -> dict[str, tuple[str, ...]]:
    """Return the roads that would be taken, by component; none for a level or a strategy that is not there any more."""
    found, plan = policy.levels.by_number.get(level), plan_of(policy, strategy) if strategy else None
    if found is None or (strategy and plan is None):
        return {}
    if plan is None or not plan.restricted:
        return found.steered | ({EMERGENCY: found.emergency} if found.emergency else {})
    chosen = {name: found.steered.get(name, ()) for name in plan.components or found.steered}
    wanted = {name: tuple(road for road in roads if plan.road in (None, road)) for name, roads in chosen.items()}
    return {name: roads for name, roads in wanted.items() if roads}


def _share(policy: Policy, strategy: str) -> float | None:
    plan = plan_of(policy, strategy) if strategy else None
    return plan.share if plan else None


def _takes(policy: Policy, roads: Mapping[str, tuple[str, ...]], times: RoadTimes) -> timedelta:
    """Components are steered side by side, each by its fastest road."""
    p95 = {road: times.p95(road, policy.all_roads[road].takes) for several in roads.values() for road in several}
    fastest = [min(p95[road] for road in several) for name, several in roads.items() if name != EMERGENCY]
    return max(fastest, default=timedelta(0))


def digest_of(ask: Ask) -> str:
    """Return the SHA-256 of what would be done, in lower-case hex."""
    done = {
        "id": ask.id,
        "workload": ask.workload,
        "level": ask.level,
        "strategy": ask.strategy,
        "share": ask.share,
        "build": ask.build,
        "bad_build": ask.bad_build,
        "roads": {component: list(roads) for component, roads in ask.roads.items()},
        "preview": {name: one.digest for name, one in ask.preview.items()} if ask.preview else None,
        "policy_version": ask.policy_version,
        "healthy_since": ask.healthy_since.isoformat() if ask.healthy_since else None,
    }
    return sha256(canonical(done)).hexdigest()


def sealed(ask: Ask) -> Ask:
    """Return the question with the digest of what it asks."""
    return replace(ask, digest=digest_of(ask))


def as_of_now(
    ask: Ask,
    policy: Policy,
    approval: Approval | None,
    known_good: str,
    checkpoints: Checkpoints = _NO_CHECKPOINTS,
) -> Ask:
    """Return the question as it would be put now: policy, known good or the rows may have changed since.

    Args:
        approval: The rule by which people are asked now; without one, they are asked as before.
    """
    roads = roads_of(policy, ask.level, ask.strategy)
    share, version = _share(policy, ask.strategy), policy.version
    bad = ask.bad_build if ask.bad_build != known_good else ""
    preview = agreeing(policy, roads, checkpoints)
    present = replace(
        ask, build=known_good, bad_build=bad, roads=roads, share=share, policy_version=version, preview=preview
    )
    present = sealed(replace(present, sentence=_asks(ask.level, known_good, ask.cause)))
    if present.digest == ask.digest:
        return ask
    if approval is None:
        return present
    return replace(
        present,
        on_expiry=approval.on_expiry,
        quorum=approval.quorum,
        four_eyes=is_four_eyes(ask.level, approval),
        to=approval.to or policy.notify.to,
    )


def found_healthy(ask: Ask, now: datetime) -> Ask:
    """Return the question as it is asked again, with a new digest, so that no approval from before counts."""
    return sealed(replace(ask, healthy_since=now))
