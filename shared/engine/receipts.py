"""The receipt of a rollback: when a run ends, one signed document that anybody can check and decide again.

It is written in the commit of the end, so that there is one for every run that ended, and it is never written twice.
"""

import json
import logging
import zlib
from dataclasses import dataclass
from typing import Any

from shared.decision.reasons import Why, as_json, canonical
from shared.engine.records import EVENT, RECEIPT, WHY, decode, encode
from shared.errors import NotFound, PermanentError
from shared.model.event import Event
from shared.model.run import Run, workload_of
from shared.ports import Ledger, Put, Signer, Write

log = logging.getLogger(__name__)

_FORMAT = "rollback receipt 1"
# The most that one request to the storage answers; the events of a run are the newest ones when it ends.
_MOST_EVENTS = 1000
# A row takes 1 MiB, compressed; the signature and the escaping come on top.
_LARGEST_BYTES = 700_000
_LEFT_OUT = "reasons, verdicts and events: together they were too large to be kept"


@dataclass(frozen=True, slots=True)
class Receipts:
    """Writes and reads receipts; without a signer they say that they are not signed."""

    ledger: Ledger
    signer: Signer | None = None

    def write_of(self, run: Run, *ending: Event) -> Write:
        """Return the write of the receipt of a run that ends.

        Args:
            ending: Events of the same commit.

        Raises:
            TransientError: the storage does not answer.
        """
        row = self.ledger.read(run.workload, f"{WHY}{run.id}")
        why = _readable(Why, row.body) if row else None
        receipt = {
            "format": _FORMAT,
            "rollback": json.loads(encode(run)),
            "reasons": as_json(why.reasons) if why else None,
            "verdicts": as_json(why.verdicts) if why else None,
            "events": [json.loads(encode(event)) for event in (*self._events(run), *ending)],
        }
        if len(zlib.compress(canonical(receipt))) > _LARGEST_BYTES:  # what is too large to be kept would end no run
            receipt |= {"reasons": None, "verdicts": None, "events": [], "left_out": _LEFT_OUT}
        return Put(f"{RECEIPT}{run.id}", json.dumps(self._signed(receipt), ensure_ascii=False))

    def _events(self, run: Run) -> list[Event]:
        """What was written down of the run, oldest first."""
        rows = self.ledger.scan(run.workload, EVENT, limit=_MOST_EVENTS)
        events = (_readable(Event, row.body) for row in reversed(rows))
        return [event for event in events if event is not None and event.about == run.id]

    def _signed(self, receipt: dict[str, Any]) -> dict[str, Any]:
        if self.signer is None:
            return {"receipt": receipt, "signature": None}
        signature = self.signer.sign(canonical(receipt))
        return {"receipt": receipt, "signature": {"value": signature.value, "public_key": signature.public_key}}

    def document(self, rollback_id: str) -> str:
        """Return a receipt as it was written.

        Raises:
            NotFound: there is no such rollback, or it has not ended.
        """
        workload = workload_of(rollback_id)
        row = self.ledger.read(workload, f"{RECEIPT}{rollback_id}") if workload else None
        if row is None:
            raise NotFound(f"there is no receipt of a rollback {rollback_id[:80]!r}; it is written when the run ends")
        return row.body


def _readable[T](kind: type[T], body: str) -> T | None:
    try:
        return decode(kind, body)
    except PermanentError as error:  # a receipt that lacks something is better than a run that never ends
        log.error("a receipt lacks something: %s", error)  # noqa: TRY400  # a trace would show the content
        return None
