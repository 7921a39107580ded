"""`python -m shared.receipt verify FILE` checks a receipt's signature and decides again; `new-key` makes a key.

Deciding again takes what the deciding cycle went on, runs the same pure functions, and compares what they come to with
what was written down, byte for byte.
"""

import argparse
import json
import sys
from base64 import b64encode
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from shared.adapters.signing import Ed25519Signer, fingerprint, is_signed
from shared.decision.reasons import as_json, canonical, decide_again, reasons_from_json
from shared.model.run import BY_WATCH
from shared.ports import Signature


class NotVerified(Exception):
    """A receipt that is not what it should be; the text says why."""


def verify(document: Any, public_key: str | None = None) -> Iterator[str]:
    """Check a receipt.

    Args:
        document: The parsed file.
        public_key: The key that it must be signed with; any if not given.

    Yields:
        What was found in order, as sentences.

    Raises:
        NotVerified: the first thing that is wrong.
    """
    if not isinstance(document, dict) or not isinstance(document.get("receipt"), dict):
        raise NotVerified("this is no receipt; expected an object with `receipt` and `signature`")
    yield _check_signature(document, public_key)
    yield _check_decision(document["receipt"])


def _check_signature(document: dict[str, Any], public_key: str | None) -> str:
    given = document.get("signature")
    if not isinstance(given, dict):
        raise NotVerified("the receipt is not signed: the app had no RECEIPT_KEY")
    signature = Signature(value=str(given.get("value")), public_key=str(given.get("public_key")))
    if not is_signed(canonical(document["receipt"]), signature):
        raise NotVerified("the signature does not fit the receipt: it was changed after it was signed")
    if public_key is not None and signature.public_key != public_key.strip():
        raise NotVerified(f"signed with another key: {fingerprint(signature.public_key)}")
    whose = (
        "the key that was given" if public_key else f"key {fingerprint(signature.public_key)}; compare it with yours"
    )
    return f"the signature is good, made with {whose}"


def _check_decision(receipt: dict[str, Any]) -> str:
    run = receipt.get("rollback", {})
    if receipt.get("left_out"):
        return f"nothing to decide again: the receipt of rollback {run.get('id')} leaves out {receipt['left_out']}"
    if receipt.get("reasons") is None and run.get("requested_by") == BY_WATCH:
        return f"nothing to decide again: the reasons of rollback {run.get('id')} were lost"
    if receipt.get("reasons") is None:
        return f"nothing to decide again: rollback {run.get('id')} was asked for by {run.get('requested_by')}"
    try:
        again = as_json(decide_again(reasons_from_json(receipt["reasons"])))
    except ValueError:
        raise NotVerified("the reasons in the receipt cannot be read by this version") from None
    if canonical(again) != canonical(receipt["verdicts"]):
        raise NotVerified(f"deciding again comes to something else: {again['decision']['sentence']}")
    return f"decided again, byte for byte: {again['decision']['sentence']}"


def main(arguments: Sequence[str]) -> int:
    """Run the command; returns its exit status."""
    parser = argparse.ArgumentParser(prog="python -m shared.receipt", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    verifying = commands.add_parser("verify", help="check a receipt")
    verifying.add_argument("file", type=Path)
    verifying.add_argument("--key", type=Path, help="file with the public key that it must be signed with")
    commands.add_parser("new-key", help="print a new private key, and the public key that goes with it")
    given = parser.parse_args(arguments)
    return _new_key() if given.command == "new-key" else _verify(given.file, given.key)


def _new_key() -> int:
    from secrets import token_bytes

    private = b64encode(token_bytes(32)).decode()
    print(f"private (RECEIPT_KEY): {private}")
    print(f"public: {Ed25519Signer(private).sign(b'').public_key}")
    return 0


def _verify(file: Path, key: Path | None) -> int:
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
        for sentence in verify(document, key.read_text(encoding="utf-8") if key else None):
            print(sentence)
    except (OSError, ValueError, RecursionError) as error:
        print(f"not verified: the file cannot be read: {type(error).__name__}", file=sys.stderr)
        return 1
    except NotVerified as error:
        print(f"not verified: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
