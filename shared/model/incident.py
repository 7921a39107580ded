"""A message that no attempt could handle: what it was, and how often that happened."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """What the poison queue gave us.

    Attributes:
        text: The message as it was, so that nothing that was accepted is lost.
        times: How often a message about the same thing ended here.
    """

    queue: str
    about: str
    text: str
    first_at: datetime
    last_at: datetime
    told_at: datetime
    times: int = 1
