"""Which entries of a published set of keys may verify a token."""

import json
from base64 import urlsafe_b64encode
from functools import cache
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st

from shared.adapters.entra.key_endpoint import usable_keys
from shared.adapters.entra.tenant import ACTION_GROUP_APP_ID, PUBLIC_AUTHORITY, Tenant
from shared.errors import TransientError

_ID = "3f1c5a70-4d0e-4b8e-9a55-0c9d5e7a1b20"
_OTHER = "9188040d-6c67-4c5b-b112-36a304b66dad"
_TENANT = Tenant.checked(_ID, ("api://app",), PUBLIC_AUTHORITY, ACTION_GROUP_APP_ID)

_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


def number(value: int) -> str:
    return urlsafe_b64encode(value.to_bytes((value.bit_length() + 7) // 8)).rstrip(b"=").decode()


@cache
def modulus(bits: int) -> str:
    return number(rsa.generate_private_key(65_537, bits).public_key().public_numbers().n)


def entry(**changes: Any) -> dict[str, Any]:
    usual = {"kid": "k1", "kty": "RSA", "use": "sig", "n": modulus(2048), "e": "AQAB"}
    return {name: value for name, value in {**usual, **changes}.items() if value is not None}


def names(*entries: Any) -> set[str]:
    return set(usable_keys(json.dumps({"keys": entries}).encode(), _TENANT))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"use": None},
        {"alg": "RS256"},
        {"issuer": f"{PUBLIC_AUTHORITY}/{{tenantid}}/v2.0"},
        {"issuer": f"{PUBLIC_AUTHORITY}/{_ID}/v2.0"},
        {"issuer": f"https://sts.windows.net/{_ID}/"},
        {"x5c": ["MIIB"], "x5t": "k1"},
        {"d": "AQAB"},  # a private part that was published by mistake is not taken
    ],
    ids=str,
)
def test_a_key_that_counts(changes: dict[str, Any]) -> None:
    assert names(entry(**changes)) == {"k1"}


@pytest.mark.parametrize(
    "changes",
    [
        {"kid": None},
        {"kid": 7},
        {"kty": "EC"},
        {"kty": "oct", "k": "c2VjcmV0"},
        {"kty": None},
        {"use": "enc"},
        {"alg": "RS512"},
        {"alg": "HS256"},
        {"issuer": f"{PUBLIC_AUTHORITY}/{_OTHER}/v2.0"},
        {"issuer": f"https://login.example/{_ID}/v2.0"},
        {"n": None},
        {"n": 7},
        {"n": "AQAB"},
        {"n": "\u00e9"},
        {"e": None},
        {"e": ""},
        {"e": "AA"},
    ],
    ids=str,
)
def test_a_key_that_does_not(changes: dict[str, Any]) -> None:
    assert names(entry(**changes), entry(kid="good")) == {"good"}


def test_a_short_key_does_not_count() -> None:
    assert names(entry(n=modulus(1024))) == set()


@pytest.mark.parametrize(
    "document", [b"", b"<html>", b"[]", b"null", b'"keys"', b"{}", b'{"keys": {}}', b"[" * 100_000]
)
def test_what_is_no_set_of_keys(document: bytes) -> None:
    with pytest.raises(TransientError, match="no set of keys"):
        usable_keys(document, _TENANT)


@given(entries=st.lists(_json))
def test_any_entries_hold_no_key(entries: list[Any]) -> None:
    assert names(*entries) == set()


@given(
    changes=st.dictionaries(st.sampled_from(["n", "e", "kty", "use", "alg", "issuer"]), _json.filter(bool), min_size=1)
)
def test_any_change_takes_a_key_away_and_breaks_nothing(changes: dict[str, Any]) -> None:
    assert names(entry(**changes), entry(kid="good")) <= {"k1", "good"}
    assert "good" in names(entry(**changes), entry(kid="good"))
