"""The stages of a promotion as a rollback has none: asking the slot itself, giving shares, letting it bake, looking."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.decision.bake import TOLD, Baking, ends_badly, held, told_of_hold
from shared.decision.checkpoints import missing_checkpoint
from shared.decision.promotion import IN_PRODUCTION
from shared.engine.records import CHANGE, CHECKPOINTS, NOW_ONE, QUARANTINE, WATCH, decode
from shared.engine.steps.step import Done, Look, Step, Stop, Wait
from shared.engine.steps.traffic import shown, wrong_slot
from shared.engine.steps.verify import GOOD_LOOKS, Checks, VerifyOutside
from shared.errors import ControllerError, PermanentError
from shared.model.change import Change
from shared.model.checkpoint import Checkpoints
from shared.model.policy import Policy
from shared.model.policy_promotion import Promotion
from shared.model.policy_verify import CheckBase, GetCheck
from shared.model.quantity import say_span
from shared.model.quarantine import Quarantine
from shared.model.run import Run, StepPhase, StepRecord
from shared.model.stage import Stage
from shared.model.watch import WatchState
from shared.ports import Expected, Ledger, SlotSite

_ASK_AGAIN = timedelta(seconds=3)
# One scan reads the change and its checkpoints.
_CHANGES = "now:1:ch"
# Stages that give people the new build.
FORWARD = frozenset({Stage.SHARE, Stage.SWAP})
_SMOKE_TRIES = 2
_BAKE_POLL = timedelta(seconds=10)
# For so long it is looked as often as the policy says: what was swapped is seen within seconds.
_OFTEN = timedelta(minutes=1)
# A cold instance may take longer than a warm one: the answer is waited for, and judged by its time.
_COLD = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class WarmSlot:
    """Desired state: the slot answers with the new build, and quickly. Asking it is what warms it."""

    checks: Checks

    def observe(self, policy: Policy, run: Run, record: StepRecord, now: datetime) -> Look:
        promotion = promotion_of(policy)
        within = promotion.warm_within
        check = GetCheck(get=promotion.warm, build="known_good", within=within, timeout=max(within, _COLD))
        failing = _failing(self.checks, policy, run, {"warm": check})
        if failing:
            return Wait(until=now + _ASK_AGAIN, note=f"the slot is not warm: {failing['warm']}")
        return Done(note=f"slot {promotion.slot} answers with build {run.promoted} within {say_span(within)}")


@dataclass(frozen=True, slots=True)
class OnceRowsAreSafe:
    """Nobody is given a new build before there is a checkpoint of every database that its change must wait for."""

    step: Step
    ledger: Ledger

    def observe(self, policy: Policy, run: Run, record: StepRecord, now: datetime) -> Look:
        why = self._waits_for(policy) if policy.databases and not record.acts else None
        if why is None:
            return self.step.observe(policy, run, record, now)
        return Wait(until=now + _ASK_AGAIN, note=f"its rows could not go back: {why}")

    def _waits_for(self, policy: Policy) -> str | None:
        rows = {row.key: row for row in self.ledger.scan(policy.workload, _CHANGES)}
        change = decode(Change, rows[CHANGE].body) if CHANGE in rows else None
        kept = decode(Checkpoints, rows[CHECKPOINTS].body) if CHECKPOINTS in rows else Checkpoints()
        return missing_checkpoint(policy, change, kept)


@dataclass(frozen=True, slots=True)
class SmokeTest:
    """Desired state: the new build passes its smoke tests where nobody is sent to it yet."""

    checks: Checks

    def observe(self, policy: Policy, run: Run, record: StepRecord, now: datetime) -> Look:
        smoke = promotion_of(policy).smoke
        failing = _failing(self.checks, policy, run, smoke)
        if not failing:
            return Done(note=f"{len(smoke)} of {len(smoke)} smoke tests passed")
        tries = record.evidence.get("tries", 0) + 1
        said = "; ".join(f"{name}: {note}" for name, note in failing.items())
        if tries >= _SMOKE_TRIES:
            return Stop(phase=StepPhase.FAILED, note=f"{len(failing)} of {len(smoke)} smoke tests failed twice: {said}")
        return Wait(until=now + _ASK_AGAIN, note=f"tried again: {said}", evidence={"tries": tries})


@dataclass(frozen=True, slots=True)
class GiveShare:
    """Desired state: a share of the people is sent to the slot, which holds the new build and nothing else.

    Attributes:
        road: Sets the share.
    """

    slots: SlotSite
    road: Step

    def observe(self, policy: Policy, run: Run, record: StepRecord, now: datetime) -> Look:
        if run.slot:
            picture = self.slots.look(policy.site, run.slot)
            if picture.slot_build != run.promoted:
                note = wrong_slot(run.slot, picture, f"build {run.promoted}")
                return Stop(phase=StepPhase.FAILED, note=f"{note}: nobody is sent there", evidence=shown(picture))
        return self.road.observe(policy, run, record, now)


@dataclass(frozen=True, slots=True)
class Bake:
    """Desired state: the workload was healthy for as long as the policy says."""

    ledger: Ledger
    slots: SlotSite

    def observe(self, policy: Policy, run: Run, record: StepRecord, now: datetime) -> Look:
        bakes = run.stage(record).bakes
        baking = _baking(self.ledger, self.slots, policy, run, record, now)
        bad, why_held = ends_badly(baking), held(baking)
        if bad is not None:
            return Stop(phase=StepPhase.FAILED, note=bad)
        healthy = baking.healthy
        if healthy >= bakes and why_held is None:
            return Done(note=f"healthy for {say_span(healthy)}")
        note = f"healthy for {say_span(healthy)} of {say_span(bakes)}" + (f"; held: {why_held}" if why_held else "")
        until = max(baking.counted_until, baking.watch.cycled_at)
        evidence = {"healthy_s": healthy.total_seconds(), "counted_until": until.isoformat()}
        wait = Wait(until=now + _BAKE_POLL, note=note, evidence=evidence)
        return _telling(wait, baking, why_held, baking.unhealthy) if why_held else wait


@dataclass(frozen=True, slots=True)
class VerifyPromoted:
    """Desired state: production is seen to run the new build, and nothing that would end a bake is seen meanwhile."""

    verify: VerifyOutside
    ledger: Ledger
    slots: SlotSite

    def observe(self, policy: Policy, run: Run, record: StepRecord, now: datetime) -> Look:
        baking = _baking(self.ledger, self.slots, policy, run, record, now)
        bad = ends_badly(baking)
        if bad is not None:
            return Stop(phase=StepPhase.FAILED, note=bad)
        look = self.verify.observe(policy, run, record, now)
        if not isinstance(look, Wait) or look.evidence[GOOD_LOOKS]:
            return look
        wait = look if baking.lasted < _OFTEN else replace(look, until=max(look.until, now + _BAKE_POLL))
        return _telling(wait, baking, look.note, baking.lasted)


def _telling(wait: Wait, baking: Baking, why: str, waited: timedelta) -> Wait:
    tells = told_of_hold(baking, why, waited, baking.run.stage(baking.record).hold_at_most)
    return replace(wait, tells=tells, evidence={**wait.evidence, TOLD: True}) if tells else wait


def _baking(ledger: Ledger, slots: SlotSite, policy: Policy, run: Run, record: StepRecord, now: datetime) -> Baking:
    """What cannot be read, of whatever it is, holds a bake and does not end it."""
    baking = Baking(policy=policy, run=run, record=record, now=now)
    try:
        rows = {row.key: row for row in ledger.scan(run.workload, NOW_ONE)}
        watch, change, quarantine = rows.get(WATCH), rows.get(CHANGE), rows.get(QUARANTINE)
        return replace(
            baking,
            watch=decode(WatchState, watch.body) if watch else baking.watch,
            change=decode(Change, change.body) if change else None,
            quarantine=decode(Quarantine, quarantine.body) if quarantine else baking.quarantine,
            slot_build=_slot_build(slots, policy, run, record),
        )
    except ControllerError as error:
        return replace(baking, blind=str(error))


def _slot_build(slots: SlotSite, policy: Policy, run: Run, record: StepRecord) -> str | None:
    """What the slot holds while people are sent there; after the swap it is the old build."""
    stage = run.stage(record)
    if not run.slot or stage.kind is not Stage.BAKE or stage.at == IN_PRODUCTION:
        return None
    return slots.look(policy.site, run.slot).slot_build or ""


def _failing(checks: Checks, policy: Policy, run: Run, asked: Mapping[str, CheckBase]) -> dict[str, str]:
    """Ask the slot, or the site where there is none; returns what failed, with why. What says nothing has failed."""
    promotion = promotion_of(policy)
    site = policy.site.model_copy(update={"url": promotion.url}) if promotion.url else policy.site
    expected = Expected(known_good=run.build, since=run.created_at, rollback_id=run.id)
    results = checks.results(policy.model_copy(update={"site": site}), asked, expected)
    return {name: result.note for name, result in results.items() if not result.passed}


def promotion_of(policy: Policy) -> Promotion:
    """Return how the policy promotes.

    Raises:
        PermanentError: it does not.
    """
    if policy.promotion is None:
        raise PermanentError("the policy says nothing of promotions any more")
    return policy.promotion
