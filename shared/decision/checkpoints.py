"""How a checkpoint of a database goes from one state to the next: pure, from what was seen of it."""

from dataclasses import replace
from datetime import datetime, timedelta

from shared.model.change import Change, ChangeStatus
from shared.model.checkpoint import Begun, Checkpoints, CheckpointStatus, DatabaseCheckpoint, Watched
from shared.model.policy import Policy
from shared.model.quantity import say_span
from shared.model.sync import Finding, Severity

_MOST_NAMED = 5
_TIDIED_EVERY = timedelta(days=1)
_SILENT_FOR = timedelta(minutes=3)


def wanted(change: Change | None, before: DatabaseCheckpoint | None) -> str | None:
    """Return the id of the checkpoint that should be looked after, or `None`.

    That of a change stays for as long as one may want to go back: also after traffic alone was taken back.
    """
    if change is None:
        return None
    if change.in_progress:
        return change.id
    if before is None or before.status is CheckpointStatus.ENDED:
        return None
    if change.status is ChangeStatus.COMPLETED:  # also one of an earlier change: nothing may be captured for ever
        return before.id
    return change.id if before.id == change.id and before.stands else None


def missing_checkpoint(policy: Policy, change: Change | None, kept: Checkpoints) -> str | None:
    """Return why a change in progress must wait for the checkpoint of a database, or `None`."""
    if change is None or not change.in_progress or policy.guards.observe_only:
        return None
    for name, database in policy.databases.items():
        found = kept.by_database.get(name)
        mine = found if found is not None and found.id == change.id else None
        if database.hold_change and (mine is None or not mine.stands):
            return mine.sentence if mine else f"no checkpoint of {name} yet"
    return None


def unnamed(policy: Policy, kept: Checkpoints) -> dict[str, DatabaseCheckpoint]:
    """Return what is left of databases that the policy does not name any more, each with what people can do."""
    left = {name: one for name, one in kept.by_database.items() if name not in policy.databases and one.left}
    says = "is not in the policy any more, and still captured: put it back until it has ended (docs/databases.md)"
    return {name: replace(one, sentence=f"{name} {says}", foreseen=None) for name, one in left.items()}


def what_to_do(one: DatabaseCheckpoint) -> str | None:
    """Return what whoever asks for a checkpoint that is lost can do, as it is not taken twice for one change."""
    if one.status is not CheckpointStatus.LOST:
        return None
    return (
        f"{one.database}: rows can go back all the same, but all of them are compared, which takes longer; "
        "put right what is named, and it counts again; where that cannot be, complete this change and start another"
    )


def begun(
    before: DatabaseCheckpoint | None, database: str, checkpoint_id: str, came_to: Begun, since: datetime, now: datetime
) -> DatabaseCheckpoint:
    """Return a checkpoint that was taken, or refused.

    Args:
        since: When the change began.
    """
    if came_to.taken_at is None:
        against = _named(came_to.findings, Severity.BLOCKS)
        sentence = f"no checkpoint of {database}: {against}"
        refused = _moved(before, database, checkpoint_id, CheckpointStatus.REFUSED, sentence, now)
        return replace(refused, findings=came_to.findings)
    late = came_to.taken_at - since
    sentence = f"checkpoint of {database} taken {say_span(late)} after the change began"
    behind = _named(came_to.findings, Severity.LOSES)
    taken = _moved(
        before,
        database,
        checkpoint_id,
        CheckpointStatus.TAKEN,
        f"{sentence}; would stay behind: {behind}" if behind else sentence,
        now,
    )
    return replace(taken, taken_at=came_to.taken_at, findings=came_to.findings, looked_at=now)


def postponed(
    before: DatabaseCheckpoint | None, database: str, checkpoint_id: str, why: str, now: datetime
) -> DatabaseCheckpoint:
    """Return it when a side does not answer: one that stands is not lost by that, nor one that was refused allowed."""
    if before is not None and before.id == checkpoint_id and before.status is not CheckpointStatus.WANTED:
        return before
    sentence = f"no checkpoint of {database} yet: {why}"
    waits = before is not None and before.id == checkpoint_id
    since = before.since if before is not None and waits else now
    if now - since >= _SILENT_FOR:  # people must hear of it; it is tried again all the same
        return _moved(before, database, checkpoint_id, CheckpointStatus.REFUSED, sentence, now)
    wanted_one = _moved(before, database, checkpoint_id, CheckpointStatus.WANTED, sentence, now)
    return replace(wanted_one, since=since)


def looked_at(before: DatabaseCheckpoint, seen: Watched, now: datetime) -> DatabaseCheckpoint:
    """Return a checkpoint that stands, as it was seen now."""
    if seen.gone:
        return ended(before, now)
    before = replace(before, warning=seen.warning or "")
    if seen.lost is None and before.status is CheckpointStatus.TAKEN:
        return replace(before, keys=seen.keys, looked_at=now)
    if seen.lost is None:
        sentence = f"the checkpoint of {before.database} can be told from again"
        again = replace(before, status=CheckpointStatus.TAKEN, sentence=sentence, since=now)
        return replace(again, keys=seen.keys, looked_at=now)
    sentence = f"nobody knows what was written to {before.database} since its checkpoint: {seen.lost}"
    since = before.since if before.status is CheckpointStatus.LOST else now
    lost = replace(before, status=CheckpointStatus.LOST, since=since, sentence=sentence)
    return replace(lost, keys=seen.keys, looked_at=now)


def ended(before: DatabaseCheckpoint, now: datetime) -> DatabaseCheckpoint:
    """Return a checkpoint that nobody will go back to."""
    sentence = f"the checkpoint of {before.database} has ended: nothing is captured any more"
    over = replace(before, status=CheckpointStatus.ENDED, since=now, sentence=sentence, foreseen=None, earlier=())
    return replace(over, looked_at=now)


def is_untidy(over: DatabaseCheckpoint, keep: timedelta, now: datetime) -> bool:
    """Tell whether one that has ended may have left something that is to be dropped by now: asked once a day.

    Args:
        keep: How long overwritten rows are kept. A day after that, all of them are past their time.
    """
    looked_at = over.looked_at or over.since
    due = now - looked_at >= _TIDIED_EVERY and looked_at < over.since + keep + _TIDIED_EVERY
    return due and over.status is CheckpointStatus.ENDED


def with_foreseen(theirs: Checkpoints, mine: Checkpoints) -> Checkpoints:
    """Return checkpoints as others saw them, with what was foreseen here where that is later.

    A look ahead takes seconds, and every look at how a checkpoint stands in between is saved before it.
    """
    ahead = {name: one.foreseen for name, one in mine.by_database.items()}
    both = {
        name: replace(one, foreseen=found)
        for name, one in theirs.by_database.items()
        if (found := ahead.get(name)) is not None
        and one.stands
        and one.id == mine.by_database[name].id
        and (one.foreseen is None or one.foreseen.at < found.at)
    }
    return Checkpoints(by_database=theirs.by_database | both)


def _moved(
    before: DatabaseCheckpoint | None,
    database: str,
    checkpoint_id: str,
    status: CheckpointStatus,
    sentence: str,
    now: datetime,
) -> DatabaseCheckpoint:
    """One that is as it was keeps the time since when it is."""
    same = before is not None and (before.id, before.status, before.sentence) == (checkpoint_id, status, sentence)
    if before is not None and same:
        return before
    return DatabaseCheckpoint(
        database=database,
        id=checkpoint_id,
        status=status,
        since=now,
        sentence=sentence,
        earlier=_earlier(before, checkpoint_id),
    )


def _earlier(before: DatabaseCheckpoint | None, checkpoint_id: str) -> tuple[str, ...]:
    """What was begun for an earlier change is still captured: it is forgotten when this one is, and not before."""
    if before is None:
        return ()
    same = before.id == checkpoint_id or before.status is CheckpointStatus.ENDED
    return before.earlier if same else (*before.earlier, before.key)


def _named(findings: tuple[Finding, ...], severity: Severity) -> str:
    named = [str(finding) for finding in findings if finding.severity is severity]
    more = f"; and {len(named) - _MOST_NAMED} more" if len(named) > _MOST_NAMED else ""
    return "; ".join(named[:_MOST_NAMED]) + more
