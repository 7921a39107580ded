"""How long going back is expected to take, fence to proof: said beforehand, held against the budget of the level."""

from collections.abc import Iterable
from datetime import timedelta

from shared.adapters.postgres.capture.snapshot import Checkpoint
from shared.adapters.postgres.server.sides import Sides
from shared.model.data_preview import TablePreview

# Two cores and no network gave 115,000 changes a second with images kept, and sums of 450,000 rows a second and side
# (`make bench-sync`). Half of the first and less of the second are reckoned with, as servers of an app are in use.
_CHANGES_A_SECOND = 50_000
_SUMMED_A_SECOND = 300_000
# Fence, catalogues, connections, sequences; and what each table costs besides its rows.
_FIXED_S = 3.0
_TABLE_S = 0.05
_MEASURED_FROM_S = 0.2


def expected_time(sides: Sides, checkpoint: Checkpoint, tables: Iterable[TablePreview]) -> timedelta:
    """Return it by what would be copied, and by the rate at which this pair of servers summed rows before."""
    tables = list(tables)
    rows = {str(of.name): sides.there.tables[of.name].rows for of in sides.plan.tables}
    compared = sum(rows[one.table] * (2 if one.compared else 1) for one in tables)
    # What is listed for a copy is looked up, whether or not it is the same by now.
    keys = sum(max(one.keys, one.inserts + one.updates + one.deletes) for one in tables)
    seconds = _FIXED_S + _TABLE_S * len(tables) + keys / _CHANGES_A_SECOND + compared / _rate(checkpoint)
    return timedelta(seconds=round(seconds, 1))


def _rate(checkpoint: Checkpoint) -> float:
    """Measured when the checkpoint was taken, if that took long enough to be a measure."""
    took_s = float(checkpoint.content.get("summed_s", 0.0))
    rows = sum(one["rows"] for one in checkpoint.content["tables"].values() if one["digest"] is not None)
    return rows / took_s if took_s >= _MEASURED_FROM_S and rows else _SUMMED_A_SECOND
