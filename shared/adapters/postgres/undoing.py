"""Takes a way back of rows itself back, in slices, and proves that each row it had touched is as it was."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from time import monotonic

from psycopg import Connection
from pydantic import TypeAdapter

from shared.adapters.postgres.records import load_note, save_note, save_state
from shared.adapters.postgres.session import Access, Rows
from shared.adapters.postgres.sides import Sides, read_sides
from shared.adapters.postgres.state import Stage, stored_state
from shared.adapters.postgres.touched import changed_since, not_back
from shared.adapters.postgres.undo import applied_chunks, undo_chunk
from shared.errors import PermanentError
from shared.model.sync import SyncRules
from shared.ports.traffic import Fence

_NOTE = "undo"


class UndoStage(StrEnum):
    """What is done next."""

    LOOK = "look"
    UNDO = "undo"
    PROVE = "prove"
    DONE = "done"


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoState:
    """How far it is; kept on the source.

    Attributes:
        left: Chunks that are not taken back yet.
        overwritten: What others had changed since, by table, and was overwritten.
    """

    stage: UndoStage = UndoStage.LOOK
    left: int = 0
    overwritten: dict[str, str] = field(default_factory=dict)
    said: str = ""


class Undo:
    """One way back, taken back."""

    def __init__(
        self, sync_id: str, source: Access, target: Access, rules: SyncRules, *, overwrite: bool = False
    ) -> None:
        """Take what it works on.

        Args:
            target: Only its catalogue is read.
            overwrite: Rows that others have changed since are put back, too; what they hold then is lost.
        """
        self._id = sync_id
        self._source = source
        self._target = target
        self._rules = rules
        self._overwrite = overwrite

    def work(self, within_s: float, fence: Fence = lambda: None) -> UndoState:
        """Go on for about that long.

        Args:
            fence: Called right before the first thing is changed.

        Raises:
            PermanentError: it cannot go on; the sentence says why.
            TransientError: it may go on later.
        """
        until = monotonic() + within_s
        waits = {"statement": self._rules.statement_timeout, "lock": self._rules.lock_timeout}
        with self._source.connected(**waits) as source, self._target.connected(**waits) as target:
            state = _load(source, self._id)
            if state.stage is UndoStage.DONE:
                return state
            sides = read_sides(source, target, self._rules)
            fence()
            while monotonic() < until:
                state = self._stages[state.stage](sides, state, until)
                save_note(source, self._id, _NOTE, TypeAdapter(UndoState).dump_json(state).decode())
                if state.stage is UndoStage.DONE:
                    break
            return state

    @property
    def _stages(self) -> dict[UndoStage, Callable[[Sides, UndoState, float], UndoState]]:
        return {UndoStage.LOOK: self._look, UndoStage.UNDO: self._undo, UndoStage.PROVE: self._prove}

    def _look(self, sides: Sides, state: UndoState, until: float) -> UndoState:
        """What others have changed since is theirs; from here on the way back itself goes on no more."""
        was = stored_state(sides.source, self._id)
        if was is None:
            raise PermanentError("there is nothing to be taken back: the way back has not begun")
        gone = set(was.names.values()) - {str(of.name) for of in sides.plan.tables}
        if gone:
            raise PermanentError(
                f"it cannot be taken back whole: {', '.join(sorted(gone))} is not on both sides any more"
            )
        found = {str(of.name): changed_since(sides.source, self._id, of) for of in sides.plan.tables}
        changed = {name: str(one) for name, one in found.items() if one}
        if changed and not self._overwrite:
            said = "; ".join(f"{name}: {what}" for name, what in changed.items())
            raise PermanentError(f"rows were changed on the source since: {said}")
        save_state(sides.source, self._id, replace(was, stage=Stage.UNDONE, said="it was taken back"))
        return replace(state, stage=UndoStage.UNDO, overwritten=changed)

    def _undo(self, sides: Sides, state: UndoState, until: float) -> UndoState:
        chunks = applied_chunks(sides.source, self._id, sides.plan)
        for place, chunk in enumerate(chunks):
            if monotonic() > until:
                return replace(state, left=len(chunks) - place)
            undo_chunk(sides.source, chunk, replica_role=sides.plan.replica_role)
        return replace(state, stage=UndoStage.PROVE, left=0)

    def _prove(self, sides: Sides, state: UndoState, until: float) -> UndoState:
        found = {str(of.name): not_back(sides.source, self._id, of) for of in sides.plan.tables}
        wrong = ", ".join(f"{count} of {name}" for name, count in found.items() if count)
        if wrong:
            raise PermanentError(f"rows of the source are not as they were: {wrong}")
        return replace(state, stage=UndoStage.DONE, said="every row that was touched is as it was")


def _load(source: Connection[Rows], sync: str) -> UndoState:
    content = load_note(source, sync, _NOTE) if stored_state(source, sync) else None
    return TypeAdapter(UndoState).validate_python(content) if content is not None else UndoState()
