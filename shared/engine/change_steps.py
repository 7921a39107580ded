"""What a command to a change does, as writes of one commit: the change, what it said, who is told."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.decision.commands import LETS_GO_ON, Asked, Obeyed, command_limitation, obeyed, started
from shared.engine.change_found import Found
from shared.engine.change_writes import at_start_writes, lifting_writes, refuse_quarantined, sample_writes
from shared.engine.records import ACTIVE, KNOWN_GOOD, QUARANTINE, announce
from shared.errors import PermanentError, Refused
from shared.model.change import Change, KnownGood
from shared.model.command import Command, Complete, Start
from shared.model.event import Event, EventKind
from shared.ports import Write


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a command."""

    sentence: str
    change: Change


@dataclass(frozen=True, slots=True)
class Done:
    """What a command came to, and the writes of it; none when all is as it should be already."""

    outcome: Outcome
    writes: list[Write]


def carry_out(found: Found, command: Command, by: str) -> Done:
    """Return what a command does.

    Raises:
        Refused: it is not for now, or for another change.
    """
    if isinstance(command, Start):
        return _start(found, command, by)
    change = found.change
    firing = found.holding() if command.command in LETS_GO_ON else ()
    asked = Asked(by=by, at=_moment(found, change), rolling_back=found.rolling_back, firing=firing)
    limitation = command_limitation(change, command, asked)
    if limitation is not None or change is None:
        raise Refused(f"{limitation}")
    return _done(found, change, obeyed(change, command, asked))


def completing_writes(found: Found, build: str, by: str) -> list[Write]:
    """Return the writes by which a change to a build that is known to be good has come to its end."""
    change = found.change
    if change is None or not change.in_progress or change.build != build:
        return []
    command, asked = Complete(reason="it is known to be good"), Asked(by=by, at=_moment(found, change))
    return _done(found, change, obeyed(change, command, asked)).writes


def _moment(found: Found, change: Change | None) -> datetime:
    """Of two reports the later one is the newer, also when two clocks do not agree."""
    reported = change.progress.reported_at if change else None
    return max(found.now, reported) if reported else found.now


def _done(found: Found, before: Change, came_to: Obeyed) -> Done:
    if came_to.change == before:
        return Done(Outcome(came_to.sentence, before), [])
    change, writes = found.change_writes(came_to.change)
    writes += sample_writes(found.policy, change, came_to.samples, change.progress.reported_at or found.now)
    if came_to.event is not None:
        writes += _announced(found, came_to.event, came_to.sentence, change)
    return Done(Outcome(came_to.sentence, change), writes)


def _announced(found: Found, kind: EventKind, sentence: str, change: Change) -> list[Write]:
    event = Event(workload=found.policy.workload, kind=kind, at=found.now, sentence=sentence, about=change.id)
    return announce(event, found.policy.notify)


def _start(found: Found, command: Start, by: str) -> Done:
    """Begin a change. One that is in progress gives way, unless it is the same: then it goes on as it is."""
    before, policy = _readable(found), found.policy
    if command.known_good == command.build:
        raise Refused(f"build {command.build} cannot be the change and the known good at once")
    at = max(found.now, before.started_at + timedelta(microseconds=1)) if before else found.now
    change_id = f"{policy.workload}.change.{at:%Y%m%dT%H%M%S%f}"
    quarantine = found.rows.get(QUARANTINE)
    lifting = lifting_writes(policy, quarantine, command.build, override=command.override, by=change_id, at=found.now)
    if before is not None and not lifting and _is_the_same(found, before, command):
        return Done(Outcome(f"{before} is in progress already: {before.status}", before), [])
    change, writes = found.change_writes(started(before, change_id, command, at, by))
    writes += [*lifting, *at_start_writes(policy, change)]
    sentence = f"{command.kind} of build {command.build} started by {by}"
    if command.known_good:
        refuse_quarantined(quarantine, command.known_good)
        sentence += f"; known good is {command.known_good}"
        writes += _known_good_writes(found, command.known_good, change.id)
    if before is not None and before.in_progress:
        sentence += f"; it takes the place of {before}, which was {before.status}"
    return Done(Outcome(sentence, change), [*writes, *_announced(found, EventKind.CHANGE_STARTED, sentence, change)])


def _known_good_writes(found: Found, build: str, by: str) -> list[Write]:
    """Return the write of the build to go back to; none while a run goes by that very build."""
    recorded = found.read(KnownGood, KNOWN_GOOD)
    if recorded is not None and recorded.build == build and ACTIVE in found.rows:
        return []
    found.refuse_known_good(build)
    return [found.save(KNOWN_GOOD, KnownGood(build=build, recorded_at=found.now, recorded_by=by))]


def _readable(found: Found) -> Change | None:
    """A record of no use must not keep a new change from being watched: it is replaced."""
    try:
        return found.change
    except PermanentError:
        return None


def _is_the_same(found: Found, before: Change, command: Start) -> bool:
    """Tell whether what is to start is in progress already, and goes back to the same.

    Raises:
        Refused: it would go back to something else.
    """
    if not before.in_progress or (before.kind, before.build) != (command.kind, command.build):
        return False
    good = found.read(KnownGood, KNOWN_GOOD)
    if command.known_good is None or (good is not None and good.build == command.known_good):
        return True
    known = good.build if good else "unknown"
    what = f"{before} is in progress and its known good is {known}, not {command.known_good}"
    raise Refused(f"{what}; record that one by itself, or end this change first")
