"""How questions to people are kept.

An open one is the row `now:1:ask`, so that the watch's scan finds it. One that is over is kept as `asked:<id>`: whoever
answers it again is told what became of it. It goes from the one row to the other in one commit.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from shared.decision.asks import say_default
from shared.decision.which_question import settled_by
from shared.engine.records import ASK, ASKED, SETTLED, Snapshot, announce, decode, encode
from shared.errors import NotFound
from shared.model.ask import Ask, AskStatus
from shared.model.event import Event, EventKind
from shared.model.policy import Notify, Policy
from shared.model.quantity import say_moment
from shared.model.run import workload_of
from shared.ports import Delete, Insert, Ledger, Replace, Write


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """An open question as it was found, and what it is held against.

    Attributes:
        version: Of its row.
    """

    ask: Ask
    version: str
    policy: Policy
    found: Snapshot
    now: datetime


def load_ask(ledger: Ledger, ask_id: str) -> tuple[Ask, str | None]:
    """Return a question, and the version of its row while it is open.

    Raises:
        NotFound: there is none.
    """
    workload = workload_of(ask_id)
    row = ledger.read(workload, ASK) if workload else None
    ask = decode(Ask, row.body) if row else None
    if row is not None and ask is not None and ask.id == ask_id:
        return ask, row.version
    over = ledger.read(workload, f"{ASKED}{ask_id}") if workload else None
    if over is None:
        raise NotFound(f"there is no question {ask_id[:80]!r} here")
    return decode(Ask, over.body), None


def asking_writes(found: Snapshot, asked: Ask, instead_of: Ask | None) -> list[Write]:
    """Return the writes that put a question; one that it takes the place of is over."""
    return [
        found.save(ASK, asked),
        *archive_writes(instead_of, asked),
        *telling(asked, EventKind.ASKED, _instead(question(asked), instead_of), asked.asked_at),
    ]


def archive_writes(before: Ask | None, asked: Ask) -> list[Write]:
    """Return the write that keeps a question whose place another one takes."""
    why = f"level {asked.level} is asked for instead"
    return [_archive(ended(before, AskStatus.SUPERSEDED, why, asked.asked_at))] if before else []


def _instead(says: str, before: Ask | None) -> str:
    return f"{says}; it takes the place of the question for level {before.level}: {before.cause}" if before else says


def saving_writes(held: Held, ask: Ask, kind: EventKind, says: str) -> list[Write]:
    """Return the writes that keep a question open, changed, and say so."""
    return [Replace(ASK, encode(ask), held.version), *telling(ask, kind, says, held.now)]


def ending_writes(held: Held, status: AskStatus, says: str) -> list[Write]:
    """Return the writes that end a question; one that is settled is not put again while its trigger goes on firing."""
    over = ended(held.ask, status, says, held.now)
    settled = settled_by(held.found.settled, over, held.found.watch)
    return [
        Delete(ASK, held.version),
        _archive(over),
        *telling(held.ask, EventKind.ANSWERED, says, held.now),
        *([held.found.save(SETTLED, settled)] if settled != held.found.settled else []),
    ]


def beginning_writes(ask: Ask, version: str, level: int, why: str, now: datetime) -> list[Write]:
    """Return what becomes of an open question as a level begins that nobody was asked about.

    That is an answer to a question for as much or less. One for more stands, with its approvals, and tells once of it.

    Args:
        version: Of the question's row.
        why: The level begins.
    """
    if ask.level <= level:
        over = ended(ask, AskStatus.SUPERSEDED, why, now)
        return [Delete(ASK, version), _archive(over), *telling(ask, EventKind.ANSWERED, why, now)]
    if level in ask.begun_below:
        return []
    told = replace(ask, begun_below=(*ask.begun_below, level))
    says = f"level {level} begins meanwhile, the question for level {ask.level} stays open: {why}"
    return [Replace(ASK, encode(told), version), *telling(told, EventKind.ASKED, says, now)]


def handing_on_writes(held: Held, says: str, above: Ask) -> list[Write]:
    """Return the writes by which a question that nobody answered is followed by one of a higher level."""
    return [
        Replace(ASK, encode(above), held.version),
        _archive(ended(held.ask, AskStatus.EXPIRED, says, held.now)),
        *telling(above, EventKind.ASKED, f"{says}; {question(above)}", held.now),
    ]


def ended(ask: Ask, status: AskStatus, says: str, now: datetime) -> Ask:
    """Return a question as it is when it is over."""
    return replace(ask, status=status, ended_at=now, sentence=says)


def _archive(ask: Ask) -> Insert:
    return Insert(f"{ASKED}{ask.id}", encode(ask))


def question(ask: Ask) -> str:
    """Say what is asked, of how many, until when, and what happens otherwise."""
    takes = "one approver" if ask.quorum == 1 else f"{ask.quorum} different approvers"
    return f"{ask.sentence}; it takes {takes} by {say_moment(ask.expires_at)}, otherwise {say_default(ask)}"


def telling(ask: Ask, kind: EventKind, says: str, now: datetime) -> Sequence[Write]:
    """Return the writes that record a question or an answer, and tell those who were asked."""
    event = Event(workload=ask.workload, kind=kind, at=now, sentence=says, about=ask.id)
    return announce(event, Notify(to=ask.to, on=(kind,)))
