"""The ledger in Azure Table Storage: one partition per workload, one entity group transaction per commit.

Platform rules kept here: an entity has at most 1 MiB and a property 64 KiB, so a large body is compressed and cut; a
batch has at most 100 operations on different rows; the SDK repeats a conditional write whose reply was lost, so that a
conflict may be our own success, which the `op` in every written row settles.
https://learn.microsoft.com/rest/api/storageservices/understanding-the-table-service-data-model
https://learn.microsoft.com/rest/api/storageservices/performing-entity-group-transactions
"""

import zlib
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import uuid4

from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.data.tables import TableClient, TableEntity, TransactionOperation, UpdateMode

from shared.adapters.azure_errors import translated
from shared.errors import LostRace, PermanentError
from shared.model.policy import MOST_WRITES
from shared.ports import Delete, Insert, Put, Replace, Row, Write

_PLAIN_CHARACTERS = 15_000  # a text property counts two bytes a character, up to 64 KiB; most fit in the plain
_PIECE_BYTES = 60_000
_LARGEST_ENTITY_BYTES = 1_000_000
_CONFLICTS = frozenset({404, 409, 412})

Operation = tuple[TransactionOperation, dict[str, Any], dict[str, Any]]


class TableLedger:
    """Fulfils `ports.Ledger`. Safe to use from many threads."""

    def __init__(self, table: TableClient) -> None:
        self._table = table

    def read(self, workload: str, key: str) -> Row | None:
        with translated(f"reading {key} of {workload}"):
            try:
                return _row(self._table.get_entity(workload, key))
            except ResourceNotFoundError:
                return None

    def scan(self, workload: str, prefix: str, *, limit: int = 1000) -> list[Row]:
        found: list[Row] = []
        with translated(f"reading {prefix}* of {workload}"):
            entities = self._table.query_entities(
                "PartitionKey eq @workload and RowKey ge @first and RowKey lt @beyond",
                parameters={"workload": workload, "first": prefix, "beyond": _beyond(prefix)},
                results_per_page=min(limit, 1000),
            )
            for entity in entities:
                found.append(_row(entity))
                if len(found) >= limit:
                    break
        return found

    def commit(self, workload: str, writes: Sequence[Write]) -> Mapping[str, str]:
        if len(writes) > MOST_WRITES:
            raise PermanentError(f"{len(writes)} writes in one commit; the platform takes {MOST_WRITES}")
        op = uuid4().hex
        with translated(f"writing to {workload}"):
            operations = [_operation(workload, write, op) for write in writes]
            try:
                results = self._table.submit_transaction(operations)
            except HttpResponseError as error:
                if error.status_code not in _CONFLICTS:
                    raise
                return self._after_conflict(workload, writes, op)
            return {write.key: str(result.get("etag", "")) for write, result in zip(writes, results, strict=True)}

    def _after_conflict(self, workload: str, writes: Sequence[Write], op: str) -> Mapping[str, str]:
        """Tell a lost race from an own success whose reply was lost."""
        kept = [write.key for write in writes if not isinstance(write, Delete)]
        versions: dict[str, str] = {}
        for key in kept:
            try:
                entity = self._table.get_entity(workload, key)
            except ResourceNotFoundError:
                entity = None
            if entity is None or entity.get("op") != op:
                raise LostRace(f"{key} of {workload} was written by somebody else")
            versions[key] = _version(entity)
        if not kept:
            raise LostRace(f"a record of {workload} is gone")
        return versions


def _beyond(prefix: str) -> str:
    return prefix[:-1] + chr(ord(prefix[-1]) + 1)


def _operation(workload: str, write: Write, op: str) -> Operation:
    entity: dict[str, Any] = {"PartitionKey": workload, "RowKey": write.key}
    condition: dict[str, Any] = {}
    if isinstance(write, Replace | Delete) and write.version is not None:
        condition = {"etag": write.version, "match_condition": MatchConditions.IfNotModified}
    if isinstance(write, Delete):
        return TransactionOperation.DELETE, entity, condition
    entity |= {"op": op, **_packed(write)}
    kind = _OPERATIONS[type(write)]
    return kind, entity, condition | ({} if kind is TransactionOperation.CREATE else {"mode": UpdateMode.REPLACE})


_OPERATIONS = {
    Insert: TransactionOperation.CREATE,
    Replace: TransactionOperation.UPDATE,
    Put: TransactionOperation.UPSERT,
}


def _packed(write: Insert | Replace | Put) -> dict[str, Any]:
    """Return the properties of a body: readable text while it is short, else compressed pieces."""
    if len(write.body) <= _PLAIN_CHARACTERS:
        return {"body": write.body}
    packed = zlib.compress(write.body.encode(), level=1)
    if len(packed) > _LARGEST_ENTITY_BYTES:
        raise PermanentError(f"{write.key} takes {len(packed)} bytes; a record holds at most {_LARGEST_ENTITY_BYTES}")
    pieces = range(0, len(packed), _PIECE_BYTES)
    return {f"z{number:02d}": packed[start : start + _PIECE_BYTES] for number, start in enumerate(pieces)}


def _row(entity: TableEntity) -> Row:
    body = entity.get("body")
    return Row(str(entity["RowKey"]), _unpacked(entity) if body is None else str(body), _version(entity))


def _unpacked(entity: TableEntity) -> str:
    pieces = [entity[name] for name in sorted(entity) if name[0] == "z" and name[1:].isdecimal()]
    try:
        return zlib.decompress(b"".join(pieces)).decode()
    except (zlib.error, TypeError, UnicodeDecodeError):
        raise PermanentError(f"record {entity['RowKey']} of {entity['PartitionKey']} is damaged") from None


def _version(entity: TableEntity) -> str:
    return str(entity.metadata["etag"])
