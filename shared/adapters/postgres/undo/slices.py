"""Takes a way back of rows itself back, in slices, and proves that each row it had touched is as it was.

What stands against it is looked for before anything is taken back, and once more at the end. The source is all that it
needs: that the target is down is when it is wanted.
"""

from collections import Counter
from dataclasses import dataclass, field, replace
from enum import StrEnum
from time import monotonic

from psycopg import Connection
from pydantic import TypeAdapter

from shared.adapters.postgres.capture.records import load_note, save_note, save_state
from shared.adapters.postgres.copying.images import summarise_images
from shared.adapters.postgres.server.one_worker import alone
from shared.adapters.postgres.server.session import Access, Rows
from shared.adapters.postgres.undo.chunks import applied_chunks, undo_chunk
from shared.adapters.postgres.undo.copies import copies_afterwards, copies_now
from shared.adapters.postgres.undo.missing import demand_images
from shared.adapters.postgres.undo.plan import undo_plan
from shared.adapters.postgres.undo.references import lonely_afterwards, lonely_now
from shared.adapters.postgres.undo.touched import Changed, changed_since, not_back
from shared.adapters.postgres.way_back.state import Stage, State, stored_state
from shared.errors import PermanentError
from shared.model.sync import SyncPlan, SyncRules
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
        late: How many rows others have changed only after that was looked for, by table.
        lonely: How many rows lead nowhere that did so before, by foreign key.
        copies: Of tables without a key, how many of each row there must be at the end, as a digest.
    """

    stage: UndoStage = UndoStage.LOOK
    left: int = 0
    overwritten: dict[str, str] = field(default_factory=dict)
    late: dict[str, int] = field(default_factory=dict)
    lonely: dict[str, int] = field(default_factory=dict)
    copies: dict[str, str] = field(default_factory=dict)
    said: str = ""


class Undo:
    """One way back, taken back."""

    def __init__(self, sync_id: str, source: Access, rules: SyncRules, *, overwrite: bool = False) -> None:
        """Take what it works on.

        Args:
            overwrite: Rows that others have changed since are put back, too; what they hold then is lost.
        """
        self._id = sync_id
        self._source = source
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
        with self._source.connected(**waits) as source, alone([source], self._rules):
            was = stored_state(source, self._id)
            if was is None:
                raise PermanentError("there is nothing to be taken back: the way back has not begun")
            state = _load(source, self._id)
            if state.stage is UndoStage.DONE:
                return state
            plan = undo_plan(source, self._id, was)
            fence()
            while True:  # however short a slice is, it gets on
                state = self._next(source, plan, was, state, until)
                save_note(source, self._id, _NOTE, TypeAdapter(UndoState).dump_json(state).decode())
                if state.stage is UndoStage.DONE or monotonic() > until:
                    return state

    def _next(self, source: Connection[Rows], plan: SyncPlan, was: State, state: UndoState, until: float) -> UndoState:
        if state.stage is UndoStage.LOOK:
            return self._look(source, plan, was, state)
        if state.stage is UndoStage.UNDO:
            return self._undo(source, plan, state, until)
        return self._prove(source, plan, state)

    def _look(self, source: Connection[Rows], plan: SyncPlan, was: State, state: UndoState) -> UndoState:
        """What others have changed since is theirs; from here on the way back itself goes on no more."""
        demand_images(source, self._id, plan)
        nameless = {str(of.name): copies_afterwards(source, self._id, of) for of in plan.tables if not of.key}
        found = {str(of.name): changed_since(source, self._id, of) for of in plan.tables if of.key}
        found |= {name: Changed(0, one.lacking, ()) for name, one in nameless.items()}
        changed = {name: str(one) for name, one in found.items() if one}
        if changed and not self._overwrite:
            said = "; ".join(f"{name}: {what}" for name, what in changed.items())
            raise PermanentError(f"rows were changed on the source since: {said}")
        lonely = lonely_afterwards(source, self._id, plan)
        for of in plan.tables:
            summarise_images(source, of)
        save_state(source, self._id, replace(was, stage=Stage.UNDONE, said="it was taken back"))
        copies = {name: one.digest for name, one in nameless.items()}
        return replace(state, stage=UndoStage.UNDO, overwritten=changed, copies=copies, lonely=lonely)

    def _undo(self, source: Connection[Rows], plan: SyncPlan, state: UndoState, until: float) -> UndoState:
        chunks, late = applied_chunks(source, self._id, plan), Counter(state.late)
        for left, chunk in zip(reversed(range(len(chunks))), chunks, strict=True):
            late[str(chunk.of.name)] += undo_chunk(
                source, chunk, replica_role=plan.replica_role, overwrite=self._overwrite
            )
            if left and monotonic() > until:
                return replace(state, left=left, late=dict(late))
        return replace(state, stage=UndoStage.PROVE, left=0, late=dict(late))

    def _prove(self, source: Connection[Rows], plan: SyncPlan, state: UndoState) -> UndoState:
        demand_images(source, self._id, plan)
        found = {str(of.name): not_back(source, self._id, of) for of in plan.tables if of.key}
        wrong = [f"{count} of {name}" for name, count in found.items() if count]
        wrong += [
            f"some of {of.name}"
            for of in plan.tables
            if not of.key and copies_now(source, self._id, of).digest != state.copies[str(of.name)]
        ]
        if wrong:
            raise PermanentError(f"rows of the source are not as they were: {', '.join(wrong)}")
        led_away = lonely_now(source, plan, state.lonely)
        if led_away:
            raise PermanentError(f"rows refer to what went when it was taken back: {'; '.join(led_away)}")
        late = {name: f"{rows} changed meanwhile" for name, rows in state.late.items() if rows}
        said = "every row that was touched is as it was"
        return replace(state, stage=UndoStage.DONE, said=said, overwritten=late | state.overwritten)


def _load(source: Connection[Rows], sync: str) -> UndoState:
    content = load_note(source, sync, _NOTE)
    return TypeAdapter(UndoState).validate_python(content) if content is not None else UndoState()
