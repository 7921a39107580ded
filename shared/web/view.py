"""What the page of a question shows, as texts that are ready to be read: the template only places them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from shared.decision.asks import Standing, say_count, say_default, say_time, say_waiting
from shared.model.ask import Ask, AskStatus
from shared.model.policy_levels import EMERGENCY
from shared.model.quantity import say_moment
from shared.model.run import BY_WATCH


class PageState(StrEnum):
    """What a page is for."""

    OPEN = "open"
    HEALTHY = "healthy"
    ANSWERED = "answered"
    CLOSED = "closed"
    APPROVED = "approved"
    OVER = "over"
    INVALID = "invalid"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One thing that whoever answers must know."""

    label: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A point in time for people: the same for everybody, and how far away it is from here."""

    iso: str
    text: str
    away: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalView:
    """All that the page shows.

    Attributes:
        notice: What became of the answer that was just sent.
        sections: What happened, why, what would be done: to be read before an answer.
        deadline: Until when it can be answered, while it can.
        unless: What else would have to happen before that for the default not to be done.
        default: What happens then.
        action: Where the form goes, relative to the page; empty when nothing can be answered.
        approve: What the button says.
    """

    state: PageState
    title: str
    headline: str = ""
    notice: str = ""
    sections: tuple[Fact, ...] = ()
    deadline: Moment | None = None
    unless: str = ""
    default: str = ""
    action: str = ""
    approve: str = ""
    facts: tuple[Fact, ...] = ()
    reference: str = ""


INVALID = ApprovalView(state=PageState.INVALID, title="This link is not valid")

_LEVELS = {1: "traffic", 2: "data", 3: "platform", 4: "recovery"}
_ENDS = {
    AskStatus.APPROVED: "Approved: it has begun.",
    AskStatus.REJECTED: "Rejected: nothing is done.",
    AskStatus.EXPIRED: "The time to answer is over.",
    AskStatus.WITHDRAWN: "Withdrawn: nobody asks any more.",
    AskStatus.SUPERSEDED: "Something else is done instead.",
}
_STANDS = {
    Standing.BAD: "Your answer is asked for.",
    Standing.HEALTHY: "It is healthy by now. Approve only if you still want it.",
    Standing.UNSEEN: "Nobody can see right now whether it is still bad. Your answer is asked for.",
}


def approval_view(
    ask: Ask,
    now: datetime,
    *,
    action: str = "",
    answered: bool = False,
    closed: str = "",
    stands: Standing = Standing.BAD,
    says: str = "",
    notice: str = "",
) -> ApprovalView:
    """Return what to show of a question.

    Args:
        action: Where an answer goes; empty when whoever looks cannot answer.
        answered: Whoever looks has answered already.
        closed: Why whoever looks cannot answer here, where it is not that the question takes who is signed in.
        stands: How what asks stands now, and `says` its sentence; empty for what a person asks.
    """
    state = _state(ask, now, stands, answered=answered, may=bool(action))
    waits = not (ask.status.over or now >= ask.expires_at)
    return ApprovalView(
        state=state,
        title=f"Roll back {ask.workload} to build {ask.build}" + ("?" if waits else ""),
        headline=closed if closed and state is PageState.CLOSED else _headline(ask, state, stands),
        notice=_sentence(notice),
        sections=tuple(_sections(ask, says, waits=waits)),
        deadline=_moment(ask.expires_at, now) if waits else None,
        unless="If nobody answers" if ask.quorum == 1 else "If too few approve",
        default=say_default(ask) if waits else "",
        action=action if waits else "",
        approve="Approve all the same" if state is PageState.HEALTHY else "Approve: roll back",
        facts=tuple(_facts(ask, now)),
        reference=ask.id,
    )


def _state(ask: Ask, now: datetime, stands: Standing, *, answered: bool, may: bool) -> PageState:
    if ask.status.over:
        return PageState.APPROVED if ask.status is AskStatus.APPROVED else PageState.OVER
    if now >= ask.expires_at:
        return PageState.OVER
    if answered:
        return PageState.ANSWERED
    if not may:
        return PageState.CLOSED
    return PageState.HEALTHY if stands is Standing.HEALTHY else PageState.OPEN


def _headline(ask: Ask, state: PageState, stands: Standing) -> str:
    if ask.status.over:
        return _ENDS[ask.status]
    if state is PageState.ANSWERED:
        return f"You approved. It takes {ask.missing} more."
    if state is PageState.CLOSED:
        return "Only signed-in approvers can answer this."
    return _ENDS[AskStatus.EXPIRED] if state is PageState.OVER else _STANDS[stands]


def _sections(ask: Ask, says: str, *, waits: bool) -> Iterator[Fact]:
    if ask.status.over:
        yield Fact(label="What happened", lines=(_sentence(ask.sentence),))
    by_now = (f"Right now: {says}.",) if says and ask.trigger else ()
    yield Fact(label="Why", lines=(f"{ask.cause}.", *by_now))
    yield Fact(label="What will be done" if waits else "What was asked for", lines=tuple(_done(ask)))


def _done(ask: Ask) -> Iterator[str]:
    what = f"build {ask.bad_build}" if ask.bad_build else "what it runs now"
    share = "" if ask.share is None else f", which sets {ask.share:.0%}"
    by_plan = f", by the plan {ask.strategy}{share}" if ask.strategy else ""
    level = f"level {ask.level}, {_LEVELS[ask.level]}"
    yield f"Production of {ask.workload} is taken back from {what} to build {ask.build} ({level}{by_plan})."
    yield from (f"{_way(name, roads)}." for name, roads in ask.roads.items())
    for one in (ask.preview or {}).values():
        yield f"Rows of {one.says}."
        yield from (f"Agreed to as well: {behind}." for behind in one.behind)
    yield f"It may take about {say_time(ask.takes)}, and some seconds more until it is seen from outside."


def _way(component: str, roads: tuple[str, ...]) -> str:
    if component == EMERGENCY:
        return f"If that does not help: {' or '.join(roads)}"
    return f"For {component}: " + (f"the fastest of {', '.join(roads)}" if len(roads) > 1 else "".join(roads))


def _facts(ask: Ask, now: datetime) -> Iterator[Fact]:
    yield Fact(label="Approved", lines=(say_count(ask), *_approvers(ask)))
    if ask.healthy_since:
        seen = f"It was found healthy at {say_moment(ask.healthy_since)}. Approvals from before do not count."
        yield Fact(label="Asked again", lines=(seen,))
    by = "the watch, by itself" if ask.requested_by_id == BY_WATCH else ask.requested_by
    yield Fact(label="Asked by", lines=(by,))
    yield Fact(label="Waiting", lines=(_sentence(say_waiting(ask, now)),))


def _approvers(ask: Ask) -> Iterator[str]:
    for one in ask.counted:
        reason = f": {one.reason}" if one.reason else ""
        yield f"{one.by} at {one.at:%H:%M:%S} UTC{reason}"


def _sentence(text: str) -> str:
    """Begin with a capital and end with a full stop."""
    stop = "." if text and text[-1] not in ".?!" else ""
    return f"{text[:1].upper()}{text[1:]}{stop}"


def _moment(at: datetime, now: datetime) -> Moment:
    left = at - now
    seconds = left.total_seconds()
    away = f"in {say_time(left)}" if seconds < 120 else f"in {seconds / 60:.0f} min"
    return Moment(iso=at.isoformat(timespec="seconds"), text=say_moment(at), away=away)
