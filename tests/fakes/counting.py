"""A ledger that counts what it is asked."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from shared.ports import Ledger, Row, Write


@dataclass(slots=True)
class Counting:
    """Counts calls by their kind; a commit is one, however many writes it has."""

    ledger: Ledger
    calls: Counter[str] = field(default_factory=Counter)

    def read(self, workload: str, key: str) -> Row | None:
        self.calls["read"] += 1
        return self.ledger.read(workload, key)

    def scan(self, workload: str, prefix: str, *, limit: int = 1000) -> list[Row]:
        self.calls["scan"] += 1
        return self.ledger.scan(workload, prefix, limit=limit)

    def commit(self, workload: str, writes: Sequence[Write]) -> Mapping[str, str]:
        self.calls["commit"] += 1
        return self.ledger.commit(workload, writes)
