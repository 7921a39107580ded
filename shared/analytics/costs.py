"""What one unit of work cost, and what was saved against what it cost before."""

from dataclasses import dataclass

from shared.analytics.rollup import Rollup


@dataclass(frozen=True, slots=True, kw_only=True)
class CostFigures:
    """Costs of a period, in the currency of the signal.

    Attributes:
        spent: All of it.
        units: How much work it paid for.
        each: Cost of one unit.
        was: What one unit cost before, as the policy says.
        saved: What the same work would have cost more; negative when it got dearer.
        saved_share: The same as a share of what it would have cost.
    """

    spent: float
    units: float
    each: float
    was: float | None = None
    saved: float | None = None
    saved_share: float | None = None


def costs_of(spent: Rollup, units: Rollup, was: float | None) -> CostFigures | None:
    """Return the costs of a period; `None` when nothing was spent or done that is known of."""
    if not spent.measured or not units.measured or units.total <= 0:
        return None
    each = spent.total / units.total
    if was is None:
        return CostFigures(spent=spent.total, units=units.total, each=each)
    return CostFigures(
        spent=spent.total,
        units=units.total,
        each=each,
        was=was,
        saved=was * units.total - spent.total,
        saved_share=1 - each / was,
    )
