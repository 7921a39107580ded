"""What goes into the same commit as a change: what it said of itself, the build to go back to, a word to its hook."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from hashlib import sha256

from shared.decision.commands import at_start
from shared.decision.control import Standing, control_of, newly_told
from shared.engine.records import INBOX, OUTBOX, Arrived, announce, decode, encode, newest_first
from shared.errors import Refused
from shared.model.change import Change
from shared.model.event import Delivery, Event, EventKind
from shared.model.policy import Policy
from shared.model.policy_signals import PushedSignal
from shared.model.quarantine import Quarantine
from shared.model.signal import measured
from shared.ports import Insert, Put, Replace, Row, Write

# The one channel that is no person: the hook of the policy's `control`.
CONTROL_CHANNEL = "control"
OF_CHANGES = "change."


def sample_writes(policy: Policy, change: Change, said: Mapping[str, float], at: datetime) -> list[Write]:
    """Return the write that takes in what a change said of itself, where the policy has a pushed signal of that name.

    Two reports of one instant stay apart, in their order.
    """
    number = change.progress.checkpoints + sum(change.progress.errors.values())
    wanted = {name: value for name, value in said.items() if name in _wanted(policy)}
    if not wanted:
        return []
    sample_id = f"{change.id}:{number:09d}"
    body = encode(Arrived({name: (measured(at, value, sample_id=sample_id),) for name, value in wanted.items()}))
    return [Put(f"{INBOX}{sha256(body.encode()).hexdigest()[:32]}", body)]


def at_start_writes(policy: Policy, change: Change) -> list[Write]:
    """Return the write that lets the signals of changes begin anew: the last change says nothing of this one."""
    return sample_writes(policy, change, at_start(_wanted(policy)), change.started_at)


def _wanted(policy: Policy) -> Iterable[str]:
    names = [signal.pushed for signal in policy.signals.values() if isinstance(signal, PushedSignal)]
    return [name for name in names if name.startswith(OF_CHANGES)]


def telling(standing: Standing, change: Change) -> tuple[Change, list[Write]]:
    """Return a change with what its hook must be told, and the delivery; the change as it is when the hook knows.

    The delivery is a doorbell: what is sent is what the change's record says then, so that the newest wins.
    """
    told_to = newly_told(change, control_of(standing))
    if told_to is change or told_to.told is None:
        return change, []
    told = told_to.told
    event = Event(
        workload=standing.policy.workload,
        kind=EventKind.CONTROL,
        at=standing.now,
        sentence=f"{told.control.do}: {told.control.sentence}",
        about=change.id,
    )
    delivery_id = f"{newest_first(standing.now)}:{CONTROL_CHANNEL}:{told.sequence}"
    delivery = Delivery(id=delivery_id, channel=CONTROL_CHANNEL, event=event, due_at=standing.now)
    return told_to, [Insert(f"{OUTBOX}{delivery_id}", encode(delivery))]


def refuse_quarantined(row: Row | None, known_good: str) -> None:
    """Said now, not when a rollback is due: after one, the build before is often the one that was taken back.

    Raises:
        Refused: the build is in quarantine.
    """
    why = decode(Quarantine, row.body).builds.get(known_good) if row else None
    if why is not None:
        raise Refused(f"build {known_good} cannot be the known good: it is {why}; name the build that is good")


def lifting_writes(
    policy: Policy, row: Row | None, build: str, *, override: str | None, by: str, at: datetime
) -> list[Write]:
    """Return the writes that lift a build's quarantine, if it is in one and named.

    Args:
        row: The record of the quarantine.

    Raises:
        Refused: it is in one and not named.
    """
    quarantine = decode(Quarantine, row.body) if row else Quarantine()
    why = quarantine.builds.get(build)
    if row is None or why is None:
        return []
    if override != build:
        raise Refused(f"build {build} is {why}; to go on with it all the same, name it in `override`")
    sentence = f"the quarantine of build {build} was lifted by {by}; it was {why}"
    event = Event(workload=policy.workload, kind=EventKind.QUARANTINE_LIFTED, at=at, sentence=sentence, about=build)
    return [Replace(row.key, encode(quarantine.without(build)), row.version), *announce(event, policy.notify)]
