"""A ledger in memory with the laws of `ports.Ledger`; `tests/contract` holds it and Table Storage to the same tests."""

import zlib
from bisect import bisect_left, insort
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from itertools import count, islice, takewhile
from threading import Lock

from shared.errors import LostRace, PermanentError
from shared.ports import Delete, Insert, Replace, Row, Write

_MOST_WRITES = 100
_SURELY_FITS = 15_000
_LARGEST_BODY_BYTES = 1_000_000  # compressed


class MemoryLedger:
    """Fulfils `ports.Ledger`. Safe to use from many threads."""

    def __init__(self) -> None:
        self._rows: dict[str, dict[str, Row]] = defaultdict(dict)
        self._keys: dict[str, list[str]] = defaultdict(list)
        self._versions = count(1)
        self._lock = Lock()

    def read(self, workload: str, key: str) -> Row | None:
        with self._lock:
            return self._rows[workload].get(key)

    def scan(self, workload: str, prefix: str, *, limit: int = 1000) -> list[Row]:
        with self._lock:
            keys = self._keys[workload]
            matching = takewhile(lambda key: key.startswith(prefix), islice(keys, bisect_left(keys, prefix), None))
            return [self._rows[workload][key] for key in islice(matching, limit)]

    def commit(self, workload: str, writes: Sequence[Write]) -> Mapping[str, str]:
        _refuse_what_no_table_takes(writes)
        with self._lock:
            for write in writes:
                self._check(workload, write)
            return {write.key: self._carry_out(workload, write) for write in writes}

    def _check(self, workload: str, write: Write) -> None:
        found = self._rows[workload].get(write.key)
        if isinstance(write, Insert) and found is not None:
            raise LostRace(f"{write.key} of {workload} is there already")
        if isinstance(write, Replace | Delete):
            if found is None:
                raise LostRace(f"{write.key} of {workload} is gone")
            if write.version is not None and write.version != found.version:
                raise LostRace(f"{write.key} of {workload} was written by somebody else")

    def _carry_out(self, workload: str, write: Write) -> str:
        if isinstance(write, Delete):
            del self._rows[workload][write.key]
            self._keys[workload].remove(write.key)
            return ""
        if write.key not in self._rows[workload]:
            insort(self._keys[workload], write.key)
        version = f"v{next(self._versions)}"
        self._rows[workload][write.key] = Row(write.key, write.body, version)
        return version


def _refuse_what_no_table_takes(writes: Sequence[Write]) -> None:
    if len(writes) > _MOST_WRITES:
        raise PermanentError(f"{len(writes)} writes in one commit")
    key, times = Counter(write.key for write in writes).most_common(1)[0]
    if times > 1:
        raise PermanentError(f"{key} is written {times} times in one commit")
    for write in writes:
        if not isinstance(write, Delete) and len(write.body) > _SURELY_FITS:
            packed = zlib.compress(write.body.encode(), level=1)
            if len(packed) > _LARGEST_BODY_BYTES:
                raise PermanentError(f"{write.key} takes {len(packed)} bytes")
