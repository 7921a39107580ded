"""Receipts of rollbacks that really happened: what is in them, and that nothing in them can be changed unnoticed."""

import json
from base64 import b64encode
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.adapters.signing import Ed25519Signer
from shared.decision.reasons import canonical
from shared.engine.by_hand import ByHand
from shared.engine.receipts import Receipts
from shared.engine.records import WHY
from shared.errors import NotFound, SettingsError
from shared.ports import Delete, Put
from shared.receipt import NotVerified, main, verify
from tests.scenarios.flapping.day import Day, new_day

_KEY, _OTHER_KEY = (b64encode(bytes([number]) * 32).decode() for number in (1, 2))
_SIGNER = Ed25519Signer(_KEY)
_PUBLIC = _SIGNER.sign(b"").public_key


def rolled_back(signer: Ed25519Signer | None = _SIGNER, *, lost_reasons: str | None = None) -> str:
    """Let a bad build be deployed, watched and taken back; returns the receipt as it was written."""
    day = new_day(lambda build, _: 0.31 if build == "b2" else 0.0, "orders")
    day.signer = signer
    day.step()
    day.release("orders", "b2")
    while not day.starts("orders"):
        day.watch.run()
        day.clock.forward(30)
    (key,) = (row.key for row in day.ledger.scan("orders", WHY))
    if lost_reasons is not None:
        day.ledger.commit("orders", [Put(key, lost_reasons) if lost_reasons else Delete(key)])
    day.step()
    return Receipts(day.ledger).document(key.removeprefix(WHY))


@pytest.fixture(scope="module")
def written() -> str:
    return rolled_back()


@pytest.fixture(scope="module")
def document(written: str) -> Any:
    return json.loads(written)


def test_a_receipt_is_verified_and_decided_again(document: Any) -> None:
    said = list(verify(document, _PUBLIC))
    assert said == [
        "the signature is good, made with the key that was given",
        "decided again, byte for byte: roll back to level 1: error_rate 0.31 > 0.05 for 60 s (min 60 s, 60 requests)",
    ]


def test_a_receipt_too_large_to_be_kept_leaves_out_what_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.engine.receipts._LARGEST_BYTES", 1000)
    document = json.loads(rolled_back())
    assert document["receipt"]["rollback"]["status"] == "verified"
    assert (document["receipt"]["reasons"], document["receipt"]["events"]) == (None, [])
    assert list(verify(document, _PUBLIC))[1].endswith(
        " leaves out reasons, verdicts and events: together they were too large to be kept"
    )


def test_what_a_receipt_holds(document: Any) -> None:
    receipt = document["receipt"]
    assert receipt["rollback"]["status"] == "verified"
    assert [step["name"] for step in receipt["rollback"]["steps"]] == [
        "look_before",
        "take:site:slot_swap",
        "verify:1",
    ]
    assert receipt["rollback"]["steps"][1]["before"]["production_build"] == "b2"
    assert receipt["rollback"]["steps"][1]["evidence"]["production_build"] == "b1"
    assert len(receipt["rollback"]["steps"][2]["evidence"]["checks"]) == 3
    assert len(receipt["reasons"]["policy_version"]) == 64
    values = [sample["value"] for sample in receipt["reasons"]["known"]["state"]["series"]["error_rate"]]
    assert 0.31 in values
    assert receipt["verdicts"]["readings"][0]["verdict"] == "unhealthy"
    assert [event["kind"] for event in receipt["events"]][-1] == "verified"
    assert {"started", "effect_accepted"} <= {event["kind"] for event in receipt["events"]}


def leaves(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the place of every value in a document."""
    if isinstance(value, dict | list) and value:
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(inner, (*place, key))
    else:
        yield place


@given(data=st.data())
def test_nothing_can_be_changed_unnoticed(written: str, data: st.DataObject) -> None:
    document = json.loads(written)
    place = data.draw(st.sampled_from(list(leaves(document["receipt"]))))
    inner = document["receipt"]
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = "forged" if inner[place[-1]] != "forged" else "x"
    with pytest.raises(NotVerified, match="it was changed after it was signed"):
        list(verify(document))


def test_a_receipt_that_was_signed_again_by_somebody_else_is_found_out(document: Any) -> None:
    forged = deepcopy(document)
    forged["receipt"]["rollback"]["cause"] = "none at all"
    signature = Ed25519Signer(_OTHER_KEY).sign(canonical(forged["receipt"]))
    forged["signature"] = {"value": signature.value, "public_key": signature.public_key}
    assert len(list(verify(forged))) == 2  # by itself it is sound: that is why the key is given
    with pytest.raises(NotVerified, match="signed with another key"):
        list(verify(forged, _PUBLIC))


def test_a_decision_that_does_not_follow_is_found_out_although_it_is_signed(document: Any) -> None:
    forged = deepcopy(document)
    forged["receipt"]["reasons"]["known"]["state"]["series"]["error_rate"] = []
    forged["receipt"]["reasons"]["news"]["samples"] = {}
    signature = _SIGNER.sign(canonical(forged["receipt"]))
    forged["signature"] = {"value": signature.value, "public_key": signature.public_key}
    with pytest.raises(NotVerified, match="deciding again comes to something else: blind"):
        list(verify(forged, _PUBLIC))


def test_without_a_key_it_says_that_it_is_not_signed() -> None:
    with pytest.raises(NotVerified, match="the app had no RECEIPT_KEY"):
        list(verify(json.loads(rolled_back(None))))


@pytest.mark.parametrize("lost", ["", "no such record"], ids=["gone", "unreadable"])
def test_a_run_whose_reasons_are_lost_ends_all_the_same_and_has_a_receipt(lost: str) -> None:
    said = list(verify(json.loads(rolled_back(lost_reasons=lost)), _PUBLIC))
    assert said[1].startswith("nothing to decide again: the reasons of rollback orders.")


def test_a_cancelled_rollback_has_a_receipt_too() -> None:
    day: Day = new_day(lambda *_: 0.0, "orders")
    day.release("orders", "b2")
    by_hand = ByHand(day.ledger, day.doorbell, day.policies, day.clock, _SIGNER)
    run = by_hand.start("orders", 1, "customers complain", "ann")
    with pytest.raises(NotFound, match="it is written when the run ends"):
        Receipts(day.ledger).document(run.id)
    by_hand.cancel(run.id, "a false alarm", "bob")
    document = json.loads(Receipts(day.ledger).document(run.id))
    assert document["receipt"]["rollback"]["status"] == "cancelled"
    assert list(verify(document, _PUBLIC))[1] == f"nothing to decide again: rollback {run.id} was asked for by ann"


@pytest.mark.parametrize("key", ["", "x", b64encode(b"short").decode(), "ä" * 44, _KEY[:-4]])
def test_what_is_no_key_is_refused(key: str) -> None:
    with pytest.raises(SettingsError, match="no signing key; expected 32 bytes in base64"):
        Ed25519Signer(key)


def test_the_command(written: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, key = tmp_path / "receipt.json", tmp_path / "public.txt"
    file.write_text(written, encoding="utf-8")
    key.write_text(_PUBLIC + "\n", encoding="utf-8")
    assert main(["verify", str(file), "--key", str(key)]) == 0
    assert "decided again, byte for byte" in capsys.readouterr().out
    file.write_text(written.replace("b2", "b3"), encoding="utf-8")
    assert main(["verify", str(file)]) == 1
    assert capsys.readouterr().err.startswith("not verified: the signature does not fit the receipt")


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"receipt": {}}', '{"receipt": {}, "signature": {"value": 5}}'])
def test_what_is_no_receipt_is_refused_in_one_sentence(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "receipt.json"
    file.write_text(text, encoding="utf-8")
    assert main(["verify", str(file)]) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_a_new_key_signs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["new-key"]) == 0
    private, public = (line.rpartition(": ")[2] for line in capsys.readouterr().out.splitlines())
    assert Ed25519Signer(private).sign(b"x").public_key == public
