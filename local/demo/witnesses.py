"""What must hold when a scenario is over, by those outside: clients, ARM's journal, resolvers, the site's own pages."""

from collections import Counter
from collections.abc import Collection

from local.demo.expectations import Expect, Expectation
from local.demo.scene import Recording
from local.demo.users import Kind, tally

_FEWEST_LAST_VISITS = 5


def swap_posts(wanted: int) -> Expect:
    """ARM saw this many POSTs, accepted or not."""

    def check(recording: Recording) -> Expectation:
        seen = len(recording.site.swap_posts)
        return Expectation(f"ARM saw exactly {wanted} swap POST{'' if wanted == 1 else 's'}", seen == wanted, f"{seen}")

    return check


def production_serves(build: str) -> Expect:
    """Every kind of client was served by this build in the end, and ARM says the same."""

    def check(recording: Recording) -> Expectation:
        served, found = _served(recording, build)
        named = recording.site.production_build
        text = f"production serves {build} to {_all_of(recording)} clients"
        return Expectation(text, served and named == build, f"{found}; ARM names {named}")

    return check


def everybody_is_served(build: str) -> Expect:
    """Every kind of client was served by this build in the end, wherever it runs."""

    def check(recording: Recording) -> Expectation:
        return Expectation(f"{build} serves {_all_of(recording)} clients", *_served(recording, build))

    return check


def _served(recording: Recording, build: str) -> tuple[bool, str]:
    """Whether all last visits of every kind were served by a build, and what they were served by."""
    served = Counter((visit.kind, visit.build or "nothing") for visit in recording.last_visits)
    held = all(
        served[kind, build] >= _FEWEST_LAST_VISITS and served[kind, build] == _of_kind(served, kind)
        for kind in recording.kinds
    )
    found = ", ".join(f"{kind}: {seen} x{count}" for (kind, seen), count in sorted(served.items()))
    return held, f"in the last seconds {found}"


def _of_kind(served: Counter[tuple[Kind, str]], kind: Kind) -> int:
    return sum(count for (of, _), count in served.items() if of is kind)


def _all_of(recording: Recording) -> str:
    return " and ".join(filter(None, (", ".join(recording.kinds[:-1]), recording.kinds[-1])))


def met_after_the_fault(kind: Kind, build: str) -> Expect:
    """Clients of that kind really were where they had to be taken away from."""

    def check(recording: Recording) -> Expectation:
        met = sum(one.kind is kind and one.build == build and one.at_s >= recording.zero_s for one in recording.visits)
        text = f"after the fault, {kind} clients were still sent to {build}"
        return Expectation(text, met >= _FEWEST_LAST_VISITS, f"requests that met it: {met}")

    return check


def heard(question: str, first: Collection[str], last: str) -> Expect:
    """Those who were asked said something else at first, and all of them said this in the end.

    Args:
        first: What somebody said right after the fault, if they were asked then.
        last: What everybody said in the end.
    """

    def check(recording: Recording) -> Expectation:
        before, after = recording.heard_first.get(question, ()), recording.heard_last.get(question, ())
        held = set(first) <= set(before) and set(after) == {last}
        text, found = f"{question}: {last}", _counted(after)
        if first:
            text, found = f"{text}, after {' and '.join(first)}", f"{found}, after {_counted(before)}"
        return Expectation(text, held, found)

    return check


def _counted(answers: Collection[str]) -> str:
    return (
        ", ".join(f"{said} x{times}" if times > 1 else said for said, times in Counter(answers).items()) or "no answer"
    )


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
        return Expectation(f"nobody was ever served {build}", met == 0, f"requests that met it: {met}")

    return check


def swap_reply_was_lost(recording: Recording) -> Expectation:
    """ARM accepted a swap whose reply reached nobody."""
    lost = any(post.accepted and post.status is None for post in recording.site.swap_posts)
    return Expectation("the reply to an accepted swap was lost", lost, f"replies {_replies(recording)}")


def swapped_only_after(mark: str) -> Expect:
    """ARM saw a swap, and none before that was done."""

    def check(recording: Recording) -> Expectation:
        first = min((post.time.timestamp() for post in recording.site.swap_posts), default=None)
        done = recording.marks.get(mark)
        seconds = first - done.at_s if first is not None and done else None
        found = "it never came to it" if seconds is None else f"the first came {seconds:.1f} s later"
        return Expectation(f"ARM saw no swap POST before: {mark}", seconds is not None and seconds >= 0, found)

    return check


def _replies(recording: Recording) -> str:
    return ", ".join(str(post.status or "lost") for post in recording.site.swap_posts) or "none"
