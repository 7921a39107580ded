"""What every trigger has as it is written, whatever its condition."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import ClassVar, Literal

from pydantic import Field

from shared.model.conditions.condition import Condition
from shared.model.policy_signal_base import SignalBase
from shared.model.quantity import Count, Duration, Share
from shared.model.strict import Name, Strict
from shared.model.trigger import Bound, NoData

FOREVER = timedelta(days=365)
type Signals = Mapping[str, SignalBase]


class EntryBase(Strict):
    """The keys of every trigger. A kind adds its own, and resolves them given the policy's signals."""

    # The key that names the kind in the file; also where an unknown signal is reported.
    key: ClassVar[str]

    name: Name
    hold_for: Duration = Field(default=timedelta(0), alias="for", description="Event time that it must hold.")
    at_least: Count = Field(default=1, description="Observations needed before the answer counts.")
    max_gap: Duration | None = Field(default=None, description="A longer silence restarts the clock; 3 x `every`.")
    no_data: NoData | None = Field(default=None, description="What silence means: blind, or hold the last word.")
    does: Literal["roll_back", "ask", "pause", "slow", "tell"] | None = Field(
        default=None, description="What follows when it fires, of what its tier may do; `tell`: people hear of it."
    )
    strategy: Name | None = Field(default=None, description="The plan by which it is taken back.")
    confidence: Share | None = Field(default=None, description="How sure it makes that something is wrong; it is said.")
    only_while: Literal["change"] | None = Field(
        default=None, alias="while", description="Counts only while a change is in progress."
    )
    once: Literal["change"] | None = Field(default=None, description="Decides once on each change.")

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names of the signals that it looks at, the one that it speaks of first."""
        raise LookupError("a trigger is of one of the kinds in `TriggerEntry`")

    @property
    def rhythm(self) -> timedelta:
        """How far apart its points lie, where that is not the rhythm of its signals."""
        return timedelta(0)

    @property
    def closes_after(self) -> timedelta:
        """How long it must have been quiet before it stops firing."""
        return timedelta(0)

    def silence(self, signals: Signals) -> NoData:
        """Return what silence means: as written, else that the last word stands where all signals speak seldom."""
        seldom = all(signals[name].speaks_seldom for name in self.inputs)
        return self.no_data or (NoData.HOLD if seldom else NoData.BLIND)

    def gap(self, signals: Signals) -> timedelta:
        """Return the longest silence that breaks nothing."""
        if self.silence(signals) is NoData.HOLD:
            return FOREVER
        return self.max_gap or 3 * max(self.rhythm, *(signals[name].apart for name in self.inputs))

    def condition(self, signals: Signals) -> Condition:
        """Return the condition in the product's own units; all of `inputs` are there.

        Raises:
            ValueError: it cannot be asked of these signals; the text says what is wrong and what was expected.
        """
        raise LookupError("a trigger is of one of the kinds in `TriggerEntry`")

    def clearing(self, signals: Signals) -> Bound | None:
        """Return until when what fires goes on firing, if that is said.

        Raises:
            ValueError: it cannot be asked of these signals.
        """
        del signals
        return None

    def problems(self, signals: Signals) -> Iterator[tuple[str, str]]:
        """Yield what is wrong beyond a single key: the key, and a sentence. All of `inputs` are there."""
        try:
            self.condition(signals)
        except ValueError as error:
            yield self.key, str(error)
