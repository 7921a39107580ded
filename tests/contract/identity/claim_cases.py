"""Tokens that are well signed and not for this app, or not now."""

from local.entra_issuer.directory import API_URI, CLIENT_ID, TENANT_ID
from tests.contract.identity.case import Case, call
from tests.fakes.clock import NOON

_OTHER_TENANT = "99999999-0c9d-4b8e-9a55-0c9d5e7a1b20"
_OTHER_APP = "77777777-52a4-4f0c-8f0a-9b1d2c3e4f50"
_GRAPH = "00000003-0000-0000-c000-000000000000"
_NOW = int(NOON.timestamp())
_ISSUER, _TENANT, _AUDIENCE = "401 another issuer", "401 another tenant", "401 another audience"

CASES: tuple[Case, ...] = (
    call("issuer", "another tenant", _ISSUER, claims={"iss": f"{{authority}}/{_OTHER_TENANT}/v2.0"}),
    call(
        "issuer",
        "another tenant, first form",
        _ISSUER,
        version=1,
        claims={"iss": f"https://sts.windows.net/{_OTHER_TENANT}/"},
    ),
    call("issuer", "another host", _ISSUER, claims={"iss": f"https://login.example/{TENANT_ID}/v2.0"}),
    call("issuer", "ours, and more", _ISSUER, claims={"iss": f"{{authority}}/{TENANT_ID}/v2.0/more"}),
    call(
        "issuer",
        "the first form without its slash",
        _ISSUER,
        version=1,
        claims={"iss": f"https://sts.windows.net/{TENANT_ID}"},
    ),
    call("issuer", "the pattern itself", _ISSUER, claims={"iss": "{authority}/{tenantid}/v2.0"}),
    call("issuer", "left out", _ISSUER, claims={"iss": None}),
    call("issuer", "a list with ours in it", _ISSUER, claims={"iss": [f"{{authority}}/{TENANT_ID}/v2.0"]}),
    call("tenant", "another", _TENANT, claims={"tid": _OTHER_TENANT}),
    call("tenant", "another, first form", _TENANT, version=1, claims={"tid": _OTHER_TENANT}),
    call("tenant", "left out", _TENANT, claims={"tid": None}),
    call("tenant", "a list with ours in it", _TENANT, claims={"tid": [TENANT_ID]}),
    call("audience", "another app", _AUDIENCE, claims={"aud": _OTHER_APP}),
    call("audience", "another app, first form", _AUDIENCE, version=1, claims={"aud": f"api://{_OTHER_APP}"}),
    call("audience", "Microsoft Graph", _AUDIENCE, claims={"aud": _GRAPH}),
    call("audience", "ours, and more", _AUDIENCE, claims={"aud": f"{API_URI}/more"}),
    call("audience", "a list with ours in it", _AUDIENCE, claims={"aud": [CLIENT_ID, _OTHER_APP]}),
    call("audience", "empty", _AUDIENCE, claims={"aud": ""}),
    call("audience", "left out", _AUDIENCE, claims={"aud": None}),
    call("time", "expired for 60 s", "401 expired at 2026-03-01T11:59:00Z", lifetime_s=-60, claims={"iat": 0}),
    call("time", "expired long ago", "401 expired at 2001-09-09T01:46:40Z", claims={"exp": 1_000_000_000, "iat": 0}),
    call("time", "valid in 61 s", "401 not valid before 2026-03-01T12:01:01Z", claims={"nbf": _NOW + 61}),
    call("time", "issued in 61 s", "401 issued in the future", claims={"iat": _NOW + 61}),
    call("time", "issued after it expires", "401 expired before it was issued", claims={"exp": _NOW - 30}),
    call("time", "never expires", "401 usable time: exp", claims={"exp": None}),
    call("time", "an expiry in words", "401 usable time: exp", claims={"exp": "tomorrow"}),
    call("time", "an expiry in digits", "401 usable time: exp", claims={"exp": str(_NOW + 3600)}),
    call("time", "an expiry beyond all calendars", "401 usable time: exp", claims={"exp": 10**30}),
    call("time", "an expiry that is true", "401 usable time: exp", claims={"exp": True}),
    call("time", "no times at all", "401 usable time: exp, nbf, iat", claims={"exp": None, "nbf": None, "iat": -1}),
)
