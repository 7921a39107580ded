"""Level 1 by slot swap: production must run the known-good build.

A swap is a relative move that Azure does not make idempotent: run twice, it puts the bad build back. So it is sent only
when production is seen on another build *and* the slot is seen holding the known good *and* the platform works on
nothing else. After any doubt (a lost reply, a killed worker) the world is read back until it tells: the build changed,
an operation is under way, or two looks, far enough from the intent and from each other, show the site at rest.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from shared.engine.steps.step import SEND_WITHIN, Act, Done, Look, Stop, Wait
from shared.errors import Busy, PermanentError, TransientError
from shared.model.policy import Policy, Site
from shared.model.policy_roads import SlotSwapRoad
from shared.model.quantity import say_span
from shared.model.run import Run, StepPhase, StepRecord
from shared.ports import Fence, OperationState, SitePicture, SlotSite

_POLL = timedelta(seconds=2)
_BUSY = timedelta(seconds=5)
# Bounds on what the platform does: a request arrives while its sender still waits for the answer (5 s to connect, 10 s
# to read, 2 s on the way), an accepted operation is shown within 8 s, reads are at most 12 s old, clocks differ by 4 s.
_ARRIVES_WITHIN = timedelta(seconds=17)
_SHOWN_WITHIN = timedelta(seconds=8)
_READS_LAG = timedelta(seconds=12)
_CLOCKS_DIFFER = timedelta(seconds=4)
# From here on, a swap that was sent on an intent either shows as an operation or is over ...
_VISIBLE_AFTER = SEND_WITHIN + _ARRIVES_WITHIN + _SHOWN_WITHIN + _CLOCKS_DIFFER
# ... and this long after a look that shows none, reads tell what became of it.
_SETTLED_AFTER = _READS_LAG + _CLOCKS_DIFFER


@dataclass(frozen=True, slots=True)
class SwapSlots:
    """Desired state: production runs `run.build`: the known good, or the build that is promoted."""

    slots: SlotSite

    def observe(self, policy: Policy, run: Run, record: StepRecord, now: datetime) -> Look:
        slot = _slot(policy, run, record)
        picture = self.slots.look(policy.site, slot)
        return _Swap(self.slots, policy.site, slot, run, record, picture).answer(now)


def _slot(policy: Policy, run: Run, record: StepRecord) -> str:
    """Return the slot that production is swapped with."""
    if run.slot:
        return run.slot
    road = policy.all_roads.get(record.road)
    if not isinstance(road, SlotSwapRoad):
        raise PermanentError(f"{record.road} is no slot swap any more")
    return road.slot_swap


@dataclass(frozen=True, slots=True)
class _Swap:
    """One look at a swap: what was known, and what is seen now."""

    slots: SlotSite
    site: Site
    slot: str
    run: Run
    record: StepRecord
    picture: SitePicture

    @property
    def wanted(self) -> str:
        return self.run.build

    @property
    def wanted_said(self) -> str:
        return f"build {self.wanted}" if self.run.promoted else f"the known-good build {self.wanted}"

    def answer(self, now: datetime) -> Look:
        picture, record = self.picture, self.record
        if picture.production_build == self.wanted and picture.operation_id is None:
            return Done(note=f"production runs {self.wanted}", evidence=shown(picture))
        if record.give_up_at is not None and now >= record.give_up_at:
            return self._stop(StepPhase.FAILED, self._not_in_time(now))
        watched = _watched(self.run, record, picture, now)
        if picture.operation_id is not None:
            note = f"the platform works on the site (operation {picture.operation_id})"
            return Wait(until=now + _POLL, note=note, evidence=watched)
        if record.phase is StepPhase.ACTED:
            return self._following(watched, now)
        return self._not_swapped(watched, now)

    def _not_swapped(self, watched: Mapping[str, Any], now: datetime) -> Look:
        """Nothing is under way: swap, unless it is not known yet what became of a swap that may have been sent."""
        at_rest_since, picture = watched["at_rest_since"], self.picture
        settled = at_rest_since is not None and now - datetime.fromisoformat(at_rest_since) >= _SETTLED_AFTER
        if self.record.phase is StepPhase.INTENDED:
            if not settled:
                note = "it is not known whether the swap was accepted"
                return Wait(until=now + _BUSY, note=note, evidence=watched)
            if picture.last_swap != self.record.before.get("last_swap"):
                note = f"a swap happened ({picture.last_swap}) and production runs {picture.production_build}"
                return self._stop(StepPhase.FAILED, note)
        elif self._may_be_changing(watched) and not settled:
            note = "the platform worked on the site a moment ago, or may have been told to"
            return Wait(until=now + _POLL, note=note, evidence=watched)
        if picture.slot_build != self.wanted:
            note = f"{wrong_slot(self.slot, picture, self.wanted_said)}: nothing unknown is swapped in"
            return self._stop(StepPhase.FAILED if self.record.acts else StepPhase.REFUSED, note)
        live = picture.production_build or "a build without a name"
        note = f"production runs {live}, slot {self.slot} holds {self.wanted}"
        return Act(note=note, effect=self._swap, before=shown(picture))

    def _may_be_changing(self, watched: Mapping[str, Any]) -> bool:
        """Something was under way: of somebody else, as was seen or as a refusal told, or of an earlier run."""
        return watched["was_busy"] or self.record.busy_at is not None or self.run.swap_sent_at is not None

    def _swap(self, fence: Fence) -> str:
        """Look once more right before the swap: somebody may be putting the same build back by hand."""
        try:
            picture = self.slots.look(self.site, self.slot)
        except TransientError as error:  # perhaps one with an unknown outcome: that of the look, not of a swap
            raise TransientError(f"nothing was sent: {error}", retry_after=error.retry_after) from None
        if picture.production_build == self.wanted or picture.operation_id is not None:
            raise Busy("the site changed while the swap was being prepared")
        fence()
        return self.slots.swap(self.site, self.slot)

    def _following(self, watched: Mapping[str, Any], now: datetime) -> Look:
        state, words = self._state()
        if state is OperationState.RUNNING:
            return Wait(until=now + _POLL, note="the swap is under way", evidence=watched)
        if state is OperationState.FAILED:
            return self._stop(StepPhase.FAILED, f"the swap failed: {words}")
        note = f"the swap is reported done, yet production runs {self.picture.production_build}"
        done_since = self.record.evidence.get("reported_done_since") or now.isoformat()
        if state is OperationState.SUCCEEDED and now - datetime.fromisoformat(done_since) >= _SETTLED_AFTER:
            return self._stop(StepPhase.FAILED, f"{note}: another swap came between")
        seen = {**watched, "reported_done_since": done_since if state is OperationState.SUCCEEDED else None}
        return Wait(until=now + _BUSY, note=note, evidence=seen)

    def _state(self) -> tuple[OperationState | None, str]:
        """Return what is told of the swap that was accepted; `None` when nobody tells any more."""
        if self.record.operation is None:
            return None, ""
        try:
            return self.slots.follow(self.site, self.slot, self.record.operation)
        except PermanentError:  # operation results expire; the picture itself is the better witness
            return None, ""

    def _stop(self, phase: StepPhase, note: str) -> Stop:
        return Stop(phase=phase, note=note, evidence=shown(self.picture))

    def _not_in_time(self, now: datetime) -> str:
        waited, picture = say_span(now - (self.record.started_at or now)), self.picture
        why = f"operation {picture.operation_id} is still under way" if picture.operation_id else self.record.note
        return f"after {waited} production still runs {picture.production_build}, not {self.wanted}: {why}"


def wrong_slot(slot: str, picture: SitePicture, wanted: str) -> str:
    """Say that a slot holds something else than is wanted of it."""
    if picture.slot_build is None:
        return f"there is no slot {slot}; expected it to hold {wanted}"
    return f"slot {slot} holds {picture.slot_build or 'a build without a name'}, not {wanted}"


def _watched(run: Run, record: StepRecord, picture: SitePicture, now: datetime) -> dict[str, Any]:
    """Return since which look the platform has been at rest, as evidence for the next look.

    While an intent is in doubt, this run's or one that an earlier run left behind, only looks count by which its swap,
    if it was sent, would be shown; after a refusal, only those by which what was under way would be.
    """
    busy = picture.operation_id is not None
    intended_at = record.intended_at if record.phase is StepPhase.INTENDED else run.swap_sent_at
    unseen = intended_at is not None and now < intended_at + _VISIBLE_AFTER
    early = unseen or (record.busy_at is not None and now < record.busy_at + _SHOWN_WITHIN + _CLOCKS_DIFFER)
    at_rest_since = None if busy or early else record.evidence.get("at_rest_since") or now.isoformat()
    return {"at_rest_since": at_rest_since, "was_busy": bool(record.evidence.get("was_busy")) or busy}


def shown(picture: SitePicture) -> dict[str, str | None]:
    """Return a picture as evidence."""
    return {
        "production_build": picture.production_build,
        "slot_build": picture.slot_build,
        "last_swap": picture.last_swap,
    }
