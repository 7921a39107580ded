"""What every signal of a policy has, whatever its source."""

from datetime import timedelta

from pydantic import Field

from shared.model.quantity import Duration, Unit
from shared.model.strict import Rhythm, Strict


class SignalBase(Strict):
    """What every signal has."""

    every: Rhythm = Field(default=timedelta(seconds=10), description="How often it is sampled.")
    delay: Duration = Field(
        default=timedelta(0), description="How far its source lags; newer samples may still change."
    )
    stale_after: Duration | None = Field(
        default=None, description="Blind after this silence; 3 x `every` if not given."
    )
    timeout: Rhythm = Field(default=timedelta(seconds=5), description="How long one collection may take.")

    @property
    def source(self) -> str:
        """The kind of source, which is also the key that names it in the file."""
        raise LookupError("a signal has one of the kinds in `Signal`")

    @property
    def question(self) -> str:
        """What the source is asked; signals that ask another thing of it do not suffer from each other's trouble."""
        return self.source

    @property
    def place(self) -> str:
        """What of that kind is asked, where signals of several workloads may share it; else empty."""
        return ""

    @property
    def measures(self) -> Unit:
        """The unit that the source delivers."""
        return Unit.NUMBER

    @property
    def apart(self) -> timedelta:
        """How far apart its samples lie at least: as often as it is asked, unless it tells of longer times."""
        return self.every

    @property
    def patience(self) -> timedelta:
        """Silence after which the signal is stale."""
        return 3 * self.every if self.stale_after is None else self.stale_after

    @property
    def speaks_seldom(self) -> bool:
        """It speaks only when something happens, so that its last word stands: silence is no blindness."""
        return False
