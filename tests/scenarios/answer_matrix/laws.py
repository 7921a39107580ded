"""What must hold of every case, whatever Azure answers.

**No loop.** A run ends, at the latest a verification (2 min) and a minute after the patience of its slowest road. It is
not advanced more often than once a simulated second, and of no API more is asked than each thing that the road reads or
sets there once a simulated second. A dozen of each come on top: a run may begin quickly.

**No lie.** `verified` was seen from outside when it was said, and is still so when all faults are over. When it is not
said, people are not served the good side, neither then nor when all that was under way is over; unless the sentence
says that something is under way or in doubt. A slot swap is accepted once at most, and when it was, the good build is
served in the end: no second one puts the bad build back.

**A reason.** The end is one sentence that names the status; where that is not `verified`, it names the answer that was
the reason, too.

**No giving up.** What Azure answers once or three times and what goes away by itself costs time, never the road. A
second road that works verifies the level; where there is none, the level above takes up and is verified.

**No sleep.** An SDK that waits inside a call holds a worker, which others wait for: five seconds of it at most in one
pass.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta

from local.azure_simulator.faults import Api
from shared.model.run import RunStatus
from tests.scenarios.answer_matrix.answers import NAMED_BY, NO_TOKEN, Times, passes
from tests.scenarios.answer_matrix.play import Course
from tests.scenarios.answer_matrix.roads import SLOT_SWAP, other_road
from tests.scenarios.answer_matrix.shapes import Shape

_DOZEN = 12
_SECOND = timedelta(seconds=1)
_SECOND_ROAD_GIVES_UP = timedelta(minutes=5)
_VERIFICATION_GIVES_UP = timedelta(minutes=2)
_LONGEST_SLEEP = timedelta(seconds=5)
_OPENLY_UNSURE = ("still under way", "is under way", "not known", "the platform works on", "is carrying it out")


def loops(course: Course) -> Iterator[str]:
    """Say what went on for too long, or too often."""
    seconds = course.took / _SECOND
    if not course.run.status.ended:
        yield f"it did not end within {course.passes} passes and {seconds:.0f} s: {course.run.steps[-1].note}"
    if course.took > _longest(course):
        yield f"it took {seconds:.0f} s"
    if course.passes > seconds + _DOZEN:
        yield f"{course.passes} passes in {seconds:.0f} s"
    for api, things in _asked(course).items():
        if course.calls.get(api, 0) > things * (seconds + _DOZEN):
            yield f"{course.calls[api]} calls of {api} in {seconds:.0f} s, for {things} things"


def _longest(course: Course) -> timedelta:
    beside = _SECOND_ROAD_GIVES_UP if course.case.shape is Shape.BESIDE else timedelta(0)
    return max(course.case.give_up_after, beside) + _VERIFICATION_GIVES_UP + timedelta(minutes=1)


def _asked(course: Course) -> Mapping[Api, int]:
    road, other = course.case.road, other_road(course.case.road)
    return {**other.calls, **road.calls} if course.case.shape is Shape.BESIDE else road.calls


def lies(course: Course) -> Iterator[str]:
    """Say where the end says something else than people see."""
    said = course.run.outcome
    if course.run.status is RunStatus.VERIFIED:
        if not (course.good and course.good_later):
            yield f"verified, and people are not served the good side: {said}"
    elif course.run.status.ended:
        if course.good:
            yield f"{course.run.status}, and people are served the good side: {said}"
        elif course.good_later and not any(word in said for word in _OPENLY_UNSURE):
            yield f"{course.run.status}, and what was under way went well without being spoken of: {said}"
    if course.accepted > 1:
        yield f"{course.accepted} swaps were accepted"
    if course.case.road is SLOT_SWAP and course.accepted and not course.good_later:
        yield "a swap was accepted, and production runs the bad build in the end"


def unclear(course: Course) -> Iterator[str]:
    """Say what the sentence does not."""
    run, said = course.run, course.run.outcome
    if run.status.ended and (f"level 1 {run.status}: " not in said or "\n" in said):
        yield f"no sentence that names the status: {said!r}"
    if run.status.ended and run.status is not RunStatus.VERIFIED and not any(word in said for word in _names(course)):
        yield f"{course.case.answer} is not named: {said}"


def _names(course: Course) -> tuple[str, ...]:
    return (*NAMED_BY[course.case.answer], *([NO_TOKEN] if course.case.api is Api.TOKEN else []))


def given_up(course: Course) -> Iterator[str]:
    """Say where somebody had to take over who need not have, or did not although he should have."""
    case, run = course.case, course.run
    waiting_helps = passes(case.api, case.answer) and case.times is not Times.EVER
    if run.status is RunStatus.VERIFIED or not run.status.ended:
        return
    if waiting_helps or case.shape is Shape.BESIDE:
        yield f"{run.status} after {course.took / _SECOND:.0f} s: {run.outcome}"
    if case.shape is Shape.ABOVE and (course.next_run is None or course.next_run.status is not RunStatus.VERIFIED):
        above = "no level took up" if course.next_run is None else f"level 2 is {course.next_run.status}"
        yield f"{above}: {run.outcome}"


def asleep(course: Course) -> Iterator[str]:
    """Say where an SDK slept for long."""
    if course.slept > _LONGEST_SLEEP:
        yield f"a worker was held for {course.slept / _SECOND:.1f} s by an SDK that waited inside a call"


LAWS: Mapping[str, Callable[[Course], Iterator[str]]] = {
    "loop": loops,
    "lie": lies,
    "unclear": unclear,
    "given up": given_up,
    "asleep": asleep,
}


def broken(course: Course) -> dict[str, list[str]]:
    """Return what is wrong with a case, by the law that it breaks."""
    found = {name: list(law(course)) for name, law in LAWS.items()}
    return {name: wrong for name, wrong in found.items() if wrong}
