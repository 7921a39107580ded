"""`LogSource` and answers that the simulator would not give: what is no number, no time, or no table."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from shared.adapters.monitor_logs import LogSource
from shared.errors import ControllerError, OutcomeUnknown, PermanentError
from shared.model.policy import Policy
from shared.model.signal import Outcome, Sample
from shared.ports import Want
from tests.contract.azure.conftest import Azure
from tests.contract.azure.played_azure import PlayedAzure

_AT = "2026-03-01T12:00:00Z"
_NOW = datetime(2026, 3, 1, 12, 5, tzinfo=UTC)
_TYPES = {"at": "datetime", "value": "real", "count": "long"}


@pytest.fixture(scope="module")
def playing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[PlayedAzure, LogSource]]:
    """The tokens are the simulator's, which `azure` stands for."""
    folder: Path = tmp_path_factory.mktemp("kql")
    (folder / "p95.kql").write_text("AppRequests", encoding="utf-8")
    (folder / "latin.kql").write_bytes(b"AppRequests // \xe9")
    with PlayedAzure() as played:
        yield played, LogSource(played.url, None, folder)


@pytest.fixture
def played(playing: tuple[PlayedAzure, LogSource]) -> PlayedAzure:
    return playing[0]


@pytest.fixture
def source(playing: tuple[PlayedAzure, LogSource]) -> LogSource:
    return playing[1]


def table(*rows: list[Any], columns: dict[str, str] | None = None) -> dict[str, Any]:
    named = [{"name": name, "type": kind} for name, kind in (columns or _TYPES).items()]
    return {"name": "PrimaryResult", "columns": named, "rows": list(rows)}


def collect(source: LogSource, policy: Policy, **changed: Any) -> tuple[Sample, ...]:
    signal = policy.signals["user_p95"].model_copy(update=changed)
    (job,) = source.jobs([Want(policy, "user_p95", signal, _NOW - timedelta(minutes=10))])
    (found,) = job.run(_NOW)
    return found.samples


@pytest.mark.parametrize(
    ("value", "count", "outcome"),
    [
        (12.5, 3, Outcome.MEASURED),
        ("12.5", "3", Outcome.MEASURED),
        (12.5, 3.0, Outcome.MEASURED),
        (None, 3, Outcome.NO_DATA),
        (12.5, None, Outcome.NO_DATA),
        (12.5, 0, Outcome.NO_DATA),
        (12.5, -1, Outcome.NO_DATA),
        ("n/a", 3, Outcome.ERROR),
        ("NaN", 3, Outcome.ERROR),
        ("Infinity", 3, Outcome.ERROR),
        (10**400, 3, Outcome.ERROR),
        (True, 3, Outcome.ERROR),
        ([1], 3, Outcome.ERROR),
        ({}, 3, Outcome.ERROR),
        (12.5, "NaN", Outcome.ERROR),
        (12.5, "Infinity", Outcome.ERROR),
        (12.5, "many", Outcome.ERROR),
        (12.5, True, Outcome.ERROR),
        (12.5, [3], Outcome.ERROR),
    ],
    ids=lambda cell: str(cell)[:20],
)
def test_a_row_is_a_sample_that_says_what_it_is(
    played: PlayedAzure, source: LogSource, azure: Azure, value: Any, count: Any, outcome: Outcome
) -> None:
    good = ["2026-03-01T12:01:00Z", 1.0, 1]
    played.answer = lambda _: {"tables": [table([_AT, value, count], good)]}
    odd, sound = collect(source, azure.policy)
    assert (odd.outcome, odd.at) == (outcome, datetime(2026, 3, 1, 12, tzinfo=UTC))
    assert (odd.value, odd.count) == ((12.5, 3) if outcome is Outcome.MEASURED else (None, 0))
    assert (sound.outcome, sound.value) == (Outcome.MEASURED, 1.0)


@pytest.mark.parametrize("at", [None, "", "soon", 5, ["x"]], ids=str)
def test_a_row_without_a_time_is_a_permanent_error(
    played: PlayedAzure, source: LogSource, azure: Azure, at: Any
) -> None:
    played.answer = lambda _: {"tables": [table([at, 1.0, 1])]}
    with pytest.raises(PermanentError, match=r"^p95\.kql answered \w+ for `at`; expected a datetime$"):
        collect(source, azure.policy)


def test_a_time_without_a_zone_is_utc(played: PlayedAzure, source: LogSource, azure: Azure) -> None:
    played.answer = lambda _: {"tables": [table(["2026-03-01T12:00:00", 1.0, 1])]}
    (sample,) = collect(source, azure.policy)
    assert sample.at == datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_columns_may_be_written_in_any_case_and_order(played: PlayedAzure, source: LogSource, azure: Azure) -> None:
    columns = {"Count": "long", "Other": "string", "AT": "datetime", "Value": "real"}
    played.answer = lambda _: {"tables": [table([3, "x", _AT, 1.5], columns=columns)]}
    (sample,) = collect(source, azure.policy)
    assert (sample.value, sample.count) == (1.5, 3)


@pytest.mark.parametrize(
    ("answer", "error", "sentence"),
    [
        ({"tables": [table([_AT, 1.0, 1])] * 2}, PermanentError, "answers 2 tables; expected one"),
        ({"tables": [table(columns={"at": "datetime"})]}, PermanentError, "has no column value"),
        ({"tables": [table([_AT, 1.0])]}, OutcomeUnknown, "makes no sense"),
        ({"tables": [table([_AT, 1.0, 1, 1])]}, OutcomeUnknown, "makes no sense"),
        ({"tables": [table() | {"rows": None}]}, OutcomeUnknown, "makes no sense"),
        ({"tables": [{}]}, OutcomeUnknown, "makes no sense"),
        ({"tables": ["soon"]}, OutcomeUnknown, "makes no sense"),
        ([], OutcomeUnknown, "makes no sense"),
        (None, OutcomeUnknown, "makes no sense"),
        ({"tables": [table([_AT, 1.0, 1])], "error": {"code": "PartialError"}}, PermanentError, "in part only"),
    ],
    ids=str,
)
def test_an_answer_of_an_odd_shape_is_an_error_with_a_sentence(
    played: PlayedAzure,
    source: LogSource,
    azure: Azure,
    answer: Any,
    error: type[ControllerError],
    sentence: str,
) -> None:
    played.answer = lambda _: answer
    with pytest.raises(ControllerError, match=sentence) as caught:
        collect(source, azure.policy)
    assert type(caught.value) is error


def test_a_time_out_below_a_second_is_one(played: PlayedAzure, source: LogSource, azure: Azure) -> None:
    played.answer = lambda _: {"tables": [table([_AT, 1.0, 1])]}
    (sample,) = collect(source, azure.policy, timeout=timedelta(milliseconds=500))
    assert sample.value == 1.0


def test_a_query_that_is_no_text_is_a_permanent_error(source: LogSource, azure: Azure) -> None:
    with pytest.raises(PermanentError, match=r"^log query latin\.kql is no UTF-8 text$"):
        collect(source, azure.policy, log="latin.kql")
