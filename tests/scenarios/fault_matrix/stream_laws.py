"""The two laws for every kind of trigger, whatever becomes of the samples of its sources; see `laws.py`.

**No fail-open.** What was bad, or was never heard, is not healthy for as long as nothing true of now says so. After its
patience (that of the signals that it is made of included) a trigger that has lost its sources is blind. One that has
lost a part of them goes on with what the others say, where they are enough; where they are not, it is blind as well.

**No outage is a reason.** What was well goes on until something true of now says otherwise: nothing fires, nothing is
done or held back, not while samples fail, nor when they come again, nor after the watch itself stood still. What was
pending does not fire.

With `no_data: hold` the last word stands, and acts. It is not forgotten, and nothing makes a good one of a bad one.
What a trigger for silence looks for is its word, too.
"""

from collections.abc import Iterator, Sequence

from shared.model.decision import Action
from shared.model.trigger import Tier, TriggerReading, TriggerState, Verdict
from tests.scenarios.fault_matrix.cycles import Before, Course, Play, Said
from tests.scenarios.fault_matrix.streams import DEAF

BAD = frozenset({Before.PENDING, Before.FIRING})


def fail_open(play: Play, before: Before, name: str, course: Course, said: Sequence[Said]) -> Iterator[str]:
    """Say where somebody was told that all is well, or nobody that nothing is seen."""
    wrong = (_open(play, before, name, course, one) for one in said)
    for found, one in zip(wrong, said, strict=True):
        if found:
            yield f"{before}, {one.after} after the fault began: {found}: {one.reading.sentence}"
            return


def _open(play: Play, before: Before, name: str, course: Course, one: Said) -> str | None:
    if before in BAD and one.reading.verdict is Verdict.HEALTHY:
        return "the trigger is healthy"
    if name not in DEAF or play.written.holds:
        return None
    whole = course.out == frozenset(play.written.levels)
    fresh = before is Before.UNHEARD and name != "the last one again"
    if not fresh and one.after <= play.written.patience:
        return None
    if not whole and (before in BAD or not play.written.alone):
        return None  # what is left may say enough
    if one.reading.verdict is not Verdict.BLIND:
        return f"the trigger is {one.reading.verdict}"
    if play.tier is not Tier.INVESTIGATION and one.verdict is not Verdict.BLIND:
        return f"the workload is {one.verdict}"
    return None


def outage_caused(play: Play, before: Before, name: str, course: Course, said: Sequence[Said]) -> Iterator[str]:
    """Say what was done, or would have been, although nothing but the source had gone wrong."""
    whole = course.out == frozenset(play.written.levels)
    for one in said:
        acted = one.action is not Action.CONTINUE or one.limitation is not None
        fires = acted or one.reading.state is TriggerState.FIRING
        if before in (Before.QUIET, Before.UNHEARD) and (fires or one.reading.verdict is Verdict.UNHEALTHY):
            yield f"{before}, {one.after} later: {one.action}, {one.reading.state}: {one.reading.sentence}"
            return
        if before is Before.PENDING and name in DEAF and whole and fires and not play.written.holds:
            yield f"{before}, {one.after} later: {one.action}: {one.reading.sentence}"
            return


def forgets(said: Sequence[Said], clean: Sequence[Said]) -> Iterator[str]:
    """Say where what is bad all the time was called healthy, as it would not have been without the fault."""
    for one, other in zip(said, clean, strict=True):
        if one.reading.verdict is Verdict.HEALTHY and other.reading.verdict is not Verdict.HEALTHY:
            yield f"{one.after} later: {one.reading.sentence}; without the fault: {other.reading.sentence}"
            return


def differs(said: Sequence[Said], clean: Sequence[Said]) -> Iterator[str]:
    """Say where a stream that tells all that is true made another reading of it."""
    for one, other in zip(said, clean, strict=True):
        if _essence(one.reading) != _essence(other.reading):
            yield f"{one.after} later: {one.reading.sentence}; without the fault: {other.reading.sentence}"
            return


def _essence(reading: TriggerReading) -> tuple[object, ...]:
    return reading.state, reading.verdict, reading.since, reading.held, reading.value, reading.limit
