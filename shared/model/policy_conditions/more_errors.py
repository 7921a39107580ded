"""More failures than allowed as it is written: `{name: errors, more_errors: error_rate, than: 1%}`."""

from typing import Annotated

from pydantic import Field

from shared.model.conditions.more_errors import MoreErrors
from shared.model.policy_conditions.before import BeforeEntry, PartOfIt
from shared.model.policy_conditions.entry import Signals
from shared.model.quantity import Dimension, Share
from shared.model.strict import Name

_LEVEL = 0.01
_BY = 0.005


class MoreErrorsEntry(BeforeEntry):
    """Whether the share of failures is higher than a known rate, or than it was before the change."""

    key = "more_errors"

    more_errors: Name
    than: Annotated[
        Share | None, Field(gt=0, lt=1, description="The known rate; what it was before the change if not given.")
    ] = None
    at_least_by: Annotated[PartOfIt, Field(description="And by this much of all.")] = _BY

    @property
    def inputs(self) -> tuple[str, ...]:
        return (self.more_errors,)

    def condition(self, signals: Signals) -> MoreErrors:
        dimension = signals[self.more_errors].measures.dimension
        if dimension is not Dimension.SHARE:
            raise ValueError(f"{self.more_errors!r} is a {dimension}; expected a share of failures")
        return MoreErrors(
            signal=self.more_errors, than=self.than, by=self.at_least_by, level=_LEVEL, before=self.before(signals)
        )
