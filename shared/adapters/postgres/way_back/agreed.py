"""What may stay behind as a whole, or is not known at all: only what was foreseen, and let pass, when it began.

A table that was taken at the checkpoint and is not any more would be in no proof. And a source without the checkpoint
may be another database than the one that was moved: nobody knows what was written there.
"""

from collections.abc import Collection, Iterator

from shared.adapters.postgres.capture.snapshot import Checkpoint
from shared.adapters.postgres.checkpoint.logs import lost_as_a_whole
from shared.adapters.postgres.server.sides import Sides
from shared.decision.sync_left_out import left_out_since
from shared.errors import PermanentError
from shared.model.data_preview import Loss


def not_held(sides: Sides, checkpoint: Checkpoint) -> Iterator[Loss]:
    """Yield what may be lost where the source does not hold the checkpoint: any of its rows."""
    _, why = lost_as_a_whole(sides.source, checkpoint.id)
    if why:
        rows = sum(sides.here.tables[of.name].rows for of in sides.plan.tables)
        what = "nobody knows what was written on it, nor whether it is the database that was moved"
        yield Loss(about="source", what=f"{why}: {what}", rows=max(1, rows))


def demand_agreed(sides: Sides, checkpoint: Checkpoint, left_out: Collection[str]) -> None:
    """Raise if something would stay behind that was not foreseen.

    Raises:
        PermanentError: something would; it is named.
    """
    tables = left_out_since(checkpoint.content["tables"], sides.plan, sides.there.tables)
    said = [f"{one.name}: {one.what}" for one in tables]
    said += [f"{one.about}: {one.what}" for one in not_held(sides, checkpoint)]
    unforeseen = [one for one in said if one not in left_out]
    if unforeseen:
        raise PermanentError(f"{'; '.join(unforeseen)}. Nobody was told so before: a new preview says what it means")
