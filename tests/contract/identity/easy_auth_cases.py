"""The header that Easy Auth sets: worth nothing unless it is on, and nothing beside a token."""

from collections.abc import Mapping
from typing import Any

from local.entra_issuer.directory import PRINCIPALS, TENANT_ID
from shared.model.caller import Role
from tests.contract.identity.case import Case, Presenting, call

_OBJECT_ID = "http://schemas.microsoft.com/identity/claims/objectidentifier"
_TENANT = "http://schemas.microsoft.com/identity/claims/tenantid"
_ROLE = "http://schemas.microsoft.com/ws/2008/06/identity/claims/role"
_ARNO, _OTHER = PRINCIPALS["arno"].object_id, "99999999-0c9d-4b8e-9a55-0c9d5e7a1b20"


def _principal(*claims: tuple[str, Any], provider: str = "aad") -> Mapping[str, Any]:
    said = [{"typ": kind, "val": value} for kind, value in claims]
    return {"auth_typ": provider, "name_typ": "name", "role_typ": "roles", "claims": said}


_OF_ARNO = _principal((_TENANT, TENANT_ID), (_OBJECT_ID, _ARNO), ("roles", "Viewer"), (_ROLE, "Operator"))
_ELSEWHERE, _NOBODY = "401 principal is of another tenant", "401 principal names nobody"
_UNREADABLE, _NOT_ENTRA = "401 principal cannot be read", "401 not one of Entra ID"


def _without_token(_: str) -> str:
    return ""


def _on(name: str, expected: str, principal: Mapping[str, Any] | str, **more: Any) -> Case:
    header: Presenting = more.pop("header", _without_token)
    return call("Easy Auth on", name, expected, easy_auth=True, principal=principal, header=header, **more)


def _off(name: str, expected: str, **more: Any) -> Case:
    return call("Easy Auth off", name, expected, principal=_OF_ARNO, **more)


CASES: tuple[Case, ...] = (
    _off("a principal alone", "401 expected a bearer token", header=_without_token),
    _off("a principal beside a good token", "200 viewer"),
    _off("a principal beside an expired token", "401 expired", lifetime_s=-3600, claims={"iat": 0}),
    _on("a principal alone", "200 viewer+operator", _OF_ARNO, needs=Role.OPERATOR),
    _on(
        "short names of claims",
        "200 approver",
        _principal(("tid", TENANT_ID), ("oid", _ARNO), ("roles", "Approver")),
        needs=Role.APPROVER,
    ),
    _on("neither principal nor token", "401 expected a bearer token", ""),
    _on("beside a good token of somebody else", "200 viewer", _OF_ARNO, header=lambda token: f"Bearer {token}"),
    _on(
        "beside an expired token",
        "401 expired",
        _OF_ARNO,
        header=lambda token: f"Bearer {token}",
        lifetime_s=-3600,
        claims={"iat": 0},
    ),
    _on("beside what is no token", "401 expected a bearer token", _OF_ARNO, header=lambda _: "Basic b3R0bzpvdHRv"),
    _on("another tenant", _ELSEWHERE, _principal((_TENANT, _OTHER), (_OBJECT_ID, _ARNO), ("roles", "Viewer"))),
    _on("no tenant", _ELSEWHERE, _principal((_OBJECT_ID, _ARNO), ("roles", "Viewer"))),
    _on("two tenants", _ELSEWHERE, _principal((_TENANT, TENANT_ID), ("tid", _OTHER), (_OBJECT_ID, _ARNO))),
    _on("nobody", _NOBODY, _principal((_TENANT, TENANT_ID), ("roles", "Viewer"))),
    _on("two people", _NOBODY, _principal((_TENANT, TENANT_ID), (_OBJECT_ID, _ARNO), ("oid", _OTHER))),
    _on("somebody who is no GUID", _NOBODY, _principal((_TENANT, TENANT_ID), (_OBJECT_ID, "root"))),
    _on("without any role", "403 is not viewer", _principal((_TENANT, TENANT_ID), (_OBJECT_ID, _ARNO))),
    _on(
        "the role of action groups",
        "403",
        needs=Role.ALERT_SENDER,
        principal=_principal((_TENANT, TENANT_ID), (_OBJECT_ID, _ARNO), ("roles", "ActionGroupsSecureWebhook")),
    ),
    _on("signed in elsewhere", _NOT_ENTRA, _principal((_TENANT, TENANT_ID), (_OBJECT_ID, _ARNO), provider="github")),
    _on("claims that are no list", _NOT_ENTRA, {"auth_typ": "aad", "claims": {"oid": _ARNO}}),
    _on("claims that are no claims", _ELSEWHERE, {"auth_typ": "aad", "claims": [None, 7, "tid", {"typ": []}]}),
    _on("a value that is no text", _ELSEWHERE, _principal((_TENANT, [TENANT_ID]), (_OBJECT_ID, _ARNO))),
    _on("not in base64", _UNREADABLE, "%%%"),
    _on("no JSON", _UNREADABLE, "AAAA"),
    _on("a list", _UNREADABLE, "W10="),
    _on("nested deeply", _UNREADABLE, "W1tb" * 8000),
    _on("longer than 32 KiB", "401 principal is longer than 32 KiB", _principal(("groups", "x" * 32_768))),
)
