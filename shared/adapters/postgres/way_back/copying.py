"""The copy of a way back: chunk by chunk, by several workers, until all that is pinned is applied."""

from collections.abc import Iterator
from concurrent.futures import Executor, wait
from dataclasses import dataclass, replace
from time import monotonic

from psycopg import errors

from shared.adapters.postgres.capture.pinning import pinned
from shared.adapters.postgres.capture.reading import logged_keys
from shared.adapters.postgres.copying.chunks import (
    CHUNK_WITHIN,
    Chunk,
    Meanwhile,
    applied,
    apply_chunk,
    workers_for,
)
from shared.adapters.postgres.server.fitting import misfits_named
from shared.adapters.postgres.server.session import Access, sentence
from shared.adapters.postgres.server.sides import Sides, name_in_full
from shared.adapters.postgres.way_back.state import Stage, State
from shared.decision.sync_passes import passes
from shared.model.sync import Pass, SyncRules, SyncTable


class ValueHeldError(Exception):
    """A row of the source, which does not go, holds a unique value that one of a chunk takes.

    Attributes:
        of: The table of both.
        round: In which the one was pinned that takes it.
        said: What the server said.
    """

    def __init__(self, of: SyncTable, round_: int, said: str) -> None:
        super().__init__(said)
        self.of = of
        self.round = round_
        self.said = said


@dataclass(frozen=True, slots=True)
class Copying:
    """One slice of it.

    Attributes:
        ahead: Rows of the target change meanwhile.
    """

    sync: str
    sides: Sides
    rules: SyncRules
    pool: Executor
    source: Access
    target: Access
    ahead: bool = False

    def go_on(self, state: State, until: float) -> State:
        """Copy what is pinned, also of rounds that were left unfinished when writers were let in again.

        Raises:
            WrittenMeanwhileError: rows of the source were written since it was decided which ones go back over them.
            ValueHeldError: a row that was not pinned holds what one takes.
        """
        meanwhile = self._meanwhile(state)
        for round_ in range(state.copied + 1, state.round + 1):
            for work in passes(self.sides.plan):
                chunks = [
                    Chunk(sync=self.sync, of=of, round=round_, does=does, number=number, ahead=self.ahead)
                    for of, does in work
                    for number in self._open_chunks(of, round_, does)
                ]
                if not self._apply_all(chunks, meanwhile, until):
                    return state
            state = replace(state, copied=round_)
        return replace(state, stage=Stage.SETTLE)

    def _meanwhile(self, state: State) -> dict[int, Meanwhile]:
        """Of a table whose log does not say what is written, nobody knows."""
        keys = logged_keys(self.sides.source)
        known = [of for of in self.sides.plan.tables if str(of.name) not in state.unseen]
        logged = frozenset(of.source_oid for of in known if set(keys.get(of.source_oid, ())) == set(of.key))
        return {of.oid: Meanwhile(state.decided_at, logged) for of in known if state.decided_at}

    def _open_chunks(self, of: SyncTable, round_: int, does: Pass) -> list[int]:
        pins = pinned(self.sides.target, self.sync, of.oid, round_)
        done = applied(self.sides.source, self.sync, of, round_, does)
        return [number for number in range(pins.chunks if pins else 0) if number not in done]

    def _apply_all(self, chunks: list[Chunk], meanwhile: dict[int, Meanwhile], until: float) -> bool:
        """Apply chunks by several workers until all are applied, or time is over; return whether all are."""
        if not chunks:
            return True
        left = iter(chunks)  # one iterator for all workers: `next` on a list's is atomic
        several = min(len(chunks), workers_for(self.sides.source, self.rules.workers))
        workers = [self.pool.submit(self._worker, left, meanwhile, until) for _ in range(several)]
        wait(workers)  # however one ends, none is at it any more
        ended = [worker.result() for worker in workers]
        return all(ended)

    def _worker(self, left: Iterator[Chunk], meanwhile: dict[int, Meanwhile], until: float) -> bool:
        longest = min(self.rules.statement_timeout, CHUNK_WITHIN)
        waits = {"statement": longest, "lock": self.rules.lock_timeout, "idle": longest}
        role = self.sides.plan.replica_role
        with self.source.connected(**waits) as source, self.target.connected(**waits) as target:
            name_in_full(source, target)
            for chunk in left:
                try:
                    with misfits_named(target, chunk.of):
                        apply_chunk(target, source, chunk, replica_role=role, since=meanwhile.get(chunk.of.oid))
                except (errors.UniqueViolation, errors.ExclusionViolation) as error:
                    raise ValueHeldError(chunk.of, chunk.round, sentence(error)) from None
                if monotonic() > until:
                    return False
        return True
