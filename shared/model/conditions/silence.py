"""The absence of what should be heard."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """A signal has nothing to say: its source answers, and has nothing; or nothing is sent any more.

    Attributes:
        asked: Its source is asked for it: only an empty answer is silence then, an error or no answer never is.
        every: How often it should be heard.
        remembered: How long a last word is kept.
    """

    signal: str
    asked: bool
    every: timedelta
    remembered: timedelta

    @property
    def inputs(self) -> tuple[str, ...]:
        return (self.signal,)

    @property
    def looks_back(self) -> timedelta:
        return timedelta(0) if self.asked else self.remembered
