"""Error answers, in the two shapes that clients meet: ARM's own and the older one of App Service.

The texts are the platform's, as public issue reports quote them; a client that matches on them is tested here.
"""

import uuid
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from local.azure_simulator.identity import CLIENT_ID, PRINCIPAL_ID
from local.azure_simulator.operations import Operation
from local.azure_simulator.simulation import Simulation
from local.azure_simulator.sites import Site, Slot

PREPARED_FOR_SWAP = "The slot cannot be changed because its configuration settings have been prepared for swap."


def arm_error(status: int, code: str, message: str, headers: dict[str, str] | None = None) -> web.Response:
    return web.json_response({"error": {"code": code, "message": message}}, status=status, headers=headers)


def app_service_error(status: int, code: str, message: str, extended_code: str = "01001") -> web.Response:
    entity = {
        "ExtendedCode": extended_code,
        "MessageTemplate": message,
        "Parameters": [],
        "Code": code,
        "Message": message,
    }
    body: dict[str, Any] = {
        "Code": code,
        "Message": message,
        "Target": None,
        "Details": [{"Message": message}, {"Code": code}, {"ErrorEntity": entity}],
        "Innererror": None,
    }
    return web.json_response(body, status=status)


def in_progress(simulation: Simulation, site: Site, slot: Slot) -> web.Response:
    """409 while an operation runs; a fault may say so without one."""
    operation = site.operation or Operation(site.name, slot.name, site.production.name, datetime.now(UTC))
    config = simulation.config
    created = operation.started_at.strftime("%-m/%-d/%Y %-I:%M:%S %p")
    details = (
        f"Id: {operation.id}, OperationName: {operation.name}, CreatedTime: {created}, "
        f"WebSystemName: websites, SubscriptionName: {config.subscription_id}, "
        f"WebspaceName: {config.resource_group}-{config.location}webspace, SiteName: {site.name}, "
        f"SlotName: {operation.source}, ServerFarmName: , GeoOperationId: (null)"
    )
    message = f"Cannot modify this site because another operation is in progress. Details: {details}"
    return app_service_error(409, "Conflict", message, "59203")


def prepared_for_swap() -> web.Response:
    return app_service_error(409, "Conflict", PREPARED_FOR_SWAP, "04051")


def already_prepared(source: str, target: str) -> web.Response:
    message = (
        f"Cannot apply configuration from slot '{target}' because this slot has already been prepared "
        f"for swap with slot '{source}'."
    )
    return app_service_error(409, "Conflict", message, "04052")


def authorization_failed(action: str, scope: str) -> web.Response:
    message = (
        f"The client '{CLIENT_ID}' with object id '{PRINCIPAL_ID}' does not have authorization to perform "
        f"action '{action}' over scope '{scope}' or the scope is invalid. If access was recently granted, "
        "please refresh your credentials."
    )
    return arm_error(403, "AuthorizationFailed", message)


def too_many_requests(kind: str, subscription_id: str, retry_after_s: int) -> web.Response:
    message = (
        f"Number of '{kind}' requests for subscription '{subscription_id}' actor '{PRINCIPAL_ID}' exceeded. "
        f"Please try again after '{retry_after_s}' seconds after additional tokens are available. "
        "Refer to https://aka.ms/arm-throttling for additional information."
    )
    headers = {"Retry-After": str(retry_after_s), f"x-ms-ratelimit-remaining-subscription-{kind}s": "0"}
    return arm_error(429, "SubscriptionRequestsThrottled", message, headers)


def missing_api_version(path: str) -> web.Response:
    message = (
        "The api-version query parameter (?api-version=) is required for all requests. "
        f"The request was for '{path}' (correlation {uuid.uuid4()})."
    )
    return arm_error(400, "MissingApiVersionParameter", message)


def unauthorized(code: str, message: str) -> web.Response:
    challenge = f'Bearer authorization_uri="https://login.microsoftonline.com", error="{code}"'
    return arm_error(401, code, message, {"WWW-Authenticate": challenge})


def resource_not_found(resource: str, group: str) -> web.Response:
    message = (
        f"The Resource '{resource}' under resource group '{group}' was not found. "
        "For more details please go to https://aka.ms/ARMResourceNotFoundFix"
    )
    return arm_error(404, "ResourceNotFound", message)
