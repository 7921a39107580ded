"""Rows that were changed on the source as well: which of the two stays is the policy's to say.

That is decided before anything is copied. The source is open to its clients all the while: what its log says was
written there later is decided in the same way, when a chunk comes upon it, and once more when all is proved.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace

from shared.adapters.postgres.capture.keys import written_on
from shared.adapters.postgres.capture.pinning import pin_more, unpin
from shared.adapters.postgres.checkpoint.logs import SourceLog, source_log
from shared.adapters.postgres.copying.clashes import clashes
from shared.adapters.postgres.copying.conflicts import conflicts, distinct, keep_conflicts
from shared.adapters.postgres.way_back.gathering import Round
from shared.adapters.postgres.way_back.state import snapshot_of
from shared.adapters.postgres.way_back.writers import written_since
from shared.errors import PermanentError
from shared.model.sync import Conflicts, SyncTable

Found = dict[SyncTable, Collection[bytes]]


@dataclass(frozen=True, slots=True)
class Decided:
    """What was decided.

    Attributes:
        at: Snapshot of the source; what it does not see is not decided yet.
        unseen: Tables of which nobody knows whether they were changed there, and why.
        copied: Tables with rows of the source over which the target's go.
    """

    at: str
    unseen: dict[str, str]
    copied: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Deciding:
    """What is decided goes along with a round."""

    round: Round

    def decide_conflicts(self, since: str = "") -> Decided:
        """Rows that were changed on the source go back over these, or stay as they are, or nothing goes on.

        Args:
            since: Snapshot of the source; that of the checkpoint if not given.

        Raises:
            PermanentError: there are such rows, or may be, and the policy stops for them.
        """
        at = snapshot_of(self.round.sides.source)
        if since:  # nothing that was compared before that counts
            return replace(self, round=replace(self.round, label=f"decide {at}"))._decide(at, since)
        return self._decide(at, since)

    def stop_where_it_must(self) -> None:
        """Say what could not go on, as it is now, without deciding anything.

        Raises:
            PermanentError: there are such rows, and the policy stops for them, or a row that stays is in the way.
        """
        if self.round.rules.conflicts is not Conflicts.TARGET_WINS:
            self._found(source_log(self.round.sides, self.round.checkpoint.id))

    def _found(self, log: SourceLog) -> Found:
        found = self._changed_on_source(log)
        if self.round.rules.conflicts is Conflicts.STOP:
            _stop_for(found, log.unseen)
        if self.round.rules.conflicts is Conflicts.SOURCE_WINS:
            self._stop_for_clashes(found)
        return found

    def _decide(self, at: str, since: str) -> Decided:
        sides, by = self.round.sides, self.round.rules.conflicts
        log = source_log(sides, self.round.checkpoint.id, since)
        found = self._found(log)
        for of, keys in found.items():
            keep_conflicts(sides.source, sides.target, self.round.sync, of, self.round.number, keys, by)
            if by is Conflicts.SOURCE_WINS:
                unpin(sides.target, of, keys)
            else:
                pin_more(sides.target, self.round.sync, of, self.round.number, keys, self.round.rules.chunk)
        copied = () if by is Conflicts.SOURCE_WINS else tuple(str(of.name) for of in found)
        return Decided(at, log.unseen, copied)

    def _changed_on_source(self, log: SourceLog) -> Found:
        sides = self.round.sides
        seen = {of.source_oid: str(of.name) for of in sides.plan.tables if str(of.name) not in log.unseen}
        written = set(written_since(sides.source, seen, log.snapshot)) if log.snapshot else set()
        changed = {
            of: [one.key for one in conflicts(sides.source, sides.target, of, self._changed_keys(of, log))]
            for of in sides.plan.tables
            if of.source_oid in seen and (str(of.name) in written or of.source_oid in log.emptied)
        }
        return {of: keys for of, keys in changed.items() if keys}

    def _changed_keys(self, of: SyncTable, log: SourceLog) -> Collection[bytes]:
        if of.source_oid in log.emptied:  # which rows went is not in the log: all that differ were changed
            return distinct(self.round.sides.source, of, self.round.different(of))
        return written_on(self.round.sides.source, of, of.source_oid, log.snapshot)

    def _stop_for_clashes(self, found: Found) -> None:
        sides = self.round.sides.source, self.round.sides.target
        said = [one for of, keys in found.items() for one in clashes(*sides, of, keys)]
        if said:
            raise PermanentError("; ".join(said))


def _stop_for(found: Found, unseen: dict[str, str]) -> None:
    if found:
        several = ", ".join(f"{len(keys)} of {of.name}" for of, keys in found.items())
        raise PermanentError(f"rows were changed on the source as well: {several}")
    if unseen:
        said = "; ".join(f"{name}: {why}" for name, why in unseen.items())
        raise PermanentError(f"nobody knows whether rows were changed on the source as well: {said}")
