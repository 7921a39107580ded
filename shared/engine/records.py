"""Where everything of a workload is kept, and how it is written down.

All records of a workload share one partition, so that a transition, the event that tells of it and the deliveries to
people are one atomic commit. What is pending has a key that begins with `now:`; one scan shows a cycle all it needs.
What can be many sorts last, so that a flood of it never hides what there is one of.

    now:1:watch          what the watch remembers           now:2:out:<id>    deliveries that are still due
    now:1:active         the id of the running rollback     now:3:in:<id>     samples and alerts that arrived
    now:1:last           the last rollback that ended       run:<id>          a rollback with its steps
    now:1:known-good     the build to go back to            event:<newest first>   the history
    now:1:change         the change in progress             alert:<identity>  an alert that was taken in
    now:1:roads          how long each road took            undelivered:<id>  a delivery that was given up
    now:1:starts         when automatic ones were started   would:<newest first>   what observe-only left undone
    now:1:quarantine     the builds that were taken back    incident:<id>     a message that was poisoned
    now:1:rehearsed      the last drill of each level       asked:<id>        a question to people that is over
    now:1:ask            the question that people are asked
    now:1:settled        the firings that are settled with people
    now:1:readiness      the last check of readiness        commands          what was answered to commands with an id
    now:1:checkpoints    from when on rows can go back
    why:<id>             what a rollback was decided on     receipt:<id>      the signed receipt of one that ended
"""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any

from pydantic import TypeAdapter
from pydantic_core import PydanticSerializationError

from shared.errors import PermanentError
from shared.model.alert import Alert
from shared.model.ask import Ask, Settled
from shared.model.change import Change, KnownGood
from shared.model.checkpoint import Checkpoints
from shared.model.event import Delivery, Event
from shared.model.fleet import Starts
from shared.model.policy import Notify
from shared.model.pushed_event import PushedEvent
from shared.model.quarantine import Quarantine
from shared.model.run import LastRollback, RoadTimes, Run
from shared.model.signal import Sample
from shared.model.watch import WatchState
from shared.ports import Insert, Ledger, Put, Replace, Row, Write

log = logging.getLogger(__name__)

NOW = "now:"
# What there is one of.
NOW_ONE = "now:1:"
WATCH = "now:1:watch"
ACTIVE = "now:1:active"
LAST = "now:1:last"
KNOWN_GOOD = "now:1:known-good"
CHANGE = "now:1:change"
ROADS = "now:1:roads"
STARTS = "now:1:starts"
QUARANTINE = "now:1:quarantine"
REHEARSED = "now:1:rehearsed"
ASK = "now:1:ask"
SETTLED = "now:1:settled"
CHECKPOINTS = "now:1:checkpoints"
ASKED = "asked:"
OUTBOX = "now:2:out:"
INBOX = "now:3:in:"
RUN = "run:"
EVENT = "event:"
UNDELIVERED = "undelivered:"
WOULD = "would:"
INCIDENT = "incident:"
WHY = "why:"
RECEIPT = "receipt:"
ALERT = "alert:"
_FAR_FUTURE_MS = 9_999_999_999_999


@dataclass(frozen=True, slots=True)
class Active:
    """Which run is under way. Inserting it is what makes a second one impossible.

    Attributes:
        rank: That of the run; one of a higher rank may take its place.
        promoted: The build that it takes forward, if it is a promotion.
    """

    id: str
    rank: int = 1
    promoted: str = ""


@dataclass(frozen=True, slots=True)
class Arrived:
    """What came in from outside and waits for the next cycle: samples by pushed name, events, or an alert."""

    samples: dict[str, tuple[Sample, ...]]
    alert: Alert | None = None
    events: tuple[PushedEvent, ...] = ()


_ADAPTERS: dict[type, TypeAdapter[Any]] = {}


def _adapter(kind: type) -> TypeAdapter[Any]:
    """Return the reader and writer of a record type; building one takes milliseconds, so each is built once."""
    if kind not in _ADAPTERS:
        _ADAPTERS[kind] = TypeAdapter(kind)
    return _ADAPTERS[kind]


def encode(value: object) -> str:
    """Write a record as JSON. What is no Unicode in it, or of no kind of JSON, is replaced: it must be kept at all."""
    adapter = _adapter(type(value))
    try:
        return bytes(adapter.dump_json(value)).decode()
    except PydanticSerializationError:
        plain = adapter.dump_python(value, mode="json", fallback=lambda odd: f"a {type(odd).__name__}")
        return json.dumps(plain, ensure_ascii=False).encode(errors="replace").decode()


def decode[T](kind: type[T], body: str) -> T:
    """Read a record.

    Raises:
        PermanentError: the stored text is not such a record; nothing of it is shown.
    """
    try:
        value: T = _adapter(kind).validate_json(body)
    except ValueError:
        raise PermanentError(f"a stored {kind.__name__} cannot be read by this version") from None
    return value


def run_key(rollback_id: str) -> str:
    """Key of a rollback's record."""
    return f"{RUN}{rollback_id}"


def newest_first(at: datetime) -> str:
    """A part of a key by which the newest sorts first."""
    return f"{_FAR_FUTURE_MS - int(at.timestamp() * 1000):013d}"


def event_key(event: Event) -> str:
    """Key of an event: the newest sorts first, different ones of one instant stay apart."""
    told = sha256(f"{event.about}\n{event.sentence}".encode()).hexdigest()[:12]
    return f"{EVENT}{newest_first(event.at)}:{event.kind}:{told}"


def announce(event: Event, notify: Notify) -> list[Write]:
    """Return the writes that record an event and make it due at every channel that wants it."""
    key = event_key(event)
    writes: list[Write] = [Put(key, encode(event))]
    if event.kind in notify.on:
        writes += [_delivery(f"{key.removeprefix(EVENT)}:{channel}", channel, event) for channel in notify.to]
    return writes


def _delivery(delivery_id: str, channel: str, event: Event) -> Insert:
    delivery = Delivery(id=delivery_id, channel=channel, event=event, due_at=event.at)
    return Insert(f"{OUTBOX}{delivery_id}", encode(delivery))


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """All that is pending for a workload, as one scan found it."""

    workload: str
    watch: WatchState
    active: Active | None
    ask: Ask | None
    settled: Settled
    last: LastRollback | None
    known_good: KnownGood | None
    change: Change | None
    road_times: RoadTimes
    starts: Starts
    quarantine: Quarantine
    inbox: dict[str, Arrived]
    outbox: dict[str, Delivery]
    versions: Mapping[str, str]
    checkpoints: Checkpoints = field(default_factory=Checkpoints)

    def save(self, key: str, record: object) -> Write:
        """Return the write of a record that must still be as it was found, or must still not be there."""
        version = self.versions.get(key)
        return Insert(key, encode(record)) if version is None else Replace(key, encode(record), version)

    @property
    def active_id(self) -> str | None:
        """The run that is under way."""
        return self.active.id if self.active else None

    @property
    def rolling_back(self) -> str | None:
        """The rollback that is under way; a promotion or a drill is none."""
        return self.active.id if self.active and self.active.rank else None

    @property
    def promoted(self) -> str:
        """The build that is being promoted; empty when none is."""
        return self.active.promoted if self.active else ""


def snapshot(ledger: Ledger, workload: str) -> Snapshot:
    """Read what is pending for a workload.

    Raises:
        TransientError: the storage does not answer.
        PermanentError: a record cannot be read.
    """
    rows = {row.key: row for row in ledger.scan(workload, NOW)}
    return Snapshot(
        workload=workload,
        watch=_read(WatchState, rows.get(WATCH)) or WatchState(),
        active=_read(Active, rows.get(ACTIVE)),
        ask=_perhaps(Ask, rows.get(ASK)),
        settled=_perhaps(Settled, rows.get(SETTLED)) or Settled(),
        last=_read(LastRollback, rows.get(LAST)),
        known_good=_read(KnownGood, rows.get(KNOWN_GOOD)),
        change=_read(Change, rows.get(CHANGE)),
        road_times=_read(RoadTimes, rows.get(ROADS)) or RoadTimes(),
        starts=_read(Starts, rows.get(STARTS)) or Starts(),
        quarantine=_read(Quarantine, rows.get(QUARANTINE)) or Quarantine(),
        inbox=_readable(Arrived, rows, INBOX),
        outbox=_readable(Delivery, rows, OUTBOX),
        versions={key: row.version for key, row in rows.items()},
        checkpoints=_perhaps(Checkpoints, rows.get(CHECKPOINTS)) or Checkpoints(),
    )


def _perhaps[T](kind: type[T], row: Row | None) -> T | None:
    """Read what must not keep a workload from being watched: where nobody can read a question, it is asked anew."""
    try:
        return _read(kind, row)
    except PermanentError as error:
        log.error("%s: %s", kind.__name__, error)  # noqa: TRY400  # the sentence says it; a trace would show the content
        return None


def _readable[T](kind: type[T], rows: Mapping[str, Row], prefix: str) -> dict[str, T]:
    """Read the rows of a prefix; one that only a newer version can read waits for it and hides nothing else."""
    found: dict[str, T] = {}
    for key, row in rows.items():
        if key.startswith(prefix):
            try:
                found[key] = decode(kind, row.body)
            except PermanentError as error:
                log.error("%s: %s", key, error)  # noqa: TRY400  # the sentence says it; a trace would show the content
    return found


def _read[T](kind: type[T], row: Row | None) -> T | None:
    return decode(kind, row.body) if row else None


def load_run(ledger: Ledger, workload: str, rollback_id: str) -> tuple[Run, str] | None:
    """Return a rollback and the version of its record, or `None`."""
    row = ledger.read(workload, run_key(rollback_id))
    return (decode(Run, row.body), row.version) if row else None
