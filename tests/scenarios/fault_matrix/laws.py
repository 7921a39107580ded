"""The two laws that no fault of a source may break, and the control that shows that they could be broken.

**No fail-open.** A source that has been faulty for longer than its trigger's patience (`delay` + `stale_after`, and one
step for the age of the last sample) is blindness:

- The reading of the trigger is `blind` in every tier, and never `healthy`.
- In the tiers critical and warning, which could roll back, the workload's verdict is `blind` although everything else
  is healthy, and people are paged within `blind_page_after`.
- In the tier investigation the workload's verdict is that of the other triggers (docs/adr/0005): nobody is woken.
- A workload that joins while the source is faulty has none of the patience: it was never heard.

**No outage is a reason.** From the moment on at which the fault begins no rollback is started, asked for or only held
back, and no change is paused: whether all was well before, or bad for half of the trigger's `for`, or nothing known.

`no_data: hold` promises something else: the last word stands, silence is no blindness, and while the word stands it
covers time. A source that speaks only now and then cannot be told from one that failed. There the laws are:

- A fault brings no word. A trigger says what its last word says, until that is stale, then nothing; never `healthy`
  after a bad word, and nothing at all when there was none.
- A bad word from before the fault counts as if there were no fault, no sooner and no later: the trigger fires when the
  word has stood for its `for`, and not before. Such cells are marked: it is the word that acts, not the outage.

Damage that was found is kept, and counts until the rows are seen alike. When the ground for finding more is lost (a
table is not logged any more, or has another name), the damaged rows are none the better: whoever is called at night
must not read "blind" over rows that are known to be lost. Where such a fault meets a bad word (`Course.stands`), the
word stands as with `hold`, and acts. Where all was well, or nothing known, such a fault is blindness like any other.
"""

from collections.abc import Iterator
from datetime import timedelta

from shared.model.event import EventKind
from shared.model.trigger import Tier, TriggerState, Verdict
from tests.scenarios.fault_matrix.ground import Story
from tests.scenarios.fault_matrix.kinds import Kind
from tests.scenarios.fault_matrix.play import Course
from tests.scenarios.fault_matrix.world import Moment

ACTION_OF = {
    Tier.CRITICAL: EventKind.DECIDED,
    Tier.WARNING: EventKind.ASKED,
    Tier.INVESTIGATION: EventKind.PAUSED,
}
ACTIONS = frozenset({*ACTION_OF.values(), EventKind.HELD_BACK, EventKind.STARTED})


def fail_open(kind: Kind, course: Course) -> Iterator[str]:
    """Say where somebody was told that all is well, or nobody that nothing is seen."""
    word = _is_word(kind, course)
    judge = _standing_word if word else _blind_in_time
    for moment in course.moments:
        wrong = judge(kind, course, moment)
        if wrong:
            yield f"{course.story}, {_after(course, moment)}: {wrong}: {moment.reading.sentence}"
            break
    told = any(event.kind is EventKind.BLIND for event in course.events)
    if not word and not told and course.tier is not Tier.INVESTIGATION:
        yield f"{course.story}: nobody was paged"
    if word and course.story is Story.PENDING and not _acted(course):
        yield f"{course.story}: a word that stood for its whole `for` was lost"


def _blind_in_time(kind: Kind, course: Course, moment: Moment) -> str | None:
    patience = timedelta(0) if course.story is Story.UNHEARD else kind.patience
    if moment.at - course.struck_at <= patience:
        return None
    if moment.reading.verdict is not Verdict.BLIND:
        return f"the trigger is {moment.reading.verdict}"
    if course.tier is not Tier.INVESTIGATION and moment.verdict is not Verdict.BLIND:
        return f"the workload is {moment.verdict}"
    return None


def _standing_word(_: Kind, course: Course, moment: Moment) -> str | None:
    last = course.before.verdict if course.before else None
    if moment.reading.verdict not in (last, None):
        return f"the trigger is {moment.reading.verdict}, its last word was {last}"
    if moment.reading.verdict is Verdict.UNHEALTHY and moment.verdict is not Verdict.UNHEALTHY:
        return f"the workload is {moment.verdict}"
    return None


def outage_caused(kind: Kind, course: Course) -> Iterator[str]:
    """Say what was done, asked or held back although nothing but the source had gone wrong."""
    for event in course.events:
        if event.kind in ACTIONS and not _by_its_word(kind, course, event.at - course.struck_at):
            yield f"{course.story}: {event.kind} {event.at - course.struck_at} later: {event.sentence}"
    if course.rollbacks and not by_word(kind, course):
        yield f"{course.story}: {course.rollbacks[0]} was started"


def by_word(kind: Kind, course: Course) -> bool:
    """Tell whether a word from before the fault acted, as it had to."""
    return _is_word(kind, course) and course.story is Story.PENDING and _acted(course)


def _is_word(kind: Kind, course: Course) -> bool:
    return kind.holds or course.stands


def _by_its_word(kind: Kind, course: Course, later: timedelta) -> bool:
    before = course.before
    return bool(_is_word(kind, course) and before and before.since and before.held + later >= kind.rule.hold_for)


def _acted(course: Course) -> bool:
    return any(event.kind is ACTION_OF[course.tier] for event in course.events)


def control(course: Course) -> Iterator[str]:
    """Say what is not as it must be without a fault: else the matrix proves nothing."""
    end = course.moments[-1]
    if course.story is Story.QUIET:
        if (end.verdict, end.reading.verdict) != (Verdict.HEALTHY, Verdict.HEALTHY):
            yield f"{end.verdict} on a good site: {end.reading.sentence}"
        if unwanted := [event.sentence for event in course.events if event.kind in ACTIONS]:
            yield f"acted on a good site: {unwanted[0]}"
        return
    if end.reading.state is not TriggerState.FIRING or end.verdict is not Verdict.UNHEALTHY:
        yield f"{end.verdict} and {end.reading.state} on a bad site: {end.reading.sentence}"
    if not _acted(course):
        yield f"no {ACTION_OF[course.tier]} on a bad site"
    if bool(course.rollbacks) is not (course.tier is Tier.CRITICAL):
        yield f"{len(course.rollbacks)} rollbacks on a bad site in tier {course.tier}"


def _after(course: Course, moment: Moment) -> str:
    return f"{(moment.at - course.struck_at).total_seconds():.0f} s after the fault began"
