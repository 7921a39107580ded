"""How many rollbacks may be started in how much time, as a policy writes it: `2 per 24h`."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

from shared.model.quantity import parse_duration, say_duration

_BUDGET = re.compile(r"(?P<most>\d{1,6})\s+per\s+(?P<per>\S.*)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Budget:
    """At most so many in any interval of that length."""

    most: int
    per: timedelta

    def __str__(self) -> str:
        return f"{self.most} per {say_duration(self.per)}"

    def free_at(self, started: Sequence[datetime], now: datetime) -> datetime | None:
        """Return when one more may be started; `None` when it may now.

        Args:
            started: When earlier ones were, in any order.
        """
        counted = sorted(at for at in started if now - at < self.per)
        return counted[len(counted) - self.most] + self.per if len(counted) >= self.most else None


def parse_budget(written: object) -> Budget:
    """Read `2 per 24h`.

    Raises:
        ValueError: it is no such budget, or none at all would be allowed.
    """
    if isinstance(written, Budget):
        return written
    found = _BUDGET.fullmatch(written.strip()) if isinstance(written, str) else None
    if found is None or int(found["most"]) == 0:
        raise ValueError(f"{written!r} is no budget; write a number and a time, such as 2 per 24h")
    return Budget(int(found["most"]), parse_duration(found["per"]))


WrittenBudget = Annotated[
    Budget,
    BeforeValidator(parse_budget),
    PlainSerializer(str),
    WithJsonSchema(
        {"type": "string", "pattern": r"^\d+\s+per\s+\d+(\.\d+)?\s*(ms|s|m|h|d)$", "examples": ["2 per 24h"]}
    ),
]
