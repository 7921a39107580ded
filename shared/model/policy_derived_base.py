"""What every signal has in common that is made of others, and what a signal stands on in the end."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Literal

from pydantic import Field

from shared.model.derivation import Derivation
from shared.model.policy_signal_base import SignalBase
from shared.model.strict import Rhythm

type Signals = Mapping[str, SignalBase]


class DerivedSignal(SignalBase):
    """What every signal has that is made of others; nobody is asked for it."""

    every: Rhythm = Field(default=timedelta(seconds=60), description="One sample for each slot of this length.")
    missing: Literal["unknown", "leave_out"] = Field(
        default="unknown", description="What an unknown part makes of the whole."
    )

    @property
    def parts(self) -> tuple[str, ...]:
        """The names of the signals that it is made of."""
        raise LookupError("a derived signal has one of the kinds in `Signal`")

    def derivation(self, name: str, signals: Signals) -> Derivation:
        """Return how it is made, in the product's own units; all of `parts` are there.

        Raises:
            ValueError: it cannot be made of these signals; the text says what is wrong and what was expected.
        """
        raise LookupError("a derived signal has one of the kinds in `Signal`")


def lag_of(name: str, signals: Signals) -> timedelta:
    """Return how far a signal lies behind the clock: one that is made of others no less than the slowest of them."""
    return max(signals[one].delay for one in _all_of(name, signals))


def settled_after(name: str, signals: Signals) -> timedelta:
    """Return how old a sample is that no later answer of a source revises: sources are asked again until then."""
    stands_on = [signals[one] for one in _all_of(name, signals)]
    own = signals[name].every if len(stands_on) > 1 else timedelta(0)
    return max(signal.delay + 3 * signal.every for signal in stands_on) + own


def sources_of(name: str, signals: Signals) -> frozenset[str]:
    """Return the signals from outside that a signal stands on: itself, or what it is made of in the end."""
    return frozenset(one for one in _all_of(name, signals) if not isinstance(signals[one], DerivedSignal))


def _all_of(name: str, signals: Signals) -> set[str]:
    """Return a signal and all that it is made of; also where that is itself, or is not there."""
    found: set[str] = set()
    ahead = [name]
    while ahead:
        one = ahead.pop()
        signal = signals.get(one)
        if signal is not None and one not in found:
            found.add(one)
            ahead += signal.parts if isinstance(signal, DerivedSignal) else ()
    return found
