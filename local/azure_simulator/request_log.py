"""What the front doors served: the newest requests one by one, and sums per second for the metrics.

Memory is bounded on both sides: rows by `request_log_rows`, seconds by `KEPT_SECONDS`.
"""

import math
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, takewhile
from typing import NamedTuple

KEPT_SECONDS = 4 * 3600


class ServedRequest(NamedTuple):
    """One request; times are Unix seconds. `by_app` is false where the front door answered in the app's place."""

    finished_at_s: float
    site: str
    slot: str
    build: str
    method: str
    path: str
    query: str
    status: int
    duration_s: float
    user_agent: str
    pinned: bool
    by_app: bool
    host: str
    client_ip: str
    received_bytes: int
    sent_bytes: int


@dataclass(slots=True)
class Tally:
    """Sums over the requests of one slot within one second, or within any span once merged."""

    requests: int = 0
    http2xx: int = 0
    http3xx: int = 0
    http4xx: int = 0
    http5xx: int = 0
    duration_sum_s: float = 0.0
    duration_min_s: float = float("inf")
    duration_max_s: float = 0.0

    def add(self, status: int, duration_s: float) -> None:
        family = f"http{status // 100}xx"
        self.requests += 1
        setattr(self, family, getattr(self, family) + 1)
        self.duration_sum_s += duration_s
        self.duration_min_s = min(self.duration_min_s, duration_s)
        self.duration_max_s = max(self.duration_max_s, duration_s)

    def merge(self, other: "Tally") -> None:
        self.requests += other.requests
        self.http2xx += other.http2xx
        self.http3xx += other.http3xx
        self.http4xx += other.http4xx
        self.http5xx += other.http5xx
        self.duration_sum_s += other.duration_sum_s
        self.duration_min_s = min(self.duration_min_s, other.duration_min_s)
        self.duration_max_s = max(self.duration_max_s, other.duration_max_s)


class RequestLog:
    def __init__(self, rows: int) -> None:
        self._rows: deque[ServedRequest] = deque(maxlen=rows)
        self._tallies: dict[tuple[str, str], dict[int, Tally]] = {}
        self.total = 0

    def record(self, served: ServedRequest) -> None:
        self._rows.append(served)
        self.total += 1
        seconds = self._tallies.setdefault((served.site, served.slot), {})
        tally = seconds.setdefault(int(served.finished_at_s), Tally())
        tally.add(served.status, served.duration_s)
        if len(seconds) > KEPT_SECONDS:
            del seconds[next(iter(seconds))]

    def since(self, sequence: int) -> list[ServedRequest]:
        """The rows after the first `sequence` ever recorded, oldest first; lost ones are skipped."""
        newest = min(self.total - sequence, len(self._rows))
        return list(islice(reversed(self._rows), newest))[::-1]

    def between(self, start_s: float, end_s: float) -> Iterator[ServedRequest]:
        """Rows finished in `start_s <= t < end_s`, newest first."""
        young = takewhile(lambda row: row.finished_at_s >= start_s, reversed(self._rows))
        return (row for row in young if row.finished_at_s < end_s)

    def tally(self, site: str, slot: str, start_s: float, end_s: float) -> Tally:
        """The sum of the seconds that began within `start_s <= second < end_s`."""
        seconds = self._tallies.get((site, slot), {})
        merged = Tally()
        for second in range(int(start_s), math.ceil(end_s)):
            if found := seconds.get(second):
                merged.merge(found)
        return merged
