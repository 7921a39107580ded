"""The issuer itself: what it mints is what was asked for, and what it cannot mint it says."""

import json
from base64 import urlsafe_b64decode
from typing import Any

import pytest

from local.entra_issuer.directory import ACTION_GROUP_APP_ID, API_URI, CLIENT_ID, PRINCIPALS, TENANT_ID
from local.entra_issuer.launch import RunningIssuer, launch_issuer
from shared.adapters.entra import ACTION_GROUP_APP_ID as AS_THE_PRODUCT_KNOWS_IT

_NOON_S = 1_772_366_400


def part(token: str, number: int) -> dict[str, Any]:
    text = token.split(".")[number]
    document: dict[str, Any] = json.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    return document


def test_the_second_form(issuer: RunningIssuer) -> None:
    token = issuer.token("otto", issued_at_s=_NOON_S, lifetime_s=60)
    assert part(token, 1) == {
        "iat": _NOON_S,
        "nbf": _NOON_S,
        "exp": _NOON_S + 60,
        "tid": TENANT_ID,
        "oid": PRINCIPALS["otto"].object_id,
        "sub": PRINCIPALS["otto"].object_id,
        "roles": ["Viewer", "Operator"],
        "ver": "2.0",
        "iss": f"{issuer.authority}/{TENANT_ID}/v2.0",
        "aud": CLIENT_ID,
        "azp": PRINCIPALS["otto"].client_id,
        "preferred_username": "otto@rig.example",
        "name": "Otto Operator",
        "scp": "access_as_user",
    }
    assert part(token, 0)["kid"] == issuer.state()["keys"]["current"]


def test_the_first_form_of_an_app(issuer: RunningIssuer) -> None:
    claims = part(issuer.token("action_group", version=1), 1)
    assert (claims["ver"], claims["iss"], claims["aud"]) == ("1.0", f"https://sts.windows.net/{TENANT_ID}/", API_URI)
    assert claims["appid"] == ACTION_GROUP_APP_ID == AS_THE_PRODUCT_KNOWS_IT
    assert {"azp", "scp", "upn", "name"}.isdisjoint(claims)


def test_what_is_asked_for_goes_over_what_would_be_there(issuer: RunningIssuer) -> None:
    token = issuer.token(claims={"tid": None, "x": [1]}, headers={"kid": None, "jku": "here"})
    assert "tid" not in part(token, 1)
    assert part(token, 1)["x"] == [1]
    assert "kid" not in part(token, 0)
    assert part(token, 0)["jku"] == "here"


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ({"who": "eve"}, "nobody is called so; there are vera, otto"),
        ({"key": "golden"}, "There is no key 'golden'; there are current"),
        ({"algorithm": "ES256"}, "Only the key elliptic signs with ES256"),
        ({"key": "elliptic"}, "The key elliptic signs with ES256 alone"),
        ({"algorithm": "RS1"}, "algorithm: Input should be"),
        ({"life": 3}, "life: Extra inputs"),
    ],
    ids=str,
)
def test_what_cannot_be_minted_is_said(issuer: RunningIssuer, asked: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        issuer.token(**asked)


def test_a_rotation_withdraws_a_key() -> None:
    with launch_issuer() as issuer:
        before = issuer.state()["keys"]
        issuer.rotate()
        after = issuer.state()["keys"]
    assert (after["current"], after["retired"]) == (before["next"], before["current"])
    assert after["next"] not in before.values()
