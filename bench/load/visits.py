"""What a load met, request by request, and what can be counted of it."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple, Self

from bench.measuring import quantile


class Visit(NamedTuple):
    """One request; times are Unix seconds. `status` is 0 when nothing answered."""

    due_s: float
    sent_s: float
    answered_s: float
    status: int
    build: str

    @property
    def served(self) -> bool:
        return self.status == HTTPStatus.OK


@dataclass(frozen=True, slots=True)
class Visits:
    """Requests of a span of time, in the order in which they were due."""

    all_of_them: Sequence[Visit]
    since_s: float
    until_s: float

    @classmethod
    def read(cls, results: Path) -> Self:
        """Read what the generator wrote."""
        lines = results.read_text(encoding="utf-8").splitlines()
        visits = sorted(Visit(*json.loads(line)) for line in lines)
        return cls(visits, visits[0].due_s, visits[-1].due_s)

    def between(self, since_s: float, until_s: float) -> "Visits":
        """Return those that were due then."""
        return Visits([one for one in self.all_of_them if since_s <= one.due_s < until_s], since_s, until_s)

    def counted(self, bad: str) -> dict[str, Any]:
        """Count them; what the bad build itself answered badly was put into it, all other failures were not."""
        failed = [one for one in self.all_of_them if not one.served]
        latencies_ms = [(one.answered_s - one.due_s) * 1000 for one in self.all_of_them]
        return {
            "s": round(self.until_s - self.since_s, 1),
            "requests": len(self.all_of_them),
            "failed_in_bad_build": sum(one.build == bad for one in failed),
            "failed_otherwise": sum(one.build != bad for one in failed),
            "p50_ms": _rounded(quantile(latencies_ms, 0.5)),
            "p99_ms": _rounded(quantile(latencies_ms, 0.99)),
            "longest_gap_ms": _longest_gap_ms(one.answered_s for one in self.all_of_them if one.status),
            "longest_gap_of_good_answers_ms": _longest_gap_ms(one.answered_s for one in self.all_of_them if one.served),
        }

    @property
    def sending(self) -> dict[str, Any]:
        """What the generator really did, and how late it was with it."""
        late_ms = [(one.sent_s - one.due_s) * 1000 for one in self.all_of_them]
        sent_s = [one.sent_s for one in self.all_of_them]
        return {
            "sent_per_s": _rounded((len(sent_s) - 1) / (max(sent_s) - min(sent_s))),
            "late_p50_ms": _rounded(quantile(late_ms, 0.5)),
            "late_p99_ms": _rounded(quantile(late_ms, 0.99)),
            "late_max_ms": _rounded(max(late_ms)),
        }


def _longest_gap_ms(moments_s: Iterable[float]) -> float:
    return _rounded(1000 * max((later - earlier for earlier, later in pairwise(sorted(moments_s))), default=0.0))


def _rounded(value: float) -> float:
    return round(value, 1)
