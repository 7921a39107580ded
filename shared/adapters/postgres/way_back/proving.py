"""The proof of a way back: table by table until all are the same, and what becomes of those rows that are not.

What differs is pinned for another round of copying. Rows that differ although nobody wrote them are for the policy to
decide: to copy them back may put a damaged row over a good one.
"""

from collections.abc import Collection
from concurrent.futures import Executor
from dataclasses import dataclass, replace

from psycopg import Connection

from shared.adapters.postgres.capture.pinning import pin_listed
from shared.adapters.postgres.capture.records import save_state
from shared.adapters.postgres.capture.snapshot import Checkpoint
from shared.adapters.postgres.copying.conflicts import kept_on_source
from shared.adapters.postgres.proof.buckets import Compared, Kept, Proof
from shared.adapters.postgres.proof.differences import differences, note_differences
from shared.adapters.postgres.server.session import Rows
from shared.adapters.postgres.server.sides import Sides
from shared.adapters.postgres.way_back.state import Proven, Stage, State
from shared.adapters.postgres.way_back.unexplained import keep_unexplained, stays_on_source, unexplained
from shared.errors import PermanentError
from shared.model.sync import Conflicts, SyncRules, SyncTable

_MOST_PROOFS = 8


@dataclass(frozen=True, slots=True)
class Proving:
    """One pass over all tables."""

    sync: str
    sides: Sides
    rules: SyncRules
    pool: Executor
    checkpoint: Checkpoint

    def go_on(self, state: State, until: float) -> State:
        """Compare one table, or a part of it; after the last one it is known whether there is another round.

        Raises:
            PermanentError: rows differ that the policy stops for, or that are not the same after many rounds.
        """
        left = [of for of in self.sides.plan.tables if of.oid not in state.proved]
        if left:
            return self._compare(state, left[0], until)
        self._stop_for_unexplained(state)
        proofs = state.proofs + 1
        if state.different and proofs >= _MOST_PROOFS:
            raise PermanentError(f"{state.different} rows are still not the same after {proofs} rounds")
        again = replace(state, proofs=proofs, proved=(), different=0)
        if state.different:
            return replace(again, stage=Stage.COPY, round=state.round + 1)
        return replace(again, stage=Stage.JUDGE)

    def _compare(self, state: State, of: SyncTable, until: float) -> State:
        kept = Kept(self.sides.source, self.sync, f"prove {state.pinned_at} {state.round} {state.proofs}")
        compared = Proof(self.sides.source, self.sides.target, self.sides.by, self.pool).go_on(of, until, kept)
        if compared is None:
            return replace(state, comparing=f"{of.name}: {kept.share(of):.0%} compared")
        return replace(self._compared(state, of, compared), comparing="")

    def _compared(self, state: State, of: SyncTable, compared: Compared) -> State:
        stay = kept_rows(self.sides.source, self.sync, of.oid)
        keys = [key for key in compared.different if key not in stay]
        odd = self._unexplained(state, of, keys)
        copied = keys if self.rules.unexplained is Conflicts.TARGET_WINS else [key for key in keys if key not in odd]
        self._pin(state, of, copied, odd)
        proven = Proven(
            rows=compared.rows, digest=f"{compared.digest:016x}", buckets=compared.buckets, different=len(copied)
        )
        return replace(
            state,
            proved=(*state.proved, of.oid),
            different=state.different + len(copied),
            tables=state.tables | {str(of.name): proven},
            unexplained=state.unexplained | ({str(of.name): len(odd)} if odd else {}),
        )

    def _pin(self, state: State, of: SyncTable, copied: Collection[bytes], odd: Collection[bytes]) -> None:
        """Let them be copied in the next round, unless nothing will be."""
        written = [key for key in copied if key not in odd]
        if written:
            found = differences(self.sides.source, self.sides.target, of, written)
            note_differences(self.sides.source, self.sync, of, state.round, found)
        if copied and not (odd and self.rules.unexplained is Conflicts.STOP):
            pin_listed(self.sides.target, self.sync, of, state.round + 1, copied, self.rules.chunk)

    def _unexplained(self, state: State, of: SyncTable, keys: Collection[bytes]) -> set[bytes]:
        """Find the rows that nobody wrote, and write them down."""
        if not keys or str(of.name) in state.not_told:
            return set()
        odd = unexplained(self.sides, of, self.checkpoint, keys)
        if odd:
            keep_unexplained(self.sides, self.sync, of, self.checkpoint, odd, self.rules.unexplained)
        return set(odd)

    def _stop_for_unexplained(self, state: State) -> None:
        """Nothing of the next round is copied; whoever goes on by another rule begins with this proof."""
        if not state.unexplained or self.rules.unexplained is not Conflicts.STOP:
            return
        save_state(self.sides.source, self.sync, replace(state, proved=(), different=0, unexplained={}))
        several = ", ".join(f"{rows} of {name}" for name, rows in state.unexplained.items())
        raise PermanentError(f"rows are not the same although nobody wrote them since the checkpoint: {several}")


def kept_rows(source: Connection[Rows], sync: str, oid: int) -> set[bytes]:
    """Return the keys of rows that stay as they are on the source, for whatever reason."""
    return kept_on_source(source, sync, oid) | stays_on_source(source, sync, oid)
