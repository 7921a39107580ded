"""The proof of a way back: table by table until all are the same, and what becomes of those rows that are not.

What differs is pinned for another round of copying. Rows that differ although nobody wrote them are for the policy to
decide: to copy them back may put a damaged row over a good one.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace

from psycopg import Connection

from shared.adapters.postgres.capture.pinning import pin_listed, pin_more
from shared.adapters.postgres.capture.records import save_state
from shared.adapters.postgres.copying.conflicts import distinct, kept_on_source
from shared.adapters.postgres.proof.buckets import Compared, Kept
from shared.adapters.postgres.proof.differences import differences, note_differences
from shared.adapters.postgres.server.session import Rows
from shared.adapters.postgres.way_back.gathering import Round
from shared.adapters.postgres.way_back.state import Proven, Stage, State
from shared.adapters.postgres.way_back.unexplained import keep_unexplained, stays_on_source, unexplained
from shared.errors import PermanentError
from shared.model.sync import Conflicts, SyncTable

_MOST_PROOFS = 8


@dataclass(frozen=True, slots=True)
class Proving:
    """One pass over all tables; what differs goes along with the next round."""

    round: Round

    def go_on(self, state: State, until: float) -> State:
        """Compare one table, or a part of it; after the last one it is known whether there is another round.

        Raises:
            PermanentError: rows differ that the policy stops for, or that are not the same after many rounds.
        """
        left = [of for of in self.round.sides.plan.tables if of.oid not in state.proved]
        if left:
            return self._compare(state, left[0], until)
        self._stop_for_unexplained(state)
        proofs = state.proofs + 1
        if state.different and proofs >= _MOST_PROOFS:
            raise PermanentError(f"{state.different} rows are still not the same after {proofs} rounds")
        again = replace(state, proofs=proofs, proved=(), different=0, followed=(), following=None)
        if state.different:
            return replace(again, stage=Stage.COPY, round=state.round + 1)
        return replace(again, stage=Stage.JUDGE)

    def search(self, state: State, of: SyncTable, until: float) -> State:
        """Pin all that differs in a table, along with what is being copied in this round.

        Raises:
            PermanentError: rows differ that the policy stops for.
        """
        compared = self.round.compare(of, until)
        if compared is None:
            return replace(state, comparing=self._share(of))
        copied, odd = self._sorted_out(state, of, compared)
        state = self._told(replace(state, searched=(*state.searched, of.oid), comparing=""), of, odd)
        self._stop_for_unexplained(state)
        pin_more(self.round.sides.target, self.round.sync, of, self.round.number, copied, self.round.rules.chunk)
        return state

    def _compare(self, state: State, of: SyncTable, until: float) -> State:
        compared = self.round.compare(of, until)
        if compared is None:
            return replace(state, comparing=self._share(of))
        return replace(self._compared(state, of, compared), comparing="")

    def _share(self, of: SyncTable) -> str:
        kept = Kept(self.round.sides.source, self.round.sync, self.round.label)
        return f"{of.name}: {kept.share(of):.0%} compared"

    def _compared(self, state: State, of: SyncTable, compared: Compared) -> State:
        copied, odd = self._sorted_out(state, of, compared)
        self._pin(state, of, copied, odd)
        proven = Proven(
            rows=compared.rows, digest=f"{compared.digest:016x}", buckets=compared.buckets, different=len(copied)
        )
        return replace(
            self._told(state, of, odd),
            proved=(*state.proved, of.oid),
            different=state.different + len(copied),
            tables=state.tables | {str(of.name): proven},
        )

    def _sorted_out(
        self, state: State, of: SyncTable, compared: Compared
    ) -> tuple[Collection[bytes], Collection[bytes]]:
        """Return what goes back of that which differs, and what nobody wrote; some rows stay as they are."""
        stay = kept_rows(self.round.sides.source, self.round.sync, of.oid)
        keys = distinct(self.round.sides.source, of, compared.different, besides=stay)
        odd = self._unexplained(state, of, keys)
        wins = self.round.rules.unexplained is Conflicts.TARGET_WINS
        return (keys if wins else [key for key in keys if key not in odd]), odd

    def _told(self, state: State, of: SyncTable, odd: Collection[bytes]) -> State:
        return replace(state, unexplained=state.unexplained | ({str(of.name): len(odd)} if odd else {}))

    def _pin(self, state: State, of: SyncTable, copied: Collection[bytes], odd: Collection[bytes]) -> None:
        """Let them be copied in the next round, unless nothing will be."""
        sides, sync = self.round.sides, self.round.sync
        written = [key for key in copied if key not in odd]
        if written:
            found = differences(sides.source, sides.target, of, written)
            note_differences(sides.source, sync, of, state.round, found)
        if copied and not (odd and self.round.rules.unexplained is Conflicts.STOP):
            pin_listed(sides.target, sync, of, state.round + 1, copied, self.round.rules.chunk)

    def _unexplained(self, state: State, of: SyncTable, keys: Collection[bytes]) -> set[bytes]:
        """Find the rows that nobody wrote, and write them down."""
        if not keys or str(of.name) in state.not_told:
            return set()
        sides, checkpoint = self.round.sides, self.round.checkpoint
        odd = unexplained(sides, of, checkpoint, keys)
        if odd:
            keep_unexplained(sides, self.round.sync, of, checkpoint, odd, self.round.rules.unexplained)
        return set(odd)

    def _stop_for_unexplained(self, state: State) -> None:
        """Nothing of the next round is copied; whoever goes on by another rule begins with this proof."""
        if not state.unexplained or self.round.rules.unexplained is not Conflicts.STOP:
            return
        again = replace(state, proved=(), different=0, unexplained={}, searched=())
        save_state(self.round.sides.source, self.round.sync, again)
        several = ", ".join(f"{rows} of {name}" for name, rows in state.unexplained.items())
        raise PermanentError(f"rows are not the same although nobody wrote them since the checkpoint: {several}")


def kept_rows(source: Connection[Rows], sync: str, oid: int) -> set[bytes]:
    """Return the keys of rows that stay as they are on the source, for whatever reason."""
    return kept_on_source(source, sync, oid) | stays_on_source(source, sync, oid)
