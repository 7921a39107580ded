"""Looks whether a checkpoint still holds: whether what was written since is known, on both sides, table by table."""

from collections.abc import Collection, Iterator, Mapping

from psycopg import Connection

from shared.adapters.postgres.capture.partitions import Newcomer, look_after
from shared.adapters.postgres.capture.reading import read_logs
from shared.adapters.postgres.capture.snapshot import Checkpoint, load_checkpoint
from shared.adapters.postgres.capture.written import clock, logged_bytes, mark_quiet, written_keys
from shared.adapters.postgres.checkpoint.logs import gaps, lost_as_a_whole
from shared.adapters.postgres.checkpoint.obstacles import publications_of_all
from shared.adapters.postgres.server.session import Rows
from shared.adapters.postgres.slot.drain import drain
from shared.adapters.postgres.slot.look import look_at_slot, slot_captured, slot_standing
from shared.adapters.postgres.slot.publishing import slot_name
from shared.model.checkpoint import Watched
from shared.model.policy_data import Capture

# Of one look: the rest of a slot's log is drained by the next one.
_DRAIN_S = 5.0
# A slot that was just drained holds back what is young; more than this is told.
_MUCH_BYTES = 1 << 30


def look_at(source: Connection[Rows], target: Connection[Rows], checkpoint_id: str) -> Watched:
    """Return what is known of a checkpoint now; drains a slot, and looks after new partitions."""
    found, lost = lost_as_a_whole(target, checkpoint_id)
    if found is None and load_checkpoint(source, checkpoint_id) is None:
        return Watched(lost=None, keys=0, gone=True)
    if found is None or lost:
        return Watched(lost=f"target: {lost}", keys=0)
    now = clock(target)
    by_slot, by_triggers = (found.content.get("capture") == one for one in (Capture.SLOT, Capture.TRIGGERS))
    late = look_after(target, found, always=True) if by_triggers else []
    untold = [
        *(_of_slot(target, found) if by_slot else ()),
        *(_of_triggers("target", target, found, late) if by_triggers else ()),
    ]
    reasons = [*untold, *_of_source(source, checkpoint_id)]
    keys, compared = written_keys(target, found), _compared(target, found, late)
    if (by_slot or by_triggers) and not (keys or compared or untold):
        mark_quiet(target, found, now)
    warnings = [
        *(_of_room(target) if by_slot else ()),
        *map(_not_free, late),
        *_of_logs(target),
        *_of_publications("source", source),
        *_of_publications("target", target),
        *(f"{name}: not every key that was written is known: all its rows are compared" for name in compared),
    ]
    return Watched(lost="; ".join(reasons) or None, keys=keys, warning="; ".join(warnings) or None)


def _compared(target: Connection[Rows], found: Checkpoint, late: Collection[Newcomer]) -> list[str]:
    """Of which tables the log says only that something was written: of one without a key nobody expects more."""
    emptied = read_logs(target, found.snapshot, besides=[one.oid for one in late]).emptied
    return [name for name, one in found.content["tables"].items() if one["oid"] in emptied and one["logged"]]


def _of_slot(target: Connection[Rows], found: Checkpoint) -> Iterator[str]:
    name = slot_name(target)
    lost = slot_standing(target, name) or drain(target, name, _DRAIN_S).lost
    reasons = [lost] if lost else untold_by_slot(target, name, found)
    yield from (f"target: {why}" for why in reasons)


def untold_by_slot(target: Connection[Rows], name: str, found: Checkpoint) -> Iterator[str]:
    """Say of which tables a slot that stands does not tell all; of those that it cannot carry nobody expects it."""
    whole = slot_captured(target, name, found.snapshot)
    for table, one in found.content["tables"].items():
        if one["logged"] and not whole.get(one["oid"]):
            yield f"{table}: the slot {name} does not tell all that was written to it since the checkpoint"


def _of_room(target: Connection[Rows]) -> Iterator[str]:
    look = look_at_slot(target, slot_name(target))
    held = f"it holds back {look.kept_bytes >> 20:,} MB of the target's log"
    if look.soon:
        yield f"{look.soon} ({held})"
    elif look.kept_bytes > _MUCH_BYTES:
        yield f"the slot {slot_name(target)} was read, and yet {held}: a transaction has been open for long"


def _of_source(source: Connection[Rows], checkpoint_id: str) -> Iterator[str]:
    """Without it, nobody sees whether a row was changed on both sides."""
    found, lost = lost_as_a_whole(source, checkpoint_id)
    if found is None or lost:
        yield f"source: {lost}: conflicts cannot be seen"
        return
    late = look_after(source, found, always=False)
    for why in _of_triggers("source", source, found, late):
        yield f"{why}: conflicts cannot be seen"


def _of_triggers(called: str, side: Connection[Rows], found: Checkpoint, late: Collection[Newcomer]) -> Iterator[str]:
    broken = _gaps(side, found, [one.oid for one in late], always=called == "target")
    return (f"{called}: {name}: {why}" for name, why in broken.items())


def _gaps(side: Connection[Rows], found: Checkpoint, besides: Collection[int], *, always: bool) -> Mapping[str, str]:
    tables = found.content["tables"]
    keyed = [name for name, one in tables.items() if one["keyed"]]
    oids = {name: one["oid"] for name, one in tables.items()}
    return gaps(side, oids, keyed, always=always, besides=besides, since=found.snapshot)


def _not_free(one: Newcomer) -> str:
    return f"the new partition {one.name} was not free for a moment: a TRUNCATE of it is not logged yet"


def _of_logs(target: Connection[Rows]) -> Iterator[str]:
    """They hold a key as often as it was written, and shrink when the change ends."""
    size = logged_bytes(target)
    if size > _MUCH_BYTES:
        yield f"keys that were written since take {size >> 20:,} MB on the target, until the change ends"


def _of_publications(called: str, side: Connection[Rows]) -> Iterator[str]:
    for name in publications_of_all(side):
        yield f"{called}: the publication {name} is FOR ALL TABLES: who subscribes to it stops at the first of ours"
