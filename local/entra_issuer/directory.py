"""The tenant: its ids, the app's registration, and who is in it, each with the app roles that were assigned."""

from collections.abc import Mapping
from dataclasses import dataclass

TENANT_ID = "3f1c5a70-4d0e-4b8e-9a55-0c9d5e7a1b20"
CLIENT_ID = "8a0e6a3e-52a4-4f0c-8f0a-9b1d2c3e4f50"
API_URI = f"api://{CLIENT_ID}"
CONSUMER_TENANT_ID = "9188040d-6c67-4c5b-b112-36a304b66dad"  # where Microsoft keeps personal accounts
ACTION_GROUP_APP_ID = "461e8683-5575-4561-ac7f-899cc907d62a"

_SIGN_IN_APP_ID = "5b7e9d10-66a1-4c55-9d52-7c1f0a8b3e60"
_PIPELINE_APP_ID = "c2d4e6f8-1a3b-4c5d-8e7f-9a0b1c2d3e70"


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Somebody who can sign in: a person, by way of an app, or an app by itself.

    Attributes:
        client_id: The app that asks for the token.
        user_name: Empty for an app.
    """

    object_id: str
    roles: tuple[str, ...]
    client_id: str = _SIGN_IN_APP_ID
    user_name: str = ""
    name: str = ""


PRINCIPALS: Mapping[str, Principal] = {
    "vera": Principal(
        object_id="10000000-0000-4000-8000-000000000001",
        roles=("Viewer",),
        user_name="vera@rig.example",
        name="Vera Viewer",
    ),
    "otto": Principal(
        object_id="10000000-0000-4000-8000-000000000002",
        roles=("Viewer", "Operator"),
        user_name="otto@rig.example",
        name="Otto Operator",
    ),
    "anna": Principal(
        object_id="10000000-0000-4000-8000-000000000003",
        roles=("Viewer", "Approver"),
        user_name="anna@rig.example",
        name="Anna Approver",
    ),
    "arno": Principal(
        object_id="10000000-0000-4000-8000-000000000004",
        roles=("Viewer", "Operator", "Approver"),
        user_name="arno@rig.example",
        name="Arno Approver",
    ),
    "nils": Principal(
        object_id="10000000-0000-4000-8000-000000000005",
        roles=(),
        user_name="nils@rig.example",
        name="Nils Nobody",
    ),
    "pipeline": Principal(
        object_id="20000000-0000-4000-8000-000000000001",
        roles=("Viewer", "Operator"),
        client_id=_PIPELINE_APP_ID,
    ),
    "action_group": Principal(
        object_id="20000000-0000-4000-8000-000000000002",
        roles=("ActionGroupsSecureWebhook",),
        client_id=ACTION_GROUP_APP_ID,
    ),
}
