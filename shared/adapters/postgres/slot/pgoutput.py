"""Reads what PostgreSQL's own output plugin says of the log: which rows were written, by their identity alone.

Protocol version 1: a transaction comes as a whole, after it was committed, and never one that was rolled back. Values
are text as this session writes it. What is not about rows (types, origins) is passed over.
https://www.postgresql.org/docs/current/protocol-logicalrep-message-formats.html
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from struct import Struct

from shared.errors import PermanentError

Row = tuple[bytes | None, ...]

_BEGIN = Struct("!xqqI")  # position of the commit, time, transaction
_COMMIT = Struct("!xbqqq")  # flags, position of the commit, of its end, time
_OID = Struct("!xI")
_COUNT = Struct("!H")
_LENGTH = Struct("!I")
_TRUNCATE = Struct("!xIb")  # how many relations, options
_OF_COLUMN = Struct("!ii")  # type, modifier
_OLD = frozenset(b"KO")
_NO_VALUE, _UNCHANGED = frozenset(b"nu"), ord("u")


@dataclass(frozen=True, slots=True, eq=False)
class Relation:
    """A table or a partition as it was when it was written; each time it is told, it is another one.

    Attributes:
        columns: Those that are published.
        identity: Those by which an old row is named; a change of none of them says no old row.
    """

    oid: int
    columns: tuple[str, ...]
    identity: frozenset[str]


@dataclass(frozen=True, slots=True)
class Written:
    """A row that was written, or was there before. A value is `None` where it is null, or not said."""

    xid: int
    relation: Relation
    row: Row


@dataclass(frozen=True, slots=True)
class Emptied:
    """Tables that were truncated, by oid."""

    xid: int
    oids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Committed:
    """The end of a transaction: a position in the log, behind all of it."""

    lsn: int


Event = Written | Emptied | Committed


class Decoder:
    """Reads the messages of one stretch of the log, in their order; ids of transactions are those of 32 bits."""

    def __init__(self) -> None:
        self._xid = 0
        self._relations: dict[int, Relation] = {}
        self._readers: dict[int, Callable[[bytes], Iterable[Event]]] = {
            ord("B"): self._begin,
            ord("R"): self._relation,
            ord("I"): self._insert,
            ord("U"): self._update,
            ord("D"): self._delete,
            ord("T"): self._truncate,
            ord("C"): self._commit,
            ord("Y"): self._pass_over,
            ord("O"): self._pass_over,
        }

    def read(self, message: bytes) -> Iterable[Event]:
        """Return what a message says.

        Raises:
            PermanentError: it is of another protocol.
        """
        reader = self._readers.get(message[0])
        if reader is None:
            raise PermanentError(f"the log's messages of kind {message[:1]!r} are not known here")
        return reader(message)

    def _begin(self, message: bytes) -> Iterable[Event]:
        _, _, self._xid = _BEGIN.unpack_from(message)
        return ()

    def _commit(self, message: bytes) -> Iterable[Event]:
        _, _, end, _ = _COMMIT.unpack_from(message)
        return (Committed(end),)

    def _pass_over(self, message: bytes) -> Iterable[Event]:
        return ()

    def _relation(self, message: bytes) -> Iterable[Event]:
        (oid,) = _OID.unpack_from(message)
        after_schema = message.index(0, _OID.size) + 1
        at = message.index(0, after_schema) + 2  # the name's end, then how the identity is set
        (count,) = _COUNT.unpack_from(message, at)
        at += _COUNT.size
        columns, identity = [], []
        for _ in range(count):
            end = message.index(0, at + 1)
            columns.append(message[at + 1 : end].decode())
            identity += columns[-1:] if message[at] & 1 else []
            at = end + 1 + _OF_COLUMN.size
        self._relations[oid] = Relation(oid, tuple(columns), frozenset(identity))
        return ()

    def _insert(self, message: bytes) -> Iterable[Event]:
        return (Written(self._xid, self._of(message), _row(message, _OID.size + 1)[0]),)

    def _delete(self, message: bytes) -> Iterable[Event]:
        return self._insert(message)

    def _update(self, message: bytes) -> Iterable[Event]:
        relation, at = self._of(message), _OID.size
        if message[at] not in _OLD:
            return (Written(self._xid, relation, _row(message, at + 1)[0]),)
        old, at = _row(message, at + 1)
        # A large value that stays where it is stored is not said again.
        new, _ = _row(message, at + 1, unchanged=old)
        return (Written(self._xid, relation, old), Written(self._xid, relation, new))

    def _truncate(self, message: bytes) -> Iterable[Event]:
        count, _ = _TRUNCATE.unpack_from(message)
        return (Emptied(self._xid, Struct(f"!{count}I").unpack_from(message, _TRUNCATE.size)),)

    def _of(self, message: bytes) -> Relation:
        return self._relations[_OID.unpack_from(message)[0]]


def _row(message: bytes, at: int, unchanged: Row | None = None) -> tuple[Row, int]:
    """Return a row, and where it ends."""
    (count,) = _COUNT.unpack_from(message, at)
    at += _COUNT.size
    values: list[bytes | None] = []
    for place in range(count):
        kind = message[at]
        at += 1
        if kind in _NO_VALUE:
            values.append(unchanged[place] if unchanged and kind == _UNCHANGED else None)
            continue
        (length,) = _LENGTH.unpack_from(message, at)
        at += _LENGTH.size
        values.append(message[at : at + length])
        at += length
    return tuple(values), at
