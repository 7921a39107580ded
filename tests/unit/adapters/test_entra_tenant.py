"""Settings by which nobody, or anybody, would be recognised are refused before the first call."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.adapters.entra import ACTION_GROUP_APP_ID, PUBLIC_AUTHORITY, EntraIdentities
from shared.adapters.entra.tenant import Tenant, guid
from shared.errors import SettingsError

_ID = "3f1c5a70-4d0e-4b8e-9a55-0c9d5e7a1b20"


def tenant(**changes: Any) -> Tenant:
    usual: dict[str, Any] = {
        "tenant_id": _ID,
        "audiences": ("api://app",),
        "authority": PUBLIC_AUTHORITY,
        "action_group_app_id": ACTION_GROUP_APP_ID,
    }
    return Tenant.checked(**(usual | changes))


def test_both_forms_of_issuer_and_where_the_keys_are() -> None:
    assert tenant().client_claims == {
        f"https://login.microsoftonline.com/{_ID}/v2.0": "azp",
        f"https://sts.windows.net/{_ID}/": "appid",
    }
    assert tenant().keys_url == f"https://login.microsoftonline.com/{_ID}/discovery/v2.0/keys"


def test_spelling_does_not_matter() -> None:
    assert tenant(tenant_id=_ID.upper(), authority=f"{PUBLIC_AUTHORITY}/") == tenant()


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"tenant_id": ""}, "tenant"),
        ({"tenant_id": "common"}, "tenant"),
        ({"tenant_id": "contoso.onmicrosoft.com"}, "tenant"),
        ({"tenant_id": f"{_ID}/.."}, "tenant"),
        ({"tenant_id": f"{_ID}\n"}, "tenant"),
        ({"audiences": ()}, "audience"),
        ({"audiences": ("api://app", "")}, "audience"),
        ({"action_group_app_id": ""}, "action groups"),
        ({"authority": ""}, "authority"),
        ({"authority": "login.microsoftonline.com"}, "authority"),
        ({"authority": "http://login.microsoftonline.com"}, "authority"),
        ({"authority": "http://127.0.0.1.example"}, "authority"),
        ({"authority": "http://localhost@login.example"}, "authority"),
        ({"authority": "https://login.microsoftonline.com/common"}, "authority"),
        ({"authority": "https://[::1"}, "authority"),
        ({"authority": "file:///etc/keys"}, "authority"),
    ],
    ids=str,
)
def test_what_cannot_be_used_is_named(changes: dict[str, Any], why: str) -> None:
    with pytest.raises(SettingsError, match=why):
        tenant(**changes)


@pytest.mark.parametrize("authority", ["http://127.0.0.1:7071", "http://localhost", "https://login.microsoftonline.us"])
def test_other_authorities(authority: str) -> None:
    assert tenant(authority=authority).authority == authority


def test_identities_refuse_the_same() -> None:
    with pytest.raises(SettingsError):
        EntraIdentities(tenant_id="common", audiences=("api://app",))


@given(value=st.uuids().map(str))
def test_a_guid_has_one_spelling(value: str) -> None:
    assert guid(value) == guid(value.upper()) == value


@given(value=st.none() | st.integers() | st.lists(st.text()) | st.text(max_size=40))
def test_nothing_else_is_a_guid(value: object) -> None:
    assert guid(value) is None
