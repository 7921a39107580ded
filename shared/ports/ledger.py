"""Durable records: where everything is kept."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Row:
    """A stored record: its key within the workload's partition, its JSON body and the version that was read."""

    key: str
    body: str
    version: str


@dataclass(frozen=True, slots=True)
class Insert:
    """Write a record that must not exist yet."""

    key: str
    body: str


@dataclass(frozen=True, slots=True)
class Replace:
    """Write a record that must still have the version that was read."""

    key: str
    body: str
    version: str


@dataclass(frozen=True, slots=True)
class Put:
    """Write a record whatever is there."""

    key: str
    body: str


@dataclass(frozen=True, slots=True)
class Delete:
    """Remove a record; `version` of `None` removes whatever is there."""

    key: str
    version: str | None = None


Write = Insert | Replace | Put | Delete


class Ledger(Protocol):
    """Durable records, one partition per workload; what is committed together is one atomic step."""

    def read(self, workload: str, key: str) -> Row | None:
        """Return one record, or `None`."""
        ...

    def scan(self, workload: str, prefix: str, *, limit: int = 1000) -> list[Row]:
        """Return the records whose key begins with the prefix, in key order, at most `limit`."""
        ...

    def commit(self, workload: str, writes: Sequence[Write]) -> Mapping[str, str]:
        """Carry out all writes (at most 100, of different keys) or none.

        Returns:
            The new version by key.

        Raises:
            LostRace: a record was there, had another version, or was gone.
        """
        ...
