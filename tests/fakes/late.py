"""Ledgers whose reply is lost: the write arrives all the same, at once or later than anybody would think."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from shared.errors import LostRace, OutcomeUnknown, TransientError
from shared.ports import Ledger, Row, Write


@dataclass(slots=True)
class Late:
    """A ledger on which no reply comes to the first commit, which is carried out right before a later call."""

    ledger: Ledger
    calls_later: int
    due: list[tuple[str, Sequence[Write]]] = field(default_factory=list)
    calls: int = -1

    def read(self, workload: str, key: str) -> Row | None:
        self._arrive()
        return self.ledger.read(workload, key)

    def scan(self, workload: str, prefix: str, *, limit: int = 1000) -> list[Row]:
        self._arrive()
        return self.ledger.scan(workload, prefix, limit=limit)

    def commit(self, workload: str, writes: Sequence[Write]) -> Mapping[str, str]:
        self._arrive()
        if self.calls < 0:
            self.calls = 0
            self.due = [(workload, writes)]
            if self.calls_later == 0:
                self._carry_out()
            raise OutcomeUnknown("writing: the connection ended without an answer")
        return self.ledger.commit(workload, writes)

    def _arrive(self) -> None:
        if self.due:
            self.calls += 1
            if self.calls >= self.calls_later:
                self._carry_out()

    def _carry_out(self) -> None:
        (write,) = self.due
        self.due = []
        try:
            self.ledger.commit(*write)
        except LostRace:
            return  # whoever sent it does not hear of that either


@dataclass(slots=True)
class Deaf:
    """A ledger that carries out what it is told, says nothing, and then does not answer."""

    ledger: Ledger
    told: bool = False

    def read(self, workload: str, key: str) -> Row | None:
        if self.told:
            raise TransientError("reading: no connection")
        return self.ledger.read(workload, key)

    def scan(self, workload: str, prefix: str, *, limit: int = 1000) -> list[Row]:
        return self.ledger.scan(workload, prefix, limit=limit)

    def commit(self, workload: str, writes: Sequence[Write]) -> Mapping[str, str]:
        self.told = True
        self.ledger.commit(workload, writes)
        raise OutcomeUnknown("writing: the connection ended without an answer")
