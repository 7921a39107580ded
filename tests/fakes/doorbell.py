"""A doorbell that writes down who rang."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.errors import TransientError
from shared.ports import queue_of_runs


@dataclass(frozen=True, slots=True)
class Ring:
    """One ring: at which queue, for which ids, how much later."""

    queue: str
    ids: tuple[str, ...]
    after: timedelta = timedelta(0)


class MemoryDoorbell:
    """Fulfils `ports.Doorbell`, `Warmer` and `Mail`; a broken one keeps nothing and raises."""

    def __init__(self) -> None:
        self.rings: list[Ring] = []
        self.warmed: list[tuple[str, int]] = []
        self.broken = False
        self.waiting: dict[str, datetime] = {}

    def rollback(self, rollback_id: str, level: int, *, after: timedelta = timedelta(0)) -> None:
        self._ring(Ring(queue_of_runs(level), (rollback_id,), after))

    def warm_up(self, workload: str, level: int) -> None:
        if self.broken:
            raise TransientError("the queue does not answer")
        self.warmed.append((workload, level))

    def watch(self, workload: str) -> None:
        self._ring(Ring("watch", (workload,)))

    def checkpoints(self, workload: str) -> None:
        self._ring(Ring("checkpoints", (workload,)))

    def delivery(self, workload: str, delivery_id: str, *, after: timedelta = timedelta(0)) -> None:
        self._ring(Ring("notifications", (workload, delivery_id), after))

    def waiting_since(self, queue: str) -> datetime | None:
        if self.broken:
            raise TransientError("the queue does not answer")
        return self.waiting.get(queue)

    def at(self, queue: str) -> list[Ring]:
        """The rings at one queue, oldest first."""
        return [ring for ring in self.rings if ring.queue == queue]

    def _ring(self, ring: Ring) -> None:
        if self.broken:
            raise TransientError("the queue does not answer")
        self.rings.append(ring)
