"""The rules of asking people, each a pure function: who may approve, what counts, and what happens on the clock."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from shared.model.ask import Ask, Given, LinkClaim
from shared.model.caller import Caller, Proof, Role
from shared.model.policy_approval import OnExpiry
from shared.model.quantity import say_moment
from shared.model.trigger import TriggerReading, TriggerState, Verdict
from shared.model.watch import WatchState

STALE = "what would be done has changed since; look again"
_LONGEST_IN_SECONDS = 120
_SIGNED_IN = frozenset({Proof.TOKEN, Proof.EASY_AUTH})


class Standing(StrEnum):
    """How what asks stands now."""

    BAD = "bad"
    HEALTHY = "healthy"
    UNSEEN = "unseen"


def standing(ask: Ask, watch: WatchState) -> tuple[Standing, str]:
    """Return how the trigger that asks stands now, and its sentence. What a person asks for stands until it is over.

    A violation that does not hold for long enough yet is no health, and blindness is neither.
    """
    if not ask.trigger:
        return Standing.BAD, ask.cause
    reading = _reading(ask, watch)
    if reading is None:
        return Standing.UNSEEN, f"the policy has no trigger {ask.trigger} any more"
    if reading.state is not TriggerState.INACTIVE:
        return Standing.BAD, reading.sentence
    return Standing.HEALTHY if reading.verdict is Verdict.HEALTHY else Standing.UNSEEN, reading.sentence


def _reading(ask: Ask, watch: WatchState) -> TriggerReading | None:
    return next((reading for reading in watch.readings if reading.name == ask.trigger), None)


def still_unhealthy(ask: Ask, watch: WatchState) -> bool:
    """Tell whether the rule that asks is not known to be healthy by now."""
    return standing(ask, watch)[0] is not Standing.HEALTHY


def entitlement_limitation(ask: Ask, caller: Caller) -> str | None:
    """Return why this caller cannot answer this question at all, or `None`."""
    if caller.proof is Proof.LINK:
        if ask.four_eyes:
            return f"level {ask.level} takes signed-in approvers, never a link"
        return None if caller.id in {link_id(to) for to in ask.to} else "this question is not put to this recipient"
    if not caller.may(Role.APPROVER):
        return f"{caller.name} has not the role {Role.APPROVER}"
    if ask.four_eyes and caller.proof not in _SIGNED_IN:
        return f"level {ask.level} takes signed-in approvers, never a key"
    return None


def self_given(ask: Ask, caller: Caller) -> str | None:
    """Return why who asks cannot approve, or `None`; where one pair of eyes is enough, it may be the same."""
    if ask.four_eyes and caller.id == ask.requested_by_id:
        return f"{caller.name} asked for it: a level {ask.level} rollback takes another approver"
    return None


def approval_limitation(ask: Ask, caller: Caller, digest: str) -> str | None:
    """Return why an approval cannot be taken of a question that can be answered, or `None`.

    Args:
        digest: Of what the caller saw.
    """
    return _already(ask, caller) or (None if digest == ask.digest else STALE)


def answer_limitation(ask: Ask, nonce: str, now: datetime) -> str | None:
    """Return why no answer at all can be taken now, or `None`."""
    if ask.status.over:
        return f"it is over: {ask.sentence}"
    if now >= ask.expires_at:
        return f"it expired at {say_moment(ask.expires_at)}"
    return "this link was used" if nonce in ask.used else None


def _already(ask: Ask, caller: Caller) -> str | None:
    given = next((given for given in ask.counted if given.by_id == caller.id), None)
    if given is None:
        return None
    return f"{given.by} approved it already at {given.at:%H:%M:%S} UTC ({say_count(ask)})"


def with_approval(ask: Ask, given: Given) -> Ask:
    """Return the question with one more approval."""
    used = (*ask.used, given.nonce) if given.nonce else ask.used
    return replace(ask, given=(*ask.given, given), used=used)


@dataclass(frozen=True, slots=True)
class Default:
    """What is done because the time to answer is over."""

    does: OnExpiry
    sentence: str


def is_due(ask: Ask, now: datetime) -> bool:
    """Tell whether the time to answer is over, and nobody has said so yet."""
    return not ask.status.over and now >= ask.expires_at


def due(ask: Ask, watch: WatchState, now: datetime) -> Default | None:
    """Return what the default does now, or `None` while people may still answer.

    Only what is seen to be bad is acted on unasked: the rule is evaluated again, and blindness decides nothing.
    """
    if not is_due(ask, now):
        return None
    reading = _reading(ask, watch)
    if reading is not None and reading.state is TriggerState.PENDING:
        return None  # whether it lasts is about to be known
    silence = say_silence(ask)
    stands, sentence = standing(ask, watch)
    if reading is not None and stands is Standing.BAD and reading.verdict is not Verdict.UNHEALTHY:
        stands = Standing.UNSEEN  # it fired, and nobody has seen anything since
    if ask.on_expiry is OnExpiry.HOLD:
        return Default(OnExpiry.HOLD, f"{silence}: {_DOES[OnExpiry.HOLD]}, as the policy says")
    if stands is not Standing.BAD:
        why = "it is healthy by now" if stands is Standing.HEALTHY else "nobody can see whether it is still bad"
        return Default(OnExpiry.HOLD, f"{silence}: nothing is done, because {why}: {sentence}")
    if ask.on_expiry is OnExpiry.ACT and ask.four_eyes:
        return Default(OnExpiry.HOLD, f"{silence}: nothing is done, because level {ask.level} takes people")
    return Default(ask.on_expiry, f"{silence}: {_DOES[ask.on_expiry]}, as the policy says; {sentence}")


_DOES = {
    OnExpiry.ACT: "it is done all the same",
    OnExpiry.HOLD: "nothing is done",
    OnExpiry.CLIMB: "the next level takes up",
}


def say_default(ask: Ask) -> str:
    """Say what the default will do."""
    if_bad = "" if ask.on_expiry is OnExpiry.HOLD or not ask.trigger else " if it is still bad then"
    return f"{_DOES[ask.on_expiry]}{if_bad}"


def say_silence(ask: Ask) -> str:
    """Say how far people came until the time was over."""
    given = len(ask.counted)
    so_far = f"{given} of {ask.quorum} approved" if given else "nobody answered"
    return f"{so_far} by {say_moment(ask.expires_at)}"


def say_count(ask: Ask) -> str:
    """Say how many of how many approved."""
    return f"{ask.quorum - ask.missing} of {ask.quorum}"


def say_waiting(ask: Ask, now: datetime) -> str:
    """Hold the time that people took so far against the level's budget."""
    waited = say_time((ask.ended_at or now) - ask.asked_at)
    asked = f"over after {waited}" if ask.status.over else f"asked {waited} ago"
    return f"{asked}; the level's budget is {say_time(ask.budget)}"


def say_time(span: timedelta) -> str:
    """Write a span as people wait: whole seconds up to two minutes, then minutes to a tenth, rounded down."""
    seconds = int(span.total_seconds())
    return f"{seconds} s" if seconds < _LONGEST_IN_SECONDS else f"{seconds // 6 / 10:g} min"


def spent_link(ask: Ask, claim: LinkClaim) -> str | None:
    """Return why an open question cannot be answered by a link any more, and how it can be; or `None`."""
    why = "This link was used" if claim.nonce in ask.used else None
    if claim.digest != ask.digest:
        why = "What would be done has changed since this link was sent"
    return why and f"{why}. Answer by the link in the latest message to {claim.recipient}, or signed in."


def link_id(recipient: str) -> str:
    """Return the caller's id of whoever answers by a link that was sent to a recipient."""
    return f"link:{recipient}"
