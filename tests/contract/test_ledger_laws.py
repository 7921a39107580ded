"""What every ledger keeps to, the fake one and Table Storage: the engine is tested on the one and runs on the other."""

import json
import random
from base64 import b64encode
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.errors import LostRace, PermanentError
from shared.ports import Delete, Insert, Ledger, Put, Replace, Write

KEY = "now:1:watch"


def body_of(ledger: Ledger, workload: str, key: str = KEY) -> str | None:
    row = ledger.read(workload, key)
    return row.body if row else None


def test_what_was_never_written_is_none(ledger: Ledger, workload: str) -> None:
    assert ledger.read(workload, KEY) is None
    assert ledger.scan(workload, "now:") == []


@pytest.mark.parametrize("write", [Insert(KEY, "1"), Put(KEY, "1")], ids=lambda write: type(write).__name__)
def test_a_write_is_read_back_with_the_version_that_was_returned(ledger: Ledger, workload: str, write: Write) -> None:
    versions = ledger.commit(workload, [write])
    row = ledger.read(workload, KEY)
    assert row is not None
    assert (row.key, row.body, row.version) == (KEY, "1", versions[KEY])
    assert ledger.scan(workload, "now:") == [row]


def test_a_second_insert_loses(ledger: Ledger, workload: str) -> None:
    ledger.commit(workload, [Insert(KEY, "first")])
    with pytest.raises(LostRace):
        ledger.commit(workload, [Insert(KEY, "second")])
    assert body_of(ledger, workload) == "first"


def test_a_replace_needs_the_version_that_was_read(ledger: Ledger, workload: str) -> None:
    first = ledger.commit(workload, [Insert(KEY, "1")])[KEY]
    second = ledger.commit(workload, [Replace(KEY, "2", first)])[KEY]
    assert second != first
    with pytest.raises(LostRace):
        ledger.commit(workload, [Replace(KEY, "3", first)])
    assert body_of(ledger, workload) == "2"


def test_the_same_body_written_again_is_a_new_version(ledger: Ledger, workload: str) -> None:
    first = ledger.commit(workload, [Insert(KEY, "1")])[KEY]
    assert ledger.commit(workload, [Replace(KEY, "1", first)])[KEY] != first


def test_a_put_needs_nothing_and_outdates_versions(ledger: Ledger, workload: str) -> None:
    first = ledger.commit(workload, [Insert(KEY, "1")])[KEY]
    ledger.commit(workload, [Put(KEY, "2")])
    with pytest.raises(LostRace):
        ledger.commit(workload, [Delete(KEY, first)])
    assert body_of(ledger, workload) == "2"


@pytest.mark.parametrize("kind", ["replace", "delete", "delete this version"])
def test_what_is_gone_cannot_be_replaced_or_deleted(ledger: Ledger, workload: str, kind: str) -> None:
    version = ledger.commit(workload, [Insert(KEY, "1")])[KEY]
    ledger.commit(workload, [Delete(KEY, version)])
    writes: dict[str, Write] = {
        "replace": Replace(KEY, "2", version),
        "delete": Delete(KEY),
        "delete this version": Delete(KEY, version),
    }
    with pytest.raises(LostRace):
        ledger.commit(workload, [writes[kind]])
    assert ledger.read(workload, KEY) is None


def test_a_delete_without_version_takes_what_is_there(ledger: Ledger, workload: str) -> None:
    ledger.commit(workload, [Insert(KEY, "1")])
    ledger.commit(workload, [Delete(KEY)])
    assert ledger.read(workload, KEY) is None
    ledger.commit(workload, [Insert(KEY, "2")])


@pytest.mark.parametrize("bad", range(5))
def test_one_bad_write_of_five_writes_nothing(ledger: Ledger, workload: str, bad: int) -> None:
    kept = ledger.commit(workload, [Insert("kept", "1"), Insert("gone", "1")])
    writes: list[Write] = [Insert("a", "1"), Put("b", "1"), Replace("kept", "2", kept["kept"]), Delete("gone")]
    writes.insert(bad, Insert("kept-2", "1"))
    ledger.commit(workload, [Insert("kept-2", "0")])
    with pytest.raises(LostRace):
        ledger.commit(workload, writes)
    assert _all(ledger, workload) == {"kept": "1", "gone": "1", "kept-2": "0"}


def _all(ledger: Ledger, workload: str) -> dict[str, str]:
    return {row.key: row.body for prefix in "abgk" for row in ledger.scan(workload, prefix)}


def test_a_commit_of_every_kind_of_write_is_one_step(ledger: Ledger, workload: str) -> None:
    versions = ledger.commit(workload, [Insert("kept", "1"), Insert("gone", "1")])
    done = ledger.commit(
        workload, [Insert("a", "1"), Put("b", "1"), Replace("kept", "2", versions["kept"]), Delete("gone")]
    )
    assert _all(ledger, workload) == {"a": "1", "b": "1", "kept": "2"}
    assert {key for key, version in done.items() if version} == {"a", "b", "kept"}


def test_partitions_do_not_meet(ledger: Ledger, workload: str) -> None:
    ledger.commit(workload, [Insert(KEY, "mine")])
    ledger.commit(f"{workload}-b", [Insert(KEY, "theirs")])
    assert [row.body for row in ledger.scan(workload, "now:")] == ["mine"]


def test_a_scan_is_in_key_order_and_ends_at_its_prefix(ledger: Ledger, workload: str) -> None:
    keys = ["now:1", "now:10", "now:2", "now;", "now", "no", "nox", "event:1", "now:~", "now:é"]
    ledger.commit(workload, [Insert(key, key) for key in random.Random(1).sample(keys, len(keys))])
    found = [row.key for row in ledger.scan(workload, "now:")]
    assert found == ["now:1", "now:10", "now:2", "now:~", "now:é"]


def test_a_scan_goes_across_pages(ledger: Ledger, workload: str) -> None:
    keys = [f"event:{number:05d}" for number in range(1_050)]
    for start in range(0, len(keys), 100):
        ledger.commit(workload, [Insert(key, "1") for key in keys[start : start + 100]])
    assert [row.key for row in ledger.scan(workload, "event:", limit=5_000)] == keys
    assert [row.key for row in ledger.scan(workload, "event:")] == keys[:1_000]
    assert [row.key for row in ledger.scan(workload, "event:", limit=3)] == keys[:3]


@pytest.mark.parametrize(
    "key",
    [
        "run:orders.20260301T120000000000",
        "event:8227712000000:decided:0a1b2c3d",
        "now:2:out:8227712000000:decided:0a1b2c3d:webhook:ops",
        "a.b-c_d~e!$&'()*+,;=@",
        "schlüssel:日本:🚀",
        "with a blank and 'quotes' and 100 %",
    ],
)
def test_keys_may_hold_what_the_engine_puts_in_them(ledger: Ledger, workload: str, key: str) -> None:
    version = ledger.commit(workload, [Insert(key, "1")])[key]
    assert body_of(ledger, workload, key) == "1"
    version = ledger.commit(workload, [Replace(key, "2", version)])[key]
    assert [(row.key, row.version) for row in ledger.scan(workload, key)] == [(key, version)]
    ledger.commit(workload, [Delete(key, version)])
    assert ledger.read(workload, key) is None


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
def test_any_text_survives(ledger: Ledger, workload: str, text: str) -> None:
    body = json.dumps({"text": text}, ensure_ascii=False)
    ledger.commit(workload, [Put("any", body)])
    assert body_of(ledger, workload, "any") == body


@pytest.mark.parametrize("letter", ["a", "é", "日", "🚀"])
@pytest.mark.parametrize("length", [14_999, 15_000, 15_001, 40_000])
def test_bodies_survive_around_the_length_where_they_are_packed(
    ledger: Ledger, workload: str, letter: str, length: int
) -> None:
    ledger.commit(workload, [Put("long", letter * length)])
    assert body_of(ledger, workload, "long") == letter * length


def test_a_body_of_200_kb_survives_being_replaced_by_shorter_ones(ledger: Ledger, workload: str) -> None:
    bodies = [_json_of(200_000), _json_of(70_000), "{}", _json_of(200_000)]
    version = ledger.commit(workload, [Insert("series", "{}")])["series"]
    for body in bodies:
        version = ledger.commit(workload, [Replace("series", body, version)])["series"]
        assert body_of(ledger, workload, "series") == body
        assert [row.body for row in ledger.scan(workload, "series")] == [body]


def test_a_body_of_900_kb_of_noise_survives(ledger: Ledger, workload: str) -> None:
    body = _noise(900_000)
    ledger.commit(workload, [Insert("noise", body)])
    assert body_of(ledger, workload, "noise") == body


def test_a_body_that_no_entity_holds_is_refused_and_nothing_is_written(ledger: Ledger, workload: str) -> None:
    with pytest.raises(PermanentError, match=r"^noise takes \d+ bytes"):
        ledger.commit(workload, [Insert("a", "1"), Insert("noise", _noise(1_100_000))])
    assert _all(ledger, workload) == {}


def test_100_writes_are_one_commit_and_101_are_refused(ledger: Ledger, workload: str) -> None:
    writes = [Insert(f"a{number}", "1") for number in range(101)]
    with pytest.raises(PermanentError, match="101 writes in one commit"):
        ledger.commit(workload, writes)
    assert _all(ledger, workload) == {}
    assert len(ledger.commit(workload, writes[:100])) == 100


def test_a_key_that_is_written_twice_in_one_commit_is_refused(ledger: Ledger, workload: str) -> None:
    with pytest.raises(PermanentError):
        ledger.commit(workload, [Put("a", "1"), Put("a", "2")])
    assert _all(ledger, workload) == {}


def _json_of(size: int) -> str:
    """The series of a busy signal: JSON that is long and much alike."""
    noise = random.Random(size)
    sample = {"at": datetime(2026, 3, 1, tzinfo=UTC).isoformat(), "outcome": "measured", "value": 0.0, "count": 20}
    samples = [sample | {"value": noise.random()} for _ in range(size // 95)]
    return json.dumps({"series": {"error_rate": samples}})


def _noise(size: int) -> str:
    """Text that packs to about `size` bytes and no less."""
    return b64encode(random.Random(size).randbytes(size)).decode()
