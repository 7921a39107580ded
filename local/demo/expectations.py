"""What must hold when a scenario is over, asked of the world from outside: sentences that hold or do not."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from local.demo.scene import Recording
from local.demo.timeline import WHOLE_STORY, seconds_to, timeline
from local.demo.users import Kind, tally

_FEWEST_LAST_VISITS = 5


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


def swap_posts(wanted: int) -> Expect:
    """ARM saw this many POSTs, accepted or not."""

    def check(recording: Recording) -> Expectation:
        seen = len(recording.site.swap_posts)
        return Expectation(f"ARM saw exactly {wanted} swap POST{'' if wanted == 1 else 's'}", seen == wanted, f"{seen}")

    return check


def production_serves(build: str) -> Expect:
    """Every kind of client was served by this build in the end, and ARM says the same."""

    def check(recording: Recording) -> Expectation:
        served = Counter((visit.kind, visit.build or "nothing") for visit in recording.last_visits)
        held = recording.site.production_build == build and all(
            served[kind, build] >= _FEWEST_LAST_VISITS and served[kind, build] == _of_kind(served, kind)
            for kind in Kind
        )
        found = ", ".join(f"{kind}: {seen} x{count}" for (kind, seen), count in sorted(served.items()))
        text = f"production serves {build} to fresh, pinned and kept-alive clients"
        return Expectation(text, held, f"in the last seconds {found}; ARM names {recording.site.production_build}")

    return check


def _of_kind(served: Counter[tuple[Kind, str]], kind: Kind) -> int:
    return sum(count for (of, _), count in served.items() if of is kind)


def people_are_served(recording: Recording) -> Expectation:
    """Nobody was failed in the last seconds."""
    last = tally(recording.last_visits)
    held = last.requests > 0 and last.failures == 0
    return Expectation(
        "in the end every request is served", held, f"{last.failures} of the last {last.requests} failed"
    )


def nobody_was_failed(recording: Recording) -> Expectation:
    """Not one request failed from beginning to end."""
    whole = tally(recording.visits)
    return Expectation(
        "not one request of the users failed",
        whole.requests > 0 and whole.failures == 0,
        f"{whole.failures} of {whole.requests:,} failed",
    )


def one_connection_lived_through(recording: Recording) -> Expectation:
    """The kept-alive client still uses the connection that it opened before the fault."""
    kept = [visit.connection_age_s for visit in recording.last_visits if visit.kind is Kind.KEPT_ALIVE]
    age_s, needed_s = max(kept, default=0.0), recording.ended_at_s - recording.zero_s
    text = "one kept-alive connection lived through it all"
    return Expectation(text, age_s > needed_s, f"it is {age_s:.0f} s old, the fault {needed_s:.0f} s")


def nobody_met(build: str) -> Expect:
    """No request at all was answered by this build."""

    def check(recording: Recording) -> Expectation:
        met = sum(visit.build == build for visit in recording.visits)
        return Expectation(f"nobody was ever served {build}", met == 0, f"{met} requests met it")

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


def swap_reply_was_lost(recording: Recording) -> Expectation:
    """ARM accepted a swap whose reply reached nobody."""
    lost = any(post.accepted and post.status is None for post in recording.site.swap_posts)
    return Expectation("the reply to an accepted swap was lost", lost, f"replies {_replies(recording)}")


def messages_came_twice(recording: Recording) -> Expectation:
    """The hosts really ran messages a second time."""
    doubled = recording.doubled
    return Expectation("queue messages were delivered twice", doubled > 0, f"{doubled} of them were")


def _replies(recording: Recording) -> str:
    return ", ".join(str(post.status or "lost") for post in recording.site.swap_posts) or "none"


def timeline_is_complete(recording: Recording) -> Expectation:
    """Every moment of the story was seen."""
    seen = {moment.what for moment in timeline(recording)}
    missing = [what for what in WHOLE_STORY if what not in seen]
    return Expectation("every moment of the story was seen", not missing, f"missing: {', '.join(missing) or 'nothing'}")


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
