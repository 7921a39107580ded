"""What is remembered of drills: how the last one of each level ended, for whoever asks whether it can be relied on."""

from shared.engine.records import REHEARSED, decode, encode
from shared.errors import LostRace, TransientError
from shared.model.readiness import Rehearsal, Rehearsals
from shared.ports import Insert, Ledger, Replace

_TRIES = 5


def record_rehearsal(ledger: Ledger, workload: str, level: int, rehearsal: Rehearsal) -> None:
    """Record how a drill of a level ended. Done twice it is as done once.

    Raises:
        TransientError: not recorded.
    """
    for _ in range(_TRIES):
        row = ledger.read(workload, REHEARSED)
        known = decode(Rehearsals, row.body) if row else Rehearsals()
        body = encode(Rehearsals({**known.levels, level: rehearsal}))
        try:
            ledger.commit(workload, [Replace(REHEARSED, body, row.version) if row else Insert(REHEARSED, body)])
        except LostRace:
            continue
        return
    raise TransientError(f"the drill of level {level} could not be recorded; others were faster")
