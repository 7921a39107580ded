"""Ledgers with somebody else on them, and ledgers that do not answer."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from shared.errors import OutcomeUnknown, TransientError
from shared.ports import Ledger, Row, Write


@dataclass(slots=True)
class Interrupted:
    """A ledger on which `first` happens right before a commit, for the first few of them."""

    ledger: Ledger
    first: Callable[[], object]
    times: int = 1

    def read(self, workload: str, key: str) -> Row | None:
        return self.ledger.read(workload, key)

    def scan(self, workload: str, prefix: str, *, limit: int = 1000) -> list[Row]:
        return self.ledger.scan(workload, prefix, limit=limit)

    def commit(self, workload: str, writes: Sequence[Write]) -> Mapping[str, str]:
        if self.times:
            self.times -= 1
            self.first()
        return self.ledger.commit(workload, writes)


@dataclass(slots=True)
class BrokenFor:
    """A ledger that does not answer for one workload."""

    ledger: Ledger
    workload: str
    reads: bool = True

    def read(self, workload: str, key: str) -> Row | None:
        return self.ledger.read(workload, key)

    def scan(self, workload: str, prefix: str, *, limit: int = 1000) -> list[Row]:
        if workload == self.workload and self.reads:
            raise TransientError("reading: no connection")
        return self.ledger.scan(workload, prefix, limit=limit)

    def commit(self, workload: str, writes: Sequence[Write]) -> Mapping[str, str]:
        if workload == self.workload:
            raise OutcomeUnknown("writing: the connection ended without an answer")
        return self.ledger.commit(workload, writes)


@dataclass(slots=True)
class Recorded:
    """A ledger that writes down which keys were committed together."""

    ledger: Ledger
    commits: list[list[str]] = field(default_factory=list)

    def read(self, workload: str, key: str) -> Row | None:
        return self.ledger.read(workload, key)

    def scan(self, workload: str, prefix: str, *, limit: int = 1000) -> list[Row]:
        return self.ledger.scan(workload, prefix, limit=limit)

    def commit(self, workload: str, writes: Sequence[Write]) -> Mapping[str, str]:
        self.commits.append([write.key for write in writes])
        return self.ledger.commit(workload, writes)


class Trouble(StrEnum):
    """What a storage fails at."""

    READS = "it cannot be read"
    WRITES = "it cannot be written"
    ALL = "it does not answer"
    REPLIES = "it writes, and nobody is told"


@dataclass(slots=True)
class Failing:
    """A ledger that fails for everybody while it has trouble."""

    ledger: Ledger
    trouble: Trouble | None = None

    def read(self, workload: str, key: str) -> Row | None:
        self._look()
        return self.ledger.read(workload, key)

    def scan(self, workload: str, prefix: str, *, limit: int = 1000) -> list[Row]:
        self._look()
        return self.ledger.scan(workload, prefix, limit=limit)

    def commit(self, workload: str, writes: Sequence[Write]) -> Mapping[str, str]:
        if self.trouble in (Trouble.WRITES, Trouble.ALL):
            raise TransientError("writing: 503")
        versions = self.ledger.commit(workload, writes)
        if self.trouble is Trouble.REPLIES:
            raise OutcomeUnknown("writing: the connection ended without an answer")
        return versions

    def _look(self) -> None:
        if self.trouble in (Trouble.READS, Trouble.ALL):
            raise TransientError("reading: 503")
