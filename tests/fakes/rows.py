"""Databases without rows: what goes back is a number of slices, and what is kept of it outlives whoever did one.

Honest about the one thing that counts: all is proved only when every slice was done, and since then nobody could write
on the target. What becomes of a slice is its `SliceFate`; a worker that dies in one takes everything else with it.
"""

from collections.abc import Callable, Collection, MutableMapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from shared.clock import Clock
from shared.engine.records import decode, encode
from shared.errors import ControllerError, OutcomeUnknown, PermanentError, TransientError
from shared.model.checkpoint import Begun, Watched
from shared.model.data_preview import DataPreview, Loss, TablePreview
from shared.model.policy_data import Database
from shared.model.sync import Finding, Severity
from shared.ports import Fence, RowsPicture

LET_IN = "writers were let in again"
NO_WAY = "two rows of the source have one key"


class Died(BaseException):
    """The process ends here: nothing in it may go on."""


class SliceFate(StrEnum):
    """What becomes of one slice, or of letting writers in."""

    DONE = "done"
    BUSY = "busy"  # refused for now; nothing happened
    LOST_BEFORE = "lost before"  # no answer, and nothing happened
    LOST_AFTER = "lost after"  # no answer, and it was done
    DIES_BEFORE = "dies before"
    DIES_AFTER = "dies after"
    ENDED = "ended"  # it cannot go on, and that is kept
    BROKEN = "broken"  # it cannot go on, and nothing of that is kept


@dataclass(frozen=True, slots=True, kw_only=True)
class WayBack:
    """How far one way back is.

    Attributes:
        checkpoint: Where it goes back to.
        fenced: Writers are kept off the target by it.
    """

    checkpoint: str
    done: int = 0
    fenced: bool = False
    why_not: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """All that two databases hold.

    Attributes:
        written: How many rows were written on the target since the last slice.
        captured: Checkpoints since which it is captured what is written.
    """

    ways: dict[str, WayBack] = field(default_factory=dict)
    checkpoints: dict[str, datetime] = field(default_factory=dict)
    captured: tuple[str, ...] = ()
    written: int = 0


@dataclass(slots=True)
class FakeRows:
    """Fulfils `ports.RowsBack`, `Checkpointing` and `Previews`.

    Attributes:
        held: What databases hold, as text, by the connection string of the target.
        slices: How many it takes.
        ends_at: How many slices can be done before one cannot; all of them if `None`.
        fate: Asked once for every other slice; `letting` for every time that writers are let in.
        passes: Lets time pass.
        slice_takes: How long a slice takes; so `preview_takes`.
        silent: What every call raises, while it does.
        findings: What the catalogues of both sides say.
        lost: Why nobody knows what was written since the checkpoint; `warning`: why nobody may soon.
        losses, rows: What a preview foresees.
        calls: What was called that changes something, with the id that it was called for; and how often it was looked.
    """

    clock: Clock
    held: MutableMapping[str, str] = field(default_factory=dict)
    slices: int = 3
    ends_at: int | None = None
    fate: Callable[[], SliceFate] = lambda: SliceFate.DONE
    letting: Callable[[], SliceFate] = lambda: SliceFate.DONE
    passes: Callable[[float], object] = lambda _: None
    slice_takes: timedelta = timedelta(0)
    preview_takes: timedelta = timedelta(0)
    silent: ControllerError | None = None
    preview_silent: ControllerError | None = None
    target_silent: ControllerError | None = None
    findings: tuple[Finding, ...] = ()
    lost: str | None = None
    warning: str | None = None
    losses: tuple[Loss, ...] = ()
    rows: int = 10
    takes: timedelta = timedelta(seconds=20)
    calls: list[tuple[str, str]] = field(default_factory=list)
    previews: int = 0

    def of(self, database: Database) -> Held:
        """Return what both sides hold."""
        found = self.held.get(database.target)
        return decode(Held, found) if found else Held()

    def write(self, database: Database) -> bool:
        """Write a row on the target; tells whether that was let in."""
        held = self.of(database)
        if any(way.fenced for way in held.ways.values()):
            return False
        self._keep(database, replace(held, written=held.written + 1))
        return True

    def look(self, database: Database, sync_id: str) -> RowsPicture:
        self._answers()
        held = self.of(database)
        way = held.ways.get(sync_id)
        if way is None:
            return RowsPicture(begun=False, proved=False, says="nothing was done yet")
        return RowsPicture(
            begun=way.done > 0,
            proved=way.fenced and way.done >= self.slices and not held.written,
            says=f"{way.done} of {self.slices} slices",
            why_not=way.why_not or None,
            fenced=way.fenced,
            shown={"done": way.done, "fenced": way.fenced},
        )

    def work(
        self, database: Database, checkpoint_id: str, sync_id: str, fence: Fence, left_out: Collection[str] = ()
    ) -> None:
        self._answers()
        way = self.of(database).ways.get(sync_id) or WayBack(checkpoint=checkpoint_id)
        if way.checkpoint not in self.of(database).checkpoints:
            raise PermanentError(f"there is no checkpoint {way.checkpoint}")
        fence()
        self.calls.append(("work", sync_id))
        after = replace(way, done=way.done + 1, fenced=True)
        fate = SliceFate.ENDED if way.done == self.ends_at else self.fate()
        self._befalls(fate, database, sync_id, way, after)

    def fenced_by(self, database: Database) -> str:
        if self.target_silent is not None:
            raise self.target_silent
        return next((name for name, way in self.of(database).ways.items() if way.fenced), "")

    def let_go(self, database: Database, sync_id: str, fence: Fence) -> None:
        """As the real one, it asks the target alone, and lowers its own fence."""
        way = self.of(database).ways.get(sync_id)
        if self.fenced_by(database) != sync_id:
            return
        fence()
        self.calls.append(("let_go", sync_id))
        if way is not None:
            after = replace(way, fenced=False, why_not=way.why_not or LET_IN)
            self._befalls(self.letting(), database, sync_id, way, after)

    def preflight(self, database: Database) -> tuple[Finding, ...]:
        self._answers()
        return self.findings

    def begin(self, database: Database, checkpoint_id: str) -> Begun:
        self._answers()
        held = self.of(database)
        if checkpoint_id not in held.checkpoints:
            if any(finding.severity is Severity.BLOCKS for finding in self.findings):
                return Begun(taken_at=None, findings=self.findings)
            self.calls.append(("begin", checkpoint_id))
            taken = held.checkpoints | {checkpoint_id: self.clock()}
            held = replace(held, checkpoints=taken, captured=(*held.captured, checkpoint_id))
            self._keep(database, held)
        return Begun(taken_at=held.checkpoints[checkpoint_id], findings=self.findings)

    def watch(self, database: Database, checkpoint_id: str) -> Watched:
        self._answers()
        if checkpoint_id not in self.of(database).checkpoints:
            return Watched(lost="there is no such checkpoint", keys=0, gone=True)
        return Watched(lost=self.lost, keys=self.rows, warning=self.warning)

    def end(self, database: Database, checkpoint_id: str) -> None:
        self._answers()
        self.calls.append(("end", checkpoint_id))
        held = self.of(database)
        others = {name: at for name, at in held.checkpoints.items() if name != checkpoint_id}
        captured = tuple(name for name in held.captured if name != checkpoint_id)
        self._keep(database, replace(held, checkpoints=others, captured=captured))

    def preview(self, name: str, database: Database, checkpoint_id: str, within: timedelta) -> DataPreview:
        self._answers()
        self.previews += 1
        self.passes(self.preview_takes.total_seconds())
        if self.preview_silent is not None:
            raise self.preview_silent
        self._demand(database, checkpoint_id)
        return DataPreview(
            database=name,
            checkpoint=checkpoint_id,
            taken_at=self.of(database).checkpoints[checkpoint_id],
            at=self.clock(),
            rule=database.conflicts,
            tables=(TablePreview(table="public.orders", keys=self.rows, inserts=self.rows, updates=0, deletes=0),),
            findings=self.findings,
            losses=self.losses,
            takes=self.takes,
        )

    def _befalls(self, fate: SliceFate, database: Database, sync_id: str, before: WayBack, after: WayBack) -> None:
        if fate is SliceFate.BUSY:
            raise TransientError("the source does not answer", retry_after=timedelta(seconds=1))
        if fate is SliceFate.BROKEN:
            raise PermanentError("the disk of the source is full")
        if fate in (SliceFate.LOST_BEFORE, SliceFate.DIES_BEFORE):
            _ends(fate)
        self.passes(self.slice_takes.total_seconds())
        held = self.of(database)
        came_to = replace(before, why_not=NO_WAY) if fate is SliceFate.ENDED else after
        others = {name: replace(way, fenced=False) for name, way in held.ways.items() if came_to.fenced}
        self._keep(database, replace(held, ways=held.ways | others | {sync_id: came_to}, written=0))
        if fate is SliceFate.ENDED:
            raise PermanentError(came_to.why_not)
        _ends(fate)

    def _answers(self) -> None:
        if self.silent is not None:
            raise self.silent

    def _demand(self, database: Database, checkpoint_id: str) -> None:
        if checkpoint_id not in self.of(database).checkpoints:
            raise PermanentError(f"there is no checkpoint {checkpoint_id}")

    def _keep(self, database: Database, held: Held) -> None:
        self.held[database.target] = encode(held)


def _ends(fate: SliceFate) -> None:
    if fate in (SliceFate.DIES_BEFORE, SliceFate.DIES_AFTER):
        raise Died(fate)
    if fate in (SliceFate.LOST_BEFORE, SliceFate.LOST_AFTER):
        raise OutcomeUnknown("the connection ended without an answer")
