"""Recordings are read as they are, or refused with the file, the line, the column and what was expected."""

import json
import zlib
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from shared.analytics.buckets import Bucket, Page
from shared.analytics.rollup import roll_up
from shared.errors import InvalidInput
from shared.model.policy import Policy
from shared.model.signal import Outcome, Sample, failed, measured, no_data
from shared.model.watch import WatchState
from shared.replay.player import Recorded
from shared.replay.recordings import read_recordings
from tests.unit.replay.watched import NOON, Written, at, policy_of

_SIGNALS = """
  error_rate: {probe: /health, share: failed}
  p95:        {probe: /health, latency: p95}
  calls:      {pushed: calls}
  server:     {metric: Http5xx, per: Requests}
  memory:     {metric: MemoryPercentage, aggregation: average, unit: percent}
"""
_RULE = Written(critical=["name: a, when: error_rate > 5%"])
_HEAD = "signal,at,value,count,outcome\n"
_SITE = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Web/sites/orders"


@pytest.fixture(scope="module")
def policy() -> Policy:
    return policy_of(_RULE, _SIGNALS + "  region_is: {pushed: x}\n")


def read(policy: Policy, folder: Path, name: str, text: str, *, in_order: bool = True) -> list[Recorded]:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return list(read_recordings([file], policy, in_order=in_order))


_ROWS: list[tuple[str, str, Sample]] = [
    ("error_rate,2026-03-01T12:00:00Z,5%,20,", "error_rate", measured(NOON, 0.05, 20)),
    ("error_rate,2026-03-01T12:00:00Z,0.05,20,measured", "error_rate", measured(NOON, 0.05, 20)),
    ("p95,2026-03-01T13:00:00+01:00,2.4s,,", "p95", measured(NOON, 2400.0)),
    ("p95,2026-03-01T12:00:00Z,240,3,", "p95", measured(NOON, 240.0, 3)),
    ("p95,2026-03-01T12:00:00Z,,,", "p95", no_data(NOON, "the recording has no value")),
    ("p95,2026-03-01T12:00:00Z,,,no_data", "p95", no_data(NOON, "the recording has no value")),
    ("p95,2026-03-01T12:00:00Z,,,error", "p95", failed(NOON, "the recording says error")),
    ("strange,2026-03-01T12:00:00Z,3 miles,,", "strange", measured(NOON, 0.0)),
]


@pytest.mark.parametrize(("row", "name", "sample"), _ROWS, ids=[row for row, _, _ in _ROWS])
def test_a_row_is_a_sample(policy: Policy, tmp_path: Path, row: str, name: str, sample: Sample) -> None:
    assert read(policy, tmp_path, "x.csv", f"{_HEAD}{row}\n") == [(name, sample)]


def test_json_lines_hold_the_same(policy: Policy, tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"signal": "error_rate", "at": "2026-03-01T12:00:00Z", "value": 0.05, "count": 20},
        {"signal": "p95", "at": "2026-03-01T12:00:00Z", "value": "2.4s", "id": "b"},
        {"signal": "p95", "at": "2026-03-01T12:00:10Z", "value": None, "outcome": "error", "note": "refused"},
    ]
    text = "\n".join(json.dumps(row) for row in rows) + "\n\n"
    assert read(policy, tmp_path, "x.jsonl", text) == [
        ("error_rate", measured(NOON, 0.05, 20)),
        ("p95", measured(NOON, 2400.0, sample_id="b")),
        ("p95", failed(at(10), "refused")),
    ]


_WRONG_CSV = {
    "signal,at\n": "x.csv:1: the first line has no column 'value'",
    "signal,at,value,colour\n": "x.csv:1: column 'colour'; expected each at most once",
    "signal,at,value,at\n": "x.csv:1: column 'at'; expected each at most once",
    "": "x.csv:1: the first line has no column 'signal'",
    f"{_HEAD}error_rate,2026-03-01T12:00:00Z,5%\n": "x.csv:2: 3 columns; expected 5",
    f"{_HEAD},2026-03-01T12:00:00Z,5%,,\n": "x.csv:2: signal: '' is no name",
    f"{_HEAD}error_rate,yesterday,5%,,\n": "x.csv:2: at: 'yesterday' is no moment; expected for instance 2026-",
    f"{_HEAD}error_rate,2026-03-01T12:00:00,5%,,\n": "x.csv:2: at: '2026-03-01T12:00:00' has no zone",
    f"{_HEAD}error_rate,2026-03-01T12:00:00Z,5ms,,\n": "x.csv:2: value: '5ms' has the wrong unit; the signal is",
    f"{_HEAD}calls,2026-03-01T12:00:00Z,many,,\n": "x.csv:2: value: 'many' is not a number",
    f"{_HEAD}calls,2026-03-01T12:00:00Z,1,2.5,\n": "x.csv:2: count: '2.5'; expected a whole number",
    f"{_HEAD}calls,2026-03-01T12:00:00Z,1,-1,\n": "x.csv:2: count: '-1'; expected a whole number",
    f"{_HEAD}calls,2026-03-01T12:00:00Z,,,lost\n": "x.csv:2: outcome: 'lost'; expected measured, no_data or error",
    f"{_HEAD}calls,2026-03-01T12:00:00Z,,,measured\n": "x.csv:2: value: nothing was measured",
    f"{_HEAD}calls,2026-03-01T12:00:00Z,1,,error\n": "x.csv:2: value: '1' beside error; expected no value there",
    f'{_HEAD}calls,"2026\n': "x.csv:",
}


@pytest.mark.parametrize(("text", "said"), _WRONG_CSV.items(), ids=list(_WRONG_CSV.values()))
def test_csv_that_is_wrong_is_refused_at_its_place(policy: Policy, tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read(policy, tmp_path, "x.csv", text)
    assert said in str(refused.value)


_WRONG_JSON = {
    "[1]\n": "x.jsonl:1: no object; expected one with signal, at",
    '{"signal": "calls", "when": 1}\n': "x.jsonl:1: when: unknown; expected one of: signal, at",
    '{"signal": "calls", "at": 5, "value": 1}\n': "x.jsonl:1: at: 5 is no moment",
    '\n{"signal": \n': "x.jsonl:2: not readable as JSON",
    '{"signal": "calls", "at": "2026-03-01T12:00:00Z", "value": 1, "count": true}\n': "x.jsonl:1: count: True",
}


@pytest.mark.parametrize(("text", "said"), _WRONG_JSON.items(), ids=list(_WRONG_JSON.values()))
def test_json_that_is_wrong_is_refused_at_its_place(policy: Policy, tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read(policy, tmp_path, "x.jsonl", text)
    assert said in str(refused.value)


def test_rows_out_of_order_are_refused_unless_they_are_to_be_sorted(policy: Policy, tmp_path: Path) -> None:
    text = f"{_HEAD}calls,2026-03-01T12:00:10Z,2,,\ncalls,2026-03-01T12:00:00Z,1,,\n"
    with pytest.raises(InvalidInput, match=r"sample 2: at: calls of 2026-03-01T12:00:00.* stands after .*--sort"):
        read(policy, tmp_path, "x.csv", text)
    assert [sample.value for _, sample in read(policy, tmp_path, "x.csv", text, in_order=False)] == [1.0, 2.0]


def test_several_files_are_played_as_one(policy: Policy, tmp_path: Path) -> None:
    one, other = tmp_path / "a.csv", tmp_path / "b.jsonl"
    one.write_text(f"{_HEAD}calls,2026-03-01T12:00:00Z,1,,\ncalls,2026-03-01T12:00:20Z,3,,\n", encoding="utf-8")
    other.write_text('{"signal": "calls", "at": "2026-03-01T12:00:10Z", "value": 2}\n', encoding="utf-8")
    found = read_recordings([one, other], policy, in_order=True)
    assert [sample.value for _, sample in found] == [1.0, 2.0, 3.0]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("x.txt", "", "expected .csv, .jsonl or .json"),
        ("x.json", "{}", "neither an answer of Azure Monitor nor rows"),
        ("x.json", "{", "not readable as JSON"),
    ],
)
def test_a_file_of_no_known_form_is_refused(policy: Policy, tmp_path: Path, name: str, text: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        read(policy, tmp_path, name, text)


def _metric(name: str, aggregation: str, *values: float | None) -> dict[str, Any]:
    stamps = [f"2026-03-01T11:{minute:02}:00Z" for minute in range(59, 59 + len(values))]
    points = [
        {"timeStamp": stamp} | ({aggregation: value} if value is not None else {})
        for stamp, value in zip(stamps, values, strict=True)
    ]
    return {"name": {"value": name}, "unit": "Count", "timeseries": [{"metadatavalues": [], "data": points}]}


def test_an_answer_of_azure_monitor_holds_samples_at_the_ends_of_their_intervals(
    policy: Policy, tmp_path: Path
) -> None:
    metrics = [
        _metric("Http5xx", "total", 3.0),
        _metric("Requests", "total", 60.0),
        _metric("MemoryPercentage", "average", 80.0),
    ]
    answer = {"interval": "PT1M", "value": metrics}
    assert read(policy, tmp_path, "x.json", json.dumps(answer)) == [
        ("server", measured(NOON, 0.05, 60)),
        ("memory", measured(NOON, 0.8)),
    ]


def test_a_batched_answer_speaks_of_the_resource_that_is_watched(policy: Policy, tmp_path: Path) -> None:
    other = {
        "resourceid": f"{_SITE}-other",
        "interval": "PT5M",
        "value": [_metric("MemoryPercentage", "average", 99.0)],
    }
    mine = {"resourceid": _SITE.upper(), "interval": "PT5M", "value": [_metric("MemoryPercentage", "average", 80.0)]}
    found = read(policy, tmp_path, "x.json", json.dumps({"values": [other, mine]}))
    assert found == [("memory", measured(at(240), 0.8))]


def test_a_share_of_nothing_is_no_data(policy: Policy, tmp_path: Path) -> None:
    answer = {"interval": "PT1M", "value": [_metric("Http5xx", "total", 3.0), _metric("Requests", "total", 0.0)]}
    ((_, sample),) = read(policy, tmp_path, "x.json", json.dumps(answer))
    assert sample.outcome is Outcome.NO_DATA


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda answer: answer.update(interval="often"), "interval: 'often'; expected for instance PT1M"),
        (lambda answer: answer["value"][0]["timeseries"].append({}), "told in 2 series; expected one"),
        (lambda answer: answer["value"][0].pop("timeseries"), "not as Azure Monitor answers"),
        (
            lambda answer: answer["value"].append(_metric("MemoryPercentage", "total", 1.0)),
            "exported with `--aggregation average`",
        ),
    ],
)
def test_an_answer_that_cannot_be_used_is_refused(policy: Policy, tmp_path: Path, change: Any, said: str) -> None:
    answer: dict[str, Any] = {
        "interval": "PT1M",
        "value": [_metric("Http5xx", "total", 3.0), _metric("Requests", "total", 60.0)],
    }
    change(answer)
    with pytest.raises(InvalidInput, match=said):
        read(policy, tmp_path, "x.json", json.dumps(answer))


def _packed(record: Any) -> dict[str, str]:
    body = TypeAdapter(type(record)).dump_json(record)
    return {"z00": b64encode(zlib.compress(body)).decode()}


def test_rows_of_the_table_hold_samples_and_before_them_minutes(policy: Policy, tmp_path: Path) -> None:
    watch = WatchState(series={"calls": (measured(at(60), 4.0), measured(at(70), 5.0))})
    rolled = Bucket(signals={"calls": roll_up([measured(at(5), 1.0), measured(at(15), 3.0)])})
    page = Page(moved_in=0, buckets={int(at(-60).timestamp()): rolled, int(NOON.timestamp()): rolled})
    rows = [
        {"PartitionKey": "orders", "RowKey": "now:1:watch", "body": TypeAdapter(WatchState).dump_json(watch).decode()},
        {"PartitionKey": "orders", "RowKey": "roll:minutes:9999999", **_packed(page)},
        {"PartitionKey": "other", "RowKey": "now:1:watch", "body": "{}"},
    ]
    assert read(policy, tmp_path, "x.json", json.dumps({"items": rows})) == [
        ("calls", measured(NOON, 2.0, 2)),
        ("calls", measured(at(60), 4.0)),
        ("calls", measured(at(70), 5.0)),
    ]


def test_a_damaged_row_is_refused_by_its_key(policy: Policy, tmp_path: Path) -> None:
    rows = [{"PartitionKey": "orders", "RowKey": "now:1:watch", "z00": "AAAA"}]
    with pytest.raises(InvalidInput, match="row now:1:watch: cannot be read by this version"):
        read(policy, tmp_path, "x.json", json.dumps(rows))
