"""How a database stands: both sides, what is captured, the fence, the ways back, and what is kept of them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from psycopg import Connection

from shared.adapters.postgres.server.fence import fenced_tables
from shared.adapters.postgres.server.session import Access, Rows
from shared.adapters.postgres.slot.look import SlotLook
from shared.adapters.postgres.way_back.listing import (
    KeptCheckpoint,
    KeptSync,
    images_bytes,
    kept_checkpoints,
    slot_on,
    syncs_on,
)
from shared.data.desk import Answer, Desk, Exit
from shared.errors import ControllerError
from shared.model.quantity import say_moment
from shared.model.sync import Finding, Severity

_LOOK = timedelta(seconds=30)
_SERVER = "SELECT current_setting('server_version'), current_user::text"


@dataclass(frozen=True, slots=True, kw_only=True)
class SideStatus:
    """One side; of one that does not answer only why."""

    says: str
    answers: bool = True
    checkpoints: Sequence[KeptCheckpoint] = ()
    syncs: Sequence[KeptSync] = ()
    images_bytes: int = 0
    slot: SlotLook | None = None
    fenced: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncStatus:
    """A way back.

    Attributes:
        images_until: When what it overwrote is dropped; `None` when it overwrote nothing, or can still go on.
        open: It is neither done nor taken back.
        proved: All rows are the same on both sides as of now.
    """

    id: str
    says: str
    open: bool
    proved: bool = False
    why_not: str | None = None
    images_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseStatus:
    """How a database stands."""

    database: str
    source: SideStatus
    target: SideStatus
    findings: Sequence[Finding] = ()
    syncs: Sequence[SyncStatus] = ()

    @property
    def lost(self) -> list[str]:
        """What nobody knows of what was written."""
        sides = {"source": self.source, "target": self.target}
        return [f"{side}: {why}" for side, one in sides.items() for kept in one.checkpoints[:1] for why in kept.lost]

    @property
    def back(self) -> list[str]:
        """The ways back by which all rows are where they came from: that the target takes no writes is right then."""
        return [one.id for one in self.syncs if one.proved]

    @property
    def silent(self) -> list[str]:
        return [one.says for one in (self.source, self.target) if not one.answers]

    @property
    def for_people(self) -> list[str]:
        """What does not become right by itself."""
        found = [str(one) for one in self.findings if one.severity is Severity.BLOCKS and not self.back]
        found += [f"{one.id}: {one.why_not or one.says}" for one in self.syncs if one.open]
        return [*self.lost, *found]


def status(desk: Desk) -> Answer:
    """Say how both sides stand, also when one does not answer."""
    source, target = _side(desk, desk.source, _of_source), _side(desk, desk.target, _of_target)
    found = DatabaseStatus(database=desk.name, source=source, target=target)
    if source.answers and target.answers:
        found = replace(found, findings=_findings(desk), syncs=[_sync(desk, one) for one in source.syncs])
    return Answer(_exit(found), f"{desk.name}: {_sentence(found)}", list(_lines(found)), found)


def _side(desk: Desk, access: Access, read: Callable[[Connection[Rows]], Mapping[str, Any]]) -> SideStatus:
    try:
        with access.connected(statement=_LOOK) as side:
            server: Any = side.execute(_SERVER).fetchone()
            found = SideStatus(says=f"PostgreSQL {server[0].partition(' ')[0]}, as {server[1]}", **read(side))
            return replace(found, checkpoints=[replace(one, id=desk.called(one.id)) for one in found.checkpoints])
    except ControllerError as error:
        return SideStatus(says=str(error), answers=False)


def _of_source(side: Connection[Rows]) -> Mapping[str, Any]:
    return {
        "checkpoints": kept_checkpoints(side, of_source=True),
        "syncs": syncs_on(side),
        "images_bytes": images_bytes(side),
    }


def _of_target(side: Connection[Rows]) -> Mapping[str, Any]:
    return {
        "checkpoints": kept_checkpoints(side, of_source=False),
        "slot": slot_on(side),
        "fenced": [str(name) for name in sorted(fenced_tables(side))],
    }


def _findings(desk: Desk) -> Sequence[Finding]:
    try:
        return desk.checkpoints.preflight(desk.database)
    except ControllerError as error:
        return [Finding(severity=Severity.BLOCKS, about="preflight", what=str(error))]


def _sync(desk: Desk, kept: KeptSync) -> SyncStatus:
    called = desk.called(kept.id)
    until = kept.last_change_at + desk.database.keep_images if kept.last_change_at else None
    try:
        picture = desk.rows.look(desk.database, kept.id)
    except ControllerError as error:
        return SyncStatus(id=called, says=f"it cannot be looked at: {error}", open=True, images_until=until)
    ended = picture.shown.get("stage") in ("done", "undone")
    return SyncStatus(
        id=called,
        says=picture.says,
        open=not ended,
        proved=picture.proved,
        why_not=picture.why_not,
        images_until=until if ended else None,
    )


def _exit(found: DatabaseStatus) -> Exit:
    if found.silent:
        return Exit.NOT_DONE
    return Exit.PEOPLE if found.for_people else Exit.DONE


def _sentence(found: DatabaseStatus) -> str:
    if found.silent:
        return "; ".join(found.silent)
    if found.for_people:
        return "; ".join(found.for_people)
    if found.back:
        return f"all rows are back by {', '.join(found.back)}, and the target takes no writes"
    taken = found.target.checkpoints[:1]
    since = f"rows can go back to the checkpoint {taken[0].id}" if taken else "there is no checkpoint"
    return f"both sides answer; {since}"


def _lines(found: DatabaseStatus) -> Iterator[str]:
    for called, side in (("source", found.source), ("target", found.target)):
        yield f"{called}: {side.says}"
        for kept in side.checkpoints:
            yield f"  {_of_checkpoint(kept)}"
            yield from (f"    not known: {why}" for why in kept.lost)
    yield from (f"{one.severity}: {one}" for one in found.findings)
    if found.target.slot is not None:
        yield _of_slot(found.target.slot)
    if found.target.answers:
        yield f"fence: {', '.join(found.target.fenced) or 'none, the target takes writes'}"
    yield from (_of_sync(one) for one in found.syncs)
    if found.source.images_bytes:
        yield f"images: {found.source.images_bytes >> 10:,} KiB on the source"


def _of_checkpoint(kept: KeptCheckpoint) -> str:
    known = "all rows are compared" if kept.keys is None else f"{kept.keys:,} keys written since"
    return f"checkpoint {kept.id}: {say_moment(kept.taken_at)}, {kept.tables} tables by {kept.capture}, {known}"


def _of_slot(slot: SlotLook) -> str:
    stands = slot.lost or slot.soon or "it stands"
    return (
        f"slot: {stands}; keeps {slot.kept_bytes >> 10:,} KiB of log, {slot.undrained_bytes >> 10:,} KiB not read yet"
    )


def _of_sync(one: SyncStatus) -> str:
    kept = f"; images until {say_moment(one.images_until)}" if one.images_until else ""
    stopped = f"; stopped: {one.why_not}" if one.why_not and one.why_not != one.says else ""
    return f"way back {one.id}: {one.says}{stopped}{kept}"
