"""The road planner: which steps of a run are under way, which road is begun next, and when the run is at its end.

Each component is steered by the fastest of its roads. Another one is begun beside it when the first is not established
by the time that it takes at its 95th percentile, and instead of it when it fails. When every component is decided, the
level is verified from outside. What cannot be verified gets the roads that are left, then the emergency road; then the
run ends, and somebody else takes up (the next level, or people).

All of it follows from the policy and the run's own record: whoever plans it again plans the same.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.model.policy import Policy
from shared.model.policy_levels import EMERGENCY, Level
from shared.model.policy_roads import SlotSwapRoad
from shared.model.run import Run, RunStatus, StepPhase, StepRecord

LOOK_BEFORE = "look_before"
VERIFY = "verify"
# Evidence of a verification: the components that it found wanting, none for all of them; whether it asked the site;
# whether it was served the known-good build.
COMPONENTS, SITE_ASKED, KNOWN_GOOD_SERVED = "components", "site_asked", "known_good_served"
_NO_TIME = timedelta(0)
# A verification that has other roads behind it gets what is left of the budget, and no less than this.
_SHORTEST_VERIFICATION = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Ending:
    """How a run ends."""

    status: RunStatus
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a run does now.

    Attributes:
        opened: Steps that begin; they are among the live ones.
        live: Names of the steps that are looked at.
        again_at: When another road would be begun, whatever the looks say.
    """

    opened: tuple[StepRecord, ...] = ()
    live: tuple[str, ...] = ()
    again_at: datetime | None = None
    ending: Ending | None = None


def plan_rollback(policy: Policy, run: Run, now: datetime) -> Plan:
    """Say what a rollback does now."""
    first = run.steps[0]
    if not first.phase.over:
        return Plan(live=(first.name,))
    planner = _Planner(policy, run, now)
    verifications = [step for step in run.steps if step.name.startswith(VERIFY)]
    if not verifications or (verifications[-1].phase.over and verifications[-1].phase is not StepPhase.DONE):
        return planner.after(verifications[-1] if verifications else None)
    if verifications[-1].phase is StepPhase.DONE:
        return Plan(ending=planner.verified(verifications[-1]))
    return Plan(live=(verifications[-1].name,))


class _Planner:
    """The plan of one moment."""

    def __init__(self, policy: Policy, run: Run, now: datetime) -> None:
        self._policy = policy
        self._level: Level = policy.level(run.level)
        self._run = run
        self._now = now

    def after(self, verification: StepRecord | None) -> Plan:
        """Plan a round of roads: the first one, or the one after a verification that was given up."""
        attempts = self._attempts_after(verification)
        components = self._level.steered if verification is None else self._left(verification, attempts)
        lost = any(self._is_lost(name, attempts.get(name, ())) for name in components)
        if self._is_emergency(attempts.get(EMERGENCY, ()), needed=lost or not components):
            components = {**components, EMERGENCY: self._level.emergency}
        begun = [name for name in components if not self._is_held(name, components, attempts)]
        moves = [self._component(name, attempts.get(name, ())) for name in begun]
        # Once the emergency is established it stands for all: what it overtook is not waited for.
        stands = any(step.phase is StepPhase.DONE for step in attempts.get(EMERGENCY, ()))
        if not stands and any(move.live for move in moves):
            return Plan(
                opened=tuple(step for move in moves for step in move.opened),
                live=tuple(name for move in moves for name in move.live),
                again_at=min((move.again_at for move in moves if move.again_at), default=None),
            )
        if not any(step.phase is StepPhase.DONE for steps in attempts.values() for step in steps):
            return Plan(ending=self._in_vain(verification))
        opened = self._verification(verification)
        return Plan(opened=(opened,), live=(opened.name,))

    def verified(self, verification: StepRecord) -> Ending:
        """A level is verified when it was seen from outside *and* every component was taken back."""
        taken = {step.component for step in self._run.steps if step.road and step.phase is StepPhase.DONE}
        missing = [name for name in self._level.steered if name not in taken]
        if missing and EMERGENCY not in taken:
            why = "; ".join(f"{name} was not taken back: {self._why_lost(name)}" for name in missing)
            return Ending(RunStatus.PARTIAL, f"{verification.note}; {why}")
        note = f"{verification.note}{self._detours()}"
        if has_changed(self._run):
            return Ending(RunStatus.VERIFIED, note)
        # All was as wanted before: that heals nothing, unless the site itself says that it is well.
        if verification.evidence.get(SITE_ASKED, True):
            return Ending(RunStatus.VERIFIED, f"nothing had to be changed; {note}")
        silent = "no check asked the site, so that this says nothing of how it is"
        return Ending(RunStatus.REFUSED, f"nothing had to be changed; {note}; {silent}")

    def _detours(self) -> str:
        """Say which roads got there when others did not, and why: a missing role must not go unnoticed."""
        others = [step for step in self._run.steps if step.road and step.phase is not StepPhase.DONE]
        if not others:
            return ""
        there = [step.road for step in self._run.steps if step.road and step.phase is StepPhase.DONE]
        said = [f"{step.road} {step.phase if step.phase.over else 'was overtaken'}: {step.note}" for step in others]
        return f"; by {', '.join(there)}; {'; '.join(said)}"

    def _is_emergency(self, attempts: Sequence[StepRecord], *, needed: bool) -> bool:
        """An emergency that has begun goes on; one that was only opened is left when another road gets there first."""
        begun = any(step.acts or step.phase.over for step in attempts)
        return begun or (needed and bool(attempts or self._unused(EMERGENCY)))

    def _is_held(self, name: str, components: Collection[str], attempts: Mapping[str, Sequence[StepRecord]]) -> bool:
        """Whether it waits for others of this round: they are decided when one road is there, or none is left."""
        return any(
            other in components and not self._is_decided(other, attempts.get(other, ()))
            for other in self._policy.waits_for(self._level, name)
        )

    def _is_decided(self, name: str, attempts: Sequence[StepRecord]) -> bool:
        if any(step.phase is StepPhase.DONE for step in attempts):
            return True
        return bool(attempts) and all(step.phase.over for step in attempts) and not self._unused(name)

    def _component(self, name: str, attempts: Sequence[StepRecord]) -> Plan:
        """Plan one component: nothing once a road is established, else those under way and perhaps one more."""
        if any(step.phase is StepPhase.DONE for step in attempts):
            return Plan()
        live = [step for step in attempts if not step.phase.over]
        late = all(self._is_late(step) for step in live)
        unused = self._unused(name)
        opened = (self._attempt(name, unused[0]),) if late and unused else ()
        names = tuple(step.name for step in (*live, *opened))
        more = len(unused) > len(opened) or self._unused(EMERGENCY)
        again = [at for step in (*live, *opened) for at in (step.late_at, self._budget_ends) if at and more]
        return Plan(opened=opened, live=names, again_at=min((at for at in again if at > self._now), default=None))

    def _is_late(self, step: StepRecord) -> bool:
        """Not established by the time it takes; what became of a swap in doubt is not known for a minute."""
        doubted = step.phase is StepPhase.INTENDED and step.lease_until is None
        if doubted and isinstance(self._policy.all_roads.get(step.road), SlotSwapRoad):
            return True
        return step.late_at is not None and step.late_at <= self._now

    def _unused(self, component: str) -> list[str]:
        """The roads of a component that were not tried yet, the fastest first."""
        roads = self._level.emergency if component == EMERGENCY else self._level.steered[component]
        tried = {step.road for step in self._run.steps if step.component == component}
        return sorted((road for road in roads if road not in tried), key=self._expected)

    def _left(self, verification: StepRecord, attempts: Mapping[str, object]) -> dict[str, tuple[str, ...]]:
        """The components that a verification found wanting, if roads of theirs are left or still under way."""
        failing = verification.evidence.get(COMPONENTS) or list(self._level.steered)
        return {
            name: roads
            for name, roads in self._level.steered.items()
            if name in attempts or (name in failing and self._unused(name))
        }

    def _attempts_after(self, verification: StepRecord | None) -> dict[str, list[StepRecord]]:
        """The attempts by component that began after a verification, ended after it, or did not end yet."""
        attempts: dict[str, list[StepRecord]] = {}
        steps = self._run.steps
        earlier = steps[: steps.index(verification)] if verification else ()
        for place, step in enumerate(steps):
            before = place < len(earlier) and verification is not None and _ended_by(step, verification)
            if step.road and not before:
                attempts.setdefault(step.component, []).append(step)
        return attempts

    def _is_lost(self, component: str, attempts: Sequence[StepRecord]) -> bool:
        """No road of it is left: all failed, or what is under way is late and has used up the level's budget, too."""
        if not attempts or self._unused(component) or any(step.phase is StepPhase.DONE for step in attempts):
            return False
        live = [step for step in attempts if not step.phase.over]
        return not live or (self._now >= self._budget_ends and all(self._is_late(step) for step in live))

    @property
    def _budget_ends(self) -> datetime:
        return self._run.created_at + self._level.budget

    def _why_lost(self, component: str) -> str:
        attempts = [step for step in self._run.steps if step.component == component]
        return "; ".join(f"{step.road}: {step.note}" for step in attempts) or "no road was tried"

    def _in_vain(self, verification: StepRecord | None) -> Ending:
        """No road of this round was established."""
        if verification is not None:
            return Ending(RunStatus(verification.phase.value), verification.note)
        attempts = [step for step in self._run.steps if step.road]
        refused = all(step.phase is StepPhase.REFUSED for step in attempts)
        notes = [step.note if len(attempts) == 1 else f"{step.road}: {step.note}" for step in attempts]
        return Ending(RunStatus.REFUSED if refused else RunStatus.FAILED, "; ".join(notes))

    def _expected(self, road: str) -> timedelta:
        return self._run.expected.get(road) or self._policy.all_roads[road].takes

    def _attempt(self, component: str, road: str) -> StepRecord:
        return StepRecord(
            name=f"take:{component}:{road}",
            component=component,
            road=road,
            started_at=self._now,
            late_at=self._now + self._expected(road),
            give_up_at=self._now + self._policy.all_roads[road].give_up_after,
            note=self._reason(road),
        )

    def _alternatives(self) -> bool:
        """Whether anything is left to try, or still under way, if the verification that begins now fails."""
        unused = any(self._unused(name) for name in (*self._level.steered, EMERGENCY))
        return unused or any(step.road and not step.phase.over for step in self._run.steps)

    def _reason(self, road: str) -> str:
        """Say why this road, as far as time goes."""
        left = self._budget_ends - self._now
        takes, has = self._expected(road) / timedelta(seconds=1), max(0.0, left / timedelta(seconds=1))
        fits = "fits into" if takes <= has else "is the fastest there is, yet more than"
        return f"{road} takes {takes:.0f} s at its 95th percentile: {fits} the {has:.0f} s that are left"

    def _verification(self, previous: StepRecord | None) -> StepRecord:
        """What was set reaches people only after a while: it is not given up before, whatever is left to try."""
        reaches = max((self._still_takes(step) for step in self._run.steps), default=_NO_TIME)
        patience = max(self._level.verify.give_up_after, reaches)
        if self._alternatives():
            left = self._budget_ends - self._now
            patience = min(patience, max(left, reaches, _SHORTEST_VERIFICATION))
        number = int(previous.name.rpartition(":")[2]) + 1 if previous else 1
        return StepRecord(name=f"{VERIFY}:{number}", started_at=self._now, give_up_at=self._now + patience)

    def _still_takes(self, step: StepRecord) -> timedelta:
        """How long an established road may still take until people see it."""
        acted = step.phase is StepPhase.DONE and step.acts > step.refused and step.road in self._policy.all_roads
        return step.started_at + self._expected(step.road) - self._now if acted and step.started_at else _NO_TIME


def _ended_by(step: StepRecord, verification: StepRecord) -> bool:
    if step.ended_at is None or verification.ended_at is None:
        return False
    return step.ended_at <= verification.ended_at


def has_changed(run: Run) -> bool:
    """Tell whether a road got there by what it did, and not because all was as wanted before."""
    return any(step.road and step.phase is StepPhase.DONE and step.acts > step.refused for step in run.steps)


def first_step() -> StepRecord:
    """Return the step that every run begins with."""
    return StepRecord(name=LOOK_BEFORE)


def with_opened(run: Run, steps: Sequence[StepRecord]) -> Run:
    """Return the run with the steps that a plan opened."""
    return replace(run, steps=(*run.steps, *steps)) if steps else run
