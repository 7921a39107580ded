"""Level 1 by slot swap: production must run the known-good build.

A swap is a relative move that Azure does not make idempotent: run twice, it puts the bad build back. So it is sent only
when production is seen on another build *and* the good slot is seen holding the known good *and* the platform works on
nothing else. After any doubt (a lost reply, a killed worker) the world is read back until it tells: the build changed,
an operation is under way, or, after `_DOUBT`, nothing happened.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from shared.engine.steps.step import Act, Done, Look, Stop, Wait
from shared.errors import PermanentError, TransientError
from shared.model.policy import Policy
from shared.model.rollback import Rollback, RunStatus, StepPhase, StepRecord
from shared.ports import OperationState, SitePicture, SlotSite

_POLL = timedelta(seconds=2)
_BUSY = timedelta(seconds=5)
# An accepted swap shows as `inProgressOperationId` within seconds, and a request that was on its way when its sender
# died has arrived or is lost by then: the client's own time-out is shorter.
_DOUBT = timedelta(seconds=30)
# The control plane may answer reads from before the swap for a moment after it reported success.
_SETTLE = timedelta(seconds=20)


@dataclass(frozen=True, slots=True)
class SwapSlots:
    """Desired state: production runs `run.known_good`."""

    slots: SlotSite

    def observe(self, policy: Policy, run: Rollback, record: StepRecord, now: datetime) -> Look:
        picture = self.slots.look(policy.site)
        if picture.production_build == run.known_good and picture.operation_id is None:
            return Done(note=f"production runs {run.known_good}", evidence=_shown(picture))
        if now - run.created_at > policy.levels.traffic.swap_give_up_after:
            return Stop(status=RunStatus.FAILED, note=_not_in_time(picture, run, policy), evidence=_shown(picture))
        if picture.operation_id is not None:
            return Wait(until=now + _POLL, note=f"the platform works on the site (operation {picture.operation_id})")
        return {
            StepPhase.PENDING: self._before_swap,
            StepPhase.INTENDED: self._in_doubt,
            StepPhase.ACTED: self._following,
        }[record.phase](policy, run, record, picture, now)

    def _before_swap(
        self, policy: Policy, run: Rollback, _record: StepRecord, picture: SitePicture, _now: datetime
    ) -> Look:
        if picture.good_slot_build != run.known_good:
            return Stop(status=RunStatus.REFUSED, note=_wrong_slot(picture, run, policy), evidence=_shown(picture))
        note = f"production runs {picture.production_build or 'an unnamed build'}, slot {policy.site.good_slot} holds"
        return Act(note=f"{note} {run.known_good}", effect=partial(self._swap, policy, run), before=_shown(picture))

    def _swap(self, policy: Policy, run: Rollback) -> str:
        """Look once more right before the swap: somebody may be putting the same build back by hand."""
        picture = self.slots.look(policy.site)
        if picture.production_build == run.known_good or picture.operation_id is not None:
            raise TransientError("the site changed while the swap was being prepared")
        return self.slots.swap(policy.site)

    def _in_doubt(self, policy: Policy, run: Rollback, record: StepRecord, picture: SitePicture, now: datetime) -> Look:
        doubt_ends = (record.intended_at or now) + _DOUBT
        if now < doubt_ends:
            return Wait(until=min(now + _POLL, doubt_ends), note="it is not known whether the swap was accepted")
        if picture.last_swap != record.before.get("last_swap"):
            note = f"a swap happened ({picture.last_swap}) and production runs {picture.production_build}"
            return Stop(status=RunStatus.FAILED, note=note, evidence=_shown(picture))
        return self._before_swap(policy, run, record, picture, now)

    def _following(
        self, policy: Policy, run: Rollback, record: StepRecord, picture: SitePicture, now: datetime
    ) -> Look:
        state, words = self._state(policy, record)
        if state is OperationState.RUNNING:
            return Wait(until=now + _POLL, note="the swap is under way")
        if state is OperationState.FAILED:
            return Stop(status=RunStatus.FAILED, note=f"the swap failed: {words}", evidence=_shown(picture))
        if now - (record.acted_at or now) < _SETTLE:
            return Wait(until=now + _POLL, note="the swap is reported done, but production does not show it yet")
        return Wait(
            until=now + _BUSY, note=f"the swap is reported done, yet production runs {picture.production_build}"
        )

    def _state(self, policy: Policy, record: StepRecord) -> tuple[OperationState, str]:
        if record.operation is None:
            return OperationState.SUCCEEDED, ""
        try:
            return self.slots.follow(policy.site, record.operation)
        except PermanentError:  # operation results expire; the picture itself is the better witness
            return OperationState.SUCCEEDED, ""


def _shown(picture: SitePicture) -> dict[str, str | None]:
    return {
        "production_build": picture.production_build,
        "good_slot_build": picture.good_slot_build,
        "last_swap": picture.last_swap,
    }


def _wrong_slot(picture: SitePicture, run: Rollback, policy: Policy) -> str:
    slot = policy.site.good_slot
    if picture.good_slot_build is None:
        return f"there is no slot {slot}; expected it to hold the known-good build {run.known_good}"
    held = picture.good_slot_build or "a build without a name"
    return f"slot {slot} holds {held}, not the known-good build {run.known_good}: nothing unknown is swapped in"


def _not_in_time(picture: SitePicture, run: Rollback, policy: Policy) -> str:
    minutes = policy.levels.traffic.swap_give_up_after.total_seconds() / 60
    return f"after {minutes:.0f} min production still runs {picture.production_build}, not {run.known_good}"
