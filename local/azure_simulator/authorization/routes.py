"""`GET {scope}/providers/Microsoft.Authorization/permissions`: what the caller may do there.

There is one role, which gives everything but what `/_control/permissions` took away, on every scope alike.
https://learn.microsoft.com/rest/api/authorization/permissions/list-for-resource
"""

import re

from aiohttp import web

from local.azure_simulator.api import Audience, Call, Route
from local.azure_simulator.arm.routes import SUBSCRIPTION
from local.azure_simulator.faults import Api

# The one kind of data that the simulated sites have.
DATA = "microsoft.appconfiguration/configurationstores/keyvalues/"


async def list_permissions(call: Call) -> web.Response:
    denied = call.simulation.denied_actions
    of_data = [action for action in denied if action.casefold().startswith(DATA)]
    role = {
        "actions": ["*"],
        "notActions": [action for action in denied if action not in of_data],
        "dataActions": ["*"],
        "notDataActions": of_data,
    }
    return web.json_response({"value": [role]})


AUTHORIZATION_ROUTES = [
    Route(
        "GET",
        re.compile(rf"{SUBSCRIPTION}/.+/providers/Microsoft\.Authorization/permissions", re.IGNORECASE),
        list_permissions,
        Api.PERMISSIONS,
        Audience.ARM,
        "Microsoft.Authorization/permissions/read",
    )
]
