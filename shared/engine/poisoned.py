"""Takes what the host gave up on: a poisoned message becomes a row that people are told of, and is rung for again.

The table is the truth: a run, a delivery or what arrived is still there and due. What a message carried itself, samples
or a command, is kept in the row. One that is poisoned again and again is rung for ever more slowly, and told of once an
hour.
"""

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import sha256
from typing import Any

from shared.clock import Clock
from shared.engine.commit import commit_and_ring, ring_delivery
from shared.engine.notifications import DELIVERY_ID
from shared.engine.records import INCIDENT, OUTBOX, announce, decode, encode, load_run
from shared.errors import ControllerError, LostRace, PermanentError, TransientError
from shared.model.event import Event, EventKind
from shared.model.incident import Incident
from shared.model.policy import UNCLAIMED, Notify, Policy
from shared.model.run import workload_of
from shared.ports import SAMPLES, Doorbell, Insert, Ledger, PoisonQueues, Replace, Row, SetAside, Write, queue_of_runs

log = logging.getLogger(__name__)

_CARRIERS = (SAMPLES, "commands")
QUEUES = (*(queue_of_runs(level) for level in range(5)), "watch", *_CARRIERS, "notifications", "checkpoints")
_TOLD_AGAIN_AFTER = timedelta(hours=1)
_RUNG_AGAIN_AFTER = timedelta(minutes=1)
_LONGEST_PAUSE = timedelta(minutes=10)
_TRIES = 5


@dataclass(frozen=True, slots=True)
class Poisoned:
    """Takes in poisoned messages."""

    ledger: Ledger
    doorbell: Doorbell
    queues: PoisonQueues
    policies: Callable[[], Mapping[str, Policy]]
    clock: Clock

    def sweep(self) -> int:
        """Take in everything that was set aside.

        Returns:
            How many messages that were.

        Raises:
            TransientError: the storage does not answer; what was not taken in is still there.
        """
        taken = 0
        for queue in QUEUES:
            while messages := self.queues.set_aside(queue):
                taken += sum(self._taken(queue, message) for message in messages)
        return taken

    def _taken(self, queue: str, message: SetAside) -> bool:
        """Take one in; one that stumbles over a record that cannot be read keeps nobody else waiting."""
        try:
            log.error("%s", self.take(queue, message.id, message.text))
        except PermanentError as error:
            log.error("a message of %s stays where it was set aside: %s", queue, error)  # noqa: TRY400  # it may be told
            return False
        self.queues.remove(queue, message)
        return True

    def take(self, queue: str, message_id: str, text: str) -> str:
        """Record a poisoned message and ring again for what it rang for.

        Returns:
            One sentence.

        Raises:
            TransientError: not recorded; the message stays in its queue.
        """
        ids = _ids(text)
        workload = workload_of(ids.get("rollback", "")) or ids.get("workload") or ids.get("warm_up") or UNCLAIMED
        if workload not in self.policies():
            workload = UNCLAIMED
        about = ids.get("rollback") or ids.get("delivery") or ids.get("workload", "") or message_id
        if queue in _CARRIERS:
            about = message_id
        incident = self._record(workload, queue, about, text)
        pause = min(incident.times * _RUNG_AGAIN_AFTER, _LONGEST_PAUSE)
        rung = self._ring(workload, queue, ids, pause)
        return f"a message of {queue} about {about[:80]!r} was poisoned, {incident.times} times by now; {rung}"

    def _record(self, workload: str, queue: str, about: str, text: str) -> Incident:
        key = f"{INCIDENT}{queue}:{sha256(about.encode()).hexdigest()[:32]}"
        now = self.clock()
        for _ in range(_TRIES):
            row = self.ledger.read(workload, key)
            incident, writes = self._writes(
                workload,
                key,
                row,
                Incident(queue=queue, about=about, text=text, first_at=now, last_at=now, told_at=now),
            )
            try:
                commit_and_ring(self.ledger, self.doorbell, workload, writes)
            except LostRace:
                continue
            return incident
        raise TransientError(f"a poisoned message of {queue} could not be recorded: others were faster")

    def _writes(self, workload: str, key: str, row: Row | None, new: Incident) -> tuple[Incident, list[Write]]:
        if row is None:
            return new, [Insert(key, encode(new)), *self._telling(workload, new)]
        known = decode(Incident, row.body)
        told = new.last_at - known.told_at >= _TOLD_AGAIN_AFTER
        told_at = new.last_at if told else known.told_at
        again = replace(known, text=new.text, last_at=new.last_at, told_at=told_at, times=known.times + 1)
        return again, [Replace(key, encode(again), row.version), *(self._telling(workload, again) if told else [])]

    def _telling(self, workload: str, incident: Incident) -> list[Write]:
        event = Event(
            workload=workload,
            kind=EventKind.INCIDENT,
            at=incident.last_at,
            sentence=f"a message of the queue {incident.queue} could not be handled and was set aside"
            f" ({incident.times} times by now); what it is about is rung for again",
            about=incident.about[:200],
        )
        policy = self.policies().get(workload)
        return announce(event, policy.notify if policy else Notify())

    def _ring(self, workload: str, queue: str, ids: Mapping[str, str], after: timedelta) -> str:
        """Ring for what the table says is still to be done."""
        if workload_of(ids.get("rollback", "")) == workload:
            loaded = load_run(self.ledger, workload, ids["rollback"])
            if loaded is None or loaded[0].status.ended:
                return "the rollback has ended"
            return self._rung(lambda: self.doorbell.rollback(loaded[0].id, loaded[0].level, after=after))
        if "delivery" in ids and DELIVERY_ID.fullmatch(ids["delivery"]):
            there = self.ledger.read(workload, f"{OUTBOX}{ids['delivery']}")
            due = there is not None and ring_delivery(self.doorbell, workload, ids["delivery"], after=after)
            return "the delivery is rung for again" if due else "the delivery is not due any more"
        if queue == "watch" and workload != UNCLAIMED:
            return self._rung(lambda: self.doorbell.watch(workload))
        if queue == "checkpoints" and workload != UNCLAIMED:
            return self._rung(lambda: self.doorbell.checkpoints(workload))
        return "it is kept as it was"

    def _rung(self, ring: Callable[[], None]) -> str:
        try:
            ring()
        except ControllerError as error:
            log.warning("rung for by the watch instead: %s", error)
            return "the watch rings for it"
        return "it is rung for again"


def _ids(text: str) -> dict[str, str]:
    """Return the ids that a ring carries; nothing of a message that is no ring."""
    try:
        found: Any = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return {key: value for key, value in found.items() if isinstance(value, str)} if isinstance(found, dict) else {}
