"""`GET /msi/token`: what `IDENTITY_ENDPOINT` points at inside App Service."""

import hmac
import re

from aiohttp import web

from local.azure_simulator.api import Audience, Call, Route
from local.azure_simulator.faults import Api

TOKEN_PATH = "/msi/token"  # noqa: S105 - a path
API_VERSION = "2019-08-01"


async def get_token(call: Call) -> web.Response:
    tokens, query = call.simulation.tokens, call.request.query
    secret = call.request.headers.get("X-IDENTITY-HEADER", "")
    if not hmac.compare_digest(secret, tokens.header_secret):
        return _refusal(401, "The X-IDENTITY-HEADER does not match.")
    if query.get("api-version") != API_VERSION:
        return _refusal(400, f"The api-version must be {API_VERSION}.")
    if not query.get("resource"):
        return _refusal(400, "The parameter resource is required.")
    grant = tokens.issue(query["resource"], call.simulation.timings.token_lifetime_s)
    return web.json_response(grant)


def _refusal(status: int, message: str) -> web.Response:
    return web.json_response({"statusCode": status, "message": message}, status=status)


TOKEN_ROUTES = [Route("GET", re.compile(TOKEN_PATH), get_token, Api.TOKEN, Audience.NOBODY)]
