"""An absence as it is written: `{name: gone, silent: heartbeat, for: 5m}`."""

from collections.abc import Iterator
from datetime import timedelta

from shared.model.conditions.silence import Silence
from shared.model.policy_conditions.entry import EntryBase, Signals
from shared.model.policy_signals import PushedSignal
from shared.model.strict import Name
from shared.model.trigger import NoData

# A last word is kept for so long.
_REMEMBERED = timedelta(days=7)


class SilenceEntry(EntryBase):
    """A signal has nothing to say, for as long as `for` asks."""

    key = "silent"

    silent: Name

    @property
    def inputs(self) -> tuple[str, ...]:
        return (self.silent,)

    def silence(self, signals: Signals) -> NoData:
        """What is sent by itself falls silent with its last word; who is asked must go on answering."""
        return NoData.HOLD if isinstance(signals[self.silent], PushedSignal) else NoData.BLIND

    def condition(self, signals: Signals) -> Silence:
        signal = signals[self.silent]
        asked = not isinstance(signal, PushedSignal)
        return Silence(signal=self.silent, asked=asked, every=signal.every, remembered=_REMEMBERED)

    def problems(self, signals: Signals) -> Iterator[tuple[str, str]]:
        yield from super().problems(signals)
        signal = signals[self.silent]
        if signal.speaks_seldom and not isinstance(signal, PushedSignal):
            yield "silent", f"{self.silent} speaks only when something happens; expected a signal that has a rhythm"
        if self.no_data is not None:
            yield "no_data", "silence is what this looks for; expected no `no_data` here"
        if self.hold_for < signal.every:
            yield "for", "shorter than the signal's own rhythm; expected a longer silence"
