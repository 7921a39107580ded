"""What a command makes of a change: a table of where each leads from each status, and why it is refused elsewhere.

A change is told what must be so, not what to do next: what is paused already may be paused again. Counts only grow, so
that reports may come in any order. Everything here is pure; the times are the server's.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from shared.model.change import Change, ChangeError, ChangeStatus, Progress
from shared.model.command import MOST_COUNTS, Checkpoint, Error, Reporting, Start, Steering
from shared.model.event import EventKind

_ACTIVE, _SLOWED, _PAUSED = ChangeStatus.ACTIVE, ChangeStatus.SLOWED, ChangeStatus.PAUSED
_COMPLETED, _FAILED = ChangeStatus.COMPLETED, ChangeStatus.FAILED
_STAYS = {_ACTIVE: _ACTIVE, _SLOWED: _SLOWED, _PAUSED: _PAUSED}
# A new change may start whatever became of the one before; only the engine takes a change to `rolled_back`.
TRANSITIONS: Mapping[str, Mapping[ChangeStatus, ChangeStatus]] = {
    "checkpoint": _STAYS,
    "error": _STAYS,
    "pause": dict.fromkeys(_STAYS, _PAUSED),
    "slow": dict.fromkeys(_STAYS, _SLOWED),
    "resume": dict.fromkeys(_STAYS, _ACTIVE),
    "complete": dict.fromkeys((*_STAYS, _COMPLETED), _COMPLETED),
    "fail": dict.fromkeys((*_STAYS, _FAILED), _FAILED),
}
_SAID = {_ACTIVE: "resumed", _SLOWED: "slowed", _PAUSED: "paused", _COMPLETED: "completed", _FAILED: "failed"}
_TOLD = {
    _ACTIVE: EventKind.RESUMED,
    _SLOWED: EventKind.SLOWED,
    _PAUSED: EventKind.PAUSED,
    _COMPLETED: EventKind.CHANGE_COMPLETED,
    _FAILED: EventKind.CHANGE_FAILED,
}
_MOST_ERRORS = 20
# What must not go on, and not be called done, while it is being taken back.
_NOT_MEANWHILE = frozenset({"resume", "slow", "complete"})
# By which whoever says it overrules the triggers that fire.
LETS_GO_ON = frozenset({"resume", "slow"})
FULL_CONFIDENCE = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Obeyed:
    """What a command came to.

    Attributes:
        event: What the history tells of it, if it tells of it.
        samples: What the change said of itself, by the name under which it is pushed.
    """

    change: Change
    sentence: str
    event: EventKind | None = None
    samples: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Who asks, when, and what holds at that moment.

    Attributes:
        rolling_back: The rollback that is under way.
        firing: The triggers that hold the change up, or would.
    """

    by: str
    at: datetime
    rolling_back: str | None = None
    firing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Case:
    change: Change
    command: Reporting | Steering
    asked: Asked


def command_limitation(change: Change | None, command: Reporting | Steering, asked: Asked) -> str | None:
    """Return why a command is refused, or `None`."""
    if change is None:
        return "no change was started; start one first"
    case = _Case(change, command, asked)
    return next((reason for check in _CHECKS if (reason := check(case)) is not None), None)


def _the_one_meant(case: _Case) -> str | None:
    if case.command.change in (None, case.change.id):
        return None
    return f"change {case.command.change} is not the active one; that is {case.change.id}, {case.change}"


def _fits_the_status(case: _Case) -> str | None:
    change, word = case.change, case.command.command
    if change.status in TRANSITIONS[word]:
        return None
    return f"{word} comes too late: {change} is {change.status.replace('_', ' ')}; start a new change"


def _not_taken_back(case: _Case) -> str | None:
    word, run = case.command.command, case.asked.rolling_back
    return f"{word} is not for now: rollback {run} is under way" if run and word in _NOT_MEANWHILE else None


def _few_enough(case: _Case) -> str | None:
    if not isinstance(case.command, Checkpoint):
        return None
    names = len({**case.change.progress.counts, **case.command.counts})
    return f"{names} different counts; expected at most {MOST_COUNTS}" if names > MOST_COUNTS else None


_CHECKS: tuple[Callable[[_Case], str | None], ...] = (_the_one_meant, _fits_the_status, _not_taken_back, _few_enough)


def obeyed(change: Change, command: Reporting | Steering, asked: Asked) -> Obeyed:
    """Return what a command comes to against which nothing stands."""
    if isinstance(command, Checkpoint):
        return _with_checkpoint(change, command, asked.at)
    if isinstance(command, Error):
        return _with_error(change, command, asked.at)
    return _steered(change, command, asked)


def started(before: Change | None, change_id: str, command: Start, at: datetime, by: str) -> Change:
    """Return the change that begins; what its hook was told of the one before goes on being counted."""
    return Change(
        id=change_id,
        kind=command.kind,
        build=command.build,
        started_at=at,
        by=by,
        told=before.told if before else None,
    )


def at_start(names: Iterable[str]) -> Mapping[str, float]:
    """Return what holds of a change before it reports anything, so that the one before it says nothing of this one.

    Args:
        names: The names under which a policy wants to hear of changes.
    """
    return {name: FULL_CONFIDENCE if name.startswith(CONFIDENCE) else 0.0 for name in names}


CONFIDENCE = "change.confidence"
AVERAGE = f"{CONFIDENCE}.average"
COUNTS = "change.counts."
ERRORS = "change.errors."


def _with_checkpoint(change: Change, command: Checkpoint, at: datetime) -> Obeyed:
    before = change.progress
    grown = {name: max(count, before.counts.get(name, 0)) for name, count in command.counts.items()}
    progress = replace(before, reported_at=at, counts=before.counts | grown)
    samples = {f"{COUNTS}{name}": float(count) for name, count in grown.items()}
    if command.confidence is not None:
        progress = _with_confidence(progress, command.confidence)
        samples |= {CONFIDENCE: command.confidence, AVERAGE: progress.confidence_sum / progress.checkpoints}
    said = [f"confidence {command.confidence:g}"] if command.confidence is not None else []
    said += [f"{count:,} {name}" for name, count in grown.items()]
    sentence = f"checkpoint of {change}: {', '.join(said) or 'nothing new'}"
    return Obeyed(change=replace(change, progress=progress), sentence=sentence, samples=samples)


def _with_confidence(progress: Progress, confidence: float) -> Progress:
    return replace(
        progress,
        confidence=confidence,
        checkpoints=progress.checkpoints + 1,
        confidence_sum=progress.confidence_sum + confidence,
    )


def _with_error(change: Change, command: Error, at: datetime) -> Obeyed:
    """The first of a severity is told in the history; a flood of them would hide everything else there."""
    before, severity = change.progress, command.severity
    count = before.errors.get(severity, 0) + 1
    last = ChangeError(at=at, severity=severity, text=command.text)
    progress = replace(
        before,
        reported_at=at,
        errors=before.errors | {severity: count},
        last_errors=(*before.last_errors, last)[-_MOST_ERRORS:],
    )
    return Obeyed(
        change=replace(change, progress=progress),
        sentence=f"{severity} error {count} of {change}: {command.text}",
        event=EventKind.CHANGE_ERROR if count == 1 else None,
        samples={f"{ERRORS}{severity}": float(count)},
    )


def _steered(change: Change, command: Steering, asked: Asked) -> Obeyed:
    status = TRANSITIONS[command.command][change.status]
    if status is change.status and not change.trigger:
        return Obeyed(change=change, sentence=f"{change} is {status} already")
    sentence = f"{change} {_SAID[status]} by {asked.by}" + (f": {command.reason}" if command.reason else "")
    moved = change.moved(status, sentence, asked.at, by=asked.by)
    if command.command in LETS_GO_ON:
        moved = replace(moved, overruled=asked.firing)
        sentence += f"; it goes on although {', '.join(asked.firing)} fires" if asked.firing else ""
    return Obeyed(change=moved, sentence=sentence, event=_TOLD[status])
