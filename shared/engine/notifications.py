"""Tells people from the rows: a delivery is claimed, sent, and removed; a failed one is tried again later."""

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from shared.clock import Clock
from shared.engine.commit import ring_delivery
from shared.engine.records import OUTBOX, UNDELIVERED, decode, encode
from shared.errors import LostRace, NotFound, PermanentError, TransientError
from shared.model.event import Delivery
from shared.model.policy_levels import WORKLOAD_PATTERN
from shared.ports import Channel, Delete, Doorbell, Insert, Ledger, Replace, Write

log = logging.getLogger(__name__)

# What comes from a queue may be anything, and not everything may stand in a key.
_WORKLOAD = re.compile(WORKLOAD_PATTERN, re.ASCII)
DELIVERY_ID = re.compile(r"[a-z0-9:_-]{1,200}", re.ASCII)
# Longer than a channel may take to answer; a sender that died is replaced after it.
_CLAIM = timedelta(seconds=30)
_EARLY = timedelta(milliseconds=500)
_MOST_ATTEMPTS = 12
_FIRST_PAUSE = timedelta(seconds=2)
_LONGEST_PAUSE = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Notifications:
    """Sends deliveries through their channels, at least once each."""

    ledger: Ledger
    doorbell: Doorbell
    channels: Mapping[str, Channel]
    clock: Clock

    def deliver(self, workload: str, delivery_id: str) -> str:
        """Send one delivery if it is due.

        Returns:
            One sentence that says what became of it.

        Raises:
            NotFound: these can be no ids of ours.
            TransientError: the storage does not answer.
        """
        if not (_WORKLOAD.fullmatch(workload) and DELIVERY_ID.fullmatch(delivery_id)):
            raise NotFound(f"there is no workload {workload[:80]!r} with a delivery {delivery_id[:80]!r}")
        key = f"{OUTBOX}{delivery_id}"
        row = self.ledger.read(workload, key)
        if row is None:
            return f"delivery {delivery_id} was made"
        delivery = decode(Delivery, row.body)
        now = self.clock()
        if delivery.due_at - _EARLY > now:
            return f"delivery {delivery_id} is not due before {delivery.due_at:%H:%M:%S}"
        claimed = replace(delivery, attempts=delivery.attempts + 1, due_at=now + _CLAIM)
        try:
            if delivery.attempts >= _MOST_ATTEMPTS:
                return self._give_up(workload, key, delivery, row.version)
            version = self.ledger.commit(workload, [Replace(key, encode(claimed), row.version)])[key]
            return self._send(workload, key, claimed, version)
        except LostRace:
            return f"delivery {delivery_id} was claimed by another worker"

    def _send(self, workload: str, key: str, delivery: Delivery, version: str) -> str:
        try:
            self._channel(delivery).send(delivery)
        except TransientError as error:
            return self._put_off(workload, key, replace(delivery, last_error=str(error)), version, error)
        except PermanentError as error:
            return self._give_up(workload, key, replace(delivery, last_error=str(error)), version)
        self.ledger.commit(workload, [Delete(key, version)])
        return f"told {delivery.channel}: {delivery.event.sentence}"

    def _channel(self, delivery: Delivery) -> Channel:
        channel = self.channels.get(delivery.channel)
        if channel is None:  # an instance that was set up earlier or later than another may lack it; another will not
            raise TransientError(f"no channel {delivery.channel} is set up here")
        return channel

    def _put_off(self, workload: str, key: str, delivery: Delivery, version: str, error: TransientError) -> str:
        if delivery.attempts >= _MOST_ATTEMPTS:
            return self._give_up(workload, key, delivery, version)
        pause = max(error.retry_after, min(_FIRST_PAUSE * 2 ** (delivery.attempts - 1), _LONGEST_PAUSE))
        later = replace(delivery, due_at=self.clock() + pause)
        self.ledger.commit(workload, [Replace(key, encode(later), version)])
        ring_delivery(self.doorbell, workload, delivery.id, after=pause)
        return f"{delivery.channel} will be told later: {delivery.last_error}"

    def _give_up(self, workload: str, key: str, delivery: Delivery, version: str) -> str:
        """Keep what could not be told where it can be found; nothing accepted is lost."""
        writes: list[Write] = [Delete(key, version), Insert(f"{UNDELIVERED}{delivery.id}", encode(delivery))]
        self.ledger.commit(workload, writes)
        sentence = f"{delivery.channel} could not be told after {delivery.attempts} attempts: {delivery.last_error}"
        log.error("%s: %s: %s", workload, sentence, delivery.event.sentence)
        return sentence
