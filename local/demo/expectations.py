"""What must hold when a scenario is over: sentences that hold or do not. Here, what the app and the demo itself tell.

What the world says, asked from outside, is in `witnesses.py`.
"""

from collections.abc import Callable
from dataclasses import dataclass

from local.demo.roads import roads_taken
from local.demo.scene import Recording
from local.demo.timeline import seconds_to, timeline, whole_story


@dataclass(frozen=True, slots=True)
class Expectation:
    """`found` says what was found instead, or what it stands on."""

    text: str
    held: bool
    found: str


type Expect = Callable[[Recording], Expectation]


def came_to_end(recording: Recording) -> Expectation:
    """It was over before patience ran out."""
    seconds = recording.ended_at_s - recording.zero_s
    return Expectation("the scenario came to its end", recording.came_to_end, f"watched for {seconds:.0f} s")


def outcome_says(words: str) -> Expect:
    """The run's own sentence tells it, too."""

    def check(recording: Recording) -> Expectation:
        return Expectation(f"the outcome says: {words}", words in recording.outcome, recording.outcome)

    return check


def run_ended(status: str) -> Expect:
    """The app's rollback ended so."""

    def check(recording: Recording) -> Expectation:
        last = recording.app.last_rollback
        ended = last.status if last else "no rollback"
        return Expectation(f"the rollback ended {status}", ended == status, ended)

    return check


def nothing_rolled_back(recording: Recording) -> Expectation:
    """The app neither decided nor started a rollback."""
    kinds = [event.kind for event in recording.events if event.kind in ("decided", "started")]
    held = not kinds and recording.app.last_rollback is None
    return Expectation("the app never decided to roll back", held, ", ".join(kinds) or "no such event")


def told(kind: str) -> Expect:
    """People received a notification of this kind."""

    def check(recording: Recording) -> Expectation:
        received = ", ".join(recording.told) or "nothing"
        return Expectation(f"people were told: {kind}", kind in recording.told, f"they received {received}")

    return check


def recorded(kind: str) -> Expect:
    """The app's history has an event of this kind."""

    def check(recording: Recording) -> Expectation:
        event = recording.first(kind)
        return Expectation(f"the app recorded: {kind}", event is not None, event.sentence if event else "no such event")

    return check


def verdict_is(verdict: str) -> Expect:
    """The app's verdict in the end."""

    def check(recording: Recording) -> Expectation:
        return Expectation(f"the app says {verdict}", recording.app.verdict == verdict, recording.app.sentence)

    return check


def happened(mark: str, text: str) -> Expect:
    """The demo really did what the scenario is about."""

    def check(recording: Recording) -> Expectation:
        return Expectation(text, mark in recording.marks, "done" if mark in recording.marks else "it never came to it")

    return check


def known_good_is(build: str) -> Expect:
    """The build that the app would go back to from now on."""

    def check(recording: Recording) -> Expectation:
        known = recording.app.known_good.build if recording.app.known_good else "none"
        return Expectation(f"the known good is {build}", known == build, known)

    return check


def in_quarantine(build: str) -> Expect:
    """The app keeps the build out from now on."""

    def check(recording: Recording) -> Expectation:
        found = ", ".join(recording.app.quarantine) or "no build"
        return Expectation(f"{build} is in quarantine", build in recording.app.quarantine, found)

    return check


def never_recorded(kind: str) -> Expect:
    """The app's history has no event of this kind."""

    def check(recording: Recording) -> Expectation:
        event = recording.first(kind)
        return Expectation(
            f"the app never recorded: {kind}", event is None, event.sentence if event else "no such event"
        )

    return check


def taken_only_after(road: str, mark: str) -> Expect:
    """The road was not taken before that was done."""

    def check(recording: Recording) -> Expectation:
        taken = next((each.accepted for each in roads_taken(recording) if each.road == road and each.accepted), None)
        done = recording.marks.get(mark)
        seconds = taken.at_s - done.at_s if taken and done else None
        found = "it never came to it" if seconds is None else f"{seconds:.1f} s later"
        return Expectation(f"{road} was taken only after: {mark}", seconds is not None and seconds >= 0, found)

    return check


def said_of(mark: str, *words: str) -> Expect:
    """What was noted when it was done has all of these words."""

    def check(recording: Recording) -> Expectation:
        sentence = recording.marks[mark].sentence if mark in recording.marks else "it never came to it"
        held = all(each in sentence for each in words)
        return Expectation(f"{mark}: {'; '.join(words)}", held, sentence)

    return check


def messages_came_twice(recording: Recording) -> Expectation:
    """The hosts really ran messages a second time."""
    doubled = recording.doubled
    return Expectation("queue messages were delivered twice", doubled > 0, f"doubled messages: {doubled}")


def story_is_complete(road: str) -> Expect:
    """Every moment of a story that ends by that road was seen."""

    def check(recording: Recording) -> Expectation:
        seen = {moment.what for moment in timeline(recording)}
        missing = ", ".join(what for what in whole_story(road) if what not in seen)
        return Expectation("every moment of the story was seen", not missing, f"missing: {missing or 'nothing'}")

    return check


def prompt(recording: Recording) -> Expectation:
    """The bad build was gone as soon as is promised at this pace."""
    moments, promised = timeline(recording), recording.promptness
    verified_s, firing_s = seconds_to(moments, "verified"), seconds_to(moments, "firing")
    if verified_s is None or firing_s is None:
        return Expectation("the bad build is gone in time", held=False, found="it was never verified to be gone")
    found = f"fault to verified {verified_s:.1f} s, firing to verified {verified_s - firing_s:.1f} s"
    if promised is None:
        return Expectation("the bad build is gone, without haste at this pace", held=True, found=found)
    text = (
        f"verified within {promised.fault_to_verified_s:.0f} s of the fault "
        f"and {promised.firing_to_verified_s:.0f} s of firing"
    )
    in_time = verified_s <= promised.fault_to_verified_s and verified_s - firing_s <= promised.firing_to_verified_s
    return Expectation(text, in_time, found)


def judge(recording: Recording, expects: tuple[Expect, ...]) -> list[Expectation]:
    """Ask everything that must hold."""
    return [expect(recording) for expect in (came_to_end, *expects)]
