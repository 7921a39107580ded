"""Records in Table Storage that somebody else touched: `TableLedger` says which one, and nothing of what is in it."""

import zlib
from typing import Any

import pytest
from azure.data.tables import TableServiceClient

from shared.errors import PermanentError
from shared.ports import Ledger, Put
from shared.wiring import App

pytestmark = pytest.mark.storage

_PACKED = zlib.compress(b'{"secret": "of the record"}' * 9_000, level=0)
_PIECES = {f"z{number:02d}": _PACKED[number * 60_000 : (number + 1) * 60_000] for number in range(5)}
_DAMAGED: dict[str, dict[str, Any]] = {
    "no body at all": {},
    "not compressed": {"z00": b"secret of the record"},
    "text in place of bytes": {"z00": "secret of the record"},
    "a number in place of bytes": {"z00": 5},
    "the first piece is missing": {name: piece for name, piece in _PIECES.items() if name != "z00"},
    "a middle piece is missing": {name: piece for name, piece in _PIECES.items() if name != "z02"},
    "the last piece is missing": {name: piece for name, piece in _PIECES.items() if name != "z04"},
    "no text": {"z00": zlib.compress(b"\xff\xfe")},
}


@pytest.fixture
def ledger(app: App) -> Ledger:
    return app.views.ledger


def test_the_pieces_are_whole_when_nothing_is_missing(ledger: Ledger, workload: str, storage: str) -> None:
    _write(storage, workload, _PIECES)
    row = ledger.read(workload, "run")
    assert row is not None
    assert len(row.body) == 9_000 * 27


@pytest.mark.parametrize("damage", _DAMAGED)
def test_a_damaged_record_is_a_permanent_error_without_its_content(
    ledger: Ledger, workload: str, storage: str, damage: str
) -> None:
    _write(storage, workload, _DAMAGED[damage])
    for read in (lambda: ledger.read(workload, "run"), lambda: ledger.scan(workload, "r")):
        with pytest.raises(PermanentError) as caught:
            read()
        assert str(caught.value) == f"record run of {workload} is damaged"
        assert caught.value.__suppress_context__


def _write(storage: str, workload: str, properties: dict[str, Any]) -> None:
    with TableServiceClient.from_connection_string(storage) as service:
        service.get_table_client("contract").upsert_entity({"PartitionKey": workload, "RowKey": "run", **properties})


def test_text_that_is_no_unicode_is_refused(ledger: Ledger, workload: str) -> None:
    with pytest.raises(PermanentError, match="there is text in it that cannot be sent"):
        ledger.commit(workload, [Put("run", "\ud800" * 20_000)])
    with pytest.raises(PermanentError, match="there is text in it that cannot be sent"):
        ledger.commit(workload, [Put("\ud800", "{}")])
